"""People per cell: the one reader of population rasters, dividing each cell among the zones it meets."""

from __future__ import annotations

import math
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource
from pyproj import Transformer
from rasterio.windows import Window

from servicecircle.errors import InputError
from servicecircle.sources.files import require_file
from servicecircle.units import Floats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from servicecircle.findings import Findings

SUFFIXES = (".tif", ".tiff", ".img")
_WHOLE = 1e-5
"""exactextract's fractions are float32: a cell whose parts sum to 1 within this lies in zones entirely."""

_NO_DATA_BELOW, NO_DATA_ABOVE = -9000.0, 1e10
"""No count is negative by thousands or exceeds mankind: an undeclared nodata value."""

SUMMED_CELLS = 100_000_000
"""Of a raster of more cells than this, what lies beyond the area is not summed."""

_WEB = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_HTTP_TIMEOUT": "60", "GDAL_HTTP_MAX_RETRY": "3",
}  # fmt: skip
_HAIR = 1e-6
_CELLS_AT_ONCE = 4_000_000


@dataclass(frozen=True, slots=True)
class Cells:
    """
    People in parts of cells.

    Parameters
    ----------
    rows
        One row per cell and zone, by cell and zone code: zone_code ("" outside all zones), people, the
        groups, x_m, y_m (the cell's centre).
    totals
        raw, raw_<group>: everything the raster holds; outside_box: what lies beyond the area and has no row;
        nodata_cells, negative: cells without data in zones, and the sum of the negative ones, not counted.
        Of a raster on the web, or one larger than `SUMMED_CELLS`, only the area is read: nothing lies beyond.
    outlines
        The whole cell of each row, in the study CRS.
    """

    rows: pd.DataFrame
    totals: dict[str, float]
    outlines: NDArray[np.object_]


def is_raster(source: str) -> bool:
    """Tell whether a source is read as a raster, by the suffix of its path or of the path in its URL."""
    path = urlsplit(source).path if is_url(source) else source
    return path.lower().endswith(SUFFIXES)


def is_url(source: str) -> bool:
    """Tell whether a source is an address on the web."""
    return source.lower().startswith(("http://", "https://"))


def read_cells(
    path: Path | str,
    zones: gpd.GeoDataFrame,
    *,
    area: gpd.GeoSeries,
    groups: Mapping[str, Path | str],
    findings: Findings,
) -> Cells:
    """
    Divide each cell's people by area among the zones it meets.

    Parameters
    ----------
    path
        Raster of people per cell, in any CRS; band 1. An http(s) URL is read by range requests.
    zones
        Polygons with a `code`, in the study CRS, without overlaps.
    area
        What the study looks at, in the study CRS: cells in its bounding box become rows, zone or not.
    groups
        Rasters of part of the people on the same grid.

    Raises
    ------
    InputError
        The raster cannot be read, has no CRS, lies elsewhere, or a group's grid is another one.
    """
    with _opened(path) as dataset:
        window = _window_of(dataset, area, path, findings)
        polygons = zones.geometry.to_crs(dataset.crs)
        whole = not is_url(str(path)) and dataset.width * dataset.height <= SUMMED_CELLS
        if not whole:
            findings.note("people.raster_window", subject=_name(path))
        sum_beyond = _sum_beyond if whole else lambda *_: 0.0
        sheets, beyond = {"people": _read_window(dataset, window)}, {"people": sum_beyond(dataset, window)}
        for group, group_path in groups.items():
            with _opened(group_path) as other:
                _require_same_grid(dataset, other, path, group_path)
                sheets[group], beyond[group] = _read_window(other, window), sum_beyond(other, window)
        left, bottom, right, top = _bounds(dataset, window)
        to_study = Transformer.from_crs(dataset.crs, area.crs, always_xy=True)
    met = _fractions(polygons, sheets["people"].shape, (left, bottom, right, top))
    facts = {
        name: _clean(sheet, met, path if name == "people" else groups[name], findings)
        for name, sheet in sheets.items()
    }
    rows = _divide(met, sheets, zones["code"].to_numpy())
    height, width = sheets["people"].shape
    row, column = np.divmod(rows.pop("cell").to_numpy(), width)
    cell_x, cell_y = (right - left) / width, (top - bottom) / height
    west, north = left + column * cell_x, top - row * cell_y
    x_m, y_m = to_study.transform(west + 0.5 * cell_x, north - 0.5 * cell_y)
    outlines = shapely.box(west, north - cell_y, west + cell_x, north)
    outlines = shapely.transform(outlines, lambda xy: np.column_stack(to_study.transform(*xy.T)))
    totals = {
        f"raw{'' if name == 'people' else f'_{name}'}": math.fsum((*sheet.ravel(), beyond[name]))
        for name, sheet in sheets.items()
    }
    totals |= {"outside_box": beyond["people"]} | facts["people"]
    return Cells(rows.assign(x_m=x_m, y_m=y_m), totals, np.asarray(outlines, dtype=object))


