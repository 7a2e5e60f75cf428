"""One writer at a time: a file lock that the system drops when its process ends, however it ends."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from servicecircle.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BYTE = 1 << 20
"""The locked byte lies far behind the process id, which Windows would not let others read otherwise."""


@contextmanager
def try_lock(path: Path) -> Iterator[bool]:
    """
    Hold a lock file for the length of a block; give False, without waiting, where another process holds it.

    The file names its process and is removed afterwards. One left by a killed process blocks nobody.

    Raises
    ------
    OutputError
        The file may not be created, so nothing else may be written there either.
    """
    handle = _take(path)
    try:
        yield handle is not None
    finally:
        if handle is not None:
            _release(path, handle)


def holder(path: Path) -> str:
    """Return the id of the process that a lock file names; "?" where it cannot be read."""
    try:
        return path.read_text("ascii") or "?"
    except (OSError, ValueError):
        return "?"


def _take(path: Path) -> int | None:
    while True:
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            why = error.strerror or str(error)
            raise OutputError("output.read_only", path=str(path.parent), why=why) from error
        if not _lock(handle):
            os.close(handle)
            return None
        if _is_at(path, handle):
            with suppress(OSError):  # a full disk: it is locked all the same
                os.ftruncate(handle, 0)
                os.write(handle, str(os.getpid()).encode("ascii"))
            return handle
        os.close(handle)  # the one who held it has just removed it


def _is_at(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _release(path: Path, handle: int) -> None:
    # elsewhere a removed file may be taken over between closing and removing; Windows removes no open file
    if sys.platform != "win32":
        with suppress(OSError):
            path.unlink()
    os.close(handle)
    if sys.platform == "win32":
        with suppress(OSError):
            path.unlink()


def _lock(handle: int) -> bool:
    """Lock a byte. A file system that knows no locks gives True: there they cannot protect anybody."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(handle, _BYTE, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            os.lseek(handle, 0, os.SEEK_SET)
        else:
            import fcntl

            # a record lock, unlike flock, is not handed on to forked workers that outlive a killed parent
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _BYTE)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True
    return True
