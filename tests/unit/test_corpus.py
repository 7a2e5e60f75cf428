"""The ugly corpus: each input is read, or refused, exactly as written beside it; damage loses nothing."""

import csv
import io
import json
import math
import random
import tomllib
from pathlib import Path

import geopandas as gpd
import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyproj import CRS
from shapely.geometry import Point

from servicecircle.checks.facilities import check_facilities
from servicecircle.checks.totals import read_totals
from servicecircle.checks.zones import check_zones
from servicecircle.errors import InputError
from servicecircle.findings import Findings
from servicecircle.sources.cells import text
from servicecircle.sources.tables import read_table
from servicecircle.study import Study

CORPUS = Path(__file__).parents[1] / "corpus"
CASES = sorted(CORPUS.glob("*.json"))
METRES = CRS("EPSG:4547")
BOX = (113.5, 33.5, 114.9, 34.5)
USUAL = {"facilities.no_status"}
"""Said of nearly every table here."""


def study_of(path, kind, options):
    keys = "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in options.items())
    other = {"facilities": 'source = "none"\n', "zones": 'level = "village"\nsource = "none"\n'}
    other[kind] = f"source = {json.dumps(str(path))}\n{keys}"
    content = (
        f'[streets]\nsource = "none"\n[[facilities]]\n{other["facilities"]}[[zones]]\n{other["zones"]}'
        '[people]\nsource = "none"\n'
    )
    return Study.model_validate(tomllib.loads(content) | {"path": path.parent / "study.toml"})


def read_facilities(path, case, findings):
    study = study_of(path, "facilities", {"datum": "wgs84"} | case.get("options", {}))
    read = check_facilities(study, crs=METRES, streets_box=BOX, findings=findings)
    return read.sort_values("row", kind="stable").to_dict("records")


def read_zones(path, case, findings):
    study = study_of(path, "zones", {"level": "village"} | case.get("options", {}))
    read = check_zones(study, crs=METRES, findings=findings)
    return read[read["unit"]].to_dict("records")


def read_plain(path, case, findings):
    table = read_table(path, findings=findings)
    assert list(table.frame.columns) == case["columns"]
    assert [[text(cell) for cell in row] for row in table.frame.to_numpy()] == case["cells"]
    return []


def read_census(path, case, findings):
    read = read_totals(path, case["known"], ["elderly"], basis="resident", year=None, findings=findings)
    assert list(read.index) == list(case["totals"])
    return [{"code": code, **read.loc[code].to_dict()} for code in read.index]


READERS = {"facilities": read_facilities, "zones": read_zones, "table": read_plain, "totals": read_census}


def same(read, wanted):
    """Tell whether a value is as written: None stands for a number that is not there."""
    if wanted is None or isinstance(wanted, float | int):
        missing = isinstance(read, float) and math.isnan(read)
        return missing if wanted is None else read == pytest.approx(wanted, rel=1e-12)
    return read == wanted


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_every_input_is_read_as_written_beside_it(case):
    case = json.loads(case.read_text("utf-8"))
    read, findings = READERS[case["reads"]], Findings()
    if "error" in case:
        with pytest.raises(InputError) as caught:
            read(CORPUS / case["file"], case, findings)
        assert caught.value.code == case["error"]
        assert caught.value.text("zh")
        assert caught.value.text("en")
        return
    rows = read(CORPUS / case["file"], case, findings)
    wanted = case.get("rows", [{"code": code, **figures} for code, figures in case.get("totals", {}).items()])
    slips = [
        (i, key, found[key], value)
        for i, (found, row) in enumerate(zip(rows, wanted, strict=True))
        for key, value in row.items()
        if not same(found[key], value)
    ]
    assert slips == []
    said = {c: n for c, n in findings.counts().items() if c not in USUAL and not c.startswith("datum")}
    assert said == case["findings"]
    assert len(findings.to_frame("zh")) == len(findings.to_frame("en")) == len(findings)


def test_the_corpus_is_whole():
    assert len(CASES) >= 60
    assert all((CORPUS / json.loads(case.read_text("utf-8"))["file"]).is_file() for case in CASES)


HEADER = ["编号", "名称", "类型", "经度", "纬度", "床位数"]
ROWS = [
    [f"F{i}", f"{name}幸福院", "农村幸福院", f"{114 + i / 100:.2f}", f"{33.9 + i / 100:.2f}", str(10 * i)]
    for i, name in enumerate(("东街", "西街", "南关", "北关", "张庄", "李村"))
]


