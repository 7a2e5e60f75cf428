"""Every clause of the register is there, verbatim; profiles of one's own change what they say, no more."""

import datetime as dt
import json
import random
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from servicecircle import words
from servicecircle.errors import InputError
from servicecircle.kinds import KINDS, SUBJECTS
from servicecircle.standards.listing import asked_for, clause_rows, fact_rows, profile_rows, register_markdown
from servicecircle.standards.register import PROFILES, all_profiles, load_profile

ROOT = Path(__file__).parents[2]
CLAUSES = {clause.id: clause for profile in all_profiles() for clause in profile.clauses}
IN_SCOPE = [clause for clause in CLAUSES.values() if clause.state != "out_of_scope"]
REPORTS = {"report", "nearness", "hub", "indicator"}
WORDS = words.table("standards")


# ---------------------------------------------------------------- the five documents


def test_every_clause_of_the_five_documents_is_there():
    counts = {profile.id: len(profile.clauses) for profile in all_profiles()}
    assert counts == {"xuchang": 33, "jiaozuo": 39, "puyang": 92, "luohe": 37, "tanghe": 60}
    assert len(CLAUSES) == 261
    states = Counter(clause.state for clause in CLAUSES.values())
    assert states == {"measurable": 114, "report_only": 68, "out_of_scope": 79}
    assert sum(clause.spatial for clause in IN_SCOPE) == 58


def test_only_luohe_is_a_draft():
    assert [profile.id for profile in all_profiles() if profile.draft] == ["luohe"]


def test_every_clause_in_scope_has_a_test_that_fits_its_state():
    assert all(clause.test is not None for clause in IN_SCOPE)
    for clause in IN_SCOPE:
        assert (clause.test.measure in REPORTS) == (clause.state == "report_only"), clause.id


def test_every_clause_to_be_judged_asks_for_a_figure():
    assert [c.id for c in IN_SCOPE if c.state == "measurable" and c.threshold is None] == []


def test_a_clause_out_of_scope_says_why_and_no_other_does():
    assert {clause.why for clause in CLAUSES.values()} - {""} == WORDS["why"].keys()
    assert all(bool(clause.why) == (clause.state == "out_of_scope") for clause in CLAUSES.values())


def test_every_reading_force_kind_and_unit_has_its_words():
    assert {clause.reading for clause in CLAUSES.values()} - {""} == WORDS["reading"].keys()
    assert all(clause.reading for clause in IN_SCOPE)
    assert {clause.force for clause in CLAUSES.values()} <= WORDS["force"].keys()
    assert {clause.kind for clause in CLAUSES.values()} == WORDS["rule"].keys()
    assert {clause.unit for clause in CLAUSES.values()} - {"", "%"} == WORDS["asked"].keys()
    assert {clause.test.measure for clause in CLAUSES.values() if clause.test} == WORDS["test"].keys()


def test_word_groups_of_the_register_hide_none_of_the_others():
    assert not WORDS.keys() & (words.table("labels").keys() | words.table("terminal").keys())


def test_clauses_that_overlap_name_each_other():
    groups = Counter(overlap for clause in CLAUSES.values() for overlap in clause.overlaps)
    assert len(groups) == 27


def test_every_kind_that_a_clause_names_is_known():
    for clause in CLAUSES.values():
        assert set(clause.facilities) <= KINDS.keys() | SUBJECTS.keys(), clause.id


def test_the_circles_are_read_as_the_documents_date_them():
    circles = {
        c.id: (c.test.circle, c.test.kinds, c.deadline) for c in IN_SCOPE if c.test.measure == "circle"
    }
    assert circles == {
        "puyang-urban-15min": ("15min", (), dt.date(2022, 12, 31)),
        "puyang-rural-1km": ("1km", (), dt.date(2022, 12, 31)),
        "puyang-2025-15min": (
            "15min",
            ("street_centre", "community_facility", "embedded_institution", "community_daycare"),
            dt.date(2025, 12, 31),
        ),
        "puyang-box2-15min": ("15min", ("community_station",), None),
        "puyang-urban-15min-chain": (
            "15min",
            (
                "street_centre", "community_facility", "embedded_institution", "community_daycare",
                "home_care_station",
            ),
            None,
        ),
    }  # fmt: skip


