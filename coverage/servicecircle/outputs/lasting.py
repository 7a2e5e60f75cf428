"""What was written is on the disk, not only promised to be: a power cut takes nothing that was told of."""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_UNABLE = {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF, errno.EACCES, errno.EPERM, errno.EROFS}
"""Not every disk can be told; that it is full or broken is another matter."""


def make_lasting(folder: Path) -> None:
    """
    Have all files of a folder on the disk, and their names.

    Raises
    ------
    OSError
        The disk is full or broken.
    """
    for path in sorted(folder.rglob("*"), reverse=True):
        if not path.is_symlink():
            to_disk(path)
    to_disk(folder)
    to_disk(folder.parent)


def to_disk(path: Path) -> None:
    """
    Have the system write a file, or the names within a folder, onto the disk.

    Raises
    ------
    OSError
        The disk is full or broken.
    """
    # Windows writes out what may be written to, and opens no folders
    way = os.O_RDWR if sys.platform == "win32" else os.O_RDONLY
    try:
        handle = os.open(path, way)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _UNABLE:
            raise
    finally:
        os.close(handle)
