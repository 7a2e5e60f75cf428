"""Units, estates, medical institutions, family beds, assigned homes, indicators and tasks."""

import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from servicecircle.checks.attributes import (
    first_day,
    has_functions,
    last_day,
    operator_type,
    owner_type,
    yes_no,
)
from servicecircle.checks.datum import gcj02_from_wgs84
from servicecircle.checks.inputs import check_inputs
from servicecircle.checks.registers import COLUMNS, Registers, check_registers
from servicecircle.database import Database, Rows
from servicecircle.errors import InputError
from servicecircle.findings import Findings
from servicecircle.outputs.check import write_check
from servicecircle.pipeline import check
from servicecircle.standards.clause import Clause, Profile
from servicecircle.standards.needs import lacking, needs, unlocks
from servicecircle.study import REGISTERS, EstateTable, MedicalTable, RegisterTable, Study
from servicecircle.terminal import waiting_lines
from unit.small_town import EAST, FACILITIES, HOME, LAT, LON, STEP, WEST, SmallTown

TOWNSHIP = WEST[:9] + "000"


def town_with(tmp_path, tables, *, keys="", language="zh", **inputs):
    """Write a study whose registers hold these CSV texts, and return its checked inputs."""
    town = SmallTown(tmp_path).write(language=language, **inputs)
    named = ""
    for name, text in tables.items():
        town.put(f"{name}.csv", text)
        named += f'\n[{name}]\nsource = "{name}.csv"\n'
    town.study.write_text(town.study.read_text("utf-8") + named + keys, "utf-8")
    return check_inputs(Study.from_file(town.study))


def listed(inputs):
    return [(f.code, f.row) for f in inputs.findings if f.code.startswith("registers.")]


# ---------------------------------------------------------------- words in cells


@pytest.mark.parametrize(
    "cell", ["是", "√", "有", "已完成", "1", 1, True, "Yes", "已签订", " 合格 ", "通过验收"]
)
def test_yes(cell):
    assert yes_no(cell) == 1.0


@pytest.mark.parametrize(
    "cell", ["否", "×", "无", "未完成", "0", 0, False, "No", "未签订", "不合格", "正在改造"]
)
def test_no(cell):
    assert yes_no(cell) == 0.0


@pytest.mark.parametrize("cell", ["", None, "—", "待定", "不详", "未知", "拆迁", float("nan"), "看情况"])
def test_neither_yes_nor_no(cell):
    assert math.isnan(yes_no(cell))


@pytest.mark.parametrize(
    ("written", "run", "owned"),
    [
        ("公建民营", "public_private", "public"), ("公办民营", "public_private", "public"),
        ("公办公营", "public", "public"), ("政府运营", "public", "public"),
        ("民办民营", "private", "private"), ("社会力量", "private", "private"),
        ("民办公助", "private", "private"), ("村集体", "", ""), ("", "", ""),
    ],
)  # fmt: skip
def test_who_runs_and_owns_it(written, run, owned):
    assert (operator_type(written), owner_type(written)) == (run, owned)


@pytest.mark.parametrize(
    ("written", "first", "last"),
    [
        ("2021年5月", "2021-05-01", "2021-05-31"), ("2021/5/1", "2021-05-01", "2021-05-01"),
        ("2021.05", "2021-05-01", "2021-05-31"), ("2021", "2021-01-01", "2021-12-31"),
        ("44317", "2021-05-01", "2021-05-01"), ("2024-02", "2024-02-01", "2024-02-29"),
        ("不详", "", ""), ("", "", ""),
    ],
)  # fmt: skip
def test_days(written, first, last):
    assert (first_day(written), last_day(written)) == (first, last)


@pytest.mark.parametrize("written", ["2025年底", "到2025年", "2025年12月底", "2025年12月31日前"])
def test_deadlines_end_with_what_they_name(written):
    assert last_day(written) == "2025-12-31"


def test_functions_are_all_three_or_not():
    assert has_functions("日间照料、文化娱乐、康复护理、助餐") == 1.0
    assert has_functions("日间照料、助餐") == 0.0
    assert math.isnan(has_functions(""))


