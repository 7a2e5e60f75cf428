"""The study file: what it means, and what every slip in it says."""

import datetime as dt
import re

import pytest

import servicecircle as sc
from servicecircle import words
from servicecircle.study import Rules, Study
from unit.small_town import SmallTown, command

LEAST = """[streets]
source = "s.osm.pbf"

[[facilities]]
source = "f.csv"

[[zones]]
level = "village"
source = "z.gpkg"

[people]
source = "p.tif"
"""


def load(folder, text=LEAST, name="study.toml"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Study.from_file(path)


def slip(folder, text):
    """Load a study that is wrong: the error, with a mend in both languages, on one line each."""
    with pytest.raises(sc.InputError) as caught:
        load(folder, text)
    for language in ("zh", "en"):
        said = caught.value.text(language)
        assert len(said.splitlines()) == 1
        assert str(folder / "study.toml") in said
    assert re.search("[一-鿿]", caught.value.text("zh"))
    return caught.value


def line_of(error):
    return int(error.where.rpartition(":")[2])


def test_the_least_study_has_the_promised_defaults(tmp_path):
    study = load(tmp_path, name="我的 Study 1.toml")
    assert study.id == "study-1"
    assert study.name == "study-1"
    assert study.language == "zh"
    assert study.study.crs == "auto"
    assert study.study.as_of is None
    assert study.folder == tmp_path / "maps" / "study-1"
    rules = study.rules
    assert (rules.walk_kmh, rules.urban_minutes, rules.rural_metres) == (4.0, 15.0, 1000.0)
    assert (rules.measure, rules.share_required, rules.profile) == ("network", 0.9, "puyang")
    assert rules.snap_m.model_dump() == {"facilities": 300.0, "urban": 200.0, "rural": 300.0}
    assert (rules.islet_m, rules.doubt_detour, rules.gap_join_m) == (1000.0, 2.0, 150.0)
    assert (rules.circle_buffer_m, rules.walk_trunk, rules.default_class) == (25.0, True, "rural")
    assert [circle.id for circle in study.circles] == ["15min", "1km"]
    assert [circle.limit_m for circle in study.circles] == pytest.approx([1000.0, 1000.0])


def test_which_kinds_count_by_default_is_a_promise():
    assert set(Rules().urban_kinds) == {
        "street_centre", "community_daycare", "community_station", "community_facility", "community_place",
        "embedded_institution", "home_care_station", "regional_centre",
    }  # fmt: skip
    assert set(Rules().rural_kinds) == {
        "village_happiness_home", "any_rural", "home_care_station", "community_daycare", "community_station",
        "community_facility", "community_place", "regional_centre",
    }  # fmt: skip


def test_paths_are_relative_to_the_study_file(tmp_path, monkeypatch):
    (tmp_path / "deep").mkdir()
    study = load(tmp_path / "deep", LEAST + '[output]\nfolder = "../out"\n')
    monkeypatch.chdir(tmp_path)
    assert study.locate("../a.csv") == tmp_path / "a.csv"
    assert study.folder == tmp_path / "out"
    assert Study.from_file("deep/study.toml").folder == tmp_path / "out"


def test_one_snap_number_sets_all_and_further_circles_follow(tmp_path):
    further = '[[rules.circles]]\nid = "meals"\nname = "助餐"\nminutes = 30\nkinds = ["meal_point"]\n'
    study = load(tmp_path, f"{LEAST}\n[rules]\nsnap_m = 77\nwalk_kmh = 6\n{further}")
    assert set(study.rules.snap_m.model_dump().values()) == {77.0}
    meals = study.circles[2]
    assert (meals.id, meals.name, meals.limit, meals.limit_unit) == ("meals", "助餐", 30.0, "min")
    assert meals.limit_m == pytest.approx(3000.0)
    assert study.circles[0].limit_m == pytest.approx(1500.0)


def test_a_byte_order_mark_is_accepted_and_the_date_read(tmp_path):
    text = "[study]\nas_of = 2026-06-30\n" + LEAST
    assert load(tmp_path, text.encode("utf-8-sig")).study.as_of == dt.date(2026, 6, 30)


def test_another_language_changes_nothing_else(tmp_path):
    study = load(tmp_path)
    english = study.in_language("en")
    assert english.language == "en"
    assert (english.path, english.text, english.rules) == (study.path, study.text, study.rules)


# ---------------------------------------------------------------- slips


def test_no_study_or_a_folder_in_its_place(tmp_path):
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(sc.InputError) as caught:
            Study.from_file(path)
        assert str(path) in caught.value.text("zh")


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("hello\n" + LEAST, "study.not_toml", 1),
        (LEAST + 'x = "open\n', "study.not_toml", 13),
        (LEAST + "x = " + "[" * 3000, "study.not_toml", 13),
        (LEAST.replace("s.osm.pbf", "C:\\path\\s.osm.pbf"), "study.backslash", 2),
        (LEAST.replace("s.osm.pbf", "C:\\Users\\s.osm.pbf"), "study.backslash", 2),
        (LEAST.replace('"f.csv"', "“f.csv”"), "study.full_width", 5),
        (LEAST.replace('source = "f.csv"', 'source ＝ "f.csv"'), "study.full_width", 5),
        (LEAST + 'source = "q.tif"\n', "study.repeated", 13),
        (LEAST + '[people]\nsource = "q.tif"\n', "study.repeated", 13),
        (LEAST + "[nope]\na = 1\n", "study.unknown_key", 13),
        (LEAST.replace("[people]", "layr = 3\n\n[people]"), "study.unknown_key", 11),
        (LEAST + "[rules.snap_m]\nurbn = 3\n", "study.unknown_key", 14),
        ("", "study.missing_key", 1),
        (LEAST.replace('level = "village"\n', ""), "study.missing_key", 7),
        (LEAST[: LEAST.index("[people]")], "study.missing_key", 1),
        ((LEAST + "# 中文注释\n").encode("gbk"), "study.not_utf8", 13),
        (LEAST.encode("utf-16"), "study.not_utf8", 1),
    ],
)
def test_slips_of_toml_name_the_line_and_the_mend(tmp_path, text, code, line):
    error = slip(tmp_path, text)
    assert (error.code, line_of(error)) == (code, line)