def test_only_named_units_are_responsible():
    named = {clause.id: clause.responsible for clause in CLAUSES.values() if clause.responsible}
    assert named == {"luohe-dispatch-24h": "市发展改革委员会"}


@pytest.mark.shared
def test_phrases_and_figures_are_those_of_the_register(shared):
    register = json.loads((shared / "standards" / "standards.json").read_text("utf-8"))
    assert [entry["id"] for entry in register] != []
    assert {entry["id"] for entry in register} == CLAUSES.keys()
    for entry in register:
        clause = CLAUSES[entry["id"]]
        assert clause.phrase == entry["verbatim_clean_zh"]
        assert (clause.phrase_as_written or clause.phrase) == entry["verbatim_zh"]
        assert (clause.en, clause.clause, clause.source_line) == (
            entry["english"],
            entry["clause"],
            entry["source_line"],
        )
        assert (clause.kind, clause.variant, clause.theme) == (
            entry["kind"],
            entry["variant"],
            entry["theme"],
        )
        assert list(clause.levels) == entry["admin_level"]
        known = {"community_health": "medical"}
        assert list(clause.facilities) == [known.get(kind, kind) for kind in entry["facility_type"]]
        assert (clause.operator, clause.threshold_upper) == (entry["operator"], entry["threshold_upper"])
        if clause.id != "jiaozuo-local-not-lower":  # "not below the standard above" is that of another clause
            assert clause.threshold == entry["threshold"]
        assert (clause.deadline.isoformat() if clause.deadline else None) == entry["deadline"]
        assert clause.deadline_text == entry["deadline_text_zh"]
        assert clause.condition == entry["condition"]
        assert list(clause.overlaps) == entry["overlaps"]
        out = entry["testability"] == "out of scope"
        measurable = "measurable" if entry["group"] == "measurable" else "report_only"
        assert clause.state == ("out_of_scope" if out else measurable)
        assert clause.spatial == (entry["testability"] == "spatial")


# ---------------------------------------------------------------- severity


@pytest.mark.parametrize(
    ("id_", "day", "severity"),
    [
        ("puyang-land-per-capita", "2021-01-01", "fail"),  # 必须
        ("puyang-box1-nursing-55", "2021-01-01", "fail"),  # 约束性
        ("puyang-old-estate-remedy", "2021-01-01", "fail"),  # 应
        ("jiaozuo-area-new-50", "2021-01-01", "fail"),  # 标准
        ("puyang-street-one", "2022-12-31", "warn"),  # a work target, on its last day
        ("puyang-street-one", "2023-01-01", "fail"),
        ("puyang-box1-beds-28000", "2026-01-01", "warn"),  # 预期性
        ("xuchang-street-beds", "2026-01-01", "warn"),  # 原则上
        ("tanghe-street-6", "2026-01-01", "warn"),  # 力争
        ("luohe-meal-points-160", "2026-01-01", "warn"),  # a draft never fails
        ("tanghe-siting-transport", "2026-01-01", "report"),
        ("tanghe-lottery-55", "2026-01-01", "report"),
    ],
)
def test_severity_follows_the_text(id_, day, severity):
    profile = load_profile(id_.partition("-")[0])
    assert profile.severity(CLAUSES[id_], dt.date.fromisoformat(day)) == severity


# ---------------------------------------------------------------- profiles of one's own


def written(folder, text, name="ours.toml"):
    (folder / name).write_text(text, "utf-8")
    return name