def write_csv(rows, delimiter=","):
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter).writerows(rows)
    return stream.getvalue()


def write_xlsx(path, rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path.read_bytes()


def accounted(path, findings):
    """Return the facilities of a file; rows in = rows used + rows listed."""
    found = check_facilities(
        study_of(path, "facilities", {"datum": "wgs84"}), crs=METRES, streets_box=BOX, findings=findings
    )
    doubted = {f.row for f in findings if f.code.startswith("facilities.")}
    assert all(row in doubted for row in found.loc[found["reason"] != "", "row"])
    return found


quiet = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quiet
@given(
    st.permutations(range(len(HEADER))),
    st.permutations(range(len(ROWS))),
    st.integers(0, 4),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le"]),
    st.lists(st.integers(0, len(ROWS)), max_size=3),
)
def test_any_order_place_and_encoding_gives_the_same_facilities(
    tmp_path, columns, order, shift, delimiter, encoding, blanks
):
    rows = [["某县养老设施"]] * shift + [[HEADER[c] for c in columns]]
    body = [[ROWS[i][c] for c in columns] for i in order]
    for at in sorted(blanks, reverse=True):
        body.insert(at, [])
    path = tmp_path / "t.csv"
    path.write_bytes(write_csv(rows + body, delimiter).encode(encoding))
    findings = Findings()
    found = accounted(path, findings)
    read = found[["facility_id", "name", "lon", "lat", "beds"]].to_numpy().tolist()
    assert read == [[i, name, float(x), float(y), float(beds)] for i, name, _, x, y, beds in ROWS]
    inner = [i for i, row in enumerate(body) if row]
    wanted = inner[-1] - len(inner) + 1
    assert sum(f.facts["count"] for f in findings if f.code == "tables.blank_rows") == wanted


def read_damaged(path, data):
    """Read a damaged file: whole, or one clear error."""
    path.write_bytes(data)
    try:
        accounted(path, Findings())
    except InputError as error:
        said = [error.text("zh"), error.text("en")]
    else:
        return
    assert all(said)


@quiet
@given(
    st.sampled_from([".csv", ".xlsx", ".xls", ".dbf", ".shp", ".gpkg", ".geojson"]),
    st.integers(0, 10**9),
    st.sampled_from(["cut", "flip", "zero", "double"]),
)
def test_a_damaged_file_never_ends_in_a_crash(tmp_path, suffix, seed, damage):
    path, rng = tmp_path / f"t{suffix}", random.Random(seed)
    data = bytearray(good_bytes(path))
    where = rng.randrange(len(data))
    if damage == "cut":
        del data[where:]
    elif damage == "zero":
        data[where : where + 50] = bytes(len(data[where : where + 50]))
    elif damage == "double":
        data[where:where] = data[where : where + 200]
    else:
        for _ in range(rng.randint(1, 20)):
            data[rng.randrange(len(data))] = rng.randrange(256)
    read_damaged(path, bytes(data))


def good_bytes(path):
    rows = [HEADER, *ROWS]
    if path.suffix == ".csv":
        return write_csv(rows).encode("gb18030")
    if path.suffix == ".xlsx":
        return write_xlsx(path, rows)
    if path.suffix == ".xls":
        return (CORPUS / "excel_2.xls").read_bytes()
    if path.suffix == ".dbf":
        return (CORPUS / "table_alone.dbf").read_bytes()
    for old in path.parent.glob("t.*"):
        old.unlink()
    frame = gpd.GeoDataFrame(
        {"名称": ["西街"], "类型": ["农村幸福院"]}, geometry=[Point(114, 33.9)], crs=4326
    )
    frame.to_file(path)
    return path.read_bytes()


@quiet
@given(
    st.lists(
        st.lists(
            st.one_of(st.text(max_size=8), st.floats().map(str), st.sampled_from(["小计", "幸福院", ""])),
            max_size=7,
        ),
        max_size=12,
    )
)
def test_any_text_below_the_header_is_used_or_listed(tmp_path, body):
    path = tmp_path / "t.csv"
    body = [[cell.replace("\x00", "").encode("utf-8", "replace").decode() for cell in row] for row in body]
    path.write_text(write_csv([HEADER, ROWS[0], *body, ROWS[1]]), "utf-8", newline="")
    findings = Findings()
    found = accounted(path, findings)
    listed = sum(f.facts["count"] for f in findings if f.code in {"tables.sum_rows", "tables.blank_rows"})
    assert len(found) + listed == len(body) + 2
