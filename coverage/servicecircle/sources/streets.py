"""Streets as they are read: ways of vertices, before they are cut at junctions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from pyproj import CRS

    from servicecircle.units import Floats

SUFFIXES = (
    ".osm.pbf", ".pbf", ".osm", ".osm.gz", ".osm.bz2", ".graphml",
    ".gpkg", ".shp", ".geojson", ".json", ".parquet",
)  # fmt: skip

_NOT_WALKED = {
    "motorway", "motorway_link", "construction", "proposed", "planned", "abandoned", "razed", "raceway",
    "bus_guideway", "busway", "rest_area", "services", "platform",
}  # fmt: skip
_FOOT_REFUSED = {"no", "private", "use_sidepath"}
_FOOT_ALLOWED = {"yes", "designated", "permissive", "destination", "customers"}
_TRUNK = {"trunk", "trunk_link"}
LEVEL_TAGS = ("layer", "bridge", "tunnel")
_GROUND = {"", "0", "no", "n", "f", "false"}


@dataclass(frozen=True, slots=True, eq=False)
class RawStreets:
    """
    Walkable ways as sequences of vertices; a vertex that two ways share has one `ref`.

    Parameters
    ----------
    xy
        Vertices (k, 2) in `crs`, x before y; NaN where a way's node lies outside the extract.
    ref
        Identity of each vertex (k,): equal refs are one place that can be walked through.
    first
        Index of each way's first vertex (w + 1,).
    way_id, name, forward, backward, trunk
        Of each way (w,): its OSM id, its name, whether it may be walked along and against its
        vertices, whether it is a trunk road.
    crs
        Of `xy`.
    from_osm
        Whether the data is OpenStreetMap's, to be credited.
    counts
        How many ways were read, refused, and why.
    attributes
        Of each way, values to hand on untouched, such as an imported `length`.
    level
        Of each way, its layer, bridge and tunnel; None: all on the ground.
    hidden
        Ids of ways that are walked but neither drawn nor named: military grounds and prisons.
    """

    xy: Floats
    ref: NDArray[np.int64]
    first: NDArray[np.int64]
    way_id: NDArray[np.int64]
    name: NDArray[np.object_]
    forward: NDArray[np.bool_]
    backward: NDArray[np.bool_]
    trunk: NDArray[np.bool_]
    crs: CRS
    from_osm: bool
    counts: dict[str, int] = field(default_factory=dict)
    attributes: list[dict[str, Any]] | None = None
    level: NDArray[np.object_] | None = None
    hidden: frozenset[int] = frozenset()


def values_of(tag: object) -> tuple[str, ...]:
    """Return a tag's values: OSMnx writes several as a list, and as the text of one in GraphML."""
    if tag is None or (isinstance(tag, float) and np.isnan(tag)):
        return ()
    if isinstance(tag, list | tuple | set):
        return tuple(str(value) for value in tag)
    text = str(tag)
    if text.startswith("[") and text.endswith("]"):
        return tuple(part.strip().strip("'\"") for part in text[1:-1].split(",") if part.strip())
    return (text,)


def first_of(tag: object) -> str:
    """Return a tag's first value; empty where there is none."""
    return next(iter(values_of(tag)), "")


def is_walkable(tags: Mapping[str, Any], *, walk_trunk: bool = True) -> bool:
    """
    Tell whether people walk along a way, by its OSM tags (README, "Which streets count").

    A simplified edge that merges several ways counts only if all of them do.
    """
    highway = values_of(tags.get("highway"))
    foot = first_of(tags.get("foot"))
    if not highway or foot in _FOOT_REFUSED or first_of(tags.get("motorroad")) == "yes":
        return False
    if _NOT_WALKED.intersection(highway) or ("elevator" in highway and foot != "yes"):
        return False
    if not walk_trunk and _TRUNK.intersection(highway):
        return False
    return foot in _FOOT_ALLOWED or first_of(tags.get("access")) not in {"no", "private"}


def is_secret(tags: Mapping[str, Any]) -> bool:
    """Tell whether something is military or a prison: it is never drawn nor named."""
    military = first_of(tags.get("military"))
    return (
        (bool(military) and military != "no")
        or first_of(tags.get("landuse")) == "military"
        or "military" in {first_of(tags.get("access")), first_of(tags.get("foot"))}
        or first_of(tags.get("amenity")) == "prison"
    )


def is_trunk(tags: Mapping[str, Any]) -> bool:
    """Tell whether a way is a trunk road."""
    return bool(_TRUNK.intersection(values_of(tags.get("highway"))))


def level_of(tags: Mapping[str, Any]) -> str:
    """Return a way's layer, bridge and tunnel as one text; empty on the ground."""
    told = [first_of(tags.get(key)) for key in LEVEL_TAGS]
    told = ["" if value.lower().removesuffix(".0") in _GROUND else value for value in told]
    return ",".join(told) if any(told) else ""


def directions(tags: Mapping[str, Any]) -> tuple[bool, bool]:
    """Return whether a way may be walked along its vertices, and against them."""
    oneway = first_of(tags.get("oneway:foot"))
    forward = oneway != "-1" and first_of(tags.get("foot:forward")) != "no"
    backward = oneway != "yes" and first_of(tags.get("foot:backward")) != "no"
    return forward, backward


def from_ways(
    ways: Sequence[tuple[Floats, NDArray[np.int64], int, str, tuple[bool, bool], bool]],
    *,
    crs: CRS,
    from_osm: bool,
    counts: dict[str, int],
    attributes: list[dict[str, Any]] | None = None,
    levels: Sequence[str] | None = None,
) -> RawStreets:
    """Gather ways of (vertices, refs, way id, name, (forward, backward), trunk) into arrays."""
    sizes = [len(way[1]) for way in ways]
    walk = np.array([way[4] for way in ways], dtype=bool).reshape(-1, 2)
    return RawStreets(
        xy=np.concatenate([way[0] for way in ways]) if ways else np.empty((0, 2)),
        ref=np.concatenate([way[1] for way in ways]) if ways else np.empty(0, np.int64),
        first=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        way_id=np.array([way[2] for way in ways], dtype=np.int64),
        name=np.array([way[3] for way in ways], dtype=object),
        forward=walk[:, 0],
        backward=walk[:, 1],
        trunk=np.array([way[5] for way in ways], dtype=bool),
        crs=crs,
        from_osm=from_osm,
        counts=counts,
        attributes=attributes,
        level=None if levels is None else np.array(levels, dtype=object),
    )


def without_trunk(raw: RawStreets) -> RawStreets | None:
    """Return the ways that are no trunk roads; None where nothing changes or nothing is left."""
    if not raw.trunk.any() or raw.trunk.all():
        return None
    return take_ways(raw, np.flatnonzero(~raw.trunk))


def take_ways(raw: RawStreets, keep: NDArray[np.int64]) -> RawStreets:
    """Return some ways, in the order given."""
    sizes = np.diff(raw.first)[keep]
    first = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    vertices = np.repeat(raw.first[keep] - first[:-1], sizes) + np.arange(first[-1])
    return RawStreets(
        xy=raw.xy[vertices], ref=raw.ref[vertices], first=first, way_id=raw.way_id[keep], name=raw.name[keep],
        forward=raw.forward[keep], backward=raw.backward[keep], trunk=raw.trunk[keep], crs=raw.crs,
        from_osm=raw.from_osm, counts=raw.counts,
        attributes=None if raw.attributes is None else [raw.attributes[i] for i in keep],
        level=None if raw.level is None else raw.level[keep], hidden=raw.hidden,
    )  # fmt: skip