def test_one_changed_threshold_changes_one_clause(tmp_path):
    name = written(
        tmp_path,
        'extends = "puyang"\n[[clauses]]\nid = "puyang-township-regional-60"\nthreshold = 70\n',
    )
    ours, theirs = load_profile(name, folder=tmp_path), load_profile("puyang")
    changed = [(a, b) for a, b in zip(ours.clauses, theirs.clauses, strict=True) if a != b]
    assert [(a.id, a.threshold, b.threshold) for a, b in changed] == [("puyang-township-regional-60", 70, 60)]
    assert changed[0][0] == changed[0][1].model_copy(update={"threshold": 70.0})
    assert (ours.id, ours.document) == ("ours", theirs.document)


def test_one_changed_parameter_leaves_the_rest_of_the_test(tmp_path):
    name = written(
        tmp_path,
        'extends = "puyang"\n[[clauses]]\nid = "puyang-township-home-100"\n'
        'test = { kinds = ["township_home", "regional_centre"] }\n',
    )
    clause = next(
        c for c in load_profile(name, folder=tmp_path).clauses if c.id == "puyang-township-home-100"
    )
    assert (clause.test.kinds, clause.test.served) == (("township_home", "regional_centre"), "assigned")


def test_another_measure_replaces_the_test(tmp_path):
    name = written(
        tmp_path,
        'extends = "puyang"\n[[clauses]]\nid = "puyang-rural-full-cover"\n'
        '[clauses.test]\nmeasure = "circle"\ncircle = "1km"\n',
    )
    clause = next(c for c in load_profile(name, folder=tmp_path).clauses if c.id == "puyang-rural-full-cover")
    assert clause.test.model_dump() == {"measure": "circle", "circle": "1km", "kinds": ()}


def test_clauses_are_removed_and_added_and_a_draft_stays_one(tmp_path):
    name = written(
        tmp_path,
        'extends = "luohe"\nname = "试行"\nremove = ["luohe-meal-full-cover"]\n'
        '[[clauses]]\nid = "ours"\nphrase = "我们的"\nkind = "own"\n'
        '[clauses.test]\nmeasure = "count"\nkinds = ["meal_point"]\n',
    )
    profile = load_profile(name, folder=tmp_path)
    ids = [clause.id for clause in profile.clauses]
    assert (profile.name, profile.draft, len(ids), ids[-1]) == ("试行", True, 37, "ours")
    assert "luohe-meal-full-cover" not in ids


def test_a_file_extends_another_file(tmp_path):
    written(tmp_path, 'extends = "tanghe"\n[[clauses]]\nid = "tanghe-street-6"\nthreshold = 8\n', "base.toml")
    name = written(tmp_path, 'extends = "base.toml"\n[[clauses]]\nid = "tanghe-street-6"\nforce = "shall"\n')
    clause = next(c for c in load_profile(name, folder=tmp_path).clauses if c.id == "tanghe-street-6")
    assert (clause.threshold, clause.force) == (8, "shall")


def test_the_short_form_of_a_circle_is_read(tmp_path):
    name = written(
        tmp_path,
        'document = "ours"\n[[clauses]]\nid = "a"\nphrase = "一刻钟"\nkind = "service-circle-time"\n'
        'circle = "15min"\ndeadline = 2024-12-31\nforce = "binding"\n',
    )
    clause = load_profile(name, folder=tmp_path).clauses[0]
    assert (clause.test.measure, clause.test.circle, clause.state) == ("circle", "15min", "measurable")


def test_the_profile_in_the_readme_is_one(tmp_path):
    block = re.search(
        r'```toml\n(extends = "puyang".*?)```', (ROOT / "README.md").read_text("utf-8"), re.DOTALL
    )
    profile = load_profile(written(tmp_path, block[1]), folder=tmp_path)
    changed = {clause.id for clause in profile.clauses} ^ {
        clause.id for clause in load_profile("puyang").clauses
    }
    assert changed == {"puyang-barrier-free-100", "our-daycare-area"}
    assert profile.clauses[-1].test.column == "floor_area_m2"