def share_out(values: Floats, shares: Floats, starts: NDArray[np.intp]) -> Floats:
    """
    Divide values into parts whose sum is exactly the value, in any order of adding.

    Parts are whole multiples of the value's last binary digit; what rounding leaves over goes to the first of
    a value's largest parts.

    Parameters
    ----------
    values
        One number, 0 or more, for each group of parts.
    shares
        The parts' shares of their value, group after group; each group sums to about 1.
    starts
        Where each group starts.
    """
    counts = np.diff(np.append(starts, len(shares)))
    group = np.repeat(np.arange(len(starts)), counts)
    last_digit = np.spacing(values)
    parts = np.round(values[group] * shares / last_digit[group]) * last_digit[group]
    largest = np.lexsort((-shares, group))[starts]
    parts[largest] += values - np.add.reduceat(parts, starts)
    return parts


def _name(path: Path | str) -> str:
    return PurePosixPath(urlsplit(str(path)).path).name if is_url(str(path)) else Path(path).name


def _where(path: Path | str) -> str:
    """Return the path for a message; of a URL without its query and its user, which may be secret."""
    if not is_url(str(path)):
        return str(path)
    parts = urlsplit(str(path))
    return f"{parts.scheme}://{parts.hostname}{parts.path}"


@contextmanager
def _opened(path: Path | str) -> Iterator[Any]:
    """Open a raster that can be divided: georeferenced, north up."""
    if not is_url(str(path)):
        require_file(Path(path), suffixes=SUFFIXES, what="[people]")
    with warnings.catch_warnings(), rasterio.Env(**(_WEB if is_url(str(path)) else {})):
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        try:
            with rasterio.open(path) as dataset:
                if dataset.crs is None:
                    raise InputError("people.raster_no_crs", where=_where(path))
                grid = dataset.transform
                if grid.b or grid.d or grid.a <= 0 or grid.e >= 0:
                    raise InputError("people.raster_turned", where=_where(path))
                yield dataset
        except rasterio.errors.RasterioError as error:
            why = str(error).replace(str(path), _name(path))
            raise InputError("people.raster_unreadable", where=_where(path), why=why) from error


def _window_of(dataset: Any, area: gpd.GeoSeries, path: Path | str, findings: Findings) -> Window:
    """Return the whole cells that cover the area's box."""
    left, bottom, right, top = area.to_crs(dataset.crs).total_bounds
    grid = dataset.transform
    column_0, row_0 = (
        _cells_to((left - grid.c) / grid.a, math.floor),
        _cells_to((top - grid.f) / grid.e, math.floor),
    )
    column_1, row_1 = (
        _cells_to((right - grid.c) / grid.a, math.ceil),
        _cells_to((bottom - grid.f) / grid.e, math.ceil),
    )
    if min(column_0, row_0) < 0 or column_1 > dataset.width or row_1 > dataset.height:
        findings.note("people.raster_short", subject=_name(path))
    column_0, row_0 = max(0, column_0), max(0, row_0)
    width, height = min(dataset.width, column_1) - column_0, min(dataset.height, row_1) - row_0
    if width <= 0 or height <= 0:
        raise InputError("people.raster_elsewhere", where=_where(path))
    return Window(column_0, row_0, width, height)


def _cells_to(cells: float, outward: Callable[[float], int]) -> int:
    """Round a number of cells outwards; an edge that projection moved by a hair stays where it is."""
    return round(cells) if abs(cells - round(cells)) < _HAIR else outward(cells)


def _bounds(dataset: Any, window: Window) -> tuple[float, float, float, float]:
    grid = dataset.transform
    left, top = grid.c + window.col_off * grid.a, grid.f + window.row_off * grid.e
    return left, top + window.height * grid.e, left + window.width * grid.a, top


def _require_same_grid(ours: Any, other: Any, path: Path | str, other_path: Path | str) -> None:
    same = (
        ours.shape == other.shape
        and ours.crs == other.crs
        and ours.transform.almost_equals(other.transform, 1e-9)
    )
    if not same:
        raise InputError(
            "people.group_grid", where=_where(other_path), people=_name(path), group=_name(other_path)
        )


def _read_window(dataset: Any, window: Window) -> Floats:
    """Return band 1 in a window; NaN where the file itself says that there are no data."""
    band = dataset.read(1, window=window, masked=True).astype(np.float64).filled(np.nan)
    return np.asarray(band * dataset.scales[0] + dataset.offsets[0])


