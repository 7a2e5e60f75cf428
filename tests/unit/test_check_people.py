"""People in their zones: drawn squares of 100 m, worked out by hand."""

import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyproj import CRS
from rasterio.transform import Affine
from shapely.geometry import Point, Polygon

from servicecircle.checks.people import check_people, zones_of
from servicecircle.checks.zones import check_zones
from servicecircle.errors import InputError
from servicecircle.findings import Findings
from servicecircle.study import Study
from unit.drawn_squares import X, Y, at, save, square

METRES = CRS("EPSG:4547")
A, B, C = "410902001001", "410902001002", "410902002201"
EAST, WEST = "410902001000", "410902002000"
COUNTY = "410902000000"


@pytest.fixture
def town(tmp_path):
    """Three villages in a row, A and B of one township, C of another."""
    save(tmp_path / "v.gpkg", [square(0, 0), square(1, 0), square(2, 0)], code=[A, B, C])
    return tmp_path


def check(folder, people, *, zones=(("village", "v.gpkg"),), groups="", totals=None):
    lines = ['streets.source = "s.osm.pbf"', '[[facilities]]\nsource = "f.csv"']
    lines += [f'[[zones]]\nlevel = "{level}"\nsource = "{name}"' for level, name in zones]
    lines += [f"[people]\n{people}"]
    if totals is not None:
        (folder / "totals.csv").write_text(totals, "utf-8")
        lines.append('totals = "totals.csv"')
    lines += [f"[people.groups]\n{groups}"] if groups else []
    (folder / "study.toml").write_text("\n".join(lines), "utf-8")
    study = Study.from_file(folder / "study.toml")
    known = check_zones(study, crs=METRES, findings=Findings())
    findings = Findings()
    found = check_people(study, known, crs=METRES, findings=findings)
    assert all(len(findings.to_frame(language)) == len(findings) for language in ("zh", "en"))
    return found, findings


def points(folder, places, *, people, elderly=None, **more):
    columns = {"pop": people} | ({"old": elderly} if elderly else {})
    save(folder / "p.gpkg", places, **columns)
    groups = 'elderly = "old"' if elderly else ""
    return check(folder, 'source = "p.gpkg"\ncolumn = "pop"', groups=groups, **more)


def sums(found, column="people"):
    return {code: math.fsum(rows) for code, rows in found.rows.groupby("zone_code")[column]}


def test_points_stay_where_they_are_and_the_lowest_code_has_the_shared_edge(town):
    found, findings = points(town, [at(1, 0.5), at(2.5, 0.5), at(9, 9)], people=[3, 4, 5])
    assert list(found.rows.columns) == ["person_id", "people", "zone_code", "x_m", "y_m", "reason"]
    assert sums(found) == {A: 3, C: 4, "": 5}
    assert list(found.rows["reason"]) == ["", "", "outside_zones"]
    assert list(found.rows["x_m"]) == [X + 100, X + 250, X + 900]
    nothing = dict.fromkeys(("outside_box", "nodata_cells", "negative", "not_located"), 0)
    assert found.totals == {"raw": 12, "scaled": 7, "outside_zones": 5, **nothing}
    assert findings.counts() == {"people.outside_zones": 1}
    assert findings.to_frame()["people_touched"][0] == 5


def test_a_table_of_points_in_degrees_is_read_by_its_headers(town):
    lon, lat = gpd.GeoSeries([at(0.5, 0.5)], crs=4547).to_crs(4326).iloc[0].coords[0]
    (town / "p.csv").write_text(f'经度,纬度,常住人口,户籍人口\n{lon},{lat},"1,200",900\n', "utf-8")
    found, _ = check(town, 'source = "p.csv"')
    assert sums(found) == {A: 1200}
    found, _ = check(town, 'source = "p.csv"\nbasis = "registered"')
    assert sums(found) == {A: 900}


def test_polygons_are_spread_on_the_grid_of_the_crs_their_edge_included(town):
    found, _ = points(town, [square(0.25, 0.25)], people=[9])
    assert sums(found) == {A: 4, B: 2, "": 3}
    xy = set(zip(found.rows["x_m"] - X, found.rows["y_m"] - Y, strict=True))
    assert xy == {(x, y) for x in (25, 75, 125) for y in (25, 75, 125)}


