"""People as offices have them: 万人, shares, 户籍, households, special groups, buildings, web rasters."""

import functools
import http.server
import json
import math
import threading
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from pyproj import CRS
from rasterio.transform import Affine
from shapely.geometry import Point, Polygon

import servicecircle as sc
from servicecircle.checks.people import check_people
from servicecircle.checks.zones import check_zones
from servicecircle.errors import InputError
from servicecircle.findings import Findings
from servicecircle.study import Study
from unit.drawn_squares import X, Y, at, save, square
from unit.small_town import LAT, LON, STEP, SmallTown, command

METRES = CRS("EPSG:4547")
A, B = "410902001001", "410902001002"


@pytest.fixture
def town(tmp_path):
    """Two villages of 100 m x 100 m side by side."""
    save(tmp_path / "v.gpkg", [square(0, 0), square(1, 0)], code=[A, B])
    return tmp_path


def study_of(folder, people, groups=""):
    lines = [
        'streets.source = "s"',
        '[[facilities]]\nsource = "f"',
        '[[zones]]\nlevel = "village"\nsource = "v.gpkg"',
    ]
    lines += [f"[people]\n{people}"] + ([f"[people.groups]\n{groups}"] if groups else [])
    (folder / "study.toml").write_text("\n".join(lines), "utf-8")
    return Study.from_file(folder / "study.toml")


def check(folder, people, groups="", *, online=False):
    study = study_of(folder, people, groups)
    findings = Findings()
    zones = check_zones(study, crs=METRES, findings=Findings())
    found = check_people(study.going_online() if online else study, zones, crs=METRES, findings=findings)
    assert all(len(findings.to_frame(language)) == len(findings) for language in ("zh", "en"))
    return found, findings


def sums(found, column="people"):
    return {code: pytest.approx(math.fsum(rows)) for code, rows in found.rows.groupby("zone_code")[column]}


def points(folder):
    save(folder / "p.gpkg", [at(0.5, 0.5), at(1.5, 0.5)], pop=[100, 300])
    return 'source = "p.gpkg"\ncolumn = "pop"\ntotals = "t.csv"'


@pytest.mark.parametrize(
    "table",
    [
        "区划代码,常住人口（万人）\n{A},1.2\n{B},0.5\n",
        "区划代码,2020年末常住人口(万人)\n{A},1.2\n{B},5000人\n",
        "区划代码,常住人口\n{A},1.2万\n{B},0.5万人\n",
        "某县人口情况,\n单位：万人,\n区划代码,常住人口\n{A},1.2\n{B},0.5\n",
        "单位：万人,\n区划代码,常住人口（人）\n{A},12000\n{B},5000\n",
        "区划代码,户籍人口（万人）,常住人口万人\n{A},9,１．２\n{B},9,0.5\n",
        "区划代码,2010年常住人口,2020年常住人口\n{A},7,12000\n{B},7,5000\n",
    ],
)
def test_ten_thousands_and_headers_of_census_tables(town, table):
    (town / "t.csv").write_text(table.format(A=A, B=B), "utf-8")
    found, _ = check(town, points(town))
    assert sums(found) == {A: 12000, B: 5000}


@pytest.mark.parametrize(
    "cells",
    [
        ("60岁及以上人口占比（%）", "25", "10"), ("60周岁及以上老年人口占常住人口比重", "25%", "10％"),
        ("老年人口占比", "0.25", "0.1"), ("60岁及以上人口（占比，%）", "25", "10"),
        ("60岁及以上人口", "50", "40"), ("60岁及以上人口(万人)", "0.005", "0.004"),
    ],
)  # fmt: skip
def test_the_share_of_the_elderly_is_taken_of_the_people(town, cells):
    header, first, second = cells
    (town / "t.csv").write_text(f'区划代码,常住人口,"{header}"\n{A},200,{first}\n{B},400,{second}\n', "utf-8")
    found, _ = check(town, points(town), groups='elderly = "pop"')
    assert sums(found, "elderly") == {A: 50, B: 40}
    assert found.totals_table["elderly"].to_dict() == {A: pytest.approx(50), B: pytest.approx(40)}