def test_a_facility_table_tells_who_runs_it_and_what_it_has(tmp_path):
    header = (
        FACILITIES.splitlines()[0] + ",运营方,举办方,长期托养床位,入住人数,是否提升改造,服务功能,开业时间\n"
    )
    rows = HOME.strip() + ",公建民营,县民政局,３０张,12,√,日间照料；文化娱乐；康复护理,2021年5月\n"
    rows += HOME.strip().replace("F1", "F2") + ",,,,,也许,,44317\n"
    inputs = town_with(tmp_path, {}, facilities=header + rows)
    first, second = inputs.facilities.to_dict("records")
    assert (first["operator"], first["operator_type"], first["owner"]) == (
        "公建民营",
        "public_private",
        "public",
    )
    assert (first["long_stay_beds"], first["occupied_beds"], first["upgraded"]) == (30, 12, 1.0)
    assert (first["has_functions"], first["opened"], first["opened_on"]) == (1.0, "2021-05", "2021-05-01")
    assert (second["operator_type"], second["opened_on"]) == ("", "2021-05-01")
    assert math.isnan(second["upgraded"])
    assert listed(inputs) == [("registers.bad_value", 3)]
    assert {"facilities.long_stay_beds", "facilities.owner"} <= inputs.registers.given
    assert "facilities.embedded_beds" not in inputs.registers.given


# ---------------------------------------------------------------- units


def test_units_of_all_levels_by_code_and_by_name(tmp_path):
    text = (
        "单位情况表（人）\n"
        "区划代码,名称,2025年末常住人口（万人）,户籍人口,60岁及以上占比,养老服务设施用地（亩）,县城区,中心村,上期老龄化率\n"
        f"{TOWNSHIP},镇,１.２,13000,20%,3,是,,18%\n"
        f",东村,0.05,510,25%,,,√,\n"
    )
    units = town_with(tmp_path, {"units": text}).registers.units
    assert list(units.index) == [TOWNSHIP, EAST]
    first, second = units.to_dict("records")
    assert (first["people"], first["registered_people"], first["elderly"]) == (12_000, 13_000, 2_400)
    assert (first["land_m2"], first["county_town"], first["elderly_share_before"]) == (2000, 1.0, 0.18)
    assert (second["people"], second["central_village"], second["level"]) == (500, 1.0, "village")
    assert math.isnan(second["land_m2"])
    assert math.isnan(second["county_town"])


def test_every_row_of_units_is_used_or_listed(tmp_path):
    text = f"单位,社工人数\n西村,3\n天上村,4\n{WEST},5\n,6\n东村,若干\n"
    inputs = town_with(tmp_path, {"units": text})
    assert list(inputs.registers.units["social_workers"].fillna(-1)) == [3, -1]
    assert sorted(listed(inputs), key=lambda found: found[1]) == [
        ("registers.unknown_unit", 3), ("registers.repeated", 4), ("registers.no_unit", 5),
        ("registers.bad_value", 6),
    ]  # fmt: skip


def test_a_table_without_units_is_one_clear_error(tmp_path):
    with pytest.raises(InputError) as caught:
        town_with(tmp_path, {"units": "社工人数,护理员\n3,4\n"})
    assert caught.value.code == "registers.no_column"
    assert "[units]" in caught.value.text("zh")
    assert "社工人数" in caught.value.text("en")


# ---------------------------------------------------------------- estates


def test_estates_lie_where_they_say_or_where_their_coordinates_are(tmp_path):
    text = (
        "小区编号,小区名称,所属社区,户数,建设阶段,养老服务用房面积（㎡）,是否移交,同步规划,经度,纬度\n"
        f"E1,甲苑,西村,1000,新建,500,是,√,,\n"
        f"E2,乙苑,,500,老旧小区,80,未移交,,{LON + 2 * STEP},{LAT}\n"
        f"E2,丙苑,,300,,,,,,\n"
    )
    inputs = town_with(tmp_path, {"estates": text})
    estates = inputs.registers.estates
    assert list(estates.columns) == list(COLUMNS["estates"])
    assert list(estates["zone_code"]) == [WEST, EAST, ""]
    assert list(estates["stage"]) == ["new", "existing", ""]
    assert list(estates["estate_id"]) == ["E1", "E2", "E2_2"]
    assert list(estates["handed_over"].fillna(-1)) == [1, 0, -1]
    assert list(estates["floor_area_m2"].fillna(-1)) == [500, 80, -1]
    assert {code for code, _ in listed(inputs)} == {
        "registers.estate_nowhere", "registers.estate_repeated", "registers.stage_unknown",
    }  # fmt: skip
    assert not math.isnan(estates["x_m"].iloc[1])


