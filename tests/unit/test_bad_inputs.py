"""What a study may get wrong: one clear line and nothing written, or a finding where one row is at fault."""

import bz2
import gzip
import re
import warnings
from itertools import pairwise

import geopandas as gpd
import numpy as np
import osmium
import pandas as pd
import pyogrio
import pytest
import rasterio
import shapely
from rasterio.transform import from_bounds
from shapely.geometry import LineString, Point, Polygon

import servicecircle as sc
from unit.small_town import (
    EAST,
    HEADER,
    HOME,
    LAT,
    LON,
    PEOPLE,
    STEP,
    WEST,
    SmallTown,
    command,
    findings_of,
    osm,
    summary_of,
    zones,
)

EVERYBODY = 45


@pytest.fixture
def town(tmp_path):
    return SmallTown(tmp_path / "town")


def refused(town, *, names=(), language="zh"):
    """Run a study that cannot be used: one line, exit 2, and the folder as it was."""
    before = town.files()
    ran = command("run", town.study, "--quiet", "--language", language)
    assert (ran.code, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 1, ran.err
    assert ran.err.startswith("错误：" if language == "zh" else "Error: ")
    assert "Traceback" not in ran.err
    for name in names:
        assert name in ran.err
    assert town.files() == before
    assert not town.output.parent.exists()
    return ran.err


EVERYWHERE = {"facilities.datum_assumed", "standards.unlock"}
"""What every study here has."""


def found(town):
    """Check a study that has a flaw but can be used: code -> finding."""
    inputs = sc.check(sc.Study.from_file(town.study))
    findings = {f.code: f for f in inputs.findings if f.code not in EVERYWHERE}
    for finding in findings.values():
        assert all(finding.said("zh"))
        assert all(finding.said("en"))
    return findings


def judged(town):
    """Run a study: people judged, and findings by code."""
    ran = command("run", town.study, "--quiet")
    assert (ran.code, ran.err) == (0, "")
    return summary_of(town)["people"]["judged"], {row["code"]: row for row in findings_of(town)}


def lines(*shapes, crs=4326, **columns):
    shapes = shapes or [
        LineString([(LON, LAT + r * STEP), (LON + 2 * STEP, LAT + r * STEP)]) for r in range(3)
    ]
    return gpd.GeoDataFrame({"name": ["路"] * len(shapes), **columns}, geometry=list(shapes), crs=crs)


# ---------------------------------------------------------------- streets


def pbf(path):
    with osmium.SimpleWriter(str(path), overwrite=True) as writer:
        for i in range(9):
            place = LON + i % 3 * STEP, LAT + i // 3 * STEP
            writer.add_node(osmium.osm.mutable.Node(id=i + 1, version=1, location=place))
        for way in (1, 2, 3):
            nodes = [3 * way - 2, 3 * way - 1, 3 * way]
            tags = {"highway": "residential"}
            writer.add_way(osmium.osm.mutable.Way(id=way, version=1, nodes=nodes, tags=tags))
    return path.read_bytes()


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("none.osm.pbf", None, ("路径", "path")),
        ("streets.docx", b"x", (".osm.pbf", ".osm.pbf")),
        ("streets.osm.pbf", b"", ("空", "empty")),
        ("streets.osm.pbf", b"not a PBF at all\n" * 40, ("重新", "again")),
        ("streets.osm", b"not XML", ("重新", "again")),
        ("streets.osm", osm()[:900].encode(), ("重新", "again")),
        ("streets.osm.gz", gzip.compress(osm().encode())[:-20], ("重新", "again")),
        ("streets.osm.bz2", bz2.compress(osm().encode())[:-20], ("重新", "again")),
        ("streets.osm", osm({}).encode(), ("0 条", "0 ways")),
        ("streets.osm", osm({7: ((1, 2), {"highway": "motorway"})}).encode(), ("1 条", "1 ways")),
        ("streets.osm", osm().replace('lon="115.02', 'lon="215.02').encode(), ("重新", "again")),
        ("streets.osm", osm().replace("<node", "<nothing").encode(), ("可步行", "walk")),
        ("streets.gpkg", b"not a GeoPackage", ("重新", "again")),
        ("streets.parquet", b"not Parquet", ("重新", "again")),
        ("streets.geojson", b"{}", ("重新", "again")),
    ],
)
def test_streets_that_cannot_be_read(town, name, content, says, language):
    town.write(sources={"streets.osm": name})
    if content is not None:
        town.put(name, content)
    refused(town, names=(name, says[language == "en"]), language=language)


