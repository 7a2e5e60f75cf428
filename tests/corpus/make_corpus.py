"""
Writes the ugly inputs and, beside each, what has to be read from it.

    python tests/corpus/make_corpus.py

The inputs follow what offices send; the readings are written here by hand, never by the reader.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import struct
import zipfile
from pathlib import Path

import geopandas as gpd
import openpyxl
import pandas as pd
import pyogrio
from shapely.geometry import Point, box

HERE = Path(__file__).parent
HEAD = ["名称", "类型", "经度", "纬度"]
ROW = ["西街幸福院", "农村幸福院", 114.05, 33.9]
READ = {"name": "西街幸福院", "kind": "village_happiness_home", "lon": 114.05, "lat": 33.9, "reason": ""}
ROW_2 = ["东街日间照料中心", "社区日间照料中心", 114.06, 33.91]
READ_2 = {"name": "东街日间照料中心", "kind": "community_daycare", "lon": 114.06, "lat": 33.91, "reason": ""}
PLACED = "西街幸福院,农村幸福院,114.05,33.9"
HEADER = "名称,类型,经度,纬度"
A, B, TOWN = "411002001001", "411002001002", "411002001000"

made: set[str] = set()


def expect(name: str, *, reads: str = "facilities", **reading: object) -> Path:
    """Write the reading of a case beside it, and return the case's path."""
    path = HERE / name
    if path.stem in made:
        raise ValueError(path.stem)
    made.add(path.stem)
    text = json.dumps({"file": name, "reads": reads, **reading}, ensure_ascii=False, indent=1)
    (HERE / f"{path.stem}.json").write_text(text + "\n", "utf-8")
    return path


def text(name: str, content: str, *, encoding: str = "utf-8", bom: bytes = b"", **reading: object) -> None:
    expect(name, **reading).write_bytes(bom + content.encode(encoding))


def book(name: str, sheets: dict[str, list[list[object]]], *, merged: tuple[str, ...] = (), hidden: str = "",
         **reading: object) -> None:  # fmt: skip
    path = expect(name, **reading)
    made_book = openpyxl.Workbook()
    made_book.remove(made_book.active)
    for title, rows in sheets.items():
        sheet = made_book.create_sheet(title)
        for row in rows:
            sheet.append(row)
        for cells in merged:
            sheet.merge_cells(cells)
    if hidden:
        made_book[hidden].sheet_state = "hidden"
    made_book.save(path)


def patch(
    name: str, change: dict[str, bytes], *, add: dict[str, bytes] | None = None, **reading: object
) -> None:
    """Write a plain workbook whose XML is changed: part -> what stands in it."""
    path = expect(name, **reading)
    plain = io.BytesIO()
    made_book = openpyxl.Workbook()
    for row in (HEAD, ROW):
        made_book.active.append(row)
    made_book.save(plain)
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            new.writestr(part, change.get(part, old.read(part)))
        for part, content in (add or {}).items():
            new.writestr(part, content)


def titles_and_headers() -> None:
    book("title_rows.xlsx", {"台账": [["某县养老服务设施台账"], ["填报单位：民政局", None, "2026年6月"], [], HEAD, ROW]},
         rows=[READ | {"row": 5}], findings={})  # fmt: skip
    book("two_row_header.xlsx",
         {"a": [["名称", "类型", "床位数", None, "坐标", None], [None, None, "总数", "护理型", "经度", "纬度"],
                ["西街幸福院", "幸福院", 30, 12, 114.05, 33.9]]},
         merged=("A1:A2", "B1:B2", "C1:D1", "E1:F1"),
         rows=[READ | {"row": 3, "beds": 30, "nursing_beds": 12}], findings={})  # fmt: skip
    book("title_and_two_row_header.xlsx",
         {"a": [["养老设施一览表", None, None, None], ["名称", "类型", "地理位置", None], [None, None, "东经", "北纬"], ROW, ROW_2]},
         merged=("A1:D1", "A2:A3", "B2:B3", "C2:D2"),
         rows=[READ | {"row": 4}, READ_2 | {"row": 5}], findings={})  # fmt: skip
    text("sparse_first_row.csv", f"{HEADER},\n无名,,,备注\n{PLACED},\n",
         rows=[{"row": 2, "name": "无名", "kind": "", "reason": "no_coordinates"}, READ | {"row": 3}],
         findings={"facilities.no_coordinates": 1, "facilities.unknown_kind": 1})  # fmt: skip
    text("english_headers.csv", "Facility name,Category,LNG,Latitude,Capacity\nWest,日间照料中心,114.05,33.9,20\n",
         rows=[READ | {"name": "West", "kind": "community_daycare", "beds": 20}], findings={})  # fmt: skip
    text("chinese_synonyms.csv",
         "机构名称,机构类别,X坐标,Y坐标,核定床位数,护理床位,总建筑面积,用地面积,运营主体,运营状态,投用时间,所属社区\n"
         "西街幸福院,幸福大院,114.05,33.9,30,8,600,900,村委会,正常运营,2021-05-01,西街社区\n",
         rows=[READ | {"beds": 30, "nursing_beds": 8, "floor_area_m2": 600, "site_area_m2": 900, "operator": "村委会",
                       "status": "operating", "opened": "2021-05-01", "zone_hint": "西街社区"}], findings={})  # fmt: skip
    text("headers_with_units.csv", '"床位数（张）","建筑面积（㎡）",＊名称,类型,经度（°）,纬度（°）\n30,600,西街幸福院,幸福院,114.05,33.9\n',
         rows=[READ | {"beds": 30, "floor_area_m2": 600}], findings={})  # fmt: skip
    book(
        "newlines_in_headers.xlsx",
        {"a": [["机构\n名称", "类 型", "经度\n（度）", "纬　度"], ROW]},
        rows=[READ],
        findings={},
    )
    text("area_in_mu.csv", "名称,类型,经度,纬度,占地面积（亩）,建筑面积\n西街幸福院,幸福院,114.05,33.9,3,1.5亩\n",
         rows=[READ | {"site_area_m2": 2000, "floor_area_m2": 1000}], findings={})  # fmt: skip
    text("serial_and_remarks.csv", f"序号,{HEADER},备注\n1,{PLACED},新建\n", rows=[READ], findings={})
    text("no_rows.csv", f"{HEADER}\n", error="facilities.none")
    text("no_coordinates_columns.csv", "名称,类型\n西街幸福院,幸福院\n", reads="table",
         columns=["名称", "类型"], cells=[["西街幸福院", "幸福院"]], findings={})  # fmt: skip