@pytest.mark.parametrize(
    ("key", "value", "zh", "en"),
    [
        ("study.name", "3", "引号", "quotes"),
        ("study.as_of", '"2026-06-31"', "2026-06-30", "2026-06-30"),
        ("study.as_of", '"soon"', "日期", "date"),
        ("study.as_of", "2026-06-30T10:00:00", "日期", "date"),
        ("study.language", '"fr"', "'zh'", "'en'"),
        ("study.id", '"../x"', "[a-z0-9_-]", "[a-z0-9_-]"),
        ("rules.walk_kmh", '"fast"', "数字", "number"),
        ("rules.walk_kmh", "-1", "大于 0", "greater than 0"),
        ("rules.walk_kmh", "nan", "有限", "finite"),
        ("rules.walk_kmh", "inf", "有限", "finite"),
        ("rules.share_required", "90", "不大于 1", "1 or less"),
        ("rules.doubt_detour", "0.5", "不小于 1", "1 or more"),
        ("rules.walk_trunk", '"perhaps"', "true", "true"),
        ("rules.snap_m", "0", "大于 0", "greater than 0"),
        ("rules.urban_kinds", '["nope"]', "meal_point", "meal_point"),
        ("rules.urban_kinds", '"meal_point"', "列表", "list"),
        ("rules.profile", "7", "引号", "quotes"),
        ("facilities.datum", '"moon"', "gcj02", "gcj02"),
        ("facilities.kind", '"nope"', "community_daycare", "community_daycare"),
        ("facilities.columns", '"x"', "表", "table"),
        ("people.year", '"last"', "整数", "whole number"),
        ("people.spread_m", "0", "大于 0", "greater than 0"),
        ("people.basis", '"guess"', "resident", "registered"),
        ("people.groups", '{ "Old People" = "e.tif" }', "[a-z]", "[a-z]"),
    ],
)
def test_wrong_values_name_the_key_the_line_and_what_it_takes(tmp_path, key, value, zh, en):
    table, name = key.split(".")
    text = LEAST if f"[{table}]" in LEAST or f"[[{table}]]" in LEAST else f"{LEAST}\n[{table}]\n"
    header = f"[[{table}]]" if f"[[{table}]]" in text else f"[{table}]"
    text = text.replace(f"{header}\n", f"{header}\n{name} = {value}\n")
    error = slip(tmp_path, text)
    assert error.code == "study.wrong_value"
    assert error.facts["key"].startswith(table)
    assert name in error.facts["key"]
    assert line_of(error) == text.splitlines().index(f"{name} = {value}") + 1
    assert zh in error.text("zh")
    assert en in error.text("en")
    assert "Input should" not in error.text("zh")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (LEAST.replace("[[facilities]]", "[facilities]"), "[[facilities]]"),
        (LEAST.replace("[streets]", "[[streets]]"), "[streets]"),
        (
            LEAST.replace("[[facilities]]\nsource", "[[facilities]]\nkind = 'meal_point'\n#"),
            "facilities.0.source",
        ),
        (LEAST.replace('"s.osm.pbf"', '""'), "source"),
        (LEAST.replace('"p.tif"', '""'), "people.source"),
        (LEAST + "[[rules.circles]]\nid = 'a'\nkinds = ['meal_point']\n", "minutes"),
        (LEAST + "[[rules.circles]]\nid = 'own'\nminutes = 3\nkinds = ['meal_point']\n", "own"),
        (LEAST + "[[rules.circles]]\nid = 'a'\nmetres = 3\nkinds = ['meal_point']\n" * 2, "rules.circles"),
    ],
)
def test_tables_of_the_wrong_shape(tmp_path, text, says):
    assert says in slip(tmp_path, text).text("zh")


