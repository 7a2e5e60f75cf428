"""The part of a scene that one page draws: all that the page is made from, and a digest of it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import shapely

from servicecircle.maps.scene import box_of, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

    import geopandas as gpd
    from numpy.typing import NDArray

    from servicecircle.maps.scene import Scene

MARGIN_DEG = 0.012
"""How far beyond a page's zones facilities and circles are drawn: a little more than a kilometre."""

COARSE_DEG = {1000: 5e-4, 10_000: 2e-3}
"""With more villages than this a page's shapes are simplified so far: about 50 m, and 200 m."""

_FRAMES = (
    "units", "townships", "whole", "facilities", "gaps", "people", "segments", "circles", "reach", "straight",
    "verdicts",
)  # fmt: skip
_OF_ZONES: tuple[Literal["segments", "gaps", "people"], ...] = ("segments", "gaps", "people")
_TOLD = ("summary", "streets_from_osm")
"""What of the manifest is drawn: when a run began, and how long it took, is not."""

_MAKERS = ("maps", "words", "kinds.toml", "standards")


def township_part(scene: Scene, code: str) -> Scene:
    """Return the part of a scene that the page of a township draws."""
    units = scene.units[scene.units["parent_code"] == code].reset_index(drop=True)
    townships = scene.townships[scene.townships["code"] == code].reset_index(drop=True)
    return _part(scene, units, townships, townships)


def county_part(scene: Scene, code: str) -> Scene:
    """Return the part of a scene that the overview of a county draws."""
    townships = scene.townships[scene.townships["parent_code"] == code].reset_index(drop=True)
    above = {code, *townships["code"]}
    units = scene.units[scene.units["parent_code"].isin(above)].reset_index(drop=True)
    whole = scene.uppers["county"]
    return _part(scene, units, townships, whole[whole["code"] == code].reset_index(drop=True))


def _part(
    scene: Scene, units: gpd.GeoDataFrame, townships: gpd.GeoDataFrame, whole: gpd.GeoDataFrame
) -> Scene:
    """Keep what belongs to some villages, and what lies near them; streets are searched elsewhere."""
    box = box_of(units, MARGIN_DEG)
    frames = {name: scene.within_zones(name, units["code"]) for name in _OF_ZONES}
    inside = _inside(scene.facilities, box)
    facilities = scene.facilities["facility_id"]
    named = facilities.isin(frames["gaps"]["nearest_facility"])
    codes = {*units["code"], *townships["code"], *whole["code"]}
    verdicts = scene.verdicts
    if len(verdicts):
        verdicts = verdicts[verdicts["zone_code"].isin(codes)].reset_index(drop=True)
    return replace(
        scene, units=units, townships=townships, whole=whole, **frames, verdicts=verdicts,
        facilities=scene.facilities[inside | named].reset_index(drop=True),
        circles=scene.circles[scene.circles["facility_id"].isin(facilities[inside])].reset_index(drop=True),
        reach=clipped(scene.reach, box), straight=clipped(scene.straight, box),
        rows={name: rows_of(frame["zone_code"]) for name, frame in frames.items()}, cutter=None,
        uppers={level: frame.iloc[:0] for level, frame in scene.uppers.items()},
        manifest={"streets_from_osm": scene.manifest.get("streets_from_osm")},
    )  # fmt: skip


def _inside(frame: gpd.GeoDataFrame, box: tuple[float, float, float, float]) -> NDArray[np.bool_]:
    found = np.zeros(len(frame), dtype=bool)
    found[frame.sindex.query(shapely.box(*box), "intersects")] = True
    return found


def clipped(frame: gpd.GeoDataFrame, box: tuple[float, float, float, float]) -> gpd.GeoDataFrame:
    """Clip the circles of a whole study to a page, looking only at those of their parts that touch it."""
    parts, row = shapely.get_parts(frame.geometry.to_numpy(), return_index=True)
    west, south, east, north = shapely.bounds(parts).T
    near = (west <= box[2]) & (east >= box[0]) & (south <= box[3]) & (north >= box[1])
    pieces = shapely.clip_by_rect(parts[near], *box)
    cut = frame.set_geometry([
        shapely.multipolygons(shapely.get_parts(pieces[row[near] == i])) for i in range(len(frame))
    ])  # fmt: skip
    return cut[~cut.is_empty].reset_index(drop=True)


def light(scene: Scene) -> Scene:
    """Return a scene with coarser shapes where it has so many villages that none is seen closely."""
    found = [tolerance for many, tolerance in COARSE_DEG.items() if len(scene.units) > many]
    if not found:
        return scene
    frames = {name: _coarse(getattr(scene, name), found[-1]) for name in ("units", "townships")}
    lines = scene.segments.set_geometry(scene.segments.geometry.simplify(found[-1]))
    return replace(scene, **frames, segments=lines)


def _coarse(frame: gpd.GeoDataFrame, tolerance: float) -> gpd.GeoDataFrame:
    """Simplify areas along the borders they share; where they overlap, each for itself."""
    shapes = frame.geometry.to_numpy()
    areas = np.isin(shapely.get_type_id(shapes), (3, 6))
    way = shapely.coverage_simplify if shapely.coverage_is_valid(shapes[areas]) else shapely.simplify
    shapes = shapes.copy()
    shapes[areas] = way(shapes[areas], tolerance)
    return frame.set_geometry(shapes)


# ---------------------------------------------------------------- digests


def digest(scene: Scene, *more: bytes | str) -> str:
    """Return a digest of all that a page is made from: the same digest, the same page."""
    found = hashlib.sha256(_maker().encode())
    study = json.dumps(scene.study.model_dump(), sort_keys=True, default=str)  # whatever letters are in it
    texts = [
        study,
        scene.as_of.isoformat(),
        scene.crs.to_wkt(),
        scene.text.language,
        str(scene.text.modelled),
    ]
    texts.append(json.dumps({key: scene.manifest.get(key) for key in _TOLD}, sort_keys=True, default=str))
    if scene.profile is not None:
        texts.append(scene.profile.model_dump_json())
    for part in (*texts, *more):
        found.update(part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part)
        found.update(b"\0")
    for frame in (*(getattr(scene, name) for name in _FRAMES), *scene.uppers.values()):
        for piece in bytes_of(frame):
            found.update(piece)
    return found.hexdigest()


def bytes_of(frame: pd.DataFrame) -> Iterator[bytes]:
    """Give the values of a frame as bytes that do not depend on how it is kept in memory."""
    for name, column in frame.items():
        yield f"{name}\0{len(column)}\0".encode()
        if column.dtype == "geometry":
            yield b"".join(wkb or b"-" for wkb in shapely.to_wkb(column.to_numpy()))
        elif column.dtype.kind in "bif":
            yield np.ascontiguousarray(column.to_numpy()).tobytes()
        else:
            yield "\0".join(map(str, column.tolist())).encode("utf-8", "surrogatepass")


@cache
def _maker() -> str:
    """Return a digest of the code and the words that make pages: another version makes other pages."""
    found = hashlib.sha256()
    package = resources.files("servicecircle")
    for name in _MAKERS:
        for text in _files(package.joinpath(name)):
            found.update(text)
    return found.hexdigest()


def _files(place: Traversable) -> Iterator[bytes]:
    if place.is_file():
        yield place.name.encode()
        yield place.read_bytes()
    elif place.name != "__pycache__":
        for inner in sorted(place.iterdir(), key=lambda one: one.name):
            yield from _files(inner)