def cells_as_written() -> None:
    row = READ | {"beds": 1200, "floor_area_m2": 12000, "occupancy": 0.85}
    head = f"{HEADER},床位数,建筑面积,入住率\n"
    text(
        "full_width_digits.csv",
        head + "西街幸福院,幸福院,１１４．０５,３３．９,１２００,１２０００,８５％\n",
        rows=[row],
        findings={},
    )
    text(
        "thousands_separators.csv",
        head + '西街幸福院,幸福院,114.05,33.9,"1,200","12,000.0",0.85\n',
        rows=[row],
        findings={},
    )
    text(
        "units_in_cells.csv",
        head + "西街幸福院,幸福院,114.05°,33.9度,1200张,1.2万㎡,85%\n",
        rows=[row],
        findings={},
    )
    text(
        "percent_as_number.csv",
        head + "西街幸福院,幸福院,114.05,33.9,约1200,12000平方米,85\n",
        rows=[row],
        findings={},
    )
    text("unusable_numbers.csv", head + "西街幸福院,幸福院,114.05,33.9,若干,12-15,—\n",
         rows=[READ | {"beds": None, "floor_area_m2": None, "occupancy": None}], findings={"facilities.bad_number": 2})  # fmt: skip
    text("dms.csv", f"{HEADER}\n西街幸福院,幸福院,114°03′00″E,\"33°54'00\"\"N\"\n东街日间照料中心,日间照料中心,114度3分36秒,33度54.6分\n",
         rows=[READ, READ_2], findings={})  # fmt: skip
    text("hemisphere_marks.csv", f"{HEADER}\n西街幸福院,幸福院,114.05E,33.9N\n东街日间照料中心,日间照料中心,东经114.06°,北纬33.91°\n",
         rows=[READ, READ_2], findings={})  # fmt: skip
    text(
        "decimal_comma.csv", "名称;类型;经度;纬度\n西街幸福院;幸福院;114,05;33,9\n", rows=[READ], findings={}
    )
    text("one_column_of_places.csv", '名称,类型,经纬度\n西街幸福院,幸福院,"114.05,33.9"\n东街日间照料中心,日间照料中心,"114.06，33.91"\n',
         rows=[READ, READ_2], findings={})  # fmt: skip
    text("one_column_latitude_first.csv", '名称,类型,坐标\n西街幸福院,幸福院,"33.9, 114.05"\n东街日间照料中心,日间照料中心,N33.91 E114.06\n',
         rows=[READ, READ_2], findings={})  # fmt: skip
    text("one_column_of_other_writing.csv",
         "名称,类型,位置坐标\n西街幸福院,幸福院,114°3′0″E33°54′0″N\n东街日间照料中心,日间照料中心,POINT(114.06 33.91)\n三,幸福院,在村口\n四,幸福院,\n",
         rows=[READ, READ_2, {"name": "三", "reason": "bad_coordinates"}, {"name": "四", "reason": "no_coordinates"}],
         findings={"facilities.bad_coordinates": 1, "facilities.no_coordinates": 1})  # fmt: skip
    text("minutes_over_sixty.csv", f"{HEADER}\n西街幸福院,幸福院,114°75′,33.9\n{PLACED}\n",
         rows=[READ | {"reason": "bad_coordinates", "lon": None, "lat": None}, READ], findings={"facilities.bad_coordinates": 1})  # fmt: skip
    text("swapped_columns.csv", f"{HEADER}\n西街幸福院,幸福院,33.9,114.05\n东街日间照料中心,日间照料中心,33.91,114.06\n",
         rows=[READ, READ_2], findings={"facilities.swapped_table": 1})  # fmt: skip
    text("swapped_row.csv", f"{HEADER}\n{PLACED}\n东街日间照料中心,日间照料中心,33.91,114.06\n三,幸福院,114.1,33.9\n",
         rows=[READ, READ_2, {"name": "三", "lon": 114.1}], findings={"facilities.swapped": 1})  # fmt: skip
    text("zero_coordinates.csv", f"{HEADER}\n西街幸福院,幸福院,0,0\n{PLACED}\n",
         rows=[READ | {"reason": "no_coordinates", "lon": None, "lat": None}, READ], findings={"facilities.no_coordinates": 1})  # fmt: skip
    book(
        "numbers_as_text.xlsx",
        {"a": [HEAD, ["西街幸福院", "幸福院", "114.05", " 33.9 "]]},
        rows=[READ],
        findings={},
    )
    text("dates.csv", f"{HEADER},开业时间\n" + "".join(f"{PLACED},{day}\n" for day in (
        "2021年5月1日", "2021.5.1", "2021/5/1", "20210501", "2021-05-01 00:00:00", "44317", "2021年5月", "2021", "去年底")),
         rows=[READ | {"opened": day} for day in [*["2021-05-01"] * 6, "2021-05", "2021", "去年底"]],
         findings={"facilities.same_place": 1})  # fmt: skip
    book("real_dates.xlsx", {"a": [[*HEAD, "开业时间"], [*ROW, dt.datetime(2021, 5, 1)]]},
         rows=[READ | {"opened": "2021-05-01"}], findings={})  # fmt: skip
    states = {"运营中": "operating", "建成未运营": "built_idle", "在建": "under_construction", "拟建": "planned", "停业整顿": "suspended",
              "已关停": "closed", "已验收": "accepted", "": "unknown", "嗯": "unknown"}  # fmt: skip
    text("status_words.csv", f"编号,{HEADER},状态\n" + "".join(f"{i},{PLACED},{word}\n" for i, word in enumerate(states)),
         rows=[READ | {"status": status, "facility_id": str(i)} for i, status in enumerate(states.values())],
         findings={"facilities.unknown_status": 1, "facilities.same_place": 1})  # fmt: skip
    kinds = {"庆祖镇敬老院": "township_home", "张庄村幸福院": "village_happiness_home", "西街社区日间照料中心": "community_daycare",
             "北关养老服务站": "community_station", "长寿助餐点": "meal_point", "文峰街道综合养老服务中心": "street_centre",
             "康乐老年公寓": "care_institution", "张三理发店": ""}  # fmt: skip
    text("kinds_from_names.csv", "名称,经度,纬度\n" + "".join(f"{name},{114 + i / 100},33.9\n" for i, name in enumerate(kinds)),
         rows=[{"name": name, "kind": kind} for name, kind in kinds.items()],
         findings={"facilities.unknown_kind": 1, "facilities.kind_by_name": 1})  # fmt: skip
    text("blank_marks.csv", f"{HEADER},床位数\n西街幸福院,幸福院,114.05,33.9,无\n东街日间照料中心,日间照料中心,114.06,33.91,/\n",
         rows=[READ | {"beds": None}, READ_2 | {"beds": None}], findings={})  # fmt: skip