def test_a_pbf_cut_off_anywhere_is_refused(town, tmp_path):
    whole = pbf(tmp_path / "whole.osm.pbf")
    town.write(sources={"streets.osm": "cut.osm.pbf"})
    for length in (1, 3, 4, 12, len(whole) // 3, len(whole) // 2, len(whole) - 30, len(whole) - 1):
        town.put("cut.osm.pbf", whole[:length])
        refused(town, names=("cut.osm.pbf",))
    town.put("cut.osm.pbf", whole)
    assert found(town) == {}


BOMB = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;">]>'


def graphml(*, start='<?xml version="1.0"?>', crs="epsg:4326", nodes=None):
    key = '<key id="{0}" for="{1}" attr.name="{0}" attr.type="string"/>'
    keys = "".join(key.format(name, of) for name, of in (("x", "node"), ("y", "node"), ("crs", "graph")))
    nodes = nodes or [(LON, LAT), (LON + STEP, LAT), (LON + 2 * STEP, LAT + STEP)]
    drawn = ""
    for i, place in enumerate(nodes):
        data = "".join(f'<data key="{k}">{v}</data>' for k, v in zip("xy", place, strict=False))
        drawn += f'<node id="{i}">{data}</node>'
    drawn += "".join(f'<edge source="{i}" target="{i + 1}"/>' for i in range(len(nodes) - 1))
    head = f'<data key="crs">{crs}</data>' if crs else ""
    space = 'xmlns="http://graphml.graphdrawing.org/xmlns"'
    return f'{start}<graphml {space}>{keys}<graph edgedefault="directed">{head}{drawn}</graph></graphml>'


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    ("text", "says"),
    [
        (graphml(crs=""), ("坐标系", "CRS")),
        (graphml(crs="nowhere"), ("坐标系", "CRS")),
        (graphml(nodes=[(LON, LAT), (LON,)]), ("节点 1", "node 1")),
        (graphml(nodes=[(LON, LAT), ("nan", LAT)]), ("可步行", "walk")),
        (graphml(nodes=[(LON, LAT), ("inf", LAT)]), ("可步行", "walk")),
        (graphml()[:300], ("重新", "again")),
        ("<html/>", ("重新", "again")),
        (graphml(start=BOMB).replace("<graph ", "<desc>&b;</desc><graph "), ("实体", "entities")),
        (graphml(start=BOMB.replace("<!DOC", f"<!--{'x' * 70_000}--><!DOC")), ("实体", "entities")),
    ],
)
def test_graphs_that_cannot_be_used(town, text, says, language):
    town.write(sources={"streets.osm": "g.graphml"})
    town.put("g.graphml", text)
    refused(town, names=("g.graphml", says[language == "en"]), language=language)


def test_entities_are_refused_in_any_encoding(town):
    town.write(sources={"streets.osm": "g.graphml"})
    start = BOMB.replace('"1.0"', '"1.0" encoding="utf-16"')
    town.put("g.graphml", graphml(start=start).encode("utf-16"))
    refused(town, names=("实体",))
    town.write(streets=osm().replace("<?xml version='1.0' encoding='UTF-8'?>", BOMB).replace("中街", "&b;"))
    refused(town, names=("streets.osm",))


