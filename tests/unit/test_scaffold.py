import re

import openpyxl
import pytest

from servicecircle import words
from servicecircle.checks.attributes import operator_type, owner_type, yes_no
from servicecircle.dictionary import COLUMNS, dictionary_rows
from servicecircle.errors import OutputError
from servicecircle.keeping import History
from servicecircle.kinds import KINDS, STATUSES, recognise_kind, recognise_status
from servicecircle.scaffold import init, study_text
from servicecircle.sources.columns import match_columns
from servicecircle.sources.tables import read_table
from servicecircle.study import (
    REGISTERS,
    CircleRule,
    EstateTable,
    FacilityTable,
    MedicalTable,
    Output,
    People,
    RegisterTable,
    Rules,
    Streets,
    Study,
    StudyTable,
    ZoneTable,
)

REGISTER_FILES = [f"{name}.xlsx" for name in REGISTERS]
FILES = [
    "study.toml", "facilities.xlsx", "villages.xlsx", "census.xlsx", *REGISTER_FILES, "data_dictionary.xlsx",
    "README.md",
]  # fmt: skip
FILLED = {
    "facilities": {
        "name": "=cmd|'/c calc'!A1",
        "kind": None,
        "status": None,
        "lon": 114.02,
        "lat": 34.01,
        "beds": 20,
    },
    "villages": {
        "code": "410900001001",
        "name": "示例社区",
        "lon": 114.02,
        "lat": 34.01,
        "area_class": "111",
    },
    "census": {"code": "410900001001", "people": 1200, "elderly": 240},
    "units": {"code": "410900001001", "name": "示例社区", "land_m2": 900, "county_town": "是"},
    "estates": {"estate": "示例花园", "households": 860, "stage": "新建", "floor_area_m2": 270},
    "medical": {"name": "示例医院", "lon": 114.02, "lat": 34.01},
    "family_beds": {"name": "示例社区", "family_beds": 12},
    "assigned": {"facility": "示例敬老院", "zone": "甲镇、乙乡"},
    "indicators": {"clause_id": "luohe-medical-contract-100", "value": "95%"},
    "tasks": {"task": "建设街道中心", "kind": "街道综合养老服务中心", "target": 6, "deadline": "2025年底"},
}


@pytest.fixture(params=["zh", "en"])
def language(request):
    return request.param


@pytest.fixture
def folder(tmp_path, language):
    init(tmp_path / "study", language=language)
    return tmp_path / "study"


def tables(text):
    """Return the keys that stand in each table of a study file."""
    found, at = {}, None
    for line in text.splitlines():
        header, key = re.match(r"\[+([\w.]+)\]", line), re.match(r"(\w+) = ", line)
        at = header[1] if header else at
        if key:
            found.setdefault(at, set()).add(key[1])
    return found


def uncommented(text):
    """Return a study file with every `# key = value`, `# [table]` and `# [[table]]` in force."""
    return re.sub(r"^# (?=\w+ = |\[)", "", text, flags=re.MULTILINE)


def test_the_files_are_written_and_named(tmp_path, language):
    written = init(tmp_path / "deep" / "study", language=language)
    assert [path.name for path in written] == FILES
    assert all(path.stat().st_size for path in written)
    assert sorted(p.name for p in (tmp_path / "deep" / "study").iterdir()) == sorted(FILES)


def test_the_study_loads_and_says_what_would_hold_without_it(folder, language):
    study = Study.from_file(folder / "study.toml")
    assert study.language == language
    assert study.rules == Rules()
    assert (study.study.crs, study.study.as_of) == ("auto", None)
    assert study.people == People(source="population.tif")
    assert study.facilities == (FacilityTable(source="facilities.xlsx"),)
    assert study.zones == (ZoneTable(level="village", source="villages.xlsx"),)
    assert study.output == Output()


def test_every_key_is_there_with_its_note(language):
    models = {
        "study": StudyTable, "streets": Streets, "facilities": FacilityTable, "zones": ZoneTable,
        "people": People, **dict.fromkeys(REGISTERS, RegisterTable), "estates": EstateTable,
        "medical": MedicalTable, "rules": Rules, "rules.circles": CircleRule, "output": Output,
        "history": History,
    }  # fmt: skip
    text = uncommented(study_text(language))
    found = tables(text)
    for table, model in models.items():
        other_way = {"metres"} if table == "rules.circles" else {"circles"} if table == "rules" else set()
        keys = {field.alias or name for name, field in model.model_fields.items()}
        assert found[table] == keys - other_way, table
    assert all("  # " in line for line in text.splitlines() if re.match(r"\w+ = ", line))
    assert "$" not in text


def test_every_commented_key_works_when_it_is_taken_in(folder):
    path = folder / "study.toml"
    path.write_text(uncommented(path.read_text("utf-8")), "utf-8")
    study = Study.from_file(path)
    assert study.rules.circles[0].id == "meals"
    assert study.rules.model_copy(update={"circles": (), "barriers": None, "compare": ""}) == Rules()
    assert study.people.groups == {"elderly": "elderly60.tif"}