def rows_that_are_none() -> None:
    text("sums_and_blanks.csv", f"序号,{HEADER},床位数\n1,{PLACED},30\n,小计,,,,30\n,,,,,\n2,东街日间照料中心,日间照料中心,114.06,33.91,20\n,合 计,,,,50\n",
         rows=[READ | {"row": 2, "beds": 30}, READ_2 | {"row": 5, "beds": 20}],
         findings={"tables.sum_rows": 1, "tables.blank_rows": 1})  # fmt: skip
    book("sums_of_townships.xlsx", {"a": [HEAD, ["庆祖镇小计：", "2所"], ROW, ROW_2, ["Total", None, None, None]]},
         rows=[READ | {"row": 3}, READ_2 | {"row": 4}], findings={"tables.sum_rows": 1})  # fmt: skip
    text(
        "a_name_with_a_sum_in_it.csv",
        f"{HEADER}\n合计村幸福院,幸福院,114.05,33.9\n",
        rows=[READ | {"name": "合计村幸福院"}],
        findings={},
    )
    text(
        "duplicate_rows.csv",
        f"{HEADER}\n{PLACED}\n{PLACED}\n",
        rows=[READ, READ],
        findings={"facilities.same_place": 1},
    )
    text("duplicate_ids.csv", f"编号,{HEADER}\nF1,{PLACED}\nF1,东街日间照料中心,日间照料中心,114.06,33.91\n",
         rows=[{"row": 2}, {"row": 3}], findings={"facilities.duplicate_id": 1})  # fmt: skip
    text(
        "leading_zeros.csv",
        f"编号,{HEADER}\n007,{PLACED}\n",
        rows=[READ | {"facility_id": "007"}],
        findings={},
    )
    text("ragged_rows.csv", f"{HEADER}\n{PLACED},多出的一格\n短行\n",
         rows=[READ, {"name": "短行", "reason": "no_coordinates"}],
         findings={"facilities.no_coordinates": 1, "facilities.unknown_kind": 1})  # fmt: skip
    book("far_empty_cells.xlsx", {"a": [HEAD, ROW, *[[None]] * 300, [None, " "]]}, rows=[READ], findings={})


