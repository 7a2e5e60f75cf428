"""Cells divided among zones: drawn squares with the parts worked out by hand."""

import math
import warnings

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from rasterio.transform import Affine
from shapely.geometry import box

from servicecircle.errors import InputError
from servicecircle.findings import Findings
from servicecircle.sources.rasters import read_cells, share_out

X, Y = 500_000, 3_950_000


def raster(path, values, *, cell=100, nodata=None, crs="EPSG:4547", origin=(X, Y), dtype="float32"):
    """Cells whose lower left corner is the origin."""
    values = np.array(values, dtype=dtype)
    grid = Affine(cell, 0, origin[0], 0, -cell, origin[1] + cell * values.shape[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(
            path, "w", driver="GTiff", height=values.shape[0], width=values.shape[1], count=1,
            dtype=dtype, crs=crs, transform=grid, nodata=nodata,
        ) as file:  # fmt: skip
            file.write(values, 1)
    return path


def zones(**shapes):
    """Zones by code; sides in metres from the origin."""
    boxes = [box(X + a, Y + b, X + c, Y + d) for a, b, c, d in shapes.values()]
    return gpd.GeoDataFrame({"code": list(shapes)}, geometry=boxes, crs=4547)


def read(path, polygons, **groups):
    findings = Findings()
    cells = read_cells(path, polygons, area=polygons.geometry, groups=groups, findings=findings)
    assert all(len(findings.to_frame(language)) == len(findings) for language in ("zh", "en"))
    return cells.rows, cells.totals, findings


def parts(rows, column="people"):
    return {
        (code, round(x - X), round(y - Y)): people
        for code, x, y, people in zip(rows["zone_code"], rows["x_m"], rows["y_m"], rows[column], strict=True)
    }


def test_a_cell_is_divided_by_area_among_the_zones_it_meets(tmp_path):
    path = raster(tmp_path / "p.tif", [[8, 0], [4, 2]])
    rows, totals, _ = read(path, zones(a=(0, 0, 50, 200), b=(50, 0, 200, 100)))
    assert parts(rows) == {
        ("", 50, 150): 4.0, ("a", 50, 150): 4.0,
        ("a", 50, 50): 2.0, ("b", 50, 50): 2.0,
        ("b", 150, 50): 2.0,
    }  # fmt: skip
    assert list(rows["zone_code"]) == ["", "a", "a", "b", "b"]
    assert totals == {"raw": 14.0, "outside_box": 0.0, "nodata_cells": 0.0, "negative": 0.0}


def test_a_zone_smaller_than_a_cell_gets_its_people(tmp_path):
    path = raster(tmp_path / "p.tif", [[100]])
    rows, _, _ = read(path, zones(a=(10, 10, 30, 60)))
    assert parts(rows) == {
        ("a", 50, 50): pytest.approx(10, abs=1e-5),
        ("", 50, 50): pytest.approx(90, abs=1e-5),
    }
    assert math.fsum(rows["people"]) == 100


def test_a_cell_in_many_small_zones_is_given_away_exactly(tmp_path):
    path = raster(tmp_path / "p.tif", [[0.1]])
    thirds = {f"z{i:02}": (i * 100 / 7, 0, (i + 1) * 100 / 7, 100) for i in range(7)}
    rows, _, _ = read(path, zones(**thirds))
    assert set(rows["zone_code"]) == set(thirds)
    assert math.fsum(rows["people"]) == float(np.float32(0.1))


def test_cells_beyond_the_box_are_only_summed(tmp_path):
    path = raster(tmp_path / "p.tif", [[1, 2, 4], [8, 16, 32], [64, 128, 256]])
    rows, totals, _ = read(path, zones(a=(100, 100, 200, 200)))
    assert parts(rows) == {("a", 150, 150): 16.0}
    assert totals["outside_box"] == 495
    assert totals["raw"] == 511


@pytest.mark.parametrize("declared", [-99999, None])
def test_nodata_is_nobody_declared_or_not(tmp_path, declared):
    path = raster(tmp_path / "p.tif", [[-99999, 5, np.nan, np.inf, -3]], nodata=declared)
    rows, totals, findings = read(path, zones(a=(0, 0, 400, 100), b=(400, 0, 500, 100)))
    assert parts(rows) == {("a", 150, 50): 5.0}
    assert totals == {"raw": 5.0, "outside_box": 0.0, "nodata_cells": 3.0, "negative": -3.0}
    told = {f.code: f.facts for f in findings}
    assert told["people.negative_cells"] == {"count": 1, "sum": -3.0}
    assert told["people.nodata_cells"] == {"count": 3}
    assert ("people.nodata_undeclared" in told) == (declared is None)


def test_nodata_beyond_the_box_is_nobody_too(tmp_path):
    path = raster(tmp_path / "p.tif", [[7, -99999, -5, np.nan]])
    _, totals, _ = read(path, zones(a=(0, 0, 100, 100)))
    assert totals["raw"] == 7


def test_a_raster_in_degrees_keeps_its_sum(tmp_path):
    polygons = zones(a=(0, 0, 1000, 1500), b=(1000, 0, 2000, 1500))
    left, bottom, *_ = polygons.to_crs(4326).total_bounds
    values = np.arange(1, 41).reshape(5, 8)
    path = raster(
        tmp_path / "p.tif", values, cell=0.005, crs="EPSG:4326", origin=(left - 0.01, bottom - 0.005)
    )
    rows, totals, _ = read(path, polygons)
    assert totals["raw"] == values.sum()
    assert math.fsum((*rows["people"], totals["outside_box"])) == values.sum()
    assert {"a", "b"} < set(rows["zone_code"])
    assert rows["x_m"].between(X - 2000, X + 4000).all()


def test_groups_are_divided_like_the_people(tmp_path):
    people = raster(tmp_path / "p.tif", [[8, 0]])
    elderly = raster(tmp_path / "e.tif", [[2, -99999]])
    rows, totals, findings = read(people, zones(a=(0, 0, 50, 100), b=(50, 0, 200, 100)), elderly=elderly)
    assert parts(rows, "elderly") == {("a", 50, 50): 1.0, ("b", 50, 50): 1.0}
    assert totals["raw_elderly"] == 2
    assert {f.subject for f in findings if f.code == "people.nodata_undeclared"} == {"e.tif"}


def test_a_group_on_another_grid_is_an_error_that_names_both(tmp_path):
    people = raster(tmp_path / "p.tif", [[8, 0]])
    elderly = raster(tmp_path / "e.tif", [[8, 0]], origin=(X + 50, Y))
    with pytest.raises(InputError) as error:
        read(people, zones(a=(0, 0, 50, 100)), elderly=elderly)
    assert error.value.code == "people.group_grid"
    assert "p.tif" in str(error.value)
    assert "e.tif" in str(error.value)


def test_a_raster_that_cannot_be_used_is_one_clear_error(tmp_path):
    polygons = zones(a=(0, 0, 50, 100))
    broken = tmp_path / "broken.tif"
    broken.write_bytes(raster(tmp_path / "p.tif", [[8, 0]]).read_bytes()[:60])
    wanted = {
        "people.raster_no_crs": raster(tmp_path / "n.tif", [[1]], crs=None),
        "people.raster_elsewhere": raster(tmp_path / "o.tif", [[1]], origin=(X + 9000, Y)),
        "people.raster_unreadable": broken,
        "files.missing": tmp_path / "none.tif",
    }
    for code, path in wanted.items():
        with pytest.raises(InputError) as error:
            read(path, polygons)
        assert error.value.code == code


def test_zones_beyond_the_rasters_edge_are_listed(tmp_path):
    path = raster(tmp_path / "p.tif", [[8]])
    rows, _, findings = read(path, zones(a=(0, 0, 100, 100), b=(100, 0, 200, 100)))
    assert findings.counts() == {"people.raster_short": 1}
    assert parts(rows) == {("a", 50, 50): 8.0}


counts = st.floats(0, 1e6, allow_subnormal=False)


@given(
    st.lists(st.tuples(counts, st.lists(st.floats(1e-6, 1), min_size=1, max_size=9)), min_size=1, max_size=5)
)
def test_parts_add_up_to_the_value_exactly_in_any_order(groups):
    values = np.array([value for value, _ in groups])
    shares = [np.array(weights) / sum(weights) for _, weights in groups]
    starts = np.cumsum([0] + [len(s) for s in shares[:-1]])
    given_out = np.split(share_out(values, np.concatenate(shares), starts), starts[1:])
    for value, share, part in zip(values, shares, given_out, strict=True):
        assert math.fsum(part) == value
        assert sum(part[::-1]) == value
        assert part == pytest.approx(value * share, rel=1e-9, abs=1e-9 * value)
