"""From a street source, or from ways, to a network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from servicecircle.database import Database, is_database
from servicecircle.network.cut import cut_ways
from servicecircle.network.network import Network
from servicecircle.sources.reading import read_ways

if TYPE_CHECKING:
    from pyproj import CRS

    from servicecircle.sources.streets import RawStreets


def read_streets(
    source: str | Path,
    *,
    crs: str = "auto",
    layer: str | None = None,
    walk_trunk: bool = True,
    islet_m: float = 1000.0,
) -> Network:
    """
    Read a street source into a network.

    Parameters
    ----------
    source
        `.osm.pbf`, `.osm`, `.osm.gz`, `.osm.bz2`, OSMnx `.graphml`, a line layer, or `postgresql://…`.
    crs
        `auto` or a metric CRS such as `EPSG:4547`.
    layer
        Layer of a GeoPackage; of a database, its table, `schema.table`.
    walk_trunk
        Whether people walk along trunk roads.
    islet_m
        A piece shorter than this is an islet.

    Raises
    ------
    InputError
        The file is missing, damaged, of no known type, without CRS, or holds no walkable street.
    """
    in_database = isinstance(source, str) and is_database(source)
    place = Database(str(source), layer or "") if in_database else Path(source)
    raw = read_ways(place, layer=layer, walk_trunk=walk_trunk, crs=crs)
    return build_network(raw, crs=crs, islet_m=islet_m, where=str(place))


def build_network(
    raw: RawStreets, *, crs: str | CRS = "auto", islet_m: float = 1000.0, where: str = ""
) -> Network:
    """Cut ways at junctions, measure the segments in the chosen CRS and sort them into pieces."""
    return Network(**cut_ways(raw, crs=crs, islet_m=islet_m, where=where))