def encodings() -> None:
    plain = f"{HEADER}\n{PLACED}\n"
    text(
        "gb18030.csv",
        plain.replace("西街", "𠮷街"),
        encoding="gb18030",
        rows=[READ | {"name": "𠮷街幸福院"}],
        findings={},
    )
    text("utf16_le_bom.csv", plain, encoding="utf-16-le", bom=b"\xff\xfe", rows=[READ], findings={})
    text("utf16_be_bom.csv", plain, encoding="utf-16-be", bom=b"\xfe\xff", rows=[READ], findings={})
    text("utf16_without_bom.csv", plain, encoding="utf-16-le", rows=[READ], findings={})
    text("utf8_bom.csv", plain, bom=b"\xef\xbb\xbf", rows=[READ], findings={})
    text("semicolons.csv", plain.replace(",", ";"), rows=[READ], findings={})
    text("tabs.tsv", plain.replace(",", "\t"), rows=[READ], findings={})
    text("bars.csv", plain.replace(",", "|"), rows=[READ], findings={})
    text(
        "unicode_text_of_excel.csv",
        plain.replace(",", "\t"),
        encoding="utf-16-le",
        bom=b"\xff\xfe",
        rows=[READ],
        findings={},
    )
    text("carriage_returns.csv", plain.replace("\n", "\r\n"), rows=[READ], findings={})
    text("quoted_newlines.csv", f'{HEADER},备注\n"西街\n幸福院",幸福院,114.05,33.9,"一行\n两行, 有逗号和""引号"""\n东街日间照料中心,日间照料中心,114.06,33.91,\n',
         rows=[READ | {"name": "西街\n幸福院", "row": 2}, READ_2 | {"row": 3}], findings={})  # fmt: skip
    text("open_quote.csv", f'{HEADER}\n"西街幸福院,幸福院,114.05,33.9\n{PLACED}\n', error="tables.open_quote")
    expect("neither_encoding.csv", error="tables.encoding").write_bytes(
        HEADER.encode() + b"\n\xff\xff\xff,1,2,3\n"
    )
    expect("empty.csv", error="files.empty").write_bytes(b"")
    text("only_blank_lines.csv", "\n\n,,,\n", error="tables.no_header")


