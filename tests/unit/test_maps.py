from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from folium.plugins import MarkerCluster
from shapely import MultiPolygon, Point, box

from browser.drawn_province import drawn_province
from browser.islands import ISLAND, islands_of
from browser.made_results import HOSTILE, made_results, village_points
from servicecircle import Study, run, words
from servicecircle.maps import headline, layers, offline, themes
from servicecircle.maps.notebook import folium_map
from servicecircle.maps.pack import GRID_DEG, island, pack_geometry, varints
from servicecircle.maps.pages import file_names, write_pages
from servicecircle.maps.scene import Scene
from servicecircle.maps.text import Text
from towns.drawing import Town

ZH, EN = Text("zh"), Text("en")


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    made = {}
    for language in ("zh", "en"):
        folder = tmp_path_factory.mktemp(language)
        made[language] = {
            path.relative_to(folder).as_posix(): path.read_text("utf-8")
            for path in write_pages(made_results(language), folder)
        }
    return made


def spec_of(page):
    return islands_of(page)["page"]


def texts_of(spec):
    if isinstance(spec, str):
        yield spec
    elif isinstance(spec, dict):
        for key, value in spec.items():
            if key not in {"look", "name", "layer", "shape", "head", "island", "leading", "links", "search"}:
                yield from texts_of(value)
    elif isinstance(spec, list):
        for value in spec:
            yield from texts_of(value)


# ---- files ----


def test_there_is_an_overview_and_a_page_per_township_named_by_code(pages):
    codes = ("410921001000", "410921201000", "410922001000", "410922201000")
    assert list(pages["zh"]) == ["index.html", *(f"townships/{code}.html" for code in codes)]


def test_every_page_is_small(pages):
    assert max(len(page) for page in pages["zh"].values()) < 1_000_000


def test_the_same_study_gives_the_same_bytes(pages, tmp_path):
    again = write_pages(made_results("zh"), tmp_path)
    assert [path.read_text("utf-8") for path in again] == list(pages["zh"].values())


def test_codes_that_no_system_takes_as_a_file_name_get_another():
    names = file_names(["../../etc/passwd", "con", "A1", "a1", "410922", "", "é", "x" * 80])
    assert names["410922"] == "410922.html"
    assert all(re.fullmatch(r"[0-9A-Za-z_-]{1,64}\.html", name) for name in names.values())
    assert len({name.casefold() for name in names.values()}) == 8
    assert names["con"] != "con.html"


def test_each_circle_of_ones_own_is_a_layer_of_its_own(tmp_path):
    results = made_results("zh")
    meals = results.reach.iloc[[0]].assign(circle="meals")
    reach = pd.concat([results.reach, meals], ignore_index=True)
    for path in write_pages(replace(results, reach=reach), tmp_path):
        drawn = {layer["name"]: layer for layer in spec_of(path.read_text("utf-8"))["layers"]}
        assert "助餐" in drawn["reach-meals"]["label"]
        assert not drawn["reach-meals"]["shown"]
        assert len(drawn["reach"]["themes"][0]["classes"]) <= 2


# ---- nothing of a user's reaches a template ----


def test_what_users_wrote_stands_in_data_islands_only(pages):
    for page in pages["zh"].values():
        bare = ISLAND.sub("", page)
        head, body = bare.split("</head>")
        before, plain, after = re.split('(?s)(<div id="plain">.*?</div>)', body)
        for name in (*HOSTILE, "江", "服务站"):
            assert name not in before + after
        assert not set("{}") & set(plain)
        assert all(name not in plain for name in HOSTILE if "<" in name)
        assert "{{7*7}}养老服务设施" in re.search("<title>(.*)</title>", head)[1]


def test_a_title_with_markup_is_escaped():
    figure = offline.OfflineFigure(
        title="</title><script>alert(1)</script>", language="zh", code="", style=""
    )
    assert "<title>&lt;/title&gt;&lt;script&gt;" in figure.render()


def test_the_policy_names_exactly_the_scripts_of_the_page(pages):
    for page in pages["en"].values():
        policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
        scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
        hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts]
        assert [f"'sha256-{digest}'" for digest in hashes] == re.findall(r"'sha256-[^']+'", policy)
        assert len(scripts) == 3
        assert "unsafe-eval" not in policy
        assert "script-src 'unsafe-inline'" not in policy
        assert policy.startswith("default-src 'none'")