def test_the_day_from_which_estates_are_new(tmp_path):
    text = "小区名称,所属社区,户数,建成时间\n甲苑,西村,100,2023年\n乙苑,东村,100,2010年6月\n"
    keys = "new_from = 2022-01-01\n"
    estates = town_with(tmp_path, {"estates": text}, keys=keys).registers.estates
    assert list(estates["stage"]) == ["new", "existing"]
    assert list(estates["built"]) == ["2023-01-01", "2010-06-01"]


# ---------------------------------------------------------------- medical, beds, homes


def test_medical_institutions_of_both_tables_count_once(tmp_path):
    clinic = f"M1,西村卫生室,村卫生室,运营中,{LON:.4f},{LAT:.4f}\n"
    text = (
        "机构名称,所属村,经度,纬度,开业时间,老年病科\n"
        f"西村卫生室,西村,{LON:.4f},{LAT:.4f},,\n"
        f"东村医院,东村,{LON + 2 * STEP:.4f},{LAT:.4f},2019年,有\n"
    )
    inputs = town_with(tmp_path, {"medical": text}, facilities=FACILITIES + clinic)
    medical = inputs.registers.medical
    assert list(medical["name"]) == ["西村卫生室", "东村医院"]
    assert list(medical["origin"]) == ["facilities", "medical"]
    assert list(medical["zone_code"]) == [WEST, EAST]
    assert medical.crs == inputs.crs
    assert medical.geometry.notna().all()
    assert medical["geriatric"].iloc[1] == 1.0
    assert listed(inputs) == [("registers.medical_doubled", 2)]


def test_family_beds_fill_what_the_units_table_leaves_open(tmp_path):
    tables = {
        "units": "单位,家庭养老床位\n西村,7\n东村,\n",
        "family_beds": "所属村,床位数,开业时间\n西村,3,2022年\n东村,4,2022年5月\n东村,5,2023年\n镇,,\n",
    }
    inputs = town_with(tmp_path, tables)
    assert inputs.registers.units["family_beds"].to_dict() == {WEST: 7, EAST: 9}
    assert list(inputs.registers.family_beds["opened_on"]) == ["2022-01-01", "2022-05-01", "2023-01-01"]
    assert {"registers.unknown_unit", "registers.bad_value"} == {code for code, _ in listed(inputs)}


def test_family_beds_alone_make_units(tmp_path):
    inputs = town_with(tmp_path, {"family_beds": "村,家庭养老床位\n东村,4\n"})
    assert inputs.registers.units["family_beds"].to_dict() == {EAST: 4}
    assert "units.family_beds" in inputs.registers.given
    assert "units.land_m2" not in inputs.registers.given


def test_a_home_that_serves_several_townships(tmp_path):
    text = f"敬老院,服务乡镇\n幸福院,西村、{EAST}、天上村\nF1,西村\n没有这家,东村\n"
    inputs = town_with(tmp_path, {"assigned": text})
    assert inputs.registers.assigned[["code", "facility_id"]].to_numpy().tolist() == [
        [WEST, "F1"],
        [EAST, "F1"],
    ]
    assert listed(inputs) == [
        ("registers.unknown_unit", 2), ("registers.repeated", 3), ("registers.unknown_facility", 4),
    ]  # fmt: skip


# ---------------------------------------------------------------- indicators, tasks


def test_indicators_keep_the_figure_as_given(tmp_path):
    text = (
        "条款编号,单位,指标值\nluohe-medical-contract-100,,95%\npuyang-x,西村,60\npuyang-x,西村,61\n,东村,1\n"
        "puyang-y,天上村,3\npuyang-z,,很好\n"
    )
    inputs = town_with(tmp_path, {"indicators": text})
    found = inputs.registers.indicators[["clause_id", "code", "value"]].to_numpy().tolist()
    assert found == [["luohe-medical-contract-100", "", 0.95], ["puyang-x", WEST, 60.0]]
    assert "indicators.puyang-x" in inputs.registers.given
    assert {row for _, row in listed(inputs)} == {4, 5, 6, 7}


def test_a_figure_of_a_township_that_is_not_known_is_none_of_the_whole_study(tmp_path):
    tables = {
        "indicators": "条款编号,所属村,所属乡镇,指标值\npuyang-x,,天上镇,60\npuyang-y,,,70\n",
        "tasks": "任务,所属村,所属乡镇,设施类型,目标数\n建幸福院,,天上镇,农村幸福院,4\n",
    }
    inputs = town_with(tmp_path, tables)
    assert inputs.registers.indicators["clause_id"].tolist() == ["puyang-y"]
    assert inputs.registers.tasks.empty
    assert listed(inputs) == [("registers.unknown_unit", 2), ("registers.unknown_unit", 2)]