def test_a_polygon_without_a_grid_point_has_one_inside(town):
    triangle = Polygon([(X + 1, Y + 1), (X + 9, Y + 1), (X + 1, Y + 9)])
    found, _ = points(town, [triangle], people=[8])
    (row,) = found.rows.itertuples()
    assert triangle.covers(Point(row.x_m, row.y_m))
    assert row.people == 8


def test_bad_rows_are_listed_and_hold_nobody(town):
    places = [at(0.5, 0.5), at(0.5, 0.6), at(0.5, 0.7), None, at(0.5, 0.8)]
    found, findings = points(town, places, people=[1.0, np.nan, -4, 16, np.inf])
    assert sums(found) == {A: 1}
    assert found.totals["raw"] == 17
    assert (found.totals["not_located"], found.totals["negative"], found.totals["nodata_cells"]) == (
        16,
        -4,
        2,
    )
    told = {f.code: (f.row, f.facts["count"], f.facts["rows"], f.people_touched) for f in findings}
    assert told == {
        "people.no_number": (3, 2, "3, 6", None),
        "people.negative_rows": (4, 1, "4", None),
        "people.no_place": (5, 1, "5", 16),
    }


def test_more_elderly_than_people_is_listed_by_row_and_by_zone(town):
    found, findings = points(
        town, [at(0.5, 0.5), at(0.5, 0.6), at(1.5, 0.5)], people=[5, 5, 5], elderly=[6, 1, 7]
    )
    assert found.groups == ("elderly",)
    assert sums(found, "elderly") == {A: 7, B: 7}
    assert {(f.code, f.subject, f.row) for f in findings} == {
        ("people.group_exceeds_rows", "p.gpkg", 2), ("people.group_exceeds", B, None),
    }  # fmt: skip
    assert all("elderly" not in text for text in findings.to_frame("zh")["message"])


def write_raster(path, values, cell=100):
    values = np.array(values, dtype="float32")
    grid = Affine(cell, 0, X, 0, -cell, Y + cell * values.shape[0])
    with rasterio.open(
        path, "w", driver="GTiff", height=values.shape[0], width=values.shape[1], count=1, dtype="float32",
        crs="EPSG:4547", transform=grid,
    ) as file:  # fmt: skip
        file.write(values, 1)


def test_a_raster_is_divided_and_nobody_is_lost(town):
    write_raster(town / "p.tif", [[1, 2, 4, 8], [16, 32, 64, 128]])
    write_raster(town / "e.tif", [[0, 0, 0, 0], [1, 2, 3, 4]])
    found, _ = check(town, 'source = "p.tif"', groups='elderly = "e.tif"')
    assert sums(found) == {A: 16, B: 32, C: 64}
    assert sums(found, "elderly") == {A: 1, B: 2, C: 3}
    assert found.totals["outside_box"] == 143
    assert found.totals["raw"] == found.totals["scaled"] + found.totals["outside_zones"] == 255
    assert found.totals["raw_elderly"] == 10


def test_a_village_smaller_than_a_cell_gets_its_share(tmp_path):
    save(tmp_path / "v.gpkg", [square(0, 0, 0.25, 1), square(0.25, 0)], code=[A, B])
    write_raster(tmp_path / "p.tif", [[100, 0]])
    found, _ = check(tmp_path, 'source = "p.tif"')
    assert sums(found) == {A: 25, B: 75}


def test_village_points_draw_people_within_three_kilometres(tmp_path):
    save(tmp_path / "v.gpkg", [at(0, 0), at(40, 0)], code=[B, A])
    found, _ = points(
        tmp_path, [at(5, 0), at(20, 0), at(21, 0), at(70, 0), at(70.1, 0)], people=[1, 2, 4, 8, 16]
    )
    assert sums(found) == {B: 1, A: 2 + 4 + 8, "": 16}