ONE = '[[clauses]]\nid = "a"\nphrase = "b"\nkind = "c"\n'
CIRCLE = '[clauses.test]\nmeasure = "circle"\ncircle = "15min"\n'
SLIPS = {
    'extends = "puyan"': (1, "no such profile"),
    'extends = "puyang"\nthreshold = 1': (2, "`threshold`"),
    'extends = "puyang"\nremove = ["puyang-x"]': (2, "`puyang-x`"),
    'extends = "puyang"\nremove = "puyang-x"': (2, "`remove`"),
    'extends = "puyang"\n\n[[clauses]]\nid = "puyang-street-on"\nthreshold = 2': (4, "`puyang-street-on`"),
    'extends = "puyang"\n[[clauses]]\nid = "puyang-street-one"\n[[clauses]]\nid = "puyang-layout"\nm = 1': (
        6,
        "`clauses.1.m`",
    ),
    'extends = "puyang"\n[[clauses]]\nid = "puyang-street-one"\nthreshold = "two"': (
        4,
        "`clauses.0.threshold`",
    ),
    'extends = "puyang"\n[[clauses]]\nid = "puyang-street-one"\ndeadline = "end of 2025"': (4, "2026-06-30"),
    'extends = "puyang"\n[[clauses]]\nid = "puyang-street-one"\nforce = "must"': (4, "'binding'"),
    'extends = "puyang"\n[[clauses]]\nid = "puyang-street-one"\n[clauses.test]\nkinds = ["street"]': (
        5,
        "unknown facility kind street",
    ),
    'extends = "puyang"\n[[clauses]]\nid = "puyang-street-one"\n[clauses.test]\nunits = ["镇"]': (
        5,
        "'乡镇'",
    ),
    'extends = "puyang"\n[[clauses]]\nid = "puyang-street-one"\n[clauses.test]\nmeasure = "held"': (
        4,
        "holding",
    ),
    "deadline = 2022-13-01": (1, "TOML"),
    ONE: (1, "needs [clauses.test]"),
    ONE + CIRCLE + "metres = 3": (8, "`clauses.0.test.metres`"),
    ONE + CIRCLE + ONE + CIRCLE: (9, "twice"),
    '[[clauses]]\nphrase = "b"\nkind = "c"\n': (1, "`clauses.0.id`"),
    "clauses = 3": (1, "`clauses`"),
    'extends = "ours.toml"': (1, "circle"),
}


@pytest.mark.parametrize("text", SLIPS)
def test_a_slip_is_one_line_with_the_line_the_key_and_the_mend(tmp_path, text):
    line, said = SLIPS[text]
    with pytest.raises(InputError) as caught:
        load_profile(written(tmp_path, text), folder=tmp_path)
    message = caught.value.text("en")
    assert message.startswith(f"{tmp_path / 'ours.toml'}:{line}: ")
    assert said in message
    assert "\n" not in message
    assert caught.value.text("zh") != message


def test_a_profile_that_is_not_there_or_no_text_is_told(tmp_path):
    (tmp_path / "gbk.toml").write_bytes("document = '标准'".encode("gbk"))
    for name, code in {"nowhere": "no_profile", "no.toml": "no_profile", "gbk.toml": "not_a_profile"}.items():
        with pytest.raises(InputError) as caught:
            load_profile(name, folder=tmp_path)
        assert caught.value.code == f"standards.{code}"


def test_a_damaged_profile_is_read_or_refused_in_one_line(tmp_path):
    chance, said = random.Random(4), []
    whole = 'extends = "puyang"\nremove = ["puyang-layout"]\n' + ONE + CIRCLE
    for _ in range(300):
        at = chance.randrange(len(whole))
        name = written(
            tmp_path,
            whole[:at] + chance.choice(["", '"', "[", "\n", "{", "=", "nan", "\0"]) + whole[at + 1 :],
        )
        try:
            load_profile(name, folder=tmp_path)
        except InputError as error:
            said.append(error.text("en") + error.text("zh"))
    assert said
    assert not [message for message in said if "\n" in message]