def test_tasks_know_their_kind_and_their_day(tmp_path):
    text = (
        "任务,单位,设施类型,目标数,期限,责任单位\n建设街道中心,镇区,街道综合养老服务中心,6,2023年底,县民政局\n"
        "建设幸福院,西村,农村幸福院,2,2025-06-30,\n做好宣传,,宣传,1,,\n建日照,,日间照料中心,,2025年,\n"
    )
    inputs = town_with(tmp_path, {"tasks": text})
    tasks = inputs.registers.tasks
    assert list(tasks["task"]) == ["建设幸福院", "做好宣传"]
    assert list(tasks["kind"]) == ["village_happiness_home", ""]
    assert list(tasks["deadline"]) == ["2025-06-30", ""]
    assert list(tasks["code"]) == [WEST, ""]
    assert {code for code, _ in listed(inputs)} == {
        "registers.unknown_unit", "registers.unknown_kind", "registers.bad_value",
    }  # fmt: skip


# ---------------------------------------------------------------- all


def test_no_register_is_no_trouble(tmp_path):
    registers = town_with(tmp_path, {}).registers
    for name, columns in COLUMNS.items():
        assert list(getattr(registers, name).columns.drop("geometry", errors="ignore")) == list(columns)
        assert len(getattr(registers, name)) == 0
    assert registers.given >= {"facilities", "units.people"}
    assert "estates" not in registers.given
    assert Registers.none().given == frozenset()


@pytest.mark.parametrize("name", REGISTERS)
def test_a_wrong_key_of_a_register_is_named(tmp_path, name):
    town = SmallTown(tmp_path).write()
    town.study.write_text(
        town.study.read_text("utf-8") + f'\n[{name}]\nsource = "a.csv"\nsheat = "x"\n', "utf-8"
    )
    with pytest.raises(InputError) as caught:
        Study.from_file(town.study)
    assert caught.value.code == "study.unknown_key"
    assert f"{name}.sheat" in caught.value.text("zh")


def test_registers_are_among_the_digests_and_on_the_page(tmp_path):
    inputs = town_with(tmp_path, {"units": "单位,社工人数\n西村,3\n"})
    assert ("units", "units.csv") in {(file["role"], file["name"]) for file in inputs.digests}
    write_check(inputs, tmp_path / "out")
    page = (tmp_path / "out" / "check.html").read_text("utf-8")
    assert "单位表" in page
    assert "采用1行" in page


# ---------------------------------------------------------------- what is missing


def clause(name, test, **facts):
    return Clause.model_validate({"id": name, "phrase": name, "kind": "x", "test": test, **facts})


def test_what_a_clause_needs_and_what_would_unlock_it():
    share = clause("a", {"measure": "bed_share", "kinds": ["care_institution"], "part": "nursing_beds"})
    land = clause("b", {"measure": "ratio", "numerator": "land_m2", "denominator": "people"})
    new = clause("c", {"measure": "estate_area", "stage": "new"})
    own = clause("d", {"measure": "indicator"})
    out = clause("e", {"measure": "indicator"}, state="out_of_scope")
    assert needs(share) == {"facilities.beds", "facilities.nursing_beds"}
    assert needs(land) == {"units.land_m2"}
    assert needs(own) == {"indicators.d"}
    assert needs(out) == frozenset()
    hospitals = {"measure": "facility_share", "kinds": ["hospital"], "having": "geriatric"}
    assert needs(clause("f", hospitals)) == {"facilities.hospital", "facilities.geriatric"}
    assert lacking(new, {"facilities"}) == {"estates"}
    assert lacking(new, {"estates", "estates.households"}) == {"estates.floor_area_m2", "estates.stage"}
    given = {"facilities", "facilities.beds"}
    frame = unlocks(Profile(clauses=(share, land, new, own, out)), given)
    assert dict(zip(frame["input"], frame["clause_ids"], strict=True)) == {
        "estates": ("c",), "facilities.nursing_beds": ("a",), "indicators": ("d",), "units.land_m2": ("b",),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("language", "said"), [("zh", "补充哪些资料可判定更多条款"), ("en", "What further inputs would allow")]
)
def test_check_says_what_further_inputs_would_allow(tmp_path, language, said):
    inputs = town_with(tmp_path, {"units": "单位,社工人数\n西村,3\n"}, language=language)
    inputs = check(inputs.study)
    write_check(inputs, tmp_path / "out")
    page = (tmp_path / "out" / "check.html").read_text("utf-8")
    assert said in page
    assert ("住宅小区" if language == "zh" else "Housing estates") in page
    (told,) = [f for f in inputs.findings if f.code == "standards.unlock"]
    assert told.facts["clauses"] > told.facts["most"] > 0
    assert "{" not in "".join(told.said(language))
    assert any(str(told.facts["most"]) in line for line in waiting_lines(inputs, language)[1:])