def test_village_points_draw_people_of_their_township_polygon_only(tmp_path):
    save(tmp_path / "v.gpkg", [at(1, 1), at(60, 1), at(99, 1)], code=[A, C, "410902003201"])
    save(tmp_path / "t.gpkg", [square(0, 0, 50, 2), square(50, 0, 30, 2)], code=["410902001", "410902002"])
    zones = (("village", "v.gpkg"), ("township", "t.gpkg"))
    found, _ = points(
        tmp_path, [at(49, 1), at(79, 1), at(81, 1), at(40, 5)], people=[1, 2, 4, 8], zones=zones
    )
    assert sums(found) == {A: 1, C: 2, "410902003201": 4, "": 8}


def test_cells_of_a_raster_go_to_village_points_by_their_centre(tmp_path):
    save(tmp_path / "v.gpkg", [at(0.5, 0.5), at(3.5, 0.5)], code=[A, B])
    write_raster(tmp_path / "p.tif", [[1, 2, 4, 8]])
    found, _ = check(tmp_path, 'source = "p.tif"')
    assert sums(found) == {A: 3, B: 12}


class TestTotals:
    places = (at(0.5, 0.5), at(0.6, 0.5), at(1.5, 0.5), at(2.5, 0.5))

    def scaled(self, town, totals, elderly=None):
        return points(town, self.places, people=[10, 30, 60, 50], elderly=elderly, totals=totals)

    def test_a_villages_total_scales_its_people(self, town):
        found, findings = self.scaled(town, f"区划代码,常住人口\n{A},20\n")
        assert sums(found) == {A: 20, B: 60, C: 50}
        assert list(found.rows["people"]) == [5, 15, 60, 50]
        assert (found.totals["raw"], found.totals["scaled"]) == (150, 130)
        assert findings.counts() == {"people.scaled": 1}

    def test_a_total_without_end_is_none(self, town):
        path = town / "totals.parquet"
        pd.DataFrame({"区划代码": [A, B], "常住人口": [np.inf, 20.0]}).to_parquet(path)
        save(town / "p.gpkg", self.places, pop=[10, 30, 60, 50])
        people = 'source = "p.gpkg"\ncolumn = "pop"\ntotals = "totals.parquet"'
        found, findings = check(town, people)
        assert sums(found) == {A: 40, B: 20, C: 50}
        assert findings.counts() == {"people.scaled": 1, "people.total_unusable": 1}

    def test_a_townships_total_goes_to_its_villages_without_one_less_theirs(self, town):
        found, _ = self.scaled(town, f"区划代码,常住人口\n{A},20\n410902001,50\n")
        assert sums(found) == {A: 20, B: 30, C: 50}

    def test_a_countys_total_takes_the_rest(self, town):
        found, _ = self.scaled(town, f"区划代码,常住人口\n{A},20\n{EAST},50\n{COUNTY},75\n")
        assert sums(found) == {A: 20, B: 30, C: 25}

    def test_lower_totals_above_the_townships_leave_the_rest_as_modelled(self, town):
        found, findings = self.scaled(town, f"区划代码,常住人口\n{A},55\n{EAST},50\n")
        assert sums(found) == {A: 55, B: 60, C: 50}
        assert [f.subject for f in findings if f.code == "people.totals_exceed"] == [EAST]

    @pytest.mark.parametrize(("county", "told"), [(150, []), (151, []), (160, [COUNTY])])
    def test_a_higher_total_is_compared_not_applied(self, town, county, told):
        found, findings = self.scaled(town, f"区划代码,常住人口\n{A},40\n{B},60\n{C},50\n{COUNTY},{county}\n")
        assert sums(found) == {A: 40, B: 60, C: 50}
        assert [f.subject for f in findings if f.code == "people.totals_differ"] == told

    def test_a_zone_where_nobody_is_modelled_gets_one_row(self, town):
        found, _ = points(town, [at(0.5, 0.5)], people=[10], totals=f"区划代码,常住人口\n{C},7\n{EAST},20\n")
        assert sums(found) == {A: 20, C: 7}
        row = found.rows[found.rows["zone_code"] == C].iloc[0]
        assert square(2, 0).covers(Point(row["x_m"], row["y_m"]))
        assert row["reason"] == ""

    def test_a_township_where_nobody_is_modelled_gets_one_row_in_a_village(self, town):
        found, _ = points(town, [at(2.5, 0.5)], people=[10], totals=f"区划代码,常住人口\n{EAST},20\n")
        assert sums(found).pop(C) == 10
        (row,) = found.rows[found.rows["zone_code"] != C].itertuples()
        assert row.zone_code in {A, B}
        assert row.people == 20

    def test_groups_scale_alone(self, town):
        table = f"区划代码,常住人口,60岁及以上人口,户数\n{A},,8,3\n{B},6,,\n"
        found, findings = self.scaled(town, table, elderly=[1, 3, 30, 5])
        assert sums(found) == {A: 40, B: 6, C: 50}
        assert sums(found, "elderly") == {A: 8, B: 30, C: 5}
        assert [f.subject for f in findings if f.code == "people.group_exceeds"] == [B]
        assert found.totals_table.loc[A, "households"] == 3
        assert math.isnan(found.totals_table.loc[A, "people"])

    def test_bad_rows_of_the_table_are_listed(self, town):
        table = f"区划代码,常住人口\n{A},20\n{A},30\n999999999999,9\n{B},-5\n{C},很多\n"
        found, findings = self.scaled(town, table)
        assert sums(found) == {A: 20, B: 60, C: 50}
        assert {(f.code, f.row) for f in findings if f.row} == {
            ("people.total_repeated", 3), ("people.total_unknown_code", 4),
            ("people.total_unusable", 5), ("people.total_unusable", 6),
        }  # fmt: skip

    def test_a_table_without_codes_is_an_error(self, town):
        with pytest.raises(InputError) as error:
            self.scaled(town, "名称,常住人口\n甲,20\n")
        assert error.value.code == "people.totals_columns"


