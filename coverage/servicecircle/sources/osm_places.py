"""Facilities from an OpenStreetMap extract; `osm_places.toml` says which tags mean which kind."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import osmium
import shapely

from servicecircle.sources.osm import file_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_COLUMNS = ("facility_id", "name", "kind", "beds", "operator", "opened", "geometry")


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(resources.files(__package__).joinpath("osm_places.toml").read_text("utf-8"))


def place_kind(tags: Mapping[str, str]) -> str | None:
    """Return the facility kind that OSM tags mean; `senior;disabled` counts as both."""
    held = {key: {value.strip() for value in tags[key].split(";")} for key in tags}
    for place in _data()["places"]:
        if all(held.get(key, set()) & set(values) for key, values in place["tags"].items()):
            return str(place["kind"])
    return None


def read_places(path: Path) -> gpd.GeoDataFrame:
    """
    Read the facilities of an extract: nodes as points, closed ways and multipolygons as their polygons.

    Returns
    -------
    Columns as this package names them, in EPSG:4326; `facility_id` is the OSM id, such as `way/123`.

    Raises
    ------
    RuntimeError
        The file is damaged.
    """
    keys = sorted({key for place in _data()["places"] for key in place["tags"]})
    tagged = osmium.filter.KeyFilter(*keys)
    elements = osmium.FileProcessor(file_of(path)).with_areas(tagged).with_filter(tagged)
    places = [place for element in elements if (place := _place(element)) is not None]
    return gpd.GeoDataFrame(places, columns=list(_COLUMNS), geometry="geometry", crs="EPSG:4326")


def _place(element: Any) -> dict[str, Any] | None:
    """Return a node or an area that is a facility; the ways and relations behind areas say nothing more."""
    tags = {tag.k: tag.v for tag in element.tags}
    kind = place_kind(tags)
    if kind is None or not (element.is_node() or element.is_area()):
        return None
    shapes = osmium.geom.WKBFactory()
    if element.is_node():
        wkb, osm_id = shapes.create_point(element), f"node/{element.id}"
    else:
        wkb = shapes.create_multipolygon(element)
        osm_id = f"{'way' if element.from_way() else 'relation'}/{element.orig_id()}"
    attributes = {ours: tags.get(theirs, "") for ours, theirs in _data()["columns"].items()}
    return {**attributes, "facility_id": osm_id, "kind": kind, "geometry": shapely.from_wkb(wkb)}