def test_a_share_above_one_or_without_people_is_listed_or_empty(town):
    (town / "t.csv").write_text(f"区划代码,常住人口,老年人口占比\n{A},200,125%\n{B},,20%\n", "utf-8")
    found, findings = check(town, points(town))
    assert found.totals_table["elderly"].isna().all()
    assert [(f.row, f.facts["column"]) for f in findings if f.code == "people.total_unusable"] == [
        (2, "老年人口占比")
    ]


def test_shares_in_a_table_of_people_make_a_group(town):
    lon, lat = gpd.GeoSeries([at(0.5, 0.5)], crs=4547).to_crs(4326).iloc[0].coords[0]
    (town / "p.csv").write_text(f"经度,纬度,人口,老龄化比重\n{lon},{lat},200,18.5\n", "utf-8")
    found, _ = check(town, 'source = "p.csv"', groups='elderly = "老龄化比重"')
    assert sums(found, "elderly") == {A: 37}


def test_registered_totals_never_scale_residents(town):
    (town / "t.csv").write_text(f"区划代码,户籍人口,户数\n{A},900,30\n", "utf-8")
    found, findings = check(town, points(town))
    assert sums(found) == {A: 100, B: 300}
    assert [f.facts["column"] for f in findings if f.code == "people.totals_basis"] == ["户籍人口"]
    assert found.totals_table["people"].isna().all()
    assert found.totals_table["households"].to_dict() == {A: 30}
    assert "常住人口" in findings.to_frame("zh")["message"][0]
    found, findings = check(town, points(town) + '\nbasis = "registered"')
    assert sums(found) == {A: 900, B: 300}
    assert "people.totals_basis" not in findings.counts()


def test_people_of_the_other_basis_are_used_said_and_not_mixed_with_totals(town):
    lon, lat = gpd.GeoSeries([at(0.5, 0.5)], crs=4547).to_crs(4326).iloc[0].coords[0]
    (town / "p.csv").write_text(f"经度,纬度,户籍人口\n{lon},{lat},50\n", "utf-8")
    (town / "t.csv").write_text(f"区划代码,常住人口\n{A},900\n", "utf-8")
    found, findings = check(town, 'source = "p.csv"\ntotals = "t.csv"')
    assert sums(found) == {A: 50}
    assert {"people.basis_differs", "people.totals_basis"} <= findings.counts().keys()


def test_blank_cells_of_the_basis_are_not_filled_from_the_other(town):
    (town / "t.csv").write_text(f"区划代码,常住人口,户籍人口\n{A},,900\n{B},600,700\n", "utf-8")
    found, _ = check(town, points(town))
    assert sums(found) == {A: 100, B: 600}


def test_special_groups_are_known_by_their_chinese_names(town):
    lon, lat = gpd.GeoSeries([at(0.5, 0.5)], crs=4547).to_crs(4326).iloc[0].coords[0]
    header = "经度,纬度,人口,80岁及以上,失能老人数,半失能,空巢老人,留守老人,独居老人,特困人员"
    (town / "p.csv").write_text(f"{header}\n{lon},{lat},100,9,8,7,6,5,4,3\n", "utf-8")
    groups = {"高龄": "80岁及以上", "失能": "失能老人数", "半失能": "半失能", "空巢": "空巢老人",
              "留守": "留守老人", "独居": "独居老人", "特困": "特困人员"}  # fmt: skip
    written = "\n".join(f'"{name}" = "{column}"' for name, column in groups.items())
    (town / "t.csv").write_text(f"区划代码,独居老年人数,失能老年人\n{A},40,16\n", "utf-8")
    found, _ = check(town, 'source = "p.csv"\ntotals = "t.csv"', groups=written)
    ids = ("aged80", "disabled", "partly_disabled", "empty_nest", "left_behind", "living_alone", "destitute")
    assert found.groups == ids
    assert found.rows[list(ids)].iloc[0].tolist() == [9, 16, 7, 6, 5, 40, 3]