# ---------------------------------------------------------------- other sources


def test_registers_may_be_layers_and_other_datums(tmp_path):
    town = SmallTown(tmp_path).write()
    x, y = LON + 2 * STEP, LAT
    plots = gpd.GeoDataFrame(
        {"小区名称": ["乙苑"], "户数": [500]}, geometry=[box(x, y, x + 1e-4, y + 1e-4)], crs=4326
    )
    plots.to_file(tmp_path / "estates.gpkg")
    ((lon, lat),) = gcj02_from_wgs84(np.array([[LON, LAT]]))
    town.put("medical.csv", f"机构名称,经度,纬度\n西村卫生室,{lon:.6f},{lat:.6f}\n")
    keys = '\n[estates]\nsource = "estates.gpkg"\n[medical]\nsource = "medical.csv"\ndatum = "gcj02"\n'
    town.study.write_text(town.study.read_text("utf-8") + keys, "utf-8")
    registers = check_inputs(Study.from_file(town.study)).registers
    assert list(registers.estates["zone_code"]) == [EAST]
    assert registers.medical[["lon", "lat"]].iloc[0].tolist() == pytest.approx([LON, LAT], abs=1e-5)


def test_registers_may_be_tables_of_a_database(tmp_path):
    frames = {
        "units": pd.DataFrame({"单位": ["西村"], "户数": [40]}),
        "estates": pd.DataFrame({"小区名称": ["甲苑"], "户数": ["30"], "经度": [LON], "纬度": [LAT]}),
        "medical": pd.DataFrame({"机构名称": ["西村卫生室"], "经度": [LON], "纬度": [LAT]}),
    }
    inputs = town_with(tmp_path, {})
    sources = {n: Database("postgresql://me:secret@host/geo", n, Rows(f, "")) for n, f in frames.items()}
    kinds = {"units": RegisterTable, "estates": EstateTable, "medical": MedicalTable}
    tables = {n: kinds[n].model_construct(source=source, layer=n) for n, source in sources.items()}
    study, findings = inputs.study.model_copy(update=tables), Findings()
    registers = check_registers(study, inputs.zones, inputs.facilities, crs=inputs.crs, findings=findings)
    assert registers.units["households"].to_dict() == {WEST: 40}
    assert list(registers.estates["zone_code"]) == [WEST]
    assert list(registers.medical["name"]) == ["西村卫生室"]
    assert "secret" not in "".join(str(f) for f in findings) + str(registers.units["source"].iloc[0])


def test_the_lowest_of_several_unit_columns_is_meant(tmp_path):
    units = f"县区,乡镇,村,常住人口\n{TOWNSHIP[:6]}000000,{TOWNSHIP},西村,50\n,{TOWNSHIP},,90\n"
    inputs = town_with(tmp_path, {"units": units})
    assert inputs.registers.units["people"].to_dict() == {TOWNSHIP: 90, WEST: 50}
    assert listed(inputs) == []


def test_whether_an_estate_is_new_may_be_asked_with_yes_and_no(tmp_path):
    estates = "小区,所属社区,是否新建,户数,配建养老用房面积（㎡）\n甲苑,西村,是,100,30\n乙苑,西村,否,100,\n"
    frame = town_with(tmp_path, {"estates": estates}).registers.estates
    assert frame["stage"].tolist() == ["new", "existing"]
    assert frame["floor_area_m2"].tolist()[0] == 30


def test_a_task_may_be_set_for_retrofits(tmp_path):
    tasks = "任务,设施类型,目标数\n家庭适老化改造,,100\n看不懂,火箭,2\n"
    inputs = town_with(tmp_path, {"tasks": tasks})
    assert inputs.registers.tasks["kind"].tolist() == ["home_retrofit", ""]
    assert listed(inputs) == [("registers.unknown_kind", 3)]