def test_pages_name_no_address(pages):
    for page in pages["zh"].values():
        bare = re.sub("<script.*?</script>", "", page, flags=re.DOTALL)
        addresses = set(re.findall(r'(?:src|href)="([^"#]*)"', bare))
        assert all(re.fullmatch(r"(townships/)?[0-9]+\.html|\.\./index\.html", one) for one in addresses)
        assert not re.findall(r"url\((?!data:|#default#VML)", bare)
        assert "sourceMappingURL" not in page


def test_what_is_not_vendored_is_refused():
    shown = folium_map(made_results())
    MarkerCluster().add_to(shown)
    with pytest.raises(ValueError, match="not vendored"):
        shown.get_root().render()


def test_the_vendored_files_are_those_that_were_recorded():
    recorded = offline.provenance()
    licences = {name: entry["licence"] for name, entry in recorded.items()}
    assert licences == {"leaflet": "BSD-2-Clause", "tiny-inflate": "MIT"}
    for entry in recorded.values():
        assert entry["licence_file"] in entry["sha256"]
        for name, digest in entry["sha256"].items():
            assert hashlib.sha256(offline.asset(name)).hexdigest() == digest


def test_a_script_cannot_be_ended_from_within():
    figure = offline.OfflineFigure(title="", language="en", code="x = '</script><!--';", style="")
    page = figure.render()
    assert r"x = '\x3c/script>\x3c!--';" in page
    assert page.count("</script>") == 2


# ---- words ----


def test_a_chinese_page_has_chinese_words_only(pages):
    allowed = (*HOSTILE, "OpenStreetMap contributors (ODbL)", "CGCS2000")
    for page in pages["zh"].values():
        for text in texts_of(spec_of(page)):
            bare = text
            for known in allowed:
                bare = bare.replace(known, "")
            assert not re.search(r"[A-Za-z]{2,}|\w_\w", bare.replace(".html", "")), text


@pytest.mark.parametrize("language", ["zh", "en"])
def test_nothing_unknown_is_printed_as_a_number(pages, language):
    for page in pages[language].values():
        for text in texts_of(spec_of(page)):
            assert not re.search(r"\b(nan|NaN|inf|None|N/A)\b", text)


def test_english_pages_hold_no_chinese_of_ours(pages):
    ours = spec_of(pages["en"]["index.html"])["notes"]
    assert not re.search("[\u4e00-\u9fff]", "".join(ours).replace("助餐", ""))


def test_every_word_of_the_pages_stands_in_both_languages():
    for key, entry in words.table("pages").items():
        assert len(entry) == 2, key
        assert all(entry) or key.endswith("space"), key
        zh, en = (set(re.findall(r"{(\w+)}", text)) for text in entry)
        assert key == "date" or zh == en, key


@pytest.mark.parametrize(
    ("share", "printed"),
    [(0.99961, "99.9%"), (0.999999, "99.9%"), (1.0, "100.0%"), (142 / 192, "73.9%"),
     (0.89999, "89.9%"), (0.29, "29.0%"),
     (0.0, "0.0%"), (np.nan, "—"), (None, "—")],
)  # fmt: skip
def test_only_the_whole_is_printed_as_the_whole(share, printed):
    assert ZH.share(share) == printed


def test_people_have_no_decimals():
    assert [ZH.people(x) for x in (1230.4, 0.2, 0.0, np.nan)] == ["1230", "不足1", "0", "—"]
    assert [ZH.people(x) for x in (0.5, 0.51)] == ["不足1", "1"]
    assert EN.people(51_200.0) == "51,200"
    assert EN.minutes(np.inf) == "—"
    assert EN.count(np.nan) == "—"


def test_a_village_that_was_not_judged_says_why(pages):
    table = next(t for t in spec_of(pages["zh"]["index.html"])["tables"] if t["name"] == "units")
    cells = {cell for row in table["rows"] for cell in row}
    assert "资料不足，未判定：道路资料不全" in cells
    assert "资料不足，未判定：无人口" in cells


def test_the_reference_line_is_called_ones_own_choice(pages):
    for page in pages["zh"].values():
        notes = "".join(spec_of(page)["notes"])
        assert "参考判定线（本单位自定，文件未规定）" in notes
        assert "步行4.0千米/小时" in notes
        assert "内部工作用图，未经地图审核，不得公开。" in notes
        assert "图内界线不作为划界依据。" in notes