@pytest.mark.parametrize(
    ("keys", "frames", "says"),
    [
        ('layer = "nope"', {"roads": lines()}, ("nope", "roads")),
        ("", {"roads": lines(), "paths": lines()}, ("roads", "paths", "layer")),
        ("", {"points": lines(Point(LON, LAT))}, ("线",)),
        ("", {"roads": lines().assign(highway="motorway")}, ("可步行", "3 条")),
        ("", {"roads": lines(LineString([(500_000, 3_950_000), (500_400, 3_950_000)]))}, ("道路坐标",)),
        ("", {"roads": lines(LineString([(np.inf, LAT), (np.inf, LAT + 1)]))}, ("可步行",)),
    ],
)
def test_line_layers_that_cannot_be_used(town, keys, frames, says):
    town.write(sources={"streets.osm": "roads.gpkg"}, keys={"streets": keys})
    for layer, frame in frames.items():
        frame.to_file(town.folder / "roads.gpkg", layer=layer)
    refused(town, names=("roads.gpkg", *says))


def test_a_line_layer_without_crs_or_table_or_geometry(town):
    town.write(sources={"streets.osm": "roads.shp"})
    lines().to_file(town.folder / "roads.shp", encoding="utf-8")
    (town.folder / "roads.prj").unlink()
    refused(town, names=("roads.shp", "坐标系", ".prj"))
    (town.folder / "roads.dbf").unlink()
    refused(town, names=("roads.shp", ".dbf"))
    town.write(sources={"streets.osm": "roads.gpkg"})
    pyogrio.write_dataframe(pd.DataFrame({"name": ["路"]}), town.folder / "roads.gpkg")
    refused(town, names=("roads.gpkg", "线"))


def test_features_that_are_no_streets_are_counted(town):
    town.write(sources={"streets.osm": "roads.gpkg"})
    sound = lines().geometry.tolist()
    spoilt = [None, Point(LON, LAT), LineString(), LineString([(LON, LAT), (np.inf, LAT)])]
    lines(*sound, *spoilt).to_file(town.folder / "roads.gpkg")
    findings = found(town)
    assert findings.keys() == {"streets.unplaced", "streets.not_drawn"}
    assert findings["streets.unplaced"].facts["count"] == 1
    assert findings["streets.not_drawn"].facts["count"] == 3


def test_names_of_a_gbk_line_layer_are_read_right(town):
    town.write(sources={"streets.osm": "roads.shp"})
    lines(name=["中街", "前街", "后街"]).to_file(town.folder / "roads.shp", encoding="gbk")
    judged(town)
    names = set(gpd.read_file(town.output / "coverage.gpkg", layer="segments")["name"])
    assert names == {"中街", "前街", "后街"}


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    ("crs", "says"),
    [
        ("EPSG:3857", ("网络墨卡托", "Web Mercator")),
        ("EPSG:4326", ("米", "metres")),
        ("EPSG:2272", ("米", "metres")),
        ("nonsense", ("nonsense", "nonsense")),
        ("", ("EPSG:4547", "EPSG:4547")),
        ("EPSG:32601", ("不适用", "not made for")),
    ],
)
def test_a_crs_that_may_not_be_measured_in(town, crs, says, language):
    town.write(keys={"study": f'crs = "{crs}"'})
    refused(town, names=("study.toml", says[language == "en"], "auto"), language=language)


def test_a_crs_of_a_neighbouring_zone_is_doubted(town):
    findings = found(town.write(keys={"study": 'crs = "EPSG:32651"'}))
    assert findings.keys() == {"crs.strained"}
    assert "0.60 %" in findings["crs.strained"].said("en")[0]
    assert found(town.write(keys={"study": 'crs = "EPSG:32650"'})) == {}


def test_streets_wider_than_four_degrees_are_doubted(town):
    far = osm().replace('<node id="1" version="1" lon="115.02', '<node id="1" version="1" lon="110.02')
    assert found(town.write(streets=far)).keys() == {"crs.wide"}


def test_a_place_without_download(town):
    town.write()
    town.put("study.toml", town.study.read_text("utf-8").replace('source = "streets.osm"', 'place = "濮阳"'))
    refused(town, names=("study.toml", "濮阳", "--online"))


