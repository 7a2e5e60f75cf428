"""People become rows: cells, points, polygons, and the totals of a census."""

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine

from towns.drawing import CRS, ORIGIN, VILLAGE, Town

NEXT, SMALL = "410902200202", "410902200203"


def write_raster(path, cells, *, nodata=-99999.0):
    """Write cells of 100 m; their top left corner is the drawing's top left character."""
    cells = np.array(cells, dtype="float32")
    shape = dict(zip(("height", "width"), cells.shape, strict=True), count=1, dtype="float32", nodata=nodata)
    place = Affine(100, 0, ORIGIN[0], 0, -100, ORIGIN[1])
    with rasterio.open(path, "w", driver="GTiff", crs=CRS, transform=place, **shape) as raster:
        raster.write(cells, 1)


def test_cells_are_divided_by_area_and_stand_at_their_centres(tmp_path):
    write_raster(tmp_path / "people.tif", [[100, 40, -99999, -7, 80]])
    town = Town(
        "A----B",
        facilities={"F": "A"},
        zones={
            VILLAGE: ((0, 0), (25, -100)),  # a quarter of the first cell
            NEXT: ((25, 0), (400, -100)),  # three quarters of it, the second, and the two without people
            SMALL: ((410, -10), (430, -60)),  # 20 x 50 m: a tenth of the last cell, smaller than one
        },
        study_people={"source": "people.tif"},
    )
    answer = town.run(tmp_path)
    assert answer.zone(VILLAGE).people == pytest.approx(25, abs=1e-4)
    assert answer.zone(NEXT).people == pytest.approx(75 + 40, abs=1e-4)
    assert answer.zone(SMALL).people == pytest.approx(8, abs=1e-4)
    people = answer.run.people
    located = people[people["zone_code"] != ""]
    rows = zip(located.geometry.x - ORIGIN[0], located["zone_code"], located["people"].round(3), strict=True)
    assert sorted(rows) == [(50, VILLAGE, 25.0), (50, NEXT, 75.0), (150, NEXT, 40.0), (450, SMALL, 8.0)]
    assert set(people.geometry.y) == {ORIGIN[1] - 50}
    # of the 80 in the last cell 72 live in no zone; nodata and -7 are nobody
    assert answer.run.manifest["totals"]["raw"] == pytest.approx(100 + 40 + 80, abs=1e-4)
    assert answer.run.manifest["totals"]["outside_zones"] == pytest.approx(72, abs=1e-4)
    assert {"people.nodata_cells", "people.negative_cells"} <= answer.codes


def layer(boxes, **columns):
    """Return boxes of metres from the origin as a layer of polygons."""
    x, y = ORIGIN
    shapes = [shapely.box(x + a, y + b, x + c, y + d) for a, b, c, d in boxes]
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS)


@pytest.mark.parametrize(
    ("spread_m", "spots"),
    [
        (
            50,
            {
                (0, 0, 100, 100): [(25, 25), (25, 75), (75, 25), (75, 75)],
                (1020, 20, 1070, 70): [(1025, 25)],
                (2025, 25, 2075, 75): [(2025, 25), (2025, 75), (2075, 25), (2075, 75)],  # covered by its edge
                (3030, 30, 3070, 70): [(3050, 50)],  # none inside: its representative point
            },
        ),
        (100, {(0, 0, 300, 100): [(50, 50), (150, 50), (250, 50)]}),
        (20, {(0, 0, 50, 20): [(10, 10), (30, 10), (50, 10)]}),
    ],
)
def test_polygons_are_spread_on_the_square_grid(tmp_path, spread_m, spots):
    people = layer(spots, people=[12.0] * len(spots))
    town = Town("A----B", people=people, facilities={"F": "A"}, study_people={"spread_m": spread_m})
    rows = town.run(tmp_path).run.people
    east, north = rows.geometry.x - ORIGIN[0], rows.geometry.y - ORIGIN[1]
    assert sorted(zip(east, north, rows["people"], strict=True)) == [
        (x, y, pytest.approx(12 / len(each))) for each in spots.values() for x, y in each
    ]