# ---- figures and layers ----


def test_the_headline_adds_people_up(pages):
    people = made_results().people
    old = people.loc[people["zone_code"] != "", "elderly"].sum()
    covered = people.loc[people["within"], "elderly"].sum()
    label, value, note = spec_of(pages["zh"]["index.html"])["figures"][0]
    assert label == "老年人口覆盖率"
    assert value == f"{covered / old:.1%}"
    assert note == f"覆盖约{covered:.0f}人"


def test_modelled_people_are_about_so_many_and_counted_ones_are_exact():
    modelled = [replace(text, modelled=True) for text in (ZH, EN)]
    assert [text.about(1230.4) for text in modelled] == ["约1230", "about 1,230"]
    assert [text.about(1230.4) for text in (ZH, EN)] == ["1230", "1,230"]
    assert [modelled[0].about(x) for x in (0.0, 0.2, np.nan)] == ["0", "不足1", "—"]
    assert modelled[0].about(1230.4).value == 1230.4
    assert [text.heading("gap_people") for text in modelled] == [
        "推算未覆盖人口", "People not covered (modelled)",
    ]  # fmt: skip
    assert ZH.heading("gap_people") == "未覆盖人口"


def counted(results):
    """Return results as of people who were counted one by one."""
    basis = {"basis": "resident", "year": 2020, "modelled": False}
    object.__setattr__(results, "manifest", {**results.manifest, "people_basis": basis})
    return results


def test_a_page_says_about_only_of_modelled_people(pages, tmp_path):
    modelled = "\n".join(texts_of(spec_of(pages["zh"]["index.html"])))
    assert "覆盖约" in modelled
    assert "推算未覆盖老年人口" in modelled
    assert "人口为推算人口" in modelled
    written = write_pages(counted(made_results()), tmp_path)
    exact = "\n".join(texts_of(spec_of(next(iter(written)).read_text("utf-8"))))
    assert "推算" not in exact
    assert not re.search(r"约\d[^米]*$", exact, re.MULTILINE)


def test_cells_below_a_heading_of_modelled_people_are_bare_numbers(pages):
    for table in spec_of(pages["zh"]["townships/410921001000.html"])["tables"]:
        for place, column in enumerate(table["columns"]):
            if column["label"].startswith("推算"):
                assert not any(row[place].startswith("约") for row in table["rows"])


def test_segments_fall_into_the_bands_of_their_villages_circle(pages):
    layer = layer_of(pages["zh"]["townships/410921001000.html"], "segments")
    assert layer["label"] == "路段：步行到最近设施（一刻钟服务圈／一公里服务圈）"
    assert [one["label"] for one in layer["themes"][0]["classes"]] == [
        "0—5分钟／0—250米", "5—10分钟／250—500米", "10—15分钟／500—1000米", "15—20分钟／1000—1500米",
        "超过20分钟／超过1500米", "无路可达",
    ]  # fmt: skip
    minutes, metres = (
        next(c["texts"] for c in layer["columns"] if c["label"] == label)
        for label in ("步行时间（分钟）", "步行距离（米）")
    )
    assert {text == "—" for text in metres} == {True, False}
    for walk, away, number in zip(minutes, metres, layer["themes"][0]["of"], strict=True):
        value, ends = (walk, (5, 10, 15, 20)) if away == "—" else (away, (250, 500, 1000, 1500))
        if walk == "—":
            assert number == 5
        elif min(abs(float(value) - end) for end in ends) > 0.5:  # what is printed is rounded
            assert number == np.searchsorted(ends, float(value))


