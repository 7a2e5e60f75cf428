"""Whether anything has changed: one digest of all that a scheduled run is made from."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import TYPE_CHECKING

from servicecircle.history.fingerprint import fingerprint
from servicecircle.history.sources import digests_of, from_databases
from servicecircle.sources.files import digest

if TYPE_CHECKING:
    from servicecircle.study import Study


def mark_of(study: Study, *, as_of: dt.date | None = None) -> str:
    """
    Return the SHA-256 of inputs, rules, date, program, and of how reports and maps are to look.

    Imports no heavy library. '' where a study reads tables of a database: those may always have changed.

    Parameters
    ----------
    as_of
        The date of the data; None: the study's, or today, by which deadlines are judged.
    """
    if from_databases(study):
        return ""
    day = as_of or study.study.as_of or dt.datetime.now(dt.UTC).astimezone().date()
    style = study.locate(study.report.style) if study.report.style else None
    made_from = [
        fingerprint(study, digests_of(study), day),
        study.report.model_dump(mode="json"),
        study.output.model_dump(mode="json"),
        digest(style) if style and style.is_file() else "",
    ]
    return hashlib.sha256(json.dumps(made_from, sort_keys=True, default=str).encode("utf-8")).hexdigest()