def _is_people(sheet: Floats) -> NDArray[np.bool_]:
    return (sheet >= 0) & (sheet < NO_DATA_ABOVE)


def _sum_beyond(dataset: Any, window: Window) -> float:
    """Return the sum of all cells outside a window, read in strips."""
    block = dataset.block_shapes[0][0]
    step = max(1, _CELLS_AT_ONCE // dataset.width // block) * block
    sums = []
    for start in range(0, dataset.height, step):
        strip = _read_window(dataset, Window(0, start, dataset.width, min(step, dataset.height - start)))
        outside = _is_people(strip)
        rows = slice(max(0, window.row_off - start), max(0, window.row_off + window.height - start))
        outside[rows, window.col_off : window.col_off + window.width] = False
        sums.append(float(strip[outside].sum()))
    return math.fsum(sums)


@dataclass(frozen=True, slots=True)
class _Met:
    """Which share of which cell lies in which zone."""

    cell: NDArray[np.int64]
    zone: NDArray[np.int64]
    share: Floats


def _fractions(polygons: gpd.GeoSeries, shape: tuple[int, ...], bounds: tuple[float, ...]) -> _Met:
    """Return the parts of the cells of a window that the polygons cover."""
    plain = shapely.make_valid(polygons.to_numpy(), method="structure", keep_collapsed=False)
    here = ~shapely.is_missing(plain) & ~shapely.is_empty(plain)
    if not here.any():
        nothing = np.empty(0, dtype=np.int64)
        return _Met(nothing, nothing, np.empty(0))
    grid = NumPyRasterSource(np.zeros(shape, dtype=np.uint8), *bounds)
    features = gpd.GeoDataFrame(geometry=plain[here], crs=polygons.crs)
    parts = exact_extract(grid, features, ["cell_id", "coverage"], output="pandas")
    cells, shares = parts["cell_id"].to_numpy(), parts["coverage"].to_numpy()
    zone = np.repeat(np.flatnonzero(here), [len(c) for c in cells])
    cell, share = np.concatenate(cells).astype(np.int64), np.concatenate(shares).astype(np.float64)
    return _Met(cell[share > 0], zone[share > 0], share[share > 0])


def _clean(sheet: Floats, met: _Met, path: Path | str, findings: Findings) -> dict[str, float]:
    """Set everything that is no count of people to 0, in place, and list it."""
    empty = ~np.isfinite(sheet)
    undeclared = ~empty & ((sheet <= _NO_DATA_BELOW) | (sheet >= NO_DATA_ABOVE))
    negative = (sheet < 0) & ~undeclared & ~empty
    for code, which in (("people.nodata_undeclared", undeclared), ("people.negative_cells", negative)):
        if which.any():
            findings.note(code, subject=_name(path), count=int(which.sum()), sum=math.fsum(sheet[which]))
    infinite = int(np.isinf(sheet).sum())
    if infinite:
        findings.note("people.infinite_cells", subject=_name(path), count=infinite)
    in_zones = np.unique(met.cell[(empty | undeclared).ravel()[met.cell]])
    if in_zones.size:
        findings.note("people.nodata_cells", subject=_name(path), count=int(in_zones.size))
    below_zero = math.fsum(sheet[negative])
    sheet[empty | undeclared | negative] = 0.0
    return {"nodata_cells": float(in_zones.size), "negative": below_zero}


def _divide(met: _Met, sheets: Mapping[str, Floats], codes: NDArray[np.object_]) -> pd.DataFrame:
    """Return a row per populated cell and zone; what no zone covers is a row without a zone."""
    populated = np.any([sheet.ravel() > 0 for sheet in sheets.values()], axis=0)
    here = populated[met.cell]
    cell, zone, share = met.cell[here], met.zone[here], met.share[here]
    covered = np.bincount(cell, weights=share, minlength=populated.size)
    whole = np.where(covered >= 1 - _WHOLE, covered, 1.0)
    rest = np.flatnonzero(populated & (whole != covered))
    cell, zone = np.concatenate([rest, cell]), np.concatenate([np.full(len(rest), -1), zone])
    share = np.concatenate([1 - covered[rest], share / whole[met.cell[here]]])
    order = np.lexsort((zone, cell))
    cell, zone, share = cell[order], zone[order], share[order]
    cells, starts = np.unique(cell, return_index=True)
    parts = {name: share_out(sheet.ravel()[cells], share, starts) for name, sheet in sheets.items()}
    return pd.DataFrame({"cell": cell, "zone_code": np.append(codes, "")[zone], **parts})