@pytest.mark.parametrize(
    ("rules", "labels"),
    [
        ({}, ["0–250 m", "250–500 m", "500–1000 m", "1000–1500 m", "over 1500 m"]),
        ({"rural_metres": 1200, "walk_kmh": 3.0}, [
            "0–300 m", "300–600 m", "600–1200 m", "1200–1800 m", "over 1800 m",
        ]),
    ],
)  # fmt: skip
def test_colours_of_segments_turn_at_the_limit_of_the_circle(rules, labels):
    results = made_results("en")
    study = results.study.model_copy(update={"rules": results.study.rules.model_copy(update=rules)})
    scene = replace(Scene.from_results(results), study=study)
    rural = scene.units.loc[scene.units["circle"] == "1km", "code"].iloc[0]
    limit_s = study.circles[1].limit_m / (study.rules.walk_kmh / 3.6)
    walks = scene.segments.iloc[:3].assign(zone_code=rural, seconds_mid=[limit_s, limit_s * 1.001, np.inf])
    drawn = layers.segments(scene, walks, shown=True)
    told = [drawn.themes[0].classes[k][0] for k in drawn.themes[0].of]
    assert [label for label, _ in drawn.themes[0].classes][:5] == labels
    assert told == [labels[2], labels[3], "No way"]


def test_a_village_at_a_break_belongs_to_the_better_class():
    frame = gpd.GeoDataFrame({"s": [0.9, 0.8999, 1.0, 0.99961, np.nan], "state": "judged"})
    theme = themes.shares(EN, "", frame, "s")
    assert [theme.classes[k][0] for k in theme.of] == [
        "90% to under 100%", "80% to under 90%", "100%", "90% to under 100%", "Not judged (input missing)",
    ]  # fmt: skip


@pytest.mark.parametrize("place", ["index.html", "townships/410921001000.html"])
def test_how_complete_the_streets_are_is_a_colouring_of_the_villages(pages, place):
    layer = next(one for one in spec_of(pages["zh"][place])["layers"] if one["name"] == "units")
    theme = layer["themes"][-1]
    assert theme["label"] == "路网完整度"
    looks = {one["label"]: (one["look"]["fillColor"], "hatch" in one["look"]) for one in theme["classes"]}
    assert list(looks) == ["基本完整", "偏少（可能缺路）", "道路资料不全", "无人口"]
    assert looks["道路资料不全"][1]
    assert len(set(looks.values())) == 4
    told = next(column["texts"] for column in layer["columns"] if column["label"] == "路网完整度")
    facts = {"基本完整": "基本完整；93.7%的人口100米内有道路", "无人口": "—",
             "偏少（可能缺路）": "偏少（可能缺路）；40.0%的人口100米内有道路",
             "道路资料不全": "道路资料不全；0.0%的人口100米内有道路"}  # fmt: skip
    assert told == [facts[theme["classes"][number]["label"]] for number in theme["of"]]
    if place == "index.html":
        assert {number: theme["of"].count(number) for number in range(4)} == {0: 17, 1: 1, 2: 1, 3: 1}


def test_what_rests_on_connectors_is_said_where_there_is_any(pages):
    zones = made_results().zones
    village = zones.loc[zones["level"].eq("village")].iloc[0]
    own = zones.loc[zones["code"].eq(village["parent_code"]) & zones["circle"].eq("own")].iloc[0]
    people = 0.25 * village["people_within"]
    said = (
        f"覆盖人口中，约{people:.0f}人（占{people / own['people_within']:.1%}）"
        "靠连接线（住处到道路直线超过100米）上路。"
    )
    assert said in spec_of(pages["zh"]["townships/410921001000.html"])["notes"]
    for place, many in (("index.html", 1), ("townships/410922201000.html", 0)):
        assert sum("连接线" in note for note in spec_of(pages["zh"][place])["notes"]) == many


def test_facilities_that_do_not_count_are_hollow(pages):
    layer = next(one for one in spec_of(pages["zh"]["index.html"])["layers"] if one["name"] == "facilities")
    looks = {one["label"]: one["look"]["fillColor"] for one in layer["themes"][0]["classes"]}
    assert looks["农村幸福院（未计入）"] == "#ffffff"
    assert looks["农村幸福院"] != "#ffffff"


def test_streets_beyond_what_a_page_holds_are_left_out_with_a_note(monkeypatch):
    monkeypatch.setattr(layers, "MOST_DRAWN", 100)
    spec = spec_of(folium_map(made_results()).get_root().render())
    layer = next(one for one in spec["layers"] if one["name"] == "segments")
    assert layer["head"]["features"] == 100
    assert any("只画其中最长的100段" in note for note in spec["notes"])
    assert any("只画其中人数最多的100处" in note for note in spec["notes"])