# ---------------------------------------------------------------- facilities


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    ("content", "says"),
    [
        (HEADER, ("共 0 行", "of 0 rows")),
        ("\n\n", ("没有任何行", "no row")),
        ("名称,类型\n甲,村级幸福院\n", ("名称, 类型", "名称, 类型")),
        (HEADER + "1,甲,饭店,运营中,115.02,35.7\n", ("类型无法识别 1", "1 are of no known kind")),
        (HEADER + "1,甲,村级幸福院,运营中,,\n", ("无坐标 1", "1 have no coordinates")),
        (HEADER + "1,甲,村级幸福院,运营中,200,95\n", ("坐标无效 1", "1 have impossible ones")),
        ("名称,类型,lon,lat\n甲,村级幸福院,500000,3950000\n", ("datum", "datum")),
        (HEADER + '1,"甲,村级幸福院,运营中,115.02,35.7\n', ("facilities.csv:2", "facilities.csv:2")),
        (HEADER.encode() + b"\x80\xff\x81,\xff\n", ("facilities.csv:2", "facilities.csv:2")),
    ],
)
def test_facilities_that_cannot_be_used(town, content, says, language):
    town.write(facilities=content)
    refused(town, names=("facilities.csv", says[language == "en"]), language=language)


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ('datum = "EPSG:99999999"', ("facilities.csv", "EPSG:99999999")),
        ('datum = "EPSG:abc"', ("facilities.csv", "EPSG:abc")),
        ('columns = { name = "没有" }', ("facilities.csv", "没有", "编号, 名称")),
        ('columns = { nome = "名称" }', ("facilities.csv", "nome")),
    ],
)
def test_what_the_study_says_of_facilities_must_hold(town, keys, says):
    refused(town.write(keys={"facilities": keys}), names=says)


@pytest.mark.parametrize("name", ["f.xlsx", "f.gpkg", "f.shp", "f.osm.pbf", "f.parquet", "f.xls", "."])
def test_facility_files_that_are_none(town, name):
    town.write(sources={"facilities.csv": name})
    if name != ".":
        town.put(name, "no such thing " * 99)
    refused(town, names=(name,) if name != "." else ())


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
def test_facilities_in_any_encoding_are_read_right(town, encoding):
    town.write(facilities=(HEADER + HOME).encode(encoding))
    assert sc.check(sc.Study.from_file(town.study)).facilities["name"].tolist() == ["幸福院"]


def test_rows_at_fault_are_findings_and_none_is_lost(town):
    bad = [
        ("swapped", "2,对调,村级幸福院,运营中,35.7002,115.024"),
        ("outside_streets", "3,远处,村级幸福院,运营中,116.5,36"),
        ("no_coordinates", "4,无,村级幸福院,运营中,,"),
        ("bad_coordinates", "5,无穷,村级幸福院,运营中,inf,35"),
        ("no_coordinates", "6,非数,村级幸福院,运营中,nan,35"),
        ("bad_coordinates", "7,过大,村级幸福院,运营中,1e999,35"),
        ("bad_coordinates", "8,文字,村级幸福院,运营中,东边,35"),
        ("unknown_kind", "9,饭馆,饭店,运营中,115.024,35.7002"),
        ("unknown_status", "10,怪,村级幸福院,鬼知道,115.024,35.7003"),
    ]
    town.write(facilities=HEADER + HOME + "".join(f"{row}\n" for _, row in bad))
    ran = command("run", town.study, "-q")
    assert ran.code == 0
    listed = {(row["code"], row["row"]) for row in findings_of(town)}
    assert {(f"facilities.{code}", str(i)) for i, (code, _) in enumerate(bad, 3)} <= listed
    table = pd.read_csv(town.output / "facilities.csv", dtype=str).set_index("facility_id")
    assert len(table) == len(bad) + 1
    assert table.loc["4", "reason"] == "no_coordinates"
    assert table.loc["9", "reason"] == "unknown_kind"
    assert table.loc["10", "status"] == "unknown"
    assert table.loc["2", "lon"].startswith("115.024")