def test_polygons_are_spread_over_their_buildings_by_floor_area(town):
    save(town / "p.gpkg", [square(0, 0), square(1, 0)], pop=[90, 40])
    homes = [square(0.1, 0.1, 0.1, 0.1), square(0.5, 0.5, 0.1, 0.1), square(5, 5)]
    save(town / "b.gpkg", homes, 层数=["1", "2层", "9"])
    found, findings = check(town, 'source = "p.gpkg"\ncolumn = "pop"\nbuildings = "b.gpkg"')
    here = found.rows[found.rows["zone_code"] == A]
    assert here["people"].tolist() == [pytest.approx(30), pytest.approx(60)]
    assert [homes[i].covers(Point(*xy)) for i, xy in enumerate(here[["x_m", "y_m"]].to_numpy())] == [
        True,
        True,
    ]
    assert sums(found) == {A: 90, B: 40}
    (told,) = [f for f in findings if f.code == "people.no_building_here"]
    assert told.people_touched == 40
    assert len(found.rows) == 2 + 4  # the grid of 50 m where there is none


def test_a_building_on_an_edge_is_shared_and_broken_ones_are_listed(town):
    save(town / "p.gpkg", [square(0, 0), square(1, 0)], pop=[10, 20])
    save(town / "b.gpkg", [square(0.9, 0, 0.2, 0.2), at(0, 0), Polygon()], floors=[-3, 1, 1])
    found, findings = check(town, 'source = "p.gpkg"\ncolumn = "pop"\nbuildings = "b.gpkg"')
    assert sums(found) == {A: 10, B: 20}
    assert len(found.rows) == 2
    assert {"people.buildings_unusable", "people.floors_unknown"} <= findings.counts().keys()
    save(town / "b.gpkg", [at(0, 0)])
    with pytest.raises(InputError) as error:
        check(town, 'source = "p.gpkg"\ncolumn = "pop"\nbuildings = "b.gpkg"')
    assert error.value.code == "people.no_buildings"


def write_raster(path, values, cell=100, **profile):
    values = np.array(values, dtype="float32")
    grid = Affine(cell, 0, X, 0, -cell, Y + cell * values.shape[0])
    with rasterio.open(
        path, "w", driver="GTiff", height=values.shape[0], width=values.shape[1], count=1, dtype="float32",
        crs="EPSG:4547", transform=grid, **profile,
    ) as file:  # fmt: skip
        file.write(values, 1)


def test_cells_are_spread_over_the_buildings_in_them_and_in_their_zone(town):
    write_raster(town / "p.tif", [[40, 0], [0, 0]], cell=150)  # one cell over A and half of B, and above both
    write_raster(town / "q.tif", [[0, 0], [90, 30]], cell=150)
    save(town / "b.gpkg", [square(0.2, 0.2, 0.1, 0.1), square(1.7, 0.3, 0.1, 0.1)])
    found, findings = check(town, 'source = "q.tif"\nbuildings = "b.gpkg"')
    assert math.fsum(found.rows["people"]) == pytest.approx(120)
    here = found.rows[found.rows["zone_code"] == A]
    assert here[["x_m", "y_m"]].to_numpy().tolist() == [[X + 25, Y + 25]]
    assert sums(found)[A] == 40  # 90 x 4/9 of the cell
    assert found.rows[(found.rows["x_m"] - X - 175).abs() < 6]["people"].tolist() == [
        pytest.approx(30 * 4 / 9 * 0.5)
    ]
    assert "people.no_building_here" in findings.counts()


class RangeHandler(http.server.SimpleHTTPRequestHandler):
    """Serves parts of files, as web servers do, and counts the bytes."""

    sent: list[int] = []  # noqa: RUF012

    def do_GET(self):
        if not Path(self.translate_path(self.path)).is_file():
            self.send_error(404)
            return
        data = Path(self.translate_path(self.path)).read_bytes()
        first, last = 0, len(data) - 1
        if wanted := self.headers.get("Range"):
            start, _, end = wanted.removeprefix("bytes=").partition("-")
            first, last = int(start), min(int(end or last), last)
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
        else:
            self.send_response(200)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(last - first + 1))
        self.end_headers()
        self.sent.append(last - first + 1)
        self.wfile.write(data[first : last + 1])

    def log_message(self, *_):
        pass


