"""Tasks followed from statuses and dates; hubs and spokes; two documents side by side."""

import csv
from dataclasses import replace

import pandas as pd
import pytest
from openpyxl import load_workbook

import servicecircle as sc
from servicecircle import words
from servicecircle.assess import capacity, comparison, hubs, sensitivity, tasks, village_class
from servicecircle.standards.register import all_profiles
from towns import standards_town as town
from towns.drawing import Town

VILLAGE, OTHER, TOWNSHIP, STREET = "410902200201", "410902001001", "410902200000", "410902001000"

TOWN = Town(
    r"""
A----B----C----D----E
""",
    people={"A": 10, "E": 5},
    facilities={
        "H1": {"at": "A", "kind": "village_happiness_home", "opened": "2025-03-01"},
        "H2": {"at": "B", "kind": "village_happiness_home", "opened": "2026-05-20"},
        "H3": {"at": "B", "kind": "village_happiness_home", "opened": "2026-08-01"},
        "H4": {"at": "A", "kind": "village_happiness_home", "status": "built_idle"},
        "H5": {"at": "A", "kind": "village_happiness_home", "status": "planned"},
        "H6": {"at": "B", "kind": "village_happiness_home", "status": "accepted"},
        "D1": {"at": "E", "kind": "community_daycare"},
        "S1": {"at": "D", "kind": "street_centre"},
    },
    zones={VILLAGE: ("A 90W 90N", "B 90E 90S"), OTHER: ("D 90W 90N", "E 90E 90S")},
)

TASKS = """任务,单位,设施类型,目标数,期限,责任单位,起始日期
新建幸福院,{VILLAGE},农村幸福院,4,2026-12-31,民政局,
日间照料,,社区日间照料中心,1,2026-03-31,街道,
站点,{OTHER},社区日间照料中心,3,2026-03-31,,
幸福院二期,,农村幸福院,2,2027-12-31,,
看不懂,,火箭,2,2026-12-31,,
今年幸福院,,农村幸福院,2,2026-12-31,,2026-04-01
"""

ESTATES = """小区编号,小区名称,社区代码,户数,新建或已建成,建筑面积
E1,甲小区,{OTHER},2000,新建,800
E2,乙小区,{OTHER},2000,新建,1200
E3,丙小区,{OTHER},2000,新建,200
"""
"""40, 60 and 10 square metres for every 100 households."""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("town")
    path = TOWN.write(folder)
    (folder / "tasks.csv").write_text(TASKS.format(VILLAGE=VILLAGE, OTHER=OTHER), "utf-8")
    (folder / "estates.csv").write_text(ESTATES.format(OTHER=OTHER), "utf-8")
    registers = '[tasks]\nsource = "tasks.csv"\n[estates]\nsource = "estates.csv"\n'
    rules = '[rules]\nprofile = "xuchang"\ncompare = "jiaozuo"\n'
    path.write_text(path.read_text("utf-8").replace("[rules]", registers + rules), "utf-8")
    return sc.run(sc.Study.from_file(path))


@pytest.fixture(scope="module")
def followed(run):
    return run.tables["tasks"].set_index("task")


def test_done_is_what_operates_on_the_day(followed):
    row = followed.loc["新建幸福院"]
    # on 30 June 2026: H1 and H2 run; H3 opens in August; H4 is built, H6 accepted, H5 planned
    assert (row["listed"], row["built"], row["accepted"], row["operating"], row["done"]) == (6, 4, 3, 2, 2)
    assert row["completion_share"] == pytest.approx(2 / 4)
    assert (row["built_share"], row["accepted_share"], row["operating_share"]) == (1, 3 / 4, 2 / 4)
    assert (row["unit_code"], row["unit_name"]) == (VILLAGE, f"zone {VILLAGE}")


def test_schedule_is_the_elapsed_part_of_the_year(followed):
    row = followed.loc["新建幸福院"]
    assert row["schedule_share"] == pytest.approx(181 / 365)  # 30 June is the 181st day
    assert row["ahead_share"] == pytest.approx(2 / 4 - 181 / 365)
    assert (row["task_state"], row["deadline"], row["responsible"]) == ("on_schedule", "2026-12-31", "民政局")
    assert followed.loc["幸福院二期", "schedule_share"] == 0  # its year has not begun


def test_with_a_start_only_what_opened_since_is_done(followed):
    row = followed.loc["今年幸福院"]
    assert (row["operating"], row["done"]) == (2, 1)  # H1 opened the year before
    assert row["schedule_share"] == pytest.approx(91 / 275)  # from 1 April: 30 + 31 + 30 days of 275


def test_done_overdue_and_not_judged(followed):
    assert followed.loc["日间照料", "task_state"] == "done"
    late = followed.loc["站点"]
    assert (late["done"], late["schedule_share"], late["task_state"]) == (1, 1, "overdue")
    assert followed.loc["幸福院二期", "task_state"] == "done"
    assert (followed.loc["看不懂", "task_state"], followed.loc["看不懂", "reason"]) == (
        "not_judged",
        "unknown_kind",
    )


