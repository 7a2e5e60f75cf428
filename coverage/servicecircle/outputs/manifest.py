"""The manifest, `run.json`: what a run used, found and wrote."""

from __future__ import annotations

import datetime as dt
import json
import math
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from servicecircle.sources.files import digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

MANIFEST = "run.json"
MADE_BY = "servicecircle"
"""Tells our `run.json` from anybody else's: the output folder is only replaced where it is ours."""


def write_manifest(manifest: Mapping[str, Any], files: Iterable[Path], path: Path) -> Path:
    """
    Write the manifest, with the name, size and SHA-256 of every file that was written beside it.

    Parameters
    ----------
    manifest
        Anything that fits JSON, besides numpy's numbers, dates and paths; infinite and NaN become null.
    files
        The other files of the run, in the folder of `path` or below.
    path
        The `run.json` to write.
    """
    listed = [
        {
            "name": file.relative_to(path.parent).as_posix(),
            "bytes": file.stat().st_size,
            "sha256": digest(file),
        }
        for file in sorted(set(files))
    ]
    content = {**_plain(manifest), "made_by": MADE_BY, "files": listed}
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, indent=2, allow_nan=False)
    path.write_bytes((text + "\n").encode("utf-8", errors="replace"))
    return path


def _plain(value: Any) -> Any:
    """Return a value as JSON knows it."""
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, set | frozenset):
        return sorted(_plain(part) for part in value)
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, PurePath):
        return value.as_posix()
    if hasattr(value, "tolist"):  # numpy's numbers and arrays
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
