"""One door to every street source: told apart by suffix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicecircle.database import Database
from servicecircle.sources.files import require_file
from servicecircle.sources.streets import SUFFIXES

if TYPE_CHECKING:
    from pathlib import Path

    from servicecircle.sources.streets import RawStreets


def read_ways(
    path: Path | Database, *, layer: str | None = None, walk_trunk: bool = True, crs: str = "auto"
) -> RawStreets:
    """
    Read the walkable ways of a street source.

    Parameters
    ----------
    path
        An OSM extract, an OSMnx GraphML file, a layer of lines, or a table of them in a database.
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
    if isinstance(path, Database):
        from servicecircle.sources.lines import read_lines

        return read_lines(path, walk_trunk=walk_trunk, crs=crs)
    suffix = require_file(path, suffixes=SUFFIXES, what="[streets]")
    if suffix == ".graphml":
        from servicecircle.sources.graphs import read_graphml

        return read_graphml(path, walk_trunk=walk_trunk)
    if suffix in {".gpkg", ".shp", ".geojson", ".json", ".parquet"}:
        from servicecircle.sources.lines import read_lines

        return read_lines(path, layer=layer, walk_trunk=walk_trunk, crs=crs)
    from servicecircle.sources.osm import read_osm

    return read_osm(path, walk_trunk=walk_trunk)