def test_each_station_has_the_hub_of_its_own_township(run):
    links = run.tables["hubs"]
    assert set(links["hub_state"]) == {"orphan", "no_spokes"}
    orphans = links[links["hub_state"].eq("orphan")]
    assert set(orphans["spoke_id"]) == {"H1", "H2", "H3"}
    assert set(orphans["township"]) == {TOWNSHIP}
    lonely = links[links["hub_state"].eq("no_spokes")]
    assert lonely["hub_id"].tolist() == ["S1"]


def test_the_nearest_hub_is_nearest_along_the_streets(tmp_path):
    town = Town(
        r"""
A---------B
          |
S         |
          |
H---------C
""",
        people={"A": 1},
        facilities={
            "S": {"at": "A", "kind": "community_station"}, "H": {"at": "H", "kind": "street_centre"},
            "J": {"at": "B 10E", "kind": "street_centre"}, "K": {"at": "C", "kind": "street_centre"},
        },
        zones={OTHER: ("A 90W 90N", "C 90E 90S")},
        rules={"profile": "xuchang"},
    )  # fmt: skip
    links = town.run(tmp_path).run.tables["hubs"].set_index("spoke_id")
    # H stands 400 m south, but 2400 m away on foot; J 1000 m along the street and 10 m beside it
    row = links.loc["S"]
    assert (row["hub_id"], row["hub_state"], row["spokes"]) == ("J", "linked", 1)
    assert row["metres"] == pytest.approx(1010)


def test_two_documents_stand_side_by_side(run):
    table = run.tables["comparison"]
    said = run.manifest["summary"]["comparison"]
    assert said["profiles"] == ["xuchang", "jiaozuo"]
    rows = table[table["theme"].eq("area-new")]
    assert set(rows["clause_a"]) == {"xuchang-area-new-30"}
    assert set(rows["clause_b"]) == {"jiaozuo-area-new-50"}
    estates = rows[rows["item_kind"].eq("estate")].set_index("item_id")
    verdicts = zip(estates["verdict_a"], estates["verdict_b"], estates["differs"], strict=True)
    assert dict(zip(estates.index, verdicts, strict=True)) == {
        "E1": ("met", "not_met", True), "E2": ("met", "met", False), "E3": ("not_met", "not_met", False),
    }  # fmt: skip
    assert said["pairs"] > 5
    assert not set(table["clause_a"]) & set(said["unpaired"][0])


def test_the_tables_are_written_in_words(run, tmp_path):
    run.write(tmp_path / "out")
    for name in ("sensitivity", "hubs", "tasks", "comparison"):
        with (tmp_path / "out" / f"{name}.csv").open(encoding="utf-8-sig", newline="") as stream:
            assert len(list(csv.DictReader(stream))) == len(run.tables[name])
    book = load_workbook(tmp_path / "out" / "tables.xlsx")
    for sheet in ("Sensitivity", "Hub and spoke", "Tasks", "Two documents"):
        headers = [cell.value for cell in book[sheet][1]]
        assert not [header for header in headers if "_" in header]
    rows = list(book["Tasks"].iter_rows(values_only=True))
    states = [row[rows[0].index("State of the task")] for row in rows[1:]]
    assert states == ["On schedule", "Done", "Overdue", "Done", "Not judged", "On schedule"]


def test_every_column_and_value_has_its_words():
    labels = words.table("labels")
    columns = {
        column for table in (tasks, hubs, comparison, capacity, sensitivity) for column in table.COLUMNS
    }
    assert not {*columns, *village_class.COLUMNS} - labels["column"].keys()
    assert set(village_class.CLASSES) == labels["village_class"].keys()
    assert set(village_class.STATES) == labels["build_state"].keys()
    assert set(capacity.CLASSES) == labels["capacity_class"].keys()
    themes = {clause.theme for profile in all_profiles() for clause in profile.clauses
              if clause.test is not None and clause.state == "measurable"}  # fmt: skip
    assert not themes - labels["theme"].keys()


def test_family_beds_and_retrofits_are_counted_by_their_own_tables():
    beds = [
        {"code": town.EAST, "beds": 40.0, "opened_on": "2026-02-01"},
        {"code": town.WEST, "beds": 30.0, "opened_on": "2025-02-01"},
        {"code": town.EAST, "beds": 20.0, "opened_on": "2026-09-01"},  # after the study's day
    ]
    set_for = {"deadline": "2026-12-31", "responsible": "", "written_kind": "", "code": town.STREET}
    table = pd.DataFrame(
        [
            {"task": "床位", "kind": "family_bed", "target": 100.0, "start": "", **set_for},
            {"task": "今年床位", "kind": "family_bed", "target": 80.0, "start": "2026-01-01", **set_for},
            {"task": "改造", "kind": "home_retrofit", "target": 10.0, "start": "", **set_for},
            {
                "task": "别处",
                "kind": "home_retrofit",
                "target": 10.0,
                "start": "",
                **set_for,
                "code": town.TOWNSHIP,
            },
        ]
    )
    units = town.units_of(retrofits={town.EAST: 4, town.WEST: 2})
    facts = replace(town.facts_of(units=units, family_beds=beds), tasks=table)
    rows = tasks.follow_tasks(facts).set_index("task")
    assert rows["done"].tolist()[:3] == [70, 40, 6]
    assert rows["completion_share"].tolist()[:3] == [0.7, 0.5, 0.6]
    assert (rows["task_state"]["别处"], rows["reason"]["别处"]) == ("not_judged", "missing_input")