@pytest.mark.parametrize(
    ("places", "people", "column", "code"),
    [
        ([at(0.5, 0.5)], [0], "pop", "people.none"),
        ([at(90, 90)], [5], "pop", "people.none_in_zones"),
        ([at(0.5, 0.5)], [5], "missing", "tables.no_column"),
        ([square(-90_000, 0, 180_000, 90_000)], [5], "pop", "people.spread_too_fine"),
    ],
)
def test_people_that_cannot_be_used_are_one_clear_error(town, places, people, column, code):
    save(town / "p.gpkg", places, pop=people)
    with pytest.raises(InputError) as error:
        check(town, f'source = "p.gpkg"\ncolumn = "{column}"')
    assert error.value.code == code


place = st.tuples(st.floats(-1, 4), st.floats(-1, 2), st.sampled_from(["point", "polygon"]))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(place, st.floats(0.01, 500)), min_size=1, max_size=6), st.randoms())
def test_nobody_is_lost_and_the_order_of_rows_changes_nothing(town, rows, random):
    rows = [*rows, ((0.5, 0.5, "point"), 1.0)]
    shuffled = random.sample(rows, len(rows))

    def found(rows):
        shapes = [at(x, y) if kind == "point" else square(x, y, 0.7, 1.3) for (x, y, kind), _ in rows]
        return points(town, shapes, people=[people for _, people in rows])[0]

    one, two = found(rows), found(shuffled)
    pd.testing.assert_frame_equal(one.rows, two.rows, check_exact=True)
    assert one.totals == two.totals
    assert math.fsum(one.rows["people"]) == math.fsum(people for _, people in rows) == one.totals["raw"]
    assert math.fsum((one.totals["scaled"], one.totals["outside_zones"])) == pytest.approx(
        one.totals["raw"], rel=1e-15
    )


def test_places_are_assigned_like_people_and_no_place_is_in_no_zone(tmp_path):
    save(tmp_path / "v.gpkg", [square(0, 0), at(5, 0)], code=[A, B])
    (tmp_path / "p.csv").write_text("lon,lat,people\n114,35.7,1\n", "utf-8")
    lines = [
        'streets.source = "s"',
        '[[facilities]]\nsource = "f"',
        '[[zones]]\nlevel = "village"\nsource = "v.gpkg"',
    ]
    (tmp_path / "s.toml").write_text("\n".join([*lines, '[people]\nsource = "p.csv"']), "utf-8")
    zones = check_zones(Study.from_file(tmp_path / "s.toml"), crs=METRES, findings=Findings())
    xy = np.array([[X + 50, Y + 50], [np.nan, Y], [X + 300, Y], [X + 9000, Y]])
    assert list(zones_of(xy, zones)) == [A, "", B, ""]