def test_other_lines_kinds_and_times_stand_beside_the_result(pages):
    notes = spec_of(pages["zh"]["index.html"])["notes"]
    assert "参考判定线不同时的达标单位：80%为4个，90%为2个，100%为1个。" in notes
    assert "如运营中的其他类型设施也计入，可多覆盖：一刻钟服务圈约120人。" in notes
    assert "在建拟建设施投用后，可多覆盖：一公里服务圈约340人。" in notes


def test_a_study_without_townships_has_everything_on_one_page(tmp_path):
    results = made_results()
    object.__setattr__(results, "zones", results.zones[results.zones["level"] == "village"])
    written = write_pages(results, tmp_path)
    assert [path.name for path in written] == ["index.html"]
    names = {layer["name"] for layer in spec_of(next(iter(written)).read_text("utf-8"))["layers"]}
    assert names == {"units", "reach", "straight", "segments", "circles", "people", "facilities", "gaps"}


def test_a_study_without_townships_asks_why_and_what_if_on_its_one_page(tmp_path, monkeypatch):
    village = {"V1": {"box": ("A 800W 800N", "C 800E 800S"), "name": "东村"}}
    town = Town("A--B--C", people={"A": 10, "C": 30}, facilities={"F": {"at": "A"}}, zones=village)
    results = run(Study.from_file(town.write(tmp_path)))
    (page,) = write_pages(results, tmp_path)
    spec = spec_of(page.read_text("utf-8"))
    assert [village[1] for village in spec["plan"]["villages"]] == ["东村"]
    assert not any("try sites" in note for note in spec["notes"])
    monkeypatch.setattr("servicecircle.maps.layers.MOST_DRAWN", 0)
    (page,) = write_pages(results, tmp_path)
    spec = spec_of(page.read_text("utf-8"))
    assert spec["plan"] is None
    (said,) = [note for note in spec["notes"] if "try sites" in note]
    assert said.startswith("With 2 road segments, more than 0, this page does not ask why")


def test_a_draft_is_stamped_and_so_is_what_extends_it():
    results = drawn_province(prefectures=1, counties=1, townships=1)
    scene = Scene.from_results(results)
    for draft in (True, False):
        stamped = replace(scene, profile=scene.profile.model_copy(update={"id": "own", "draft": draft}))
        assert ("征求意见稿（试算，不作考核依据）。" in headline.notes(stamped)) is draft


def test_a_zone_that_nobody_named_goes_by_the_studys_name(tmp_path):
    results = drawn_province(prefectures=1, counties=1, townships=1)
    top = results.zones["level"] == "prefecture"
    named = results.zones["name"].where(~top, results.zones["code"])
    object.__setattr__(results, "zones", results.zones.assign(name=named))
    above = results.verdicts.head(1).assign(zone_code=results.zones.loc[top, "code"].iloc[0])
    object.__setattr__(results, "verdicts", pd.concat([results.verdicts, above], ignore_index=True))
    page = next(path for path in write_pages(results, tmp_path) if path.name == "index.html")
    table = next(t for t in spec_of(page.read_text("utf-8"))["tables"] if t["name"] == "verdicts")
    assert table["caption"].startswith(results.study.name)


def test_villages_known_as_points_are_drawn_as_points(tmp_path):
    results = made_results()
    object.__setattr__(results, "zones", results.zones.set_geometry(village_points(results)))
    layer = spec_of(next(iter(write_pages(results, tmp_path))).read_text("utf-8"))["layers"][0]
    assert (layer["name"], layer["shape"]) == ("units", "point")


def test_a_run_that_found_nothing_still_has_its_pages(tmp_path):
    results = made_results()
    for frame in ("gaps", "people", "segments", "circles", "reach"):
        object.__setattr__(results, frame, getattr(results, frame).iloc[:0])
    assert len(write_pages(results, tmp_path)) == 5


# ---- themes, verdicts, cards ----


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    folder = tmp_path_factory.mktemp("judged")
    results = drawn_province(prefectures=1, counties=1, townships=2)
    frame = results.facilities
    object.__setattr__(results, "facilities", frame.assign(
        contact="张三丰", phone="13800001111", address="某街1号", operator="李四光",
        operator_type="public_private", opened="2021-09", nursing_beds=np.nan, floor_area_m2=420.0,
    ))  # fmt: skip
    return {path.name: path.read_text("utf-8") for path in write_pages(results, folder)}


