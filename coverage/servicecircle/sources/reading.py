"""One door to every street source: told apart by suffix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicecircle.sources.files import require_file
from servicecircle.sources.streets import SUFFIXES

if TYPE_CHECKING:
    from pathlib import Path

    from servicecircle.sources.streets import RawStreets


def read_ways(
    path: Path, *, layer: str | None = None, walk_trunk: bool = True, crs: str = "auto"
) -> RawStreets:
    """
    Read the walkable ways of a street source.

    Parameters
    ----------
    path
        An OSM extract, an OSMnx GraphML file, or a layer of lines.
    layer
        Layer of a GeoPackage.
    walk_trunk
        Whether trunk roads count.
    crs
        Metric CRS in which the crossings of a line layer are found; `auto` chooses it.

    Raises
    ------
    InputError
        The file is missing, empty, damaged, or of no known type.
    """
    suffix = require_file(path, suffixes=SUFFIXES, what="[streets]")
    if suffix == ".graphml":
        from servicecircle.sources.graphs import read_graphml

        return read_graphml(path, walk_trunk=walk_trunk)
    if suffix in {".gpkg", ".shp", ".geojson", ".json", ".parquet"}:
        from servicecircle.sources.lines import read_lines

        return read_lines(path, layer=layer, walk_trunk=walk_trunk, crs=crs)
    from servicecircle.sources.osm import read_osm

    return read_osm(path, walk_trunk=walk_trunk)
