"""A run is remembered: its figures in the database, its input files as copies, its gaps under lasting ids."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sqlalchemy import delete, select, update

from servicecircle.errors import InputError
from servicecircle.history.fingerprint import fingerprint
from servicecircle.history.gaps import cells_of, follow, packed, places_of_gaps, unpacked, with_stable_ids
from servicecircle.history.objects import keep, prune
from servicecircle.history.places import database_of, objects_of, policy_of
from servicecircle.history.schema import TABLES, inputs, runs
from servicecircle.history.sources import digests_of, parts_of, sources_of
from servicecircle.history.store import opened, set_aside
from servicecircle.outputs.cells import plain_value
from servicecircle.outputs.reading import read_run
from servicecircle.program import code_version

if TYPE_CHECKING:
    from sqlalchemy import Table

    from servicecircle.history.gaps import Cells
    from servicecircle.history.store import Store
    from servicecircle.outputs.reading import RunFrames
    from servicecircle.study import Study

_CHUNK = 20_000


@dataclass(frozen=True, slots=True)
class Recorded:
    """
    What recording a run did.

    Parameters
    ----------
    run_id
        Of this run, or of the one before that found the same from the same.
    new
        Whether it is a run of its own.
    bytes_kept
        What the copies of input files take up in all.
    mended
        Where a broken database was set aside.
    """

    run_id: str
    new: bool
    bytes_kept: int
    mended: Path | None = None


def record(folder: Path, study: Study) -> Recorded:
    """
    Remember a written run.

    A run that the newest one equals, by inputs, rules, date and program, is not kept twice. Inputs that have
    changed since the run started are not kept as its own.

    Parameters
    ----------
    folder
        The run's output folder.
    study
        The study that was run, its files in place.

    Raises
    ------
    InputError
        The folder holds no run, or the history was made by a newer program.
    OutputError
        The database is held by another program, or the disk is full. The run's output is not touched.
    """
    try:
        return _recorded(folder, study)
    except InputError as error:
        place = database_of(study)
        if error.code != "history.broken" or not isinstance(place, Path):
            raise
        aside = set_aside(place)
    return replace(_recorded(folder, study), mended=aside)


def _recorded(folder: Path, study: Study) -> Recorded:
    run = read_run(folder)
    as_of = dt.date.fromisoformat(run.manifest["study"]["as_of"])
    mark = fingerprint(study, digests_of(study), as_of)
    run_id = _run_id(run.manifest["started_at"], mark)
    with opened(study, writing=True) as store:
        known = store.runs()
        again = known[0]["run_id"] if known and known[0]["fingerprint"] == mark else None
        again = again or next((row["run_id"] for row in known if row["run_id"] == run_id), None)
        if again is None:
            _write(store, run, run_id, mark, places_of_gaps(run.gaps, folder))
            _keep_inputs(store, study, run, run_id)
        _forget(store, study)
        needed = _needed(store)
    # once it is certain which runs there are
    return Recorded(again or run_id, again is None, prune(objects_of(study), needed), store.mended)


def _run_id(started_at: str, mark: str) -> str:
    stamp = dt.datetime.fromisoformat(started_at).astimezone(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"{stamp}-{mark[:8]}"


def _write(store: Store, run: RunFrames, run_id: str, mark: str, cells: list[Cells]) -> None:
    manifest = run.manifest
    row = {
        "run_id": run_id, "study_id": store.study_id, "fingerprint": mark,
        "started_at": manifest["started_at"], "as_of": manifest["study"]["as_of"],
        "program": code_version(), "manifest": manifest,
    }  # fmt: skip
    before = store.last_run()
    store.connection.execute(runs.insert().values(row))
    old, old_cells = gaps_of(store, before[0]) if before else (run.gaps.iloc[:0].assign(stable_id=""), [])
    followed = follow(old, old_cells, run.gaps, cells)
    gaps = with_stable_ids(run.gaps, followed, as_of=manifest["study"]["as_of"])
    frames = {name: getattr(run, name) for name in TABLES}
    frames["gaps"] = gaps.assign(places=[packed(c) for c in cells])
    for name, table in TABLES.items():
        _insert(store, table, frames[name], run_id)


def _insert(store: Store, table: Table, frame: pd.DataFrame, run_id: str) -> None:
    own = [c.name for c in table.columns if c.name in frame.columns]
    others = [str(c) for c in frame.columns if c not in own]
    plain = {str(c): [_cell(v) for v in frame[c].astype(object)] for c in frame.columns}
    for start in range(0, len(frame), _CHUNK):
        rows = [
            {
                "run_id": run_id, "position": i, **{c: plain[c][i] for c in own},
                "others": {c: plain[c][i] for c in others},
            }
            for i in range(start, min(start + _CHUNK, len(frame)))
        ]  # fmt: skip
        store.connection.execute(table.insert(), rows)


def _cell(value: Any) -> Any:
    if isinstance(value, bytes):
        return value
    plain = plain_value(value)
    return plain.replace("\0", "") if isinstance(plain, str) else plain


def gaps_of(store: Store, run_id: str) -> tuple[pd.DataFrame, list[Cells]]:
    """Return the gaps of a recorded run and the cells of each."""
    gaps = frame_of(store, "gaps", run_id)
    cells = [unpacked(content) for content in gaps.pop("places")]
    labels = gaps[["lon", "lat"]].to_numpy(float)
    filled = [c if len(c) else cells_of(labels[i, :1], labels[i, 1:]) for i, c in enumerate(cells)]
    return gaps, filled


def frame_of(store: Store, name: str, run_id: str) -> pd.DataFrame:
    """Return a table of a recorded run as it was written, its own columns first."""
    table = TABLES[name]
    query = select(table).where(table.c.run_id == run_id).order_by(table.c.position)
    rows = [dict(row) for row in store.connection.execute(query).mappings()]
    plain = [{**{k: v for k, v in row.items() if k not in {"run_id", "position", "others"}}, **row["others"]}
             for row in rows]  # fmt: skip
    own = [c.name for c in table.columns if c.name not in {"run_id", "position", "others"}]
    frame = pd.DataFrame(plain, columns=None if plain else own)
    for column in frame.columns:
        if column == "places":
            continue
        if _is_text(table, str(column), frame[column]):
            frame[column] = frame[column].fillna("").astype(object)
        elif not frame[column].map(lambda v: isinstance(v, bool)).all():
            frame[column] = pd.to_numeric(frame[column]).astype("float64")
    return frame


def _is_text(table: Table, column: str, cells: pd.Series[Any]) -> bool:
    if column in table.c:
        return not np.issubdtype(np.dtype(table.c[column].type.python_type), np.number)
    return bool(cells.map(lambda v: isinstance(v, str)).any())


def _keep_inputs(store: Store, study: Study, run: RunFrames, run_id: str) -> None:
    """
    Copy the inputs of a run, each part of each; what has changed since the run began is listed only.

    A public edition does not tell what it read: its inputs are taken as they are.
    """
    told = run.manifest.get("inputs")
    as_read = {(entry["name"], entry["sha256"]) for entry in told or ()}
    objects, policy = objects_of(study), policy_of(study)
    digests = digests_of(study)
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    for role, source in sources_of(study):
        path = study.locate(source)
        if not path.is_file():
            continue
        unread = role.startswith("rules.")  # profiles are no inputs in the manifest
        same = unread or told is None or (path.name, digests[role, source]) in as_read
        for part in parts_of(path):
            kept = same and policy.keep_inputs > 0
            sha256 = keep(part, objects) if kept else ""
            rows[role, source, part.name] = {
                "run_id": run_id, "position": len(rows), "role": role, "source": source, "part": part.name,
                "sha256": sha256, "bytes": part.stat().st_size, "kept": int(kept),
            }  # fmt: skip
    if rows:
        store.connection.execute(inputs.insert(), list(rows.values()))


def _forget(store: Store, study: Study) -> None:
    """Apply the policy: the newest runs stay, and of the newest of these the input files."""
    policy = policy_of(study)
    ids = [row["run_id"] for row in store.runs()]
    for run_id in ids[policy.keep_runs :]:
        for table in (*TABLES.values(), inputs, runs):
            store.connection.execute(delete(table).where(table.c.run_id == run_id))
    for run_id in ids[policy.keep_inputs : policy.keep_runs]:
        store.connection.execute(update(inputs).where(inputs.c.run_id == run_id).values(kept=0))


def _needed(store: Store) -> set[str]:
    kept = select(inputs.c.sha256).join(runs, runs.c.run_id == inputs.c.run_id)
    query = kept.where(runs.c.study_id == store.study_id, inputs.c.kept == 1)
    return {row[0] for row in store.connection.execute(query)}