@pytest.mark.parametrize("name", FILLED)
def test_a_filled_template_is_read_with_every_column_known(folder, name):
    columns = words.table("scaffold")[name]
    path = folder / f"{name}.xlsx"
    empty = read_table(path)
    matched = match_columns(empty.frame, columns, {})
    assert list(matched) == list(columns)
    assert list(matched.values()) == list(empty.frame.columns)
    assert empty.frame.empty
    book = openpyxl.load_workbook(path)
    for field, value in FILLED[name].items():
        cell = book.worksheets[0].cell(2, list(columns).index(field) + 1, value)
        cell.data_type = "s" if isinstance(value, str) else cell.data_type
    book.save(path)
    table = read_table(path)
    assert list(table.rows) == [2]
    row = {field: table.frame[column].iloc[0] for field, column in matched.items()}
    assert {field: row[field] for field in FILLED[name]} == FILLED[name]


def test_what_the_lists_offer_is_recognised(folder):
    book = openpyxl.load_workbook(folder / "facilities.xlsx")
    sheet, columns = book.worksheets[0], list(words.table("scaffold")["facilities"])
    lists = {}
    for rule in sheet.data_validations.dataValidation:
        title, cells = re.fullmatch(r"'(.+)'!(.+)", rule.formula1).groups()
        first = str(rule.sqref).split(":")[0]
        assert first.endswith("2")
        lists[columns[sheet[first].column - 1]] = [
            cell.value for (cell,) in book[title][cells.replace("$", "")]
        ]
    assert [recognise_kind(text)[0] for text in lists["kind"]] == list(KINDS)
    assert [recognise_status(text) for text in lists["status"]] == list(STATUSES)
    assert [operator_type(text) for text in lists["operator_type"]] == ["public", "public_private", "private"]
    assert [owner_type(text) for text in lists["owner"]] == ["public", "private"]
    assert [yes_no(text) for text in lists["upgraded"]] == [1.0, 0.0]


def test_codes_stay_text(folder):
    for name, column in (("villages", "A"), ("census", "A"), ("facilities", "A")):
        sheet = openpyxl.load_workbook(folder / f"{name}.xlsx").worksheets[0]
        assert sheet.column_dimensions[column].number_format == "@"


def test_every_column_and_choice_is_explained(folder):
    book = openpyxl.load_workbook(folder / "facilities.xlsx")
    headers = [cell.value for cell in book.worksheets[0][1]]
    rows = list(book.worksheets[1].iter_rows(values_only=True))
    assert [row[0] for row in rows[1 : len(headers) + 1]] == headers
    assert all(row[1] and row[2] for row in rows[1 : len(headers) + 1])
    assert len(rows) > len(headers) + len(KINDS) + len(STATUSES)


def test_chinese_and_english_differ_in_words_only(tmp_path):
    zh, en = study_text("zh"), study_text("en")
    assert tables(uncommented(zh)) == tables(uncommented(en))
    assert not re.search("[\u4e00-\u9fff]", re.sub(r'"[^"]*"', "", en))


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "census.xlsx").write_text("mine")
    with pytest.raises(OutputError) as caught:
        init(tmp_path, language="zh")
    assert "census.xlsx" in caught.value.text("zh")
    assert [path.name for path in tmp_path.iterdir()] == ["census.xlsx"]
    assert (tmp_path / "census.xlsx").read_text() == "mine"


def test_a_failure_in_the_middle_leaves_nothing(tmp_path, monkeypatch):
    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(openpyxl.Workbook, "save", full)
    with pytest.raises(OutputError) as caught:
        init(tmp_path, language="en")
    assert "No space left" in caught.value.text("en")
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_place_of_the_folder_is_one_clear_error(tmp_path):
    (tmp_path / "study").write_text("x")
    with pytest.raises(OutputError) as caught:
        init(tmp_path / "study", language="en")
    assert caught.value.code == "scaffold.unwritable"


def test_the_dictionary_has_a_line_for_every_field_and_column():
    rows = dictionary_rows()
    assert {row["field"] for row in rows} == set(words.table("fields"))
    assert all(row["meaning_zh"] and row["meaning_en"] and row["headers"] for row in rows)
    used = {(row["table"], row["field"]): row["clause_ids"] for row in rows}
    assert "xuchang-street-beds" in used["facilities", "long_stay_beds"]
    assert "xuchang-land-per-capita" in used["units", "land_m2"]
    assert "xuchang-area-new-30" in used["estates", "floor_area_m2"]


def test_the_dictionary_names_the_clauses_that_count_by_people():
    told = {(row["table"], row["field"]): row for row in dictionary_rows()}
    people = told["units", "people"]["clause_ids"].split("、")
    assert {"jiaozuo-village-1000", "xuchang-land-per-capita"} <= set(people)
    assert told["tasks", "start"]["type"] == "date"


def test_the_dictionary_is_a_workbook_in_either_language(folder, language):
    sheet = openpyxl.load_workbook(folder / "data_dictionary.xlsx").active
    assert sheet.title == ("数据字典" if language == "zh" else "Data dictionary")
    rows = list(sheet.iter_rows(values_only=True))
    assert len(rows) == len(dictionary_rows()) + 1
    assert len(rows[0]) == len(COLUMNS)
    assert bool(re.search("[\u4e00-\u9fff]", "".join(rows[0]))) == (language == "zh")


@pytest.mark.parametrize("name", REGISTERS)
def test_an_example_is_shown_where_nobody_reads_it_as_data(folder, name):
    book = openpyxl.load_workbook(folder / f"{name}.xlsx")
    assert book.worksheets[0].max_row == 1
    examples = [row[3] for row in book.worksheets[1].iter_rows(values_only=True)]
    assert examples[1] is not None
    assert read_table(folder / f"{name}.xlsx").frame.empty
