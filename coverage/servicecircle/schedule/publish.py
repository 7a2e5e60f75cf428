"""Which run `latest` shows: decided by the states, so that whatever a crash left is brought to its end."""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from servicecircle.outputs.folder import atomic_folder, bring_over, recover
from servicecircle.outputs.lasting import make_lasting, to_disk
from servicecircle.outputs.manifest import MANIFEST
from servicecircle.schedule.states import FINISHED, PUBLISHED, Reports, State, serial

if TYPE_CHECKING:
    from collections.abc import Iterator

HELD_FOR = dt.timedelta(days=30)
"""How long a run that was held back waits for its approval."""

_FAILURES = 20
"""Failed runs that are remembered."""

_MEANWHILE = ".meanwhile"
"""Holds the copy that `latest` shows while the folder of its run is replaced."""

_LEFT = re.compile(r"\.(?P<name>.+?)\.(?:new|old)-[\w-]+")


def settle(reports: Reports, now: dt.datetime) -> State | None:
    """
    Bring what a killed process left to its end; return the run that `latest` shows only now, if any.

    Only who holds the lock may do so.

    Raises
    ------
    OutputError
        The folder may not be written, or a file of `latest` is held open.
    """
    _sweep(reports)
    for state in reports.states():
        _end(reports, state, now)
    shown = _show_newest(reports, now)
    on_show = showing(reports)
    for state in reports.states():
        older = on_show is not None and serial(state.run_id) < serial(on_show)
        if older and state.status in {"draft", "held"}:
            reports.save(state.model_copy(update={"status": "superseded"}))
    return shown


def showing(reports: Reports) -> str | None:
    """Return the id of the run that `latest` shows; None where there is none."""
    latest = reports.latest
    if latest.is_symlink():
        name = latest.readlink().name
        return name if reports.whole(name) else None
    try:
        told = (latest / MANIFEST).read_bytes()
    except OSError:
        return None
    for path in reports.runs.glob(f"*/{MANIFEST}"):
        if path.stat().st_size == len(told) and path.read_bytes() == told:
            return path.parent.name
    return None


def prune(reports: Reports, now: dt.datetime, *, keep: int) -> list[str]:
    """
    Remove what the policy does not keep, and return the ids.

    Parameters
    ----------
    keep
        Published runs besides the one that is shown.
    """
    on_show = showing(reports)
    others = [state for state in reports.states() if state.run_id != on_show]
    published = [s for s in others if s.published_at is not None]
    failed = [s for s in others if s.status == "failed"]
    waited = [s for s in others if s.published_at is None and s.status in {"held", "superseded"}]
    expired = [s for s in waited if now - (s.ended_at or s.started_at) > HELD_FOR]
    gone = [*published[keep:], *failed[_FAILURES:], *expired]
    for state in gone:
        shutil.rmtree(reports.folder(state.run_id), ignore_errors=True)
        if not reports.folder(state.run_id).exists():  # else a file is held open: the next run removes it
            reports.forget(state.run_id)
    return [state.run_id for state in gone]


def _sweep(reports: Reports) -> None:
    for folder in (reports.root, reports.runs):
        for path in folder.glob(".*.tmp-*"):
            with suppress(OSError):
                path.unlink()
    names = {found["name"] for p in reports.runs.glob(".*") if (found := _LEFT.fullmatch(p.name))}
    for name in sorted(names):
        recover(reports.folder(name))
    if reports.latest.is_symlink():
        _show_itself(reports)
    else:
        recover(reports.latest)


def _end(reports: Reports, state: State, now: dt.datetime) -> None:
    """End a run that was killed, and an approval that had rewritten the reports but said so nowhere else."""
    if state.status == "running":
        shutil.rmtree(reports.folder(state.run_id), ignore_errors=True)
        reports.save(state.model_copy(update={"status": "failed", "ended_at": now}))
    elif state.status in {"draft", "held"} and (signed := _signed(reports, state.run_id)):
        reports.save(approved(state, by=signed[0], on=signed[1]))


