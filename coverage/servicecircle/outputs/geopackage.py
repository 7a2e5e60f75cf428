"""The GeoPackage: every layer of a run, for QGIS and its like."""

from __future__ import annotations

import datetime as dt
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyogrio

from servicecircle.errors import OutputError
from servicecircle.outputs.cells import printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import geopandas as gpd

    from servicecircle.assess.results import Results

ROWS_LIMIT = 500_000
"""Layers of people and segments with more rows than this become GeoParquet files."""

_LONGEST_WHY = 200

_GEOMETRY = {
    "zones": "MultiPolygon",
    "facilities": "Point",
    "circles": "MultiPolygon",
    "reach": "MultiPolygon",
    "segments": "LineString",
    "people": "Point",
    "gaps": "MultiPoint",
}


def write_geopackage(results: Results, path: Path, *, rows_limit: int = ROWS_LIMIT) -> list[Path]:
    """
    Write the layers zones, facilities, circles, reach, segments, people and gaps in the study CRS.

    Infinite and NaN become null, told apart by `reason`; `within` is never null. The same
    results give the same bytes.

    Parameters
    ----------
    results
        What a run found.
    path
        The GeoPackage to write; `people.parquet` and `segments.parquet` are put beside it.
    rows_limit
        The longest people and segments layers that go into the GeoPackage.

    Returns
    -------
        The files written.

    Raises
    ------
    OutputError
        GDAL cannot write the file.
    """
    written = [path]
    with _dated(results.study.study.as_of or dt.date(1980, 1, 1)):
        for name, geometry_type in _GEOMETRY.items():
            layer = storable(getattr(results, name))
            if name in {"people", "segments"} and len(layer) > rows_limit:
                written.append(path.with_name(f"{name}.parquet"))
                layer.to_parquet(written[-1], index=False)
            else:
                _write_layer(layer, path, name=name, geometry_type=geometry_type)
    return written


def _write_layer(layer: gpd.GeoDataFrame, path: Path, *, name: str, geometry_type: str) -> None:
    kinds = set(layer.geometry.geom_type.dropna())
    fits = {geometry_type, geometry_type.removeprefix("Multi")}
    try:
        pyogrio.write_dataframe(
            layer,
            path,
            layer=name,
            driver="GPKG",
            # zones may be points, or polygons and points
            geometry_type=geometry_type if kinds <= fits else "Unknown",
            promote_to_multi=geometry_type.startswith("Multi") and kinds <= fits,
        )
    except pyogrio.errors.DataSourceError as error:
        cause = str(error).rstrip().rsplit("\n", maxsplit=1)[-1]  # before it stands a page of SQL
        why = cause[-_LONGEST_WHY:]
        raise OutputError("output.cannot_write", path=str(path), why=why) from error


def storable(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return a copy with finite numbers or null, printable texts, and true or false in `within`."""
    layer = frame.reset_index(drop=True)
    for name in layer.columns.drop(layer.geometry.name):
        column = layer[name]
        if name == "within":
            layer[name] = column.astype("boolean").eq(other=True).to_numpy(bool, na_value=False)
        elif pd.api.types.is_float_dtype(column):
            numbers = column.to_numpy(np.float64, na_value=np.nan)
            layer[name] = np.where(np.isfinite(numbers), numbers, np.nan)
        elif not (pd.api.types.is_bool_dtype(column) or pd.api.types.is_integer_dtype(column)):
            layer[name] = _texts(column)
    return layer


def _texts(column: pd.Series[Any]) -> pd.Series[Any]:
    texts = [
        None if missing else printable(str(value))
        for value, missing in zip(column, column.isna(), strict=True)
    ]
    return pd.Series(texts, dtype=object)


@contextmanager
def _dated(date: dt.date) -> Iterator[None]:
    """Let GDAL write a date in place of the present time."""
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": f"{date.isoformat()}T00:00:00.000Z"})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})
