"""
Coordinates of Chinese web maps back to WGS-84, exactly.

GCJ-02 (Gaode, Tencent) shifts WGS-84 by a function of the place, about 500-630 m in Henan; BD-09 (Baidu)
shifts GCJ-02 once more. Both shifts have a public formula; their inverses are found by iteration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from servicecircle.units import Floats

_A, _EE = 6378245.0, 0.00669342162296594323  # Krasovsky 1940, as GCJ-02 uses it
_CHINA = (72.004, 0.8293, 137.8347, 55.8271)  # west, south, east, north: outside nothing is shifted
_BD_TURN = np.pi * 3000.0 / 180.0
_CLOSE_DEGREES = 1e-10  # a hundredth of a millimetre
_ROUNDS = 30  # each gains two digits or more; a handful do


def gcj02_from_wgs84(lonlat: Floats) -> Floats:
    """Return GCJ-02 degrees (n, 2) of WGS-84 ones; places outside China stay as they are."""
    x, y = lonlat[:, 0] - 105.0, lonlat[:, 1] - 35.0
    root = np.sqrt(np.abs(x))
    waves = 20.0 * np.sin(6.0 * x * np.pi) + 20.0 * np.sin(2.0 * x * np.pi)
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north += (waves + _ripples(y) + 160.0 * np.sin(y / 12.0 * np.pi)
              + 320.0 * np.sin(y * np.pi / 30.0)) * 2.0 / 3.0  # fmt: skip
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east += (waves + _ripples(x) + 150.0 * np.sin(x / 12.0 * np.pi)
             + 300.0 * np.sin(x / 30.0 * np.pi)) * 2.0 / 3.0  # fmt: skip
    phi = np.radians(lonlat[:, 1])
    w2 = 1.0 - _EE * np.sin(phi) ** 2
    d_lon = np.degrees(east / (_A / np.sqrt(w2) * np.cos(phi)))
    d_lat = np.degrees(north / (_A * (1.0 - _EE) / (w2 * np.sqrt(w2))))
    return lonlat + np.where(_in_china(lonlat)[:, None], np.column_stack([d_lon, d_lat]), 0.0)


def _ripples(t: Floats) -> Floats:
    return 20.0 * np.sin(t * np.pi) + 40.0 * np.sin(t / 3.0 * np.pi)


def bd09_from_wgs84(lonlat: Floats) -> Floats:
    """Return BD-09 degrees (n, 2) of WGS-84 ones; places outside China stay as they are."""
    return _bd09_from_gcj02(gcj02_from_wgs84(lonlat))


def _bd09_from_gcj02(lonlat: Floats) -> Floats:
    x, y = lonlat[:, 0], lonlat[:, 1]
    radius = np.hypot(x, y) + 0.00002 * np.sin(y * _BD_TURN)
    angle = np.arctan2(y, x) + 0.000003 * np.cos(x * _BD_TURN)
    shifted = np.column_stack([radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006])
    return np.where(_in_china(lonlat)[:, None], shifted, lonlat)


SHIFTED: dict[str, Callable[[Floats], Floats]] = {"gcj02": gcj02_from_wgs84, "bd09": bd09_from_wgs84}
"""The datums of web maps, each as a function of WGS-84 degrees."""


def wgs84_from(lonlat: Floats, datum: str) -> Floats:
    """
    Return WGS-84 degrees (n, 2) of degrees in a datum; places outside China stay as they are.

    Parameters
    ----------
    lonlat
        Longitude and latitude in degrees; unknown or infinite ones stay so.
    datum
        `gcj02` and `bd09` are shifted back; every other one equals WGS-84 for our purpose.
    """
    if datum not in SHIFTED:
        return lonlat
    inside = _in_china(lonlat)
    result = lonlat.copy()
    result[inside] = _inverse(SHIFTED[datum], lonlat[inside])
    return result


def _inverse(shift: Callable[[Floats], Floats], wanted: Floats) -> Floats:
    guess = wanted
    for _ in range(_ROUNDS):
        error = wanted - shift(guess)
        if np.abs(error).max(initial=0.0) < _CLOSE_DEGREES:
            break
        guess = guess + error
    return guess


def _in_china(lonlat: Floats) -> NDArray[np.bool_]:
    west, south, east, north = _CHINA
    x, y = lonlat[:, 0], lonlat[:, 1]
    return (x >= west) & (x <= east) & (y >= south) & (y <= north)