def attacks() -> None:
    names = [
        "<script>alert(1)</script>",
        "{{7*7}}${7*7}",
        "../../etc/passwd",
        '=HYPERLINK("http://x","y")',
        "@SUM(A1)",
        "-2+3",
    ]
    text("names_that_attack.csv", f"{HEADER}\n" + "".join(f'"{name.replace(chr(34), chr(34) * 2)}",幸福院,{114 + i / 10},33.9\n' for i, name in enumerate(names)),
         rows=[{"name": name, "reason": ""} for name in names], findings={})  # fmt: skip
    text(
        "control_characters.csv",
        f"{HEADER}\n西\x07街\u202e幸福\u200b院\x00,幸福院,114.05\u200b,33.9\n",
        rows=[READ],
        findings={},
    )
    book(
        "formulas.xlsx",
        {"a": [[*HEAD, "床位数"], [*ROW, "=10+20"]]},
        rows=[READ | {"beds": None}],
        findings={},
    )
    entities = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10 if i else "ha"}">' for i in range(10))
    bomb = f'<?xml version="1.0"?><!DOCTYPE sst [{entities}]>'.encode()
    sheet = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>&l9;</t></is></c></row></sheetData></worksheet>'
    patch("billion_laughs.xlsx", {"xl/worksheets/sheet1.xml": bomb + sheet}, error="tables.entities")
    outside = b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
    patch("external_entity.xlsx", {"xl/workbook.xml": outside + b"<workbook/>"}, error="tables.entities")
    rows = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>x</t></is></c></row><row r="999999999"><c r="A999999999"><v>1</v></c></row></sheetData></worksheet>'
    patch("row_of_a_billion.xlsx", {"xl/worksheets/sheet1.xml": rows}, error="tables.too_many_rows")
    patch("zip_bomb.xlsx", {}, error="tables.too_big")
    path = HERE / "zip_bomb.xlsx"
    data = bytearray(path.read_bytes())
    entry = data.rindex(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = struct.pack("<I", 0xFFFFFFF0)  # the size that the directory declares
    path.write_bytes(bytes(data))
    whole = (HERE / "title_rows.xlsx").read_bytes()
    expect("cut_off.xlsx", error="tables.unreadable").write_bytes(whole[: len(whole) // 2])
    expect("not_a_workbook.xlsx", error="tables.unreadable").write_bytes(
        b"<html><table><tr><td>1</td></tr></table></html>"
    )
    expect("encrypted.xlsx", error="tables.unreadable").write_bytes(
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
    )


def sheets() -> None:
    notes = [["填表说明"], ["每个设施一行"]]
    book("sheet_among_notes.xlsx", {"说明": notes, "设施": [HEAD, ROW]}, rows=[READ],
         findings={"tables.sheet_chosen": 1})  # fmt: skip
    book(
        "hidden_old_sheet.xlsx",
        {"旧": [HEAD, ROW_2], "新": [HEAD, ROW]},
        hidden="旧",
        rows=[READ],
        findings={},
    )
    book("two_sheets_alike.xlsx", {"甲镇": [HEAD, ROW], "乙镇": [HEAD, ROW_2]}, error="tables.which_sheet")
    book(
        "named_sheet.xlsx",
        {"甲镇": [HEAD, ROW], "乙镇": [HEAD, ROW_2]},
        options={"sheet": "乙镇"},
        rows=[READ_2],
        findings={},
    )
    book("missing_sheet.xlsx", {"甲镇": [HEAD, ROW]}, options={"sheet": "丙镇"}, error="tables.no_sheet")
    old = expect("excel_2.xls", rows=[READ, READ_2], findings={})
    old.write_bytes(biff_2([HEAD, ROW, ROW_2]))
    expect("xlsx_named_xls.xls", rows=[READ], findings={}).write_bytes(
        (HERE / "named_sheet.xlsx").read_bytes()
    )
    reading = json.loads((HERE / "xlsx_named_xls.json").read_text("utf-8")) | {"options": {"sheet": "甲镇"}}
    (HERE / "xlsx_named_xls.json").write_text(
        json.dumps(reading, ensure_ascii=False, indent=1) + "\n", "utf-8"
    )


def biff_2(rows: list[list[object]]) -> bytes:
    """Return a workbook as the oldest Excel wrote it; its texts are GBK."""

    def record(kind: int, content: bytes) -> bytes:
        return struct.pack("<HH", kind, len(content)) + content

    parts = [record(0x0009, struct.pack("<HH", 2, 0x10)), record(0x0042, struct.pack("<H", 936))]
    for i, row in enumerate(rows):
        for j, value in enumerate(row):
            place = struct.pack("<HH3x", i, j)
            if isinstance(value, str):
                raw = value.encode("gbk")
                parts.append(record(0x0004, place + struct.pack("B", len(raw)) + raw))
            else:
                parts.append(record(0x0003, place + struct.pack("<d", float(value))))
    return b"".join(parts) + record(0x000A, b"")


def layers() -> None:
    frame = pd.DataFrame({"名称": ["西街幸福院"], "类型": ["农村幸福院"], "经度": [114.05], "纬度": [33.9]})
    pyogrio.write_dataframe(
        frame, expect("table_alone.dbf", rows=[READ], findings={}), driver="ESRI Shapefile", encoding="GBK"
    )
    (HERE / "table_alone.cpg").unlink(missing_ok=True)
    places = gpd.GeoDataFrame(
        {"名称": ["西街幸福院"], "类型": ["农村幸福院"]}, geometry=[Point(114.05, 33.9)], crs=4326
    )
    for name, label in (
        ("gbk_with_cpg", "GBK"),
        ("gbk_without_cpg", ""),
        ("gbk_wrong_cpg", "ISO-8859-1"),
        ("gbk_cpg_936", "ANSI 936"),
    ):
        path = expect(f"{name}.shp", rows=[READ], findings={})
        places.to_file(path, encoding="GBK")
        path.with_suffix(".cpg").unlink(missing_ok=True)
        if label:
            path.with_suffix(".cpg").write_text(label)
    path = expect("shapefile_without_table.shp", error="tables.no_dbf")
    places.to_file(path, encoding="GBK")
    path.with_suffix(".dbf").unlink()
    path = expect("shapefile_without_crs.shp", error="tables.no_crs", options={"datum": "auto"})
    places.to_file(path)
    path.with_suffix(".prj").unlink()
    expect("damaged.gpkg", error="tables.unreadable").write_bytes(b"SQLite format 3\x00" + bytes(200))
    text(
        "cut_off_layer.geojson",
        '{"type": "FeatureCollection", "features": [',
        error="tables.unreadable",
    )


def zones() -> None:
    head = "区划代码,名称,经度,纬度\n"
    villages = [{"code": A, "name": "西街"}, {"code": B, "name": "东街"}]
    text(
        "zone_codes_as_numbers.csv",
        head + f"{A}.0,西街,114.05,33.9\n{B[:-1]}2.00,东街,114.06,33.9\n",
        reads="zones",
        rows=villages,
        findings={},
    )
    text("zone_codes_destroyed.csv", head + "4.11002E+11,西街,114.05,33.9\n4.11002E+11,东街,114.06,33.9\n", reads="zones",
         error="zones.codes_destroyed")  # fmt: skip
    text("one_zone_code_destroyed.csv", head + f"4.11002E+11,西街,114.05,33.9\n{B},东街,114.06,33.9\n", reads="zones",
         rows=villages[1:], findings={"zones.code_destroyed": 1})  # fmt: skip
    text(
        "exact_exponents.csv",
        head + f"4.11002001001E+11,西街,114.05,33.9\n'{B},东街,114.06,33.9\n",
        reads="zones",
        rows=villages,
        findings={},
    )
    text("codes_of_15_and_17_digits.csv", head + f"{A}111,西街,114.05,33.9\n{B}01220,东街,114.06,33.9\n", reads="zones",
         rows=[villages[0] | {"class_code": "111"}, villages[1] | {"class_code": "220"}], findings={})  # fmt: skip
    text("virtual_and_withdrawn.csv", head + f"{A},西街,114.05,33.9\n411002001498,开发区虚拟社区,114.07,33.9\n{B},东街[已撤销],114.06,33.9\n",
         reads="zones", rows=[villages[0], {"code": B, "name": "东街[已撤销]"}, {"code": "411002001498"}],
         findings={"zones.virtual": 1, "zones.withdrawn": 1})  # fmt: skip
    text("zone_codes_missing_or_upper.csv", head + f",西街,114.05,33.9\n{TOWN},某镇,114.06,33.9\n{B},东街,114.06,33.9\n全县合计,,,\n",
         reads="zones", rows=villages[1:], findings={"zones.no_code": 1, "zones.upper_code": 1, "tables.sum_rows": 1})  # fmt: skip
    text("zone_repeated.csv", head + f"{A},西街,114.05,33.9\n{A},西街重复,114.05,33.9\n", reads="zones", rows=villages[:1],
         findings={"zones.repeated": 1})  # fmt: skip
    squares = [box(114.05, 33.9, 114.06, 33.91), box(114.059, 33.9, 114.07, 33.91)]
    path = expect("gbk_zones.shp", reads="zones", rows=villages, findings={"zones.overlap": 1})
    gpd.GeoDataFrame({"xzqdm": [A, B], "名称": ["西街", "东街"]}, geometry=squares, crs=4490).to_file(
        path, encoding="GBK"
    )
    path.with_suffix(".cpg").unlink(missing_ok=True)


def census() -> None:
    known = {"known": [A, B, TOWN]}
    both = {A: {"people": 12000.0, "elderly": 2220.0}, B: {"people": 5000.0, "elderly": None}}
    text(
        "census_wan_in_header.csv",
        f"区划代码,常住人口（万人）,60岁及以上人口占比（%）\n{A},1.2,18.5\n{B},0.5,\n",
        reads="totals",
        **known,
        totals=both,
        findings={},
    )
    book("census_wan_in_title.xlsx", {"a": [["某县第七次人口普查"], ["单位：万人"], ["区划代码", "常住人口", "60岁及以上"], [A, 1.2, 0.222], [B, 0.5, None]]},
         reads="totals", **known, totals=both, findings={})  # fmt: skip
    text(
        "census_two_bases.csv",
        f"区划代码,户籍人口（万人）,常住人口（万人）,老龄化率\n{A},9,1.2,18.5%\n{B},9,0.5,\n",
        reads="totals",
        **known,
        totals=both,
        findings={},
    )
    book("census_merged_header.xlsx", {"a": [["区划代码", "常住人口（人）", None, "户数"], [None, "总数", "60岁及以上", None], [A, 12000, 2220, 4000], [B, 5000, None, 1500]]},
         merged=("A1:A2", "B1:C1", "D1:D2"), reads="totals", **known,
         totals={A: both[A] | {"households": 4000.0}, B: both[B] | {"households": 1500.0}}, findings={})  # fmt: skip
    text("census_registered.csv", f"区划代码,户籍人口,户数\n{A},12000,4000\n", reads="totals", **known,
         totals={A: {"people": None, "households": 4000.0}}, findings={"people.totals_basis": 1})  # fmt: skip
    text("census_ugly_rows.csv", f"区划代码,常住人口\n{A},12000\n{A},13000\n999999999999,5\n{B},很多\n{TOWN},某镇合计\n合计,17000\n", reads="totals", **known,
         totals={A: {"people": 12000.0}, B: {"people": None}, TOWN: {"people": None}},
         findings={"people.total_repeated": 1, "people.total_unknown_code": 1, "people.total_unusable": 2, "tables.sum_rows": 1})  # fmt: skip
    text("census_of_years.csv", f"区划代码,2010年常住人口,2020年常住人口,60岁及以上人口\n{A},9000,12000,2220\n{B},1,5000,\n", reads="totals", **known,
         totals=both, findings={"people.one_of_years": 1})  # fmt: skip


def merged_cells() -> None:
    head = ["所属街道", *HEAD, "床位数"]
    rows = [["文峰街道", *ROW, 30], [None, *ROW_2, None], [None, "南关幸福院", "幸福院", 114.07, 33.9, 5],
            [None, "北关幸福院", "幸福院", 114.08, 33.9, 5]]  # fmt: skip
    street = {"zone_hint": "文峰街道"}
    read = [READ | street | {"beds": 30}, READ_2 | street | {"beds": None}, {"name": "南关幸福院"} | street]
    book("merged_streets.xlsx", {"a": [head, *rows]}, merged=("A2:A4", "F2:F3"),
         rows=[*read, {"name": "北关幸福院", "zone_hint": ""}],
         findings={"tables.filled_down": 1, "tables.merged_number": 1})  # fmt: skip
    book("merged_coordinates.xlsx", {"a": [[*HEAD], ROW, ["西街助餐点", "助餐点", None, None]]}, merged=("C2:C3", "D2:D3"),
         rows=[READ, {"name": "西街助餐点", "lon": 114.05, "lat": 33.9, "reason": ""}],
         findings={"tables.filled_down": 1})  # fmt: skip
    book("merged_header_and_sums.xlsx",
         {"a": [["街道", "设施", None, "坐标", None], [None, "名称", "类型", "经度", "纬度"], ["文峰街道", *ROW],
                [None, *ROW_2], [None, "小计", "2所", None, None]]},
         merged=("A1:A2", "B1:C1", "D1:E1", "A3:A5"),
         rows=[READ | street | {"row": 3}, READ_2 | street | {"row": 4}],
         findings={"tables.filled_down": 1, "tables.sum_rows": 1})  # fmt: skip
    old = expect("merged_streets_old.xls", rows=[READ | street, READ_2 | street, {"name": "南关幸福院"} | street],
                 findings={"tables.filled_down": 1})  # fmt: skip
    old.write_bytes(biff_8([head[:5], *(row[:5] for row in rows[:3])], merged=(1, 3, 0)))


def biff_8(rows: list[list[object]], *, merged: tuple[int, int, int]) -> bytes:
    """Return the stream of a workbook as Excel 97 wrote it, with cells merged downwards."""

    def record(kind: int, content: bytes) -> bytes:
        return struct.pack("<HH", kind, len(content)) + content

    def text_of(value: str, form: str) -> bytes:
        return struct.pack(form, len(value)) + b"\x01" + value.encode("utf-16-le")

    cells = []
    for i, row in enumerate(rows):
        for j, value in enumerate(row):
            place = struct.pack("<HHH", i, j, 15)
            if isinstance(value, str):
                cells.append(record(0x0204, place + text_of(value, "<H")))
            elif value is not None:
                cells.append(record(0x0203, place + struct.pack("<d", float(value))))
    top, bottom, column = merged
    cells.append(record(0x00E5, struct.pack("<5H", 1, top, bottom, column, column)))
    sheet = (
        record(0x0809, struct.pack("<HHHHII", 0x600, 0x10, 0, 1997, 0, 6))
        + b"".join(cells)
        + record(0x000A, b"")
    )
    font = record(
        0x0031, struct.pack("<HHHHHBBBB", 200, 0, 0x7FFF, 400, 0, 0, 0, 0, 0) + text_of("SimSun", "<B")
    )
    formats = record(0x00E0, struct.pack("<HHHBBBBIIH", 0, 0, 0xFFF5, 32, 0, 0, 0, 0, 0, 0x20C0)) * 16
    begin = (
        record(0x0809, struct.pack("<HHHHII", 0x600, 0x05, 0, 1997, 0, 6))
        + record(0x0042, b"\xb0\x04")
        + font * 5
        + formats
    )
    name = text_of("台账", "<B")
    at = len(begin) + 4 + 6 + len(name) + 4
    return begin + record(0x0085, struct.pack("<IBB", at, 0, 0) + name) + record(0x000A, b"") + sheet


def rows_of_real_life() -> None:
    south = ["南关幸福院", "幸福院", 114.07, 33.9]
    read_south = {"name": "南关幸福院", "kind": "village_happiness_home", "lon": 114.07, "lat": 33.9}
    book("tables_side_by_side.xlsx", {"a": [["序号", *HEAD, None, "序号", *HEAD], [1, *ROW, None, 2, *ROW_2], [3, *south]]},
         rows=[READ_2 | {"row": 2}, READ | {"row": 2}, read_south | {"row": 3}], findings={"tables.several": 1})  # fmt: skip
    book("header_of_each_page.xlsx", {"a": [["某县养老服务设施"], HEAD, ROW, ["某县养老服务设施"], HEAD, ROW_2]},
         rows=[READ | {"row": 3}, READ_2 | {"row": 6}], findings={"tables.header_again": 1})  # fmt: skip
    book("second_table_of_other_order.xlsx", {"a": [HEAD, ROW, [], ["类型", "名称", "纬度", "经度", "床位数"],
                                                    ["幸福院", "南关幸福院", 33.9, 114.07, 8]]},
         rows=[READ | {"beds": None}, read_south | {"row": 5, "beds": 8}],
         findings={"tables.header_again": 1, "tables.several": 1, "tables.blank_rows": 1})  # fmt: skip
    book("header_under_fifteen_notes.xlsx", {"a": [["某县养老设施"], *[[f"{i}. 请按实填写"] for i in range(14)], HEAD, ROW]},
         rows=[READ | {"row": 17}], findings={})  # fmt: skip
    book("units_under_the_header.xlsx", {"a": [[*HEAD, "床位数", "占地面积"], [None, None, "度", "度", "张", "亩"], [*ROW, 30, 3]]},
         rows=[READ | {"row": 3, "beds": 30, "site_area_m2": 2000}], findings={"tables.unit_row": 1})  # fmt: skip
    book("column_numbers.xlsx", {"a": [[*HEAD, "床位数"], ["甲", "乙", 1, 2, 3], [*ROW, 30]]},
         rows=[READ | {"row": 3, "beds": 30}], findings={"tables.note_rows": 1})  # fmt: skip
    book("remarks_below.xlsx", {"a": [HEAD, ROW, ROW_2, ["注：数据截至2026年6月"], ["填表人：张三", "审核人：李四"], ["填报日期：2026年6月30日"]]},
         rows=[READ, READ_2], findings={"tables.note_rows": 1})  # fmt: skip
    book("titles_of_parts.xlsx", {"a": [["序号", *HEAD], ["一", "文峰街道"], [1, *ROW], ["二", "五一路街道"], [2, *ROW_2]]},
         rows=[READ | {"row": 3}, READ_2 | {"row": 5}], findings={"tables.note_rows": 1})  # fmt: skip
    book("titles_of_parts_alone.xlsx", {"a": [["序号", *HEAD], ["文峰街道（1个）"], [1, *ROW], ["五一路街道"], [2, *ROW_2], [3], [4]]},
         merged=("A2:E2",), rows=[READ | {"row": 3}, READ_2 | {"row": 5}],
         findings={"tables.note_rows": 1, "tables.blank_rows": 1})  # fmt: skip
    book("titles_of_parts_by_name.xlsx", {"a": [HEAD, ["文峰街道"], ROW, ["西街"], ["城关镇："], ROW_2]},
         rows=[READ | {"row": 3}, {"row": 4, "name": "西街", "reason": "no_coordinates"}, READ_2 | {"row": 6}],
         findings={"tables.note_rows": 1, "facilities.no_coordinates": 1, "facilities.unknown_kind": 1})  # fmt: skip
    book("three_row_header.xlsx",
         {"a": [["养老设施汇总表"], ["名称", "基本情况", None, None, None, "位置", None],
                [None, "床位（张）", None, "面积（平方米）", None, "经度", "纬度"], [None, "总数", "护理型", "建筑", "占地"],
                ["西街幸福院", 30, 12, "1,200", "3亩", 114.05, 33.9]]},
         merged=("A2:A4", "B2:E2", "F2:G2", "B3:C3", "D3:E3", "F3:F4", "G3:G4"),
         rows=[READ | {"row": 5, "beds": 30, "nursing_beds": 12, "floor_area_m2": 1200, "site_area_m2": 2000}],
         findings={"facilities.kind_by_name": 1})  # fmt: skip
    text("sums_in_the_middle.csv", f"街道,{HEADER},床位数\n文峰街道,{PLACED},10\n小计,,,,,10\n五一路街道,东街日间照料中心,日间照料中心,114.06,33.91,20\n合计,2家,,,,30\n",
         rows=[READ | {"row": 2}, READ_2 | {"row": 4}], findings={"tables.sum_rows": 1})  # fmt: skip
    text("nursing_beds_in_brackets.csv", f"{HEADER},床位数\n{PLACED},50张（护理型20张）\n东街日间照料中心,日间照料中心,114.06,33.91,30（其中护理型床位10）\n",
         rows=[READ | {"beds": 50, "nursing_beds": 20}, READ_2 | {"beds": 30, "nursing_beds": 10}], findings={})  # fmt: skip
    places = (
        "经度114.05，纬度33.9",
        "东经：114.05，北纬：33.9",
        "X:114.05 Y:33.9",
        "(33.9,114.05)",
        "N33°54′，E114°3′",
    )
    text("places_with_words.csv", "名称,类型,坐标\n" + "".join(f'"{i}西街",幸福院,"{place}"\n' for i, place in enumerate(places)),
         rows=[{"lon": 114.05, "lat": 33.9, "reason": ""}] * len(places), findings={})  # fmt: skip
    text("degrees_in_words.csv", f"{HEADER}\n1,幸福院,东经114°3′,北纬33°54′\n2,幸福院,114 03 00,33 54 00\n3,幸福院,经度：114.05,纬度：33.9\n4,幸福院,E114.05,N33.9\n",
         rows=[{"lon": 114.05, "lat": 33.9, "reason": ""}] * 4, findings={})  # fmt: skip
    text("dates_in_words.csv", f"{HEADER},开业时间\n" + "".join(f"第{i}街幸福院,幸福院,{114 + i / 100},33.9,{day}\n" for i, day in enumerate((
        "二〇二一年五月", "二○二一年十二月三日", "2021年05月01日投入使用", "2021.05", "2021年5月1日起"))),
         rows=[{"opened": day} for day in ("2021-05", "2021-12-03", "2021-05-01", "2021-05", "2021-05-01")], findings={})  # fmt: skip
    states = {"非运营": "suspended", "未正常运营": "suspended", "停止运营": "suspended", "停用": "suspended", "未营业": "built_idle",
              "待运营": "built_idle", "待建": "planned", "已取消": "closed", "已开业": "operating", "已投运": "operating", "试运营": "operating"}  # fmt: skip
    text("status_with_no_in_it.csv", f"{HEADER},状态\n" + "".join(f"第{i}街幸福院,幸福院,{114 + i / 100},33.9,{word}\n" for i, word in enumerate(states)),
         rows=[{"status": status} for status in states.values()], findings={})  # fmt: skip
    path = expect(
        "hidden_rows_and_filters.xlsx", rows=[READ | {"beds": 10}, READ_2 | {"beds": 20}], findings={}
    )
    made_book = openpyxl.Workbook()
    sheet = made_book.active
    for row in ([*HEAD, "床位数"], [*ROW, 10], [*ROW_2, 20]):
        sheet.append(row)
    sheet.row_dimensions[3].hidden = sheet.column_dimensions["E"].hidden = True
    sheet.auto_filter.ref = "A1:E3"
    made_book.save(path)
    text("gps_and_other_headers.csv",
         "设施名,设施类别,GPS经度,GPS纬度,床位总数,其中:护理型床位数,建筑面积（平方米）,运营主体性质,所属街道（镇）,所属社区（村）\n"
         "西街幸福院,幸福院,114.05,33.9,10,5,300,公建民营,庆祖镇,西街村\n",
         rows=[READ | {"beds": 10, "nursing_beds": 5, "operator": "公建民营", "zone_hint": "西街村|庆祖镇"}], findings={})  # fmt: skip


if __name__ == "__main__":
    for old in HERE.iterdir():
        if old.suffix != ".py":
            old.unlink()
    for write in (
        titles_and_headers,
        cells_as_written,
        rows_that_are_none,
        encodings,
        attacks,
        sheets,
        layers,
        zones,
        census,
        merged_cells,
        rows_of_real_life,
    ):
        write()
    print(len(made), "cases")
