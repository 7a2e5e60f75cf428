"""Zip files that are the same bytes whenever they are written."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

from servicecircle.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_DATED = (1980, 1, 1, 0, 0, 0)
_UNIX, _READABLE = 3, 0o100644 << 16


def write_zip(files: Iterable[Path], path: Path) -> Path:
    """
    Write files into a zip under their own names.

    Raises
    ------
    OutputError
        It cannot be written.
    ValueError
        Two of the files bear one name.
    """
    entries: dict[str, bytes] = {}
    for file in files:
        if file.name in entries:
            raise ValueError(file.name)
        entries[file.name] = file.read_bytes()
    return write_bytes(packed(entries, order=sorted(entries)), path)


def packed(entries: dict[str, bytes], *, order: Iterable[str]) -> bytes:
    """Return a zip with its entries in this order and without a date of its own."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in order:
            info = zipfile.ZipInfo(name, _DATED)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system, info.external_attr = _UNIX, _READABLE
            archive.writestr(info, entries[name])
    return out.getvalue()


def write_bytes(content: bytes, path: Path) -> Path:
    """
    Write a file whole.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    try:
        path.write_bytes(content)
    except OSError as error:
        why = error.strerror or str(error)
        raise OutputError("report.cannot_write", path=str(path), why=why) from error
    return path
