"""
An output folder that is written all or nothing.

The new output grows in a sibling, `.<name>.new-<run id>`. Two renames switch: the old one steps aside as
`.<name>.old-<run id>`, the new one takes its place. So whenever a process is killed, what is called `new` is
never needed, and what is called `old` is whole; the next start puts it back where nothing took its place.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from servicecircle.errors import OutputError
from servicecircle.outputs.lock import holder, try_lock
from servicecircle.outputs.manifest import MADE_BY, MANIFEST

if TYPE_CHECKING:
    from collections.abc import Iterator

_PAUSES_S = (0.1, 0.2, 0.4, 0.8)
"""Virus scanners and indexers hold fresh files for a moment: waits between tries to rename."""


@contextmanager
def atomic_folder(target: Path, *, run_id: str) -> Iterator[Path]:
    """
    Give an empty folder to write; put it in the target's place when the block ends well.

    The user's own files in the target, which are those its `run.json` does not list, are taken over. Whatever
    goes wrong, Ctrl-C included, the target stays as it was and the new folder is removed.

    Parameters
    ----------
    target
        The folder to replace, or to make.
    run_id
        Tells this run's folders from those of others.

    Raises
    ------
    OutputError
        The target is not ours, is held open or being written by another run, or nothing may be written there.
    """
    target = target.resolve()
    refuse_foreign(target)
    _make_parent(target)
    with try_lock(_lock_file(target)) as alone:
        if not alone:
            raise OutputError("output.busy", path=str(target), pid=holder(_lock_file(target)))
        _mend(target)
        refuse_foreign(target)
        tag = re.sub(r"[^\w-]+", "-", run_id)
        new = _sibling(target, f"new-{tag}")
        try:
            new.mkdir()
            yield new
            _take_over(target, new)
            _switch(target, new, aside=_sibling(target, f"old-{tag}"))
        except OutputError:
            raise
        except OSError as error:
            raise _explained(error, target, new) from error
        finally:
            shutil.rmtree(new, ignore_errors=True)


def recover(target: Path) -> None:
    """
    Mend what a killed run left beside the target: put the old output back, remove half-written folders.

    Leaves everything alone while another process is writing there.

    Raises
    ------
    OutputError
        The folder around the target may not be written.
    """
    target = target.resolve()
    if target.parent.is_dir():
        with try_lock(_lock_file(target)) as alone:
            if alone:
                _mend(target)


def refuse_foreign(target: Path) -> None:
    """
    Refuse a target that cannot be replaced; cheap, and meant to be asked before the long work too.

    Raises
    ------
    OutputError
        It is a file, the working folder, read-only, or holds files but no `run.json` of ours.
    """
    target = target.resolve()
    if not target.exists():
        return
    if not target.is_dir():
        raise OutputError("output.not_folder", path=str(target))
    if not os.access(target, os.W_OK):
        raise OutputError("output.read_only", path=str(target), why=os.strerror(errno.EACCES))
    if _written(target) is None and any(target.iterdir()):
        raise OutputError("output.foreign", path=str(target))
    if Path.cwd().is_relative_to(target):
        raise OutputError("output.stood_in", path=str(target))


def _written(folder: Path) -> set[str] | None:
    """Return the names of the files that a run wrote here; None where there is no manifest of ours."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
        if manifest["made_by"] != MADE_BY:
            return None
        names = [str(entry["name"]) for entry in manifest["files"]]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    return {os.path.normcase(name) for name in (MANIFEST, *names)}


def _make_parent(target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError("output.read_only", path=str(target.parent), why=_why(error)) from error


def _mend(target: Path) -> None:
    for old in _leftovers(target, "old-"):
        with suppress(OSError):
            target.rmdir()  # an empty folder made since the crash; any other refuses
        try:
            _rename(old, _cleared(old, target) if target.exists() else target)
        except OSError as error:
            raise _held(old, error) from error
    for new in _leftovers(target, "new-"):
        shutil.rmtree(new, ignore_errors=True)


def _cleared(old: Path, target: Path) -> Path:
    """Return the free name under which an old folder that is not needed any more is removed."""
    new = _sibling(target, "new-" + old.name.removeprefix(_sibling(target, "old-").name))
    shutil.rmtree(new, ignore_errors=True)
    return new


def _take_over(target: Path, new: Path) -> None:
    """Put the user's own files of the target into the new folder as well; the target keeps them."""
    if not target.is_dir():
        return
    for own in _own(target):
        place = new / own
        if os.path.lexists(place):
            raise OutputError("output.in_the_way", path=str(target / own))
        bring_over(target / own, place)
    shutil.copymode(target, new)


def _own(folder: Path) -> list[Path]:
    """Return the user's own files and empty folders, relative to an output folder."""
    written = _written(folder) or set()
    found: list[Path] = []
    for name, folders, files in os.walk(folder):
        here = Path(name).relative_to(folder)
        leaves = [*files, *(f for f in folders if (folder / here / f).is_symlink())]
        found += [here / leaf for leaf in leaves if os.path.normcase((here / leaf).as_posix()) not in written]
        if not folders and not files and here.parts:
            found.append(here)
    return sorted(found)


def bring_over(source: Path, place: Path) -> None:
    """Put a file, a link or an empty folder of one output folder into another; the first one keeps it."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if source.is_symlink():
        shutil.copy2(source, place, follow_symlinks=False)
    elif source.is_dir():
        place.mkdir()
    else:
        try:
            os.link(source, place)  # costs nothing, and what is written to the file meanwhile is not lost
        except OSError:
            shutil.copy2(source, place)


def _switch(target: Path, new: Path, *, aside: Path) -> None:
    try:
        if target.exists():
            _rename(target, aside)
        _rename(new, target)
    except OSError as error:
        raise _held(_holding(target), error) from error
    finally:
        # the old output goes back where the new one did not get, else to where leftovers are removed
        if aside.exists():
            with suppress(OSError):
                _rename(aside, new if target.exists() else target)


def _rename(source: Path, target: Path) -> None:
    for pause_s in _PAUSES_S:
        try:
            source.rename(target)
        except PermissionError:
            time.sleep(pause_s)
        else:
            return
    source.rename(target)


def _holding(target: Path) -> Path:
    """Return the file that another program holds open, as far as it can be told; the folder otherwise."""
    for path in sorted(target.rglob("*")):
        if path.is_file():
            try:
                path.open("r+b").close()
            except OSError:
                return path
    return target


def _sibling(target: Path, what: str) -> Path:
    return target.parent / f".{target.name}.{what}"


def _lock_file(target: Path) -> Path:
    return _sibling(target, "lock")


def _leftovers(target: Path, what: str) -> list[Path]:
    ours = re.compile(re.escape(_sibling(target, what).name) + r"[\w-]+")
    return sorted((p for p in target.parent.iterdir() if ours.fullmatch(p.name)), reverse=True)


def _explained(error: OSError, target: Path, new: Path) -> OSError:
    """Return an error that a user can mend where a new file cannot be written; others as they are."""
    path = Path(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else None
    if path is not None and (path == new or new in path.parents):
        place = target / path.relative_to(new)
    elif error.errno in {errno.ENOSPC, errno.EDQUOT}:
        place = target
    else:
        return error
    return OutputError("output.cannot_write", path=str(place), why=_why(error))


def _held(path: Path, error: OSError) -> OutputError:
    return OutputError("output.held", path=str(path), why=_why(error))


def _why(error: OSError) -> str:
    return error.strerror or str(error)