def test_the_second_of_two_entries_is_the_one_named(tmp_path):
    error = slip(tmp_path, LEAST + '[[facilities]]\nsource = "g.csv"\nknd = "x"\n')
    assert (error.facts["key"], line_of(error)) == ("facilities.1.knd", 15)


@pytest.mark.parametrize("text", [LEAST + '[output]\nfolder = "a\\u0000b"\n', LEAST])
def test_what_no_path_can_be_is_said(tmp_path, text):
    study = load(tmp_path, text)
    with pytest.raises(sc.InputError) as caught:
        study.locate("a\0b") if text == LEAST else study.folder
    assert caught.value.code == "study.no_path"
    assert "\0" not in caught.value.text("zh")


def test_a_line_of_any_length_is_cut(tmp_path):
    assert len(slip(tmp_path, LEAST + "x = " + "y" * 100_000).text("en")) < 2000


@pytest.mark.parametrize("profile", ["nope", "none.toml", "bad.toml", "bytes.toml"])
def test_a_profile_that_is_none(tmp_path, profile):
    town = SmallTown(tmp_path).write(keys={"rules": f'profile = "{profile}"'})
    town.put("bad.toml", "[x]\na = 1\n")
    town.put("bytes.toml", b"\xff\xfe")
    ran = command("run", town.study, "-q")
    assert (ran.code, len(ran.err.splitlines())) == (2, 1)
    assert profile in ran.err


def test_every_slip_has_words_in_both_languages():
    for kind, pair in words.table("terminal")["slip"].items():
        assert len(pair) == 2, kind
        assert re.search("[一-鿿]", pair[0]), kind