def test_a_whole_table_of_swapped_coordinates_is_said_once(town):
    rows = "".join(
        f"{i},院{i},村级幸福院,运营中,{LAT + i * STEP / 2:.4f},{LON + STEP:.4f}\n" for i in range(3)
    )
    findings = found(town.write(facilities=HEADER + rows))
    assert findings["facilities.swapped_table"].row is None
    assert "facilities.swapped" not in findings
    assert "facilities.outside_streets" not in findings


# ---------------------------------------------------------------- zones


def drawn(*shapes):
    return zones().set_geometry(gpd.GeoSeries(list(shapes), crs=4326))


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    ("villages", "says"),
    [
        (zones().drop(columns="code"), ("name", "name")),
        (zones(code=["4.1E+11", "4.1E+11"]), ("4.1E+11", "4.1E+11")),
        (zones(code=[None, ""]), ("可用", "can be used")),
        (drawn(None, None), ("可用", "can be used")),
        (drawn(LineString([(0, 0), (1, 1)]), LineString([(0, 0), (1, 1)])), ("可用", "can be used")),
        (zones().iloc[:0], ("可用", "can be used")),
    ],
)
def test_zones_that_cannot_be_used(town, villages, says, language):
    refused(town.write(villages=villages), names=("zones.gpkg", says[language == "en"]), language=language)


def test_zones_without_crs(town):
    town.write()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        zones().set_crs(None, allow_override=True).to_file(town.folder / "zones.gpkg")
    refused(town, names=("zones.gpkg", "坐标系"))


def test_zones_elsewhere_hold_nobody(town):
    far = zones()
    far["geometry"] = far.geometry.translate(30, 0)
    refused(town.write(villages=far), names=("people.csv", str(EVERYBODY)))


def test_flawed_zones_are_findings_and_nobody_is_lost(town):
    west, east = zones().geometry
    left, bottom, right, top = west.bounds
    bow_tie = Polygon([(left, bottom), (right, top), (right, bottom), (left, top)])
    cases = {
        "zones.mended": drawn(bow_tie, east),
        "zones.overlap": drawn(west, east.buffer(STEP / 2)),
        "zones.joined": zones(code=[WEST, WEST]),
        "zones.no_shape": drawn(west, None),
        "zones.code_destroyed": zones(code=[WEST, "4.1E+11"]),
        "zones.no_code": zones(code=[WEST, None]),
    }
    for code, villages in cases.items():
        town.write(villages=villages)
        assert code in found(town)
        totals = sc.check(sc.Study.from_file(town.study)).people.totals
        assert totals["scaled"] + totals["outside_zones"] == pytest.approx(EVERYBODY)


def test_codes_that_a_spreadsheet_turned_into_numbers_survive(town):
    town.write(villages=zones(code=[float(WEST), float(EAST)]))
    assert {WEST, EAST} <= set(sc.check(sc.Study.from_file(town.study)).zones["code"])


# ---------------------------------------------------------------- people

CORNER = f"{LON:.4f},{LAT:.4f}"
PLACES = "lon,lat,人口\n"


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    ("people", "keys", "says"),
    [
        (f"{PLACES}{CORNER},0\n", "", ("没有人口", "nobody")),
        (PLACES, "", ("没有人口", "nobody")),
        (f"{PLACES}10,35,4\n", "", ("4人", "4 people")),
        (f"{PLACES}{CORNER},4\n", 'column = "pop"', ("lon, lat, 人口", "lon, lat, 人口")),
        (f"lon,lat,甲\n{CORNER},4\n", "", ("lon, lat, 甲", "lon, lat, 甲")),
        ("人口\n4\n", "", ("经纬度", "longitude")),
        (f"{PLACES}{CORNER},4\n", 'groups = { elderly = "老人" }', ("老人", "老人")),
    ],
)  # fmt: skip
def test_people_that_cannot_be_used(town, people, keys, says, language):
    town.write(people=people, keys={"people": keys})
    refused(town, names=("people.csv", says[language == "en"]), language=language)