@pytest.fixture
def web(town, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    RangeHandler.sent.clear()
    handler = functools.partial(RangeHandler, directory=str(town))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_raster_on_the_web_is_read_by_parts_and_only_when_online(town, web):
    rng = np.random.default_rng(1)
    values = rng.random((1500, 1500))
    write_raster(town / "far.tif", values, tiled=True, blockxsize=256, blockysize=256)
    found, findings = check(town, f'source = "{web}/far.tif"', online=True)
    assert sums(found) == {A: values[-1, 0], B: values[-1, 1]}
    assert "people.raster_window" in findings.counts()
    assert 0 < sum(RangeHandler.sent) < (town / "far.tif").stat().st_size / 4
    RangeHandler.sent.clear()
    with pytest.raises(InputError, match="--online") as error:
        check(town, f'source = "{web}/far.tif"')
    assert error.value.code == "people.raster_offline"
    assert RangeHandler.sent == []


def test_a_url_that_fails_is_one_clear_error_without_its_secrets(town, web):
    with pytest.raises(InputError) as error:
        check(town, f'source = "{web}/none.tif?token=secret"', online=True)
    assert error.value.code == "people.raster_unreadable"
    assert "secret" not in error.value.text("zh")
    with pytest.raises(InputError) as error:
        check(town, f'source = "{web}/people.csv"', online=True)
    assert error.value.code == "people.url_no_raster"


def test_a_study_cannot_put_itself_online(town):
    (town / "s.toml").write_text('online = true\nstreets.source = "s"\nfacilities = [{source = "f"}]\n'
        'zones = [{level = "village", source = "z"}]\npeople.source = "p.tif"\n')  # fmt: skip
    assert not Study.from_file(town / "s.toml").online


@pytest.mark.parametrize("suffix", [".dbf", ".tsv", ".csv"])
def test_a_table_of_people_in_other_files(town, suffix):
    lon, lat = gpd.GeoSeries([at(0.5, 0.5)], crs=4547).to_crs(4326).iloc[0].coords[0]
    frame = pd.DataFrame({"经度": [lon], "纬度": [lat], "人口": [7]})
    if suffix == ".dbf":
        import pyogrio

        pyogrio.write_dataframe(frame, town / "p.dbf", driver="ESRI Shapefile", encoding="GBK")
    else:
        frame.to_csv(
            town / f"p{suffix}", sep="\t" if suffix == ".tsv" else ",", index=False, encoding="gb18030"
        )
    found, _ = check(town, f'source = "p{suffix}"')
    assert sums(found) == {A: 7}


HOUSES = "户编号,户主,住址,lon,lat,人口,独居\n" + "".join(
    f"H{i:03},张三{i},庆祖镇西街{i}号,{LON + i * STEP / 9 + 0.00013:.6f},{LAT + 0.00007 * (i % 3):.6f},"
    f"{1 + i % 4},{i % 2}\n"
    for i in range(24)
)


def test_households_are_measured_where_they_are_and_shown_as_cells(tmp_path):
    keys = {"people": 'groups = { living_alone = "独居" }'}
    one = SmallTown(tmp_path / "one").write(people=HOUSES, keys=keys)
    keys = {"people": 'household = true\ngroups = { living_alone = "独居" }'}
    two = SmallTown(tmp_path / "two").write(people=HOUSES, keys=keys)
    plain, cells = (sc.run(sc.Study.from_file(town.study)) for town in (one, two))
    pd.testing.assert_frame_equal(
        plain.zones.drop(columns="geometry"), cells.zones.drop(columns="geometry"), rtol=1e-12
    )
    metric = ["people", "living_alone"]
    for within in (True, False):
        both = [
            run.people.loc[run.people["within"] == within, metric].sum().tolist() for run in (plain, cells)
        ]
        assert both[0] == pytest.approx(both[1])
    xy = np.column_stack([cells.people.geometry.x, cells.people.geometry.y])
    assert np.allclose(xy % 100, 50)
    parted = pd.DataFrame(xy, columns=["x", "y"]).assign(
        z=cells.people["zone_code"], r=cells.people["reason"], n=cells.people["connector"]
    )
    assert not parted.assign(w=cells.people["within"], c=cells.people["circle"]).duplicated().any()
    assert len(cells.people) < len(plain.people) == 24
    assert cells.people["person_id"].tolist() == list(range(len(cells.people)))
    ends = cells.gaps.geometry.explode()
    assert np.allclose(np.column_stack([ends.x, ends.y]) % 100, 50)
    assert cells.gaps["people"].sum() == pytest.approx(plain.gaps["people"].sum())


def test_every_special_group_is_measured_in_one_run(tmp_path):
    groups = ["高龄", "失能", "半失能", "空巢", "留守", "独居", "特困", "特殊困难", "65岁以上", "75岁以上"]
    rows = [f"{LON + i * STEP / 9:.6f},{LAT:.6f},20," + ",".join(["1"] * 10) for i in range(9)]
    people = "\n".join(["lon,lat,人口," + ",".join(groups), *rows])
    keys = {"people": "groups = { " + ", ".join(f'"{group}" = "{group}"' for group in groups[:8]) + " }"}
    zones = sc.run(sc.Study.from_file(SmallTown(tmp_path).write(people=people, keys=keys).study)).zones
    top = zones[zones["circle"] == "own"].iloc[0]
    assert (top["people"], top["disabled_people"], top["hardship_people"]) == (180, 9, 9)
    assert top["destitute_share_within"] == pytest.approx(top["share_within"])


def test_no_household_is_named_in_any_output(tmp_path):
    town = SmallTown(tmp_path).write(
        people=HOUSES + "H999,李四,庆祖镇东街9号,,,3,1\n", keys={"people": "household = true"}
    )
    assert command("run", town.study, "--quiet").code == 0
    assert command("check", town.study, "--quiet").code in {0, 2}
    made = [path for path in town.folder.rglob("*") if path.is_file() and path.name != "people.csv"]
    assert len(made) > 8
    for path in made:
        data = path.read_bytes()
        for secret in ("H003", "张三", "李四", "西街", "东街9号"):
            assert secret.encode() not in data, (path.name, secret)
    assert json.loads((town.output / "run.json").read_text("utf-8"))


def test_gaps_between_zones_are_listed_with_their_area(tmp_path):
    ring = square(0, 0, 3, 3).difference(square(1, 1, 1, 1)).difference(square(2, 1, 0.5, 0.02))
    save(
        tmp_path / "v.gpkg",
        [ring.intersection(square(0, 0, 3, 1.5)), ring.intersection(square(0, 1.5, 3, 2))],
        code=[A, B],
    )
    findings = Findings()
    check_zones(study_of(tmp_path, 'source = "p.csv"'), crs=METRES, findings=findings)
    told = {f.code: f for f in findings if f.code in {"zones.gap", "zones.sliver"}}
    assert told["zones.gap"].facts["area_m2"] == pytest.approx(10_000 + 100)
    assert told["zones.gap"].facts["beside"] == f"{A}, {B}"


@pytest.mark.parametrize(("height", "code"), [(0.02, "zones.sliver"), (0.2, "zones.gap")])
def test_slivers_are_told_from_gaps(tmp_path, height, code):
    south = square(0, 0, 3, 1).difference(square(1, 1 - height, 1, height))
    save(tmp_path / "v.gpkg", [south, square(0, 1, 3, 1)], code=[A, B])
    findings = Findings()
    check_zones(study_of(tmp_path, 'source = "p.csv"'), crs=METRES, findings=findings)
    assert [f.facts["area_m2"] for f in findings if f.code == code] == [pytest.approx(height * 10_000)]
