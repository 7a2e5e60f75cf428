"""Geometry and texts as small binary islands: thousands of polygons in well under a megabyte."""

from __future__ import annotations

import base64
import gzip
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

GRID_DEG = 1e-5
"""Coordinates are rounded to this grid, about one metre."""

Geometries = NDArray[Any]

_PLAIN = bytes.maketrans(b"{}<&`$%", b"[],./:'")
"""Base 85 packs four bytes into five letters, base 64 only three into four; markup's letters are replaced."""


def pack_geometry(geometry: Geometries) -> tuple[dict[str, Any], bytes]:
    """
    Pack geometries of one kind (areas, lines or points) as variable-length integers.

    Parts per feature, rings per part and points per ring come first, then the coordinates' differences. A
    missing geometry has no parts.

    Parameters
    ----------
    geometry
        Shapely geometries in degrees, or None.

    Returns
    -------
    The head that the page needs to unpack them, and the bytes.
    """
    parts, feature = shapely.get_parts(geometry, return_index=True)
    areas = bool(len(parts)) and shapely.get_type_id(parts[0]) == shapely.GeometryType.POLYGON
    rings, part = shapely.get_rings(parts, return_index=True) if areas else (parts, np.arange(len(parts)))
    steps = np.rint(shapely.get_coordinates(rings) / GRID_DEG).astype(np.int64)
    counts = (
        np.bincount(feature, minlength=len(geometry)),
        np.bincount(part, minlength=len(parts)),
        shapely.get_num_coordinates(rings),
    )
    moves = np.diff(steps, axis=0, prepend=np.zeros((1, 2), np.int64)).ravel()
    body = varints(np.concatenate(counts)) + varints(zigzag(moves))
    return {"features": len(geometry), "parts": len(parts), "rings": len(rings), "grid": GRID_DEG}, body


def varints(numbers: NDArray[np.int64]) -> bytes:
    """Return whole numbers from 0 to 2**35 as base-128 bytes, the low ones first."""
    left = numbers.astype(np.uint64)
    groups = np.stack([(left >> np.uint64(7 * k)).astype(np.uint64) for k in range(5)], axis=1)
    more = groups[:, 1:] > 0
    out = (groups & np.uint64(127)).astype(np.uint8)
    out[:, :4] |= more.astype(np.uint8) << 7
    kept = np.concatenate([np.ones((len(left), 1), bool), more], axis=1)
    return bytes(out[kept])


def zigzag(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return whole numbers as such from 0, small ones of either sign staying small."""
    return (numbers << 1) ^ (numbers >> 63)


def island(name: str, data: bytes) -> str:
    """Return an inert script element: its alphabet has no brace, so that no template engine can read it."""
    packed = base64.b85encode(gzip.compress(data, 9, mtime=0)).translate(_PLAIN).decode("ascii")
    return f'<script type="application/octet-stream" id="{name}">{packed}</script>\n'