def test_rows_of_people_at_fault_are_findings(town):
    odd = ("-3", "nan", "inf", "1e999", "1e300", "many")
    spoilt = "".join(f"{CORNER},{cell}\n" for cell in odd) + "115.02,,7\n"
    people, findings = judged(town.write(people=PEOPLE + spoilt))
    assert findings["people.negative_rows"]["row"] == "11"
    assert "12, 13, 14, 15, 16" in findings["people.no_number"]["message"]
    assert float(findings["people.no_place"]["people_touched"]) == 7
    assert people == EVERYBODY


def raster(folder, *, cells=None, crs="EPSG:4326", nodata=None, box=None, name="p.tif"):
    cells = np.ones((8, 8)) if cells is None else cells
    box = box or (LON - STEP, LAT - STEP, LON + 3 * STEP, LAT + 3 * STEP)
    height, width = cells.shape
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        options = {"driver": "GTiff", "height": height, "width": width, "count": 1, "dtype": "float32"}
        options |= {"crs": crs, "nodata": nodata, "transform": from_bounds(*box, width, height)}
        with rasterio.open(folder / name, "w", **options) as dataset:
            dataset.write(cells.astype("float32"), 1)


@pytest.fixture
def rastered(town):
    return town.write(sources={"people.csv": "p.tif"})


@pytest.mark.parametrize("nodata", [None, -99999])
def test_cells_without_people_are_nobody(rastered, nodata):
    cells = np.ones((8, 8))
    cells[0, 0], cells[1, 1], cells[2, 2], cells[3, 3] = -99999, np.nan, np.inf, -2
    raster(rastered.folder, cells=cells, nodata=nodata)
    people, findings = judged(rastered)
    assert {"people.infinite_cells", "people.negative_cells", "people.nodata_cells"} <= findings.keys()
    assert ("people.nodata_undeclared" in findings) == (nodata is None)
    assert people == pytest.approx(60)


def test_a_raster_in_another_crs_keeps_its_people(rastered):
    box = gpd.GeoSeries([shapely.box(LON - STEP, LAT - STEP, LON + 3 * STEP, LAT + 3 * STEP)], crs=4326)
    raster(rastered.folder, crs="EPSG:32650", box=tuple(box.to_crs(32650).total_bounds))
    found(rastered)
    totals = sc.check(sc.Study.from_file(rastered.study)).people.totals
    assert totals["scaled"] + totals["outside_zones"] == pytest.approx(64)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"crs": None}, "坐标系"),
        ({"box": (0, 0, 1, 1)}, "不相交"),
        ({"cells": np.full((8, 8), -99999.0)}, "没有人口"),
    ],
)
def test_rasters_that_cannot_be_used(rastered, options, says):
    raster(rastered.folder, **options)
    refused(rastered, names=("p.tif", says))


def test_a_raster_that_is_missing_cut_or_none(rastered):
    refused(rastered, names=("p.tif",))
    rastered.put("p.tif", "no raster")
    refused(rastered, names=("p.tif",))
    raster(rastered.folder, cells=np.random.default_rng(1).random((200, 200)))
    rastered.put("p.tif", (rastered.folder / "p.tif").read_bytes()[:3000])
    refused(rastered, names=("p.tif",))


def test_a_group_on_another_grid(town):
    town.write(sources={"people.csv": "p.tif"}, keys={"people": 'groups = { elderly = "e.tif" }'})
    raster(town.folder)
    raster(town.folder, cells=np.ones((4, 4)), name="e.tif")
    refused(town, names=("p.tif", "e.tif"))


# ---------------------------------------------------------------- names and paths

HOSTILE = [
    "</script><script>alert(1)</script>",
    "{{ 7*7 }} {% raw %} ${x} {0} {name} %s",
    '=HYPERLINK("http://x","y")',
    "@SUM(1)",
    "../../../x",
    "a/b\\c",
    "CON",
    "第一行\n第二行\r\n\t末",
    "\x00\x07\x1b[31m红\x7f\u202e",
    "👵🏠",
    "长" * 10_000,
    "'\"<&>",
]