def approved(state: State, *, by: str, on: dt.date) -> State:
    """Return the state of a run once it is approved."""
    return state.model_copy(update={"status": "final", "approved_by": by, "approved_on": on})


def _signed(reports: Reports, run_id: str) -> tuple[str, dt.date] | None:
    """Return who approved a run by its own manifest, and when."""
    try:
        told = reports.manifest(run_id)["sign_off"]
        by = str(told["by"] or "")
        return (by, dt.date.fromisoformat(str(told["on"]))) if by else None
    except (LookupError, TypeError, ValueError):
        return None


def _show_newest(reports: Reports, now: dt.datetime) -> State | None:
    states = [s for s in reports.states() if s.status in PUBLISHED and reports.whole(s.run_id)]
    on_show = showing(reports)
    if states and (on_show is None or serial(on_show) < serial(states[0].run_id)):
        on_show = states[0].run_id
        _show(reports, on_show)
        to_disk(reports.root)
    state = next((s for s in states if s.run_id == on_show), None)
    if state is None or state.published_at is not None:
        return None
    state = state.model_copy(update={"published_at": now})
    reports.save(state)
    return state


def _show(reports: Reports, run_id: str) -> None:
    latest = reports.latest
    if latest.is_symlink() or not latest.exists():
        if _linked(reports, Path("runs") / run_id):
            return
        latest.unlink(missing_ok=True)  # links cannot be replaced here: a folder takes its place
    with atomic_folder(latest, run_id=f"{os.getpid()}-{uuid.uuid4().hex[:8]}") as new:
        folder = reports.folder(run_id)
        for path in sorted(folder.rglob("*")):
            if not path.is_dir():
                bring_over(path, new / path.relative_to(folder))
        make_lasting(new)


def _linked(reports: Reports, place: Path) -> bool:
    """Let a link show a folder, in one step; False where the system knows no such links."""
    if os.name == "nt":  # there they need a right, and none replaces another
        return False
    new = reports.root / f".latest.tmp-{os.getpid()}"
    try:
        new.unlink(missing_ok=True)
        new.symlink_to(place, target_is_directory=True)
    except OSError:
        return False
    new.replace(reports.latest)
    return True


@contextmanager
def shown_meanwhile(reports: Reports, run_id: str) -> Iterator[None]:
    """
    Let `latest` show a copy of a run while the folder of that run is replaced.

    Between the two renames that replace it the folder is not there, and a link to it would show nothing.
    """
    if not reports.latest.is_symlink() or showing(reports) != run_id:
        yield
        return
    folder, copy = reports.folder(run_id), reports.root / _MEANWHILE / run_id
    shutil.rmtree(copy.parent, ignore_errors=True)
    for path in sorted(folder.rglob("*")):
        if not path.is_dir():
            bring_over(path, copy / path.relative_to(folder))
    make_lasting(copy)
    _linked(reports, copy.relative_to(reports.root))
    to_disk(reports.root)
    try:
        yield
    finally:
        _show_itself(reports)


def _show_itself(reports: Reports) -> None:
    """Let `latest` show the folder of its run again, no copy of it."""
    shown = reports.latest.readlink()
    if shown.parts[:1] == (_MEANWHILE,) and reports.whole(shown.name):
        _linked(reports, Path("runs") / shown.name)
        to_disk(reports.root)
    if reports.latest.readlink().parts[:1] != (_MEANWHILE,):
        shutil.rmtree(reports.root / _MEANWHILE, ignore_errors=True)


def waiting(reports: Reports) -> list[State]:
    """Return held runs and drafts, newest first, none older than what is shown: those may be approved."""
    on_show = showing(reports)
    oldest = serial(on_show) if on_show else 0
    return [
        state
        for state in reports.states()
        if state.status in {"draft", "held"}
        and serial(state.run_id) >= oldest
        and reports.whole(state.run_id)
    ]


def last_finished(reports: Reports) -> State | None:
    """Return the newest run that was published or held back."""
    return next((s for s in reports.states() if s.status in FINISHED and reports.whole(s.run_id)), None)