def layer_of(page, name):
    return next(one for one in spec_of(page)["layers"] if one["name"] == name)


def test_the_overview_begins_with_the_four_classes(judged):
    first = layer_of(judged["index.html"], "units")["themes"][0]
    assert first["label"] == "四类划分"
    of = [first["classes"][k]["label"].split("（")[0] for k in first["of"]]
    four = ("有设施、已覆盖", "有设施、覆盖不足", "由邻近设施覆盖", "无设施、未覆盖")
    assert [of.count(label) for label in four] == [2, 2, 2, 2]
    assert "道路资料不全" in [one["label"] for one in first["classes"]]


def test_a_class_that_cannot_be_told_is_hatched_over_its_colour(judged):
    layer = layer_of(judged["index.html"], "units")
    first, certainty = layer["themes"][0], next(
        column["texts"] for column in layer["columns"] if column["label"] == "可信程度"
    )  # fmt: skip
    looks = {one["label"]: one["look"] for one in first["classes"]}
    plain, doubtful = (looks["无设施、未覆盖" + more] for more in ("", "（待核实）"))
    assert doubtful["fillColor"] == plain["fillColor"]
    assert ("hatch" in plain, "hatch" in doubtful) == (False, True)
    for place, said in zip(first["of"], certainty, strict=True):
        assert first["classes"][place]["label"].endswith("（待核实）") == (said == "待核实")


def test_it_is_said_from_which_share_a_village_counts_as_covered(judged, pages):
    said = "四类划分：村（社区）人口覆盖率达50.0%（本单位自定）计为已覆盖；是否达标另按参考判定线。"
    assert said in spec_of(judged["index.html"])["notes"]
    assert said not in spec_of(pages["zh"]["index.html"])["notes"]


def test_villages_can_be_coloured_by_share_certainty_verdict_and_what_is_planned(judged):
    themes_of = {one["label"]: one for one in layer_of(judged["index.html"], "units")["themes"]}
    assert list(themes_of)[1:] == ["老年人口覆盖率", "人口覆盖率", "可信程度", "判定结果",
                                   "人口覆盖率（在建拟建设施投用后）", "适用服务圈",
                                   "路网完整度"]  # fmt: skip
    certain = {one["label"]: "hatch" in one["look"] for one in themes_of["可信程度"]["classes"]}
    assert certain == {"确定": False, "基本确定": False, "待核实": True, "资料不足，未判定": False}


def test_townships_are_coloured_by_share_with_their_circle_marked(judged):
    layer = layer_of(judged["index.html"], "township_areas")
    assert layer["shown"] is False
    assert [theme["label"] for theme in layer["themes"]][:2] == ["老年人口覆盖率", "人口覆盖率"]
    assert [one["label"] for one in layer["marks"]["classes"]] == ["各村（社区）不同"]
    assert all(link.startswith("townships/") for link in layer["links"])


def test_a_street_has_its_verdicts_and_its_villages_theirs(judged):
    page = next(page for name, page in judged.items() if name != "index.html")
    tables = {table["name"]: table for table in spec_of(page)["tables"]}
    columns = [column["label"] for column in tables["verdicts"]["columns"]]
    assert columns == ["条款", "实测值", "要求", "与判定线之差", "单位", "判定结果", "可信程度",
                       "不达标的后果", "期限", "判定依据"]  # fmt: skip
    rows = [dict(zip(columns, row, strict=True)) for row in tables["verdicts"]["rows"]]
    assert rows[0]["条款"] == "打造农村“一公里”居家养老服务圈"
    assert (rows[0]["实测值"], rows[0]["要求"]) == ("63.0%", "≥90.0%")
    assert (rows[0]["与判定线之差"], rows[0]["期限"]) == ("-27.0个百分点", "2022年12月31日（已到期）")
    assert rows[0]["判定依据"].startswith("濮阳")
    assert {row["判定结果"] for row in rows} == {
        "未达标", "达标", "仅作统计，不作判定", "资料不足，未判定：缺少设施台账的“护理型床位”列"
    }  # fmt: skip
    villages = tables["units"]
    labels = [column["label"] for column in villages["columns"]]
    assert villages["caption"] == "村（社区）一村一表"
    assert villages["rows"][0][labels.index("未达标条款")] == "1条：打造农村“一公里”居家养老服务圈"