# ---------------------------------------------------------------- what is printed


def test_the_page_of_all_clauses_is_what_the_register_says():
    page = (ROOT / "data" / "standards.md").read_text("utf-8")
    assert page == register_markdown(all_profiles())
    assert all(f"| `{id_}` |" in page for id_ in CLAUSES)


def test_profiles_are_listed_with_counts_by_state():
    headers, rows = profile_rows(all_profiles(), "zh")
    assert headers[-3:] == ("判定", "仅作统计，不作判定", "不在判定范围")
    assert rows[3] == (
        "luohe 漯河", load_profile("luohe").document, "—", "征求意见稿", "37", "11", "11", "15",
    )  # fmt: skip


@pytest.mark.parametrize(("day", "state"), [("2022-12-31", "未到期"), ("2023-01-01", "已到期")])
def test_deadlines_are_told_by_the_day(day, state):
    _, rows = clause_rows(load_profile("puyang"), "zh", as_of=dt.date.fromisoformat(day))
    assert rows[0] == (
        "puyang-street-one\n每个街道有1处综合养老服务设施", "街道", "≥ 1 处/街道", f"2022-12-31 {state}",
        "工作目标", "判定：有设施的单元",
    )  # fmt: skip


def test_figures_are_written_with_their_unit():
    figures = {
        "puyang-township-regional-60": "≥ 60% of 乡镇 with a regional centre",
        "xuchang-street-beds": "50–100 long-stay beds per facility",
        "xuchang-family-beds-7-2permille": "≥ 7.2 family beds per 1000 elderly",
        "tanghe-output-4yi": "≥ 400,000,000 yuan per year",
        "puyang-layout": "—",
    }
    assert {id_: asked_for(CLAUSES[id_], "en") for id_ in figures} == figures


@pytest.mark.parametrize("language", ["zh", "en"])
def test_all_facts_of_every_clause_can_be_told(language):
    for clause in CLAUSES.values():
        facts = dict(fact_rows(clause, language, as_of=dt.date(2026, 1, 1)))
        assert clause.phrase in facts.values()
        assert all(facts.values())


def printed(*arguments):
    ran = subprocess.run(
        [sys.executable, "-m", "servicecircle", "standards", *arguments],
        capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip
    return ran.returncode, ran.stdout, ran.stderr


def test_the_command_lists_shows_and_explains():
    code, out, _ = printed("list", "-l", "en")
    assert code == 0
    assert [line.split("\t")[0].split()[0] for line in out.splitlines()[1:]] == list(PROFILES)
    code, out, _ = printed("show", "puyang", "-l", "zh", "--as-of", "2022-06-30")
    assert code == 0
    lines = [line.split("\t") for line in out.splitlines()]
    assert len(lines) == 93
    assert {len(line) for line in lines} == {7}
    assert lines[1][:2] == ["puyang-street-one", "每个街道有1处综合养老服务设施"]
    assert lines[1][4] == "2022-12-31 未到期"
    code, out, _ = printed("show", "luohe", "--clause", "luohe-dispatch-24h", "-l", "zh")
    assert code == 0
    assert "责任单位\t市发展改革委员会" in out.splitlines()


def test_the_command_gives_json_and_refuses_what_is_not_there():
    code, out, _ = printed("show", "tanghe", "--clause", "tanghe-street-6", "--json")
    assert code == 0
    assert json.loads(out)["clauses"][0]["test"] == {
        "measure": "count",
        "kinds": ["street_centre"],
        "over": "县(市、区)",
    }
    code, out, err = printed("show", "tanghe", "--clause", "tanghe-street-7")
    assert (code, out) == (2, "")
    assert "tanghe-street-7" in err
    assert printed("show", "henan")[0] == 2
