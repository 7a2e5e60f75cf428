"""A run by its folder, its id or its date: its tables, and its study with the files it was run on."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from servicecircle.errors import InputError
from servicecircle.history.objects import put_back
from servicecircle.history.places import database_of, objects_of
from servicecircle.history.record import frame_of, gaps_of
from servicecircle.history.schema import inputs, runs
from servicecircle.history.sources import anchored, from_databases, parts_of, sources_of, with_sources
from servicecircle.history.store import opened
from servicecircle.outputs.manifest import MANIFEST
from servicecircle.outputs.reading import RunFrames, read_run
from servicecircle.sources.files import digest
from servicecircle.study import Study

if TYPE_CHECKING:
    from collections.abc import Mapping

    from servicecircle.history.gaps import Cells
    from servicecircle.history.store import Store

_UP = 4
"""Folders above an output folder that are searched for its study file."""


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """
    A run to compare.

    Parameters
    ----------
    run_id
        In the history; '' for a folder.
    frames
        Its tables; gaps with `stable_id`.
    cells
        The cells of each gap.
    study
        Its study with all files in place; None where they are gone.
    why_not
        Message code of why `study` is None; ''.
    lost
        The file it is about.
    """

    run_id: str
    frames: RunFrames
    cells: list[Cells]
    study: Study | None
    why_not: str = ""
    lost: str = ""


def find_run(named: str, *, study: Study | None, scratch: Path) -> Kept:
    """
    Return the run that a folder, an id, a date of data or `latest` names.

    Parameters
    ----------
    study
        Whose history is searched; a folder may do without.
    scratch
        Where input files are put that the history kept.

    Raises
    ------
    InputError
        There is no such run.
    """
    folder = Path(named)
    if (folder / MANIFEST).is_file():
        return _from_folder(folder.resolve(), study, scratch)
    if study is None:
        raise InputError("history.no_study", where=named)
    with opened(study) as store:
        return _from_history(store, study, _run_of(store, named, str(database_of(study))), scratch)


def _run_of(store: Store, named: str, where: str) -> str:
    """Return the id of the newest run that a name fits: an id or its beginning, a date, `latest`."""
    for row in store.runs():
        run_id, as_of, started = str(row["run_id"]), str(row["as_of"]), str(row["started_at"])
        if named == "latest" or run_id.startswith(named) or named == as_of or started.startswith(named):
            return run_id
    raise InputError("history.unknown_run", where=where, run=named)


def frames_of(store: Store, run_id: str) -> RunFrames:
    """Return the tables of a recorded run."""
    query = select(runs.c.manifest).where(runs.c.run_id == run_id)
    manifest: dict[str, Any] = store.connection.execute(query).scalar_one()
    zones, verdicts, facilities, findings = (
        frame_of(store, name, run_id) for name in ("zones", "verdicts", "facilities", "findings")
    )
    return RunFrames(manifest, zones, verdicts, gaps_of(store, run_id)[0], facilities, findings)


def _from_history(store: Store, study: Study, run_id: str, scratch: Path) -> Kept:
    frames = frames_of(store, run_id)
    found, code, lost = _restored(store, study, run_id, frames.manifest, scratch)
    return Kept(run_id, frames, gaps_of(store, run_id)[1], found, code, lost)


def _restored(
    store: Store, study: Study, run_id: str, manifest: Mapping[str, Any], scratch: Path
) -> tuple[Study | None, str, str]:
    """Return a recorded run's study with its files put back, or why that cannot be."""
    query = select(inputs).where(inputs.c.run_id == run_id).order_by(inputs.c.position)
    listed = list(store.connection.execute(query).mappings())
    places: dict[tuple[str, str], str] = {}
    folder = scratch / run_id
    for number, key in enumerate(dict.fromkeys((row["role"], row["source"]) for row in listed)):
        parts = [row for row in listed if (row["role"], row["source"]) == key]
        for row in parts:
            place = folder / str(number) / row["part"]
            if not row["kept"] or not put_back(row["sha256"], objects_of(study), place):
                return None, "history.inputs_gone", row["part"]
        places[key] = str(folder / str(number) / Path(key[1]).name)
    try:
        was = study_of(manifest, study.path)
    except (ValueError, LookupError, TypeError):
        return None, "history.inputs_gone", study.path.name
    if from_databases(was):
        return None, "history.from_database", study.path.name
    # a group may be a column where its file is not in place: what was kept says which it is
    groups = {
        group: places.get((f"people.{group}", source), source) for group, source in was.people.groups.items()
    }
    was = was.model_copy(update={"people": was.people.model_copy(update={"groups": groups})})
    lost = [
        source for role, source in sources_of(was) if (role, source) not in places and "people." not in role
    ]
    if lost:
        return None, "history.inputs_gone", lost[0]
    return with_sources(was, lambda role, source: places.get((role, source), source)), "", ""


def _from_folder(folder: Path, study: Study | None, scratch: Path) -> Kept:
    from servicecircle.history.gaps import places_of_gaps

    run = read_run(folder)
    as_of = run.manifest["study"]["as_of"]
    gaps = run.gaps.assign(stable_id=[f"{gap}@{as_of}" for gap in run.gaps["gap_id"]])
    frames = replace(run, gaps=gaps)
    found, code, lost = _study_beside(folder, run.manifest, study, scratch)
    return Kept("", frames, places_of_gaps(gaps, folder), found, code, lost)


def _study_beside(
    folder: Path, manifest: Mapping[str, Any], study: Study | None, scratch: Path
) -> tuple[Study | None, str, str]:
    """Return the study of a written run: as its files stand, or as the history kept them."""
    code, lost = "history.study_gone", str(folder)
    for near in [study] if study else _studies_above(folder, str(manifest["study"]["id"])):
        try:
            was = study_of(manifest, near.path)
        except (ValueError, LookupError, TypeError):
            continue
        changed = _changed(was, manifest)
        if not changed:
            return anchored(was), "", ""
        code, lost = ("history.from_database" if from_databases(was) else "history.inputs_gone"), changed
        try:
            with opened(near) as store:
                for row in store.runs():
                    if row["started_at"] == manifest["started_at"]:
                        return _restored(store, near, str(row["run_id"]), manifest, scratch)
        except (InputError, OSError):
            continue
    return None, code, lost


def study_of(manifest: Mapping[str, Any], path: Path) -> Study:
    """Return the study as a manifest holds its text, with the file's place to start relative paths from."""
    text = str(manifest["study_text"])
    found = Study.model_validate({**tomllib.loads(text), "path": path, "text": text, "online": False})
    return found.in_language("en" if manifest["study"]["language"] == "en" else "zh")


def _changed(study: Study, manifest: Mapping[str, Any]) -> str:
    """Return the first input that is not as it was read; ''."""
    if from_databases(study):
        return study.path.name
    as_read = {(entry["name"], entry["sha256"]) for entry in manifest["inputs"]}
    for role, source in sources_of(study):
        path = study.locate(source)
        if not path.is_file():
            return source
        if not role.startswith("rules.") and (path.name, digest(parts_of(path)[0])) not in as_read:
            return source
    return ""


def _studies_above(folder: Path, study_id: str) -> list[Study]:
    found = []
    for above in list(folder.parents)[:_UP]:
        for path in sorted(above.glob("*.toml")):
            try:
                near = Study.from_file(path)
            except InputError:
                continue
            if near.id == study_id:
                found.append(near)
    return found
