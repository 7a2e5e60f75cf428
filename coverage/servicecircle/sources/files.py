"""Files on this machine: found, told apart by suffix, and digested."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from servicecircle.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_SIDECARS = (".shp", ".dbf", ".shx", ".prj", ".cpg")


def require_file(path: Path, *, suffixes: Sequence[str], what: str) -> str:
    """
    Return the suffix by which a file is read, in lower case and longest first (`.osm.pbf` before `.pbf`).

    Raises
    ------
    InputError
        There is no such file, it is empty, or its suffix is none of `suffixes`.
    """
    if not path.is_file():
        raise InputError("files.missing", where=str(path), what=what, path=str(path))
    name = path.name.lower()
    suffix = next((s for s in sorted(suffixes, key=len, reverse=True) if name.endswith(s)), None)
    if suffix is None:
        raise InputError(
            "files.suffix", where=str(path), what=what, suffix=path.suffix, known=" ".join(suffixes)
        )
    try:
        if path.stat().st_size == 0:
            raise InputError("files.empty", where=str(path), what=what)
        with path.open("rb"):
            pass
    except PermissionError as error:
        raise InputError("files.locked", where=str(path), what=what) from error
    return suffix


def digest(path: Path) -> str:
    """Return the SHA-256 of a file's content; of a shapefile, or a raster with a world file, of all parts."""
    world = path.with_suffix(".tfw")
    parts = [path, world] if path.suffix.lower() in {".tif", ".tiff"} and world.is_file() else [path]
    if path.suffix.lower() == ".shp":
        parts = [
            p for s in _SIDECARS for p in (path.with_suffix(s), path.with_suffix(s.upper())) if p.is_file()
        ]
    total = hashlib.sha256()
    for part in parts:
        with part.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                total.update(chunk)
    return total.hexdigest()