def totals_of(folder, text, zones, people, **options):
    folder.mkdir(exist_ok=True)
    (folder / "census.csv").write_text(text, "utf-8")
    study = {"totals": "census.csv", "groups": {"elderly": "elderly"}}
    town = Town("A---B---C", people=people, facilities={"F": "A"}, zones=zones, study_people=study, **options)
    return town.run(folder)


HALVES = {VILLAGE: ("A 90W 90N", "B 90E 90S"), NEXT: ("B 90E 90N", "C 90E 90S")}


def test_totals_scale_each_zone_and_each_group_by_itself(tmp_path):
    answer = totals_of(
        tmp_path,
        f"code,people,elderly\n{VILLAGE},60,6\n{NEXT},50,\n",
        HALVES,
        {
            "A": {"people": 10, "elderly": 1},
            "B": {"people": 30, "elderly": 3},
            "C": {"people": 25, "elderly": 10},
        },
    )
    # village: 60 / (10 + 30) = 1.5, elderly 6 / 4 = 1.5; next: 50 / 25 = 2, its elderly stay 10
    assert [answer.person(p).people for p in "ABC"] == [15, 45, 50]
    assert [answer.person(p).elderly for p in "ABC"] == [1.5, 4.5, 10]
    assert answer.run.manifest["totals"]["raw"] == 65
    assert answer.run.manifest["totals"]["scaled"] == 110


def test_a_zone_with_a_total_and_nobody_modelled_gets_one_row(tmp_path):
    answer = totals_of(
        tmp_path,
        f"code,people\n{NEXT},70\n",
        HALVES,
        {"A": {"people": 10, "elderly": 1}},
    )
    rows = answer.run.people[answer.run.people["zone_code"] == NEXT]
    assert list(rows["people"]) == [70]
    assert list(rows["elderly"]) == [0]
    zone = answer.run.zones.set_index("code").geometry[NEXT]
    assert zone.contains(rows.geometry.iloc[0])
    assert answer.zone(VILLAGE).people == 10


def test_the_lowest_total_wins_and_higher_ones_are_compared(tmp_path):
    people = {p: {"people": 10, "elderly": 1} for p in "ABC"}
    villages = f"{VILLAGE},40\n{NEXT},20\n"
    answer = totals_of(tmp_path, f"code,people\n410902200000,90\n{villages}", HALVES, people)
    assert [answer.person(p).people for p in "ABC"] == [20, 20, 20]
    assert "people.totals_differ" in answer.codes
    answer = totals_of(tmp_path / "above", "code,people\n410902200000,90\n410902000000,300\n", HALVES, people)
    assert [answer.person(p).people for p in "ABC"] == [
        30,
        30,
        30,
    ]  # 90 / 30; the county's 300 is not applied
    assert "people.totals_differ" in answer.codes


def test_more_elderly_than_people_is_a_finding(tmp_path):
    answer = totals_of(
        tmp_path, f"code,people,elderly\n{VILLAGE},10,20\n", HALVES, {"A": {"people": 10, "elderly": 5}}
    )
    assert answer.person("A").elderly == 20
    assert "people.group_exceeds" in answer.codes


def test_nobody_is_lost_on_the_way(tmp_path):
    people = {"A": 1.25, "B": 2.5, "C": 0.1, "C 95E": 0.2, "C 400E": 0.4}  # the last two in no zone
    zones = {VILLAGE: ("A 90W 90N", "B 90E 90S"), NEXT: ("B 90E 90N", "C 90E 90S")}
    answer = Town("A---B---C", people=people, facilities={"F": "A"}, zones=zones).run(tmp_path)
    listed = answer.run.people.groupby("reason")["people"].sum()
    assert listed["outside_zones"] == pytest.approx(0.6, abs=1e-12)
    assert answer.zone(VILLAGE).people + answer.zone(NEXT).people == pytest.approx(3.85, abs=1e-12)
    totals = answer.run.manifest["totals"]
    assert totals["raw"] == pytest.approx(4.45, abs=1e-12)
    assert totals["judged"] + totals["not_judged_outside_zones"] == pytest.approx(totals["raw"], abs=1e-12)