def test_no_name_leaves_the_folder_or_becomes_code(tmp_path):
    """One facility, village, street and township of each name; the run succeeds and writes its files only."""
    town = SmallTown(tmp_path / "a" / "b" / "town")
    xml = "".join(c for c in HOSTILE[1] + HOSTILE[2] if c not in '<>&"')
    cells = ['"' + name.replace('"', '""').replace("\x00", "") + '"' for name in HOSTILE]
    rows = "".join(
        f"{cell},{cell},村级幸福院,运营中,{LON + STEP:.4f},{LAT + 0.0002 + i / 1e5:.5f}\n"
        for i, cell in enumerate(cells)
    )
    columns = [LON - STEP + 4 * STEP * i / len(HOSTILE) for i in range(len(HOSTILE) + 1)]
    shapes = [shapely.box(a, LAT - STEP, b, LAT + 3 * STEP) for a, b in pairwise(columns)]
    codes = [f"41090220{i:01d}201" if i < 9 else name for i, name in enumerate(HOSTILE)]
    names = [name.replace("\x00", "") for name in HOSTILE]
    data = {"code": codes, "name": names, "report_unit": names}
    villages = gpd.GeoDataFrame(data, geometry=shapes, crs=4326)
    streets = osm({4: ((1, 2, 3, 6, 5, 4, 7, 8, 9), {"highway": "residential", "name": xml})})
    town.write(facilities=HEADER + rows, villages=villages, streets=streets)
    text = town.study.read_text("utf-8").replace('name = "小镇"', "name = '</title><b>{{x}}{y}'")
    town.put("study.toml", text)
    for language in ("zh", "en"):
        ran = command("run", town.study, "-q", "-l", language)
        assert (ran.code, ran.err) == (0, "")
    written = {p.relative_to(tmp_path).parts[:5] for p in tmp_path.rglob("*") if p.is_file()}
    inside = {parts for parts in written if parts[:5] == ("a", "b", "town", "maps", "study")}
    assert written - inside == {("a", "b", "town", name) for name in town.files() if "/" not in name}
    for path in town.output.rglob("*.html"):
        page = path.read_text("utf-8")
        assert "<script>alert(1)" not in page
        assert "</title><b>" not in page
        assert re.fullmatch(r"[\w.-]+", path.name)
    for path in town.output.glob("*.csv"):
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        texts = [cell for column in table for cell in table[column]]
        assert not [cell for cell in texts if cell.startswith(("=", "@", "\t", "\r"))]
        assert not [cell for cell in texts if cell.startswith(("+", "-")) and not _is_number(cell)]
        assert not [cell for cell in texts if re.search("[\x00-\x08\x1b\x7f]", cell)]
    assert len(pd.read_csv(town.output / "facilities.csv")) == len(HOSTILE)


def _is_number(cell):
    try:
        float(cell)
    except ValueError:
        return False
    return True


def test_messages_stay_one_short_line_whatever_a_file_holds(town):
    town.write(facilities="甲\n\x1b[31m," + "长" * 20_000 + "\n1,2\n")
    message = refused(town)
    assert len(message) < 1500
    assert "\x1b" not in message


@pytest.mark.parametrize("name", ["有 空格 的 文件夹", "a" * 200, "emoji👵", "100%", "{x}", "#?&"])
def test_paths_of_all_sorts(tmp_path, name):
    town = SmallTown(tmp_path / name).write()
    assert judged(town)[0] == EVERYBODY
    assert (town.output / "index.html").is_file()


def test_a_path_that_is_too_long_is_one_clear_line(town):
    town.write()
    ran = command("run", town.study, "-q", "-o", town.folder / ("x" * 300))
    assert ran.code == 2
    assert len(ran.err.splitlines()) == 1
    assert "--output" in ran.err
