"""What makes two runs the same: inputs, rules and the program, by digest; told without any heavy library."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import TYPE_CHECKING, Any

from servicecircle.database import Database
from servicecircle.history.places import database_of
from servicecircle.history.sources import digests_of, from_databases, with_sources
from servicecircle.program import code_version

if TYPE_CHECKING:
    from collections.abc import Mapping

    from servicecircle.study import Study

    Digests = Mapping[tuple[str, str], str]

FIELDS = ("boundaries", "people", "streets", "rules", "facilities", "mending")
"""What a change is put down to; `facilities` is told apart further: opened, closed, moved."""

_LAST = (
    "SELECT run_id, fingerprint FROM history_runs WHERE study_id = ? ORDER BY started_at DESC, run_id DESC"
)


def fingerprint(study: Study, digests: Digests, as_of: dt.date) -> str:
    """Return the SHA-256 of all that decides what a run finds: inputs by content, rules, date and program."""
    said = _by_content(study, digests).model_dump(
        mode="json", exclude={"history", "output", "report", "schedule"}
    )
    said["study"]["as_of"] = as_of.isoformat()
    said["edition"] = study.output.edition
    return _digest([said, code_version()])


def field_digests(study: Study, digests: Digests) -> dict[str, str]:
    """Return the digest of each field that a change may be put down to."""
    said = _by_content(study, digests).model_dump(mode="json")
    mended = [table.pop("corrections") for table in said["facilities"]]
    parts = {
        "boundaries": said["zones"],
        "people": said["people"],
        "streets": said["streets"],
        "rules": [said["rules"], said["study"]["crs"]],
        "facilities": said["facilities"],
        "mending": [mended, said["study"]["verified"]],
    }
    return {field: _digest(parts[field]) for field in FIELDS}


def unchanged(study: Study) -> str | None:
    """
    Return the id of the last run if nothing has changed since, else None.

    Reads the input files and one row of the history, and imports neither pandas nor SQLAlchemy for a history
    in a file. A study that reads database tables is never known to be unchanged. Neither is a study without
    `as_of` on another day: deadlines are judged by the date.
    """
    if from_databases(study):
        return None
    today = dt.datetime.now(dt.UTC).astimezone().date()
    last = _last_run(study)
    if last is None:
        return None
    run_id, known = last
    now = fingerprint(study, digests_of(study), study.study.as_of or today)
    return run_id if now == known else None


def _last_run(study: Study) -> tuple[str, str] | None:
    place = database_of(study)
    if isinstance(place, Database):
        from servicecircle.history.store import opened  # the driver of PostgreSQL is needed anyway

        with opened(study) as store:
            return store.last_run()
    if not place.is_file():
        return None
    import sqlite3
    from contextlib import closing

    try:
        with closing(sqlite3.connect(place.as_uri() + "?mode=ro", uri=True, timeout=1)) as connection:
            found = connection.execute(_LAST, [study.id]).fetchone()
    except sqlite3.Error:  # whatever is wrong with it, the run that follows will tell
        return None
    return (found[0], found[1]) if found else None


def _by_content(study: Study, digests: Digests) -> Study:
    return with_sources(study, lambda role, source: digests.get((role, source), ""))


def _digest(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", errors="replace")).hexdigest()