def test_a_card_shows_listed_fields_and_no_person(judged):
    for page in judged.values():
        spec = json.dumps(spec_of(page), ensure_ascii=False)
        for secret in ("张三丰", "13800001111", "某街1号", "李四光"):
            assert secret not in spec
    page = next(page for name, page in judged.items() if name != "index.html")
    labels = [column["label"] for column in layer_of(page, "facilities")["columns"]]
    assert labels == ["", "设施类型", "运营状态", "养老服务床位（张）", "建筑面积（平方米）", "运营模式",
                      "投用时间", "覆盖人口", "到道路的距离（米）", "未计入原因", "存疑"]  # fmt: skip
    cards = next(table for table in spec_of(page)["tables"] if table["name"] == "facilities")
    assert "公建民营" in cards["rows"][0]


def test_both_bases_stand_side_by_side():
    results = made_results()
    shares = {"wide_share": 0.6208, "strict_share": 0.5590}
    summary = {**results.manifest["summary"], "all": {"elderly": shares, "people": shares}}
    object.__setattr__(results, "manifest", {**results.manifest, "summary": summary})
    lead = spec_of(folium_map(results).get_root().render())["lead"][0]
    assert "宽口径62.0%（1000米，4.0千米/小时），严口径55.9%（800米，3.2千米/小时）" in lead


# ---- notebooks ----


def test_a_notebook_gets_a_folium_map():
    shown = folium_map(made_results("en"))
    assert isinstance(shown, folium.Map)
    folium.CircleMarker([35.9, 114.0], tooltip="mine").add_to(shown)
    assert "mine" in shown.get_root().render()
    assert "iframe" in shown._repr_html_()


def test_a_village_leads_to_the_map_of_its_township():
    results = made_results()
    village = results.zones.loc[results.zones["level"] == "village", "code"].iloc[0]
    titles = {folium_map(results, zone).get_root().title for zone in (village, "410921001000")}
    assert len(titles) == 1
    with pytest.raises(KeyError):
        folium_map(results, "999")


# ---- packing ----


def unpack(head, body):
    numbers, value, shift = [], 0, 0
    for byte in body:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            numbers.append(value)
            value, shift = 0, 0
    counts = head["features"] + head["parts"] + head["rings"]
    moves = np.array([(n >> 1) ^ -(n & 1) for n in numbers[counts:]]).reshape(-1, 2)
    return numbers[:counts], np.cumsum(moves, axis=0) * head["grid"]


def test_packed_areas_come_back_whole():
    holed = box(0, 0, 3, 3).difference(box(1, 1, 2, 2))
    shapes = np.array(
        [holed, None, MultiPolygon([box(-5, -5, -4, -4), box(113.12345, 35, 114, 36)])], dtype=object
    )
    head, body = pack_geometry(shapes)
    counts, places = unpack(head, body)
    assert counts == [1, 0, 2, 2, 1, 1, 5, 5, 5, 5]
    expected = np.concatenate([shapely.get_coordinates(shapes[0]), shapely.get_coordinates(shapes[2])])
    assert np.allclose(places, expected, atol=GRID_DEG / 2)


def test_packed_points_and_nothing():
    head, body = pack_geometry(np.array([Point(1, 2), None], dtype=object))
    assert unpack(head, body)[0] == [1, 0, 1, 1]
    assert pack_geometry(np.array([], dtype=object))[1] == b""


def test_numbers_of_any_size_are_packed():
    assert varints(np.array([0, 127, 128, 2**34])) == b"\x00\x7f\x80\x01\x80\x80\x80\x80\x40"


def test_an_island_has_no_letter_that_a_template_reads():
    assert not set("{}%") & set(island("x", b"{{7*7}}{% raw %}"))


@pytest.mark.parametrize(("people", "modelled"), [(10, False), (10.5, True)])
def test_people_in_parts_are_modelled_and_whole_ones_are_counted(tmp_path, people, modelled):
    village = {"V1": {"box": ("A 800W 800N", "C 800E 800S"), "name": "东村"}}
    town = Town("A--B--C", people={"A": people}, facilities={"F": {"at": "A"}}, zones=village)
    results = run(Study.from_file(town.write(tmp_path)))
    assert results.manifest["people_basis"]["modelled"] is modelled
    assert Scene.from_results(results).text.modelled is modelled
