"""Why a place is not covered, and what a site would change: in a browser, with the network cut."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

import servicecircle as sc
from servicecircle.assess.trial import Site, Trial, try_sites
from servicecircle.assess.trial_graph import place_site, try_in_graph
from servicecircle.maps.scene import Scene
from servicecircle.maps.township import township
from towns.drawing import CRS, VILLAGE, Town

pytestmark = pytest.mark.browser

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "sample" / "study.toml"
VENDORED = Path(__file__).parent / "vendored"
SERIOUS = """async () => (await axe.run(".inquiry")).violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])"""
TOWNSHIP = VILLAGE[:9] + "000"
HOSTILE = "=1+1 {{7*7}} </script><img src=x onerror=alert(1)> ${a} {facility}"

# a street of 3 km, a river 30 m south of it that only C-H crosses, an islet, and a place far from all
TOWN = """
A----B----C----D----E----F----G
          |
          |
          |
          |
          H----I----J

                       X--Y
"""
RIVER = 350.0
"""Metres south of the street."""


def town_pages(folder, language="zh"):
    river = [shapely.LineString([(-900, -RIVER), (6000, -RIVER)])]
    here = Town(
        TOWN,
        people={"A": 10, "D": 30, "E": 2, "J": 8, "X 100E": 3},
        facilities={"F0": {"at": "A 100E", "name": HOSTILE}, "F1": {"at": "G", "status": "planned"}},
        ways={"AB": {"name": "人民路"}, "BC": {"name": HOSTILE}, "GF": {}},
        zones={VILLAGE: {"box": ("A 800W 1800N", "G 500E 2000S"), "name": HOSTILE}},
    )
    study = here.write(folder)
    lines = gpd.GeoDataFrame(geometry=river, crs=CRS).translate(*here.origin)
    lines.to_file(folder / "river.gpkg")
    text = study.read_text("utf-8").replace('gpkg"\n', 'gpkg"\nbarriers = "river.gpkg"\n', 1)
    study.write_text(text.replace('language = "en"', f'language = "{language}"'), "utf-8")
    results = sc.run(sc.Study.from_file(study))
    page = folder / "page.html"
    page.write_text(township(Scene.from_results(results), TOWNSHIP).map().get_root().render(), "utf-8")
    return here, results, page


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return {language: town_pages(tmp_path_factory.mktemp(language), language) for language in ("zh", "en")}


@pytest.fixture
def visit(visit_file, drawn):
    visits = []

    def open_page(language="zh", **options):
        visits.append(visit_file(drawn[language][2], **options))
        return visits[-1]

    yield open_page
    for one in visits:
        assert one.complaints == []


SEE = """([x, y]) => { const [a, b] = App.graph.plan.origin;
    App.map.setView(App.graph.toLatLng(x - a, y - b), 16, { animate: false }) }"""


def millimetres(drawn, place, language="zh"):
    """Return a place in the page's millimetres."""
    here = drawn[language][0]
    return [round(v * 1000) for v in here.xy(place)]


ASK = """([x, y]) => { const [a, b] = App.graph.plan.origin; App.why.ask(App.graph.toLatLng(x - a, y - b));
    return document.querySelector(".answer .sentence").textContent }"""


def why(page, drawn, place):
    return page.evaluate(ASK, millimetres(drawn, place))


# ---------------------------------------------------------------- why


def test_the_sentence_says_how_far_and_by_how_much_too_far(visit, drawn):
    page = visit().page
    far = "1000米内没有计入服务圈的设施"
    assert why(page, drawn, "D 20N") == (
        f"距{HOSTILE}步行1420米，超出420米。{far}：最近的{HOSTILE}，直线也有1400米。"
    )
    assert why(page, drawn, "B 20N") == f"距{HOSTILE}步行420米，在1000米以内，已覆盖。"
    english = visit("en").page
    assert why(english, drawn, "D 20N").startswith(f"1,420 m on foot to {HOSTILE}: 420 m too far.")


def test_the_way_is_told_by_streets_and_adds_up(visit, drawn):
    page = visit().page
    why(page, drawn, "D 20N")
    rows = page.eval_on_selector_all(".answer tr", "rows => rows.map(row => row.innerText.split('\\t'))")
    assert rows == [
        ["从该处到路边", "20米"], ["无名道路", "500米"], [HOSTILE, "500米"], ["人民路", "400米"],
        ["合计", "1420米"],
    ]  # fmt: skip


def test_the_way_is_drawn_and_marked_where_it_passes_the_limit(visit, drawn):
    page = visit().page
    why(page, drawn, "D 20N")
    marks = page.evaluate("""() => { const found = { within: 0, beyond: 0, end: null };
        App.why.drawn.eachLayer((layer) => {
            if (layer instanceof L.Tooltip)
                found.end = [layer.getContent().textContent, ...App.graph.toMm(layer.getLatLng())];
            else if (layer instanceof L.Polyline && layer.options.color === "#1f3a78") found.within++;
            else if (layer instanceof L.Polyline && layer.options.color === "#b3001b") found.beyond++; });
        const [a, b] = App.graph.plan.origin; found.end[1] += a; found.end[2] += b; return found }""")
    assert marks["within"] > 0
    assert marks["beyond"] > 0
    label, x, y = marks["end"]
    assert label == "1000米到此为止"
    end = millimetres(drawn, "B 20E")  # 20 m to the street, 980 m along it: 480 m from C
    assert abs(x - end[0]) <= 5
    assert abs(y - end[1]) <= 5


def test_a_river_in_the_way_is_named_with_the_nearest_crossing(visit, drawn):
    """From J 40 m north the river is the nearest thing north; streets cross it at C only."""
    said = why(
        visit().page, drawn, "I 140N 600W"
    )  # 100 m west of C-H, 360 m north of the lower street's line
    assert "步行" in said
    across = why(visit().page, drawn, "A 500S")
    assert "直线方向上隔着河流、铁路或高速公路" in across
    assert "最近的道路穿越处（桥、涵洞或道口）在东侧" in across


def test_off_the_streets_islands_and_other_places(visit, drawn):
    page = visit().page
    assert "距最近道路700米，超过300米，未接入道路网" in why(page, drawn, "A 700N")
    island = why(page, drawn, "X 100E 10N")
    assert "1000米内没有计入服务圈的设施" in island
    assert "所在路网（共0.3千米）与其他道路不连通" in island
    assert page.evaluate(ASK, millimetres(drawn, "A 1500W")) == "该处不在本页的村（社区）范围内。"


def test_a_click_on_the_map_and_the_button_ask_too(visit):
    page = visit().page
    page.mouse.click(*centre(page))
    page.wait_for_selector(".answer .sentence")
    page.get_by_role("button", name="清除路线").click()
    assert page.locator(".answer").inner_text() == ""
    page.get_by_role("button", name="说明地图中心处").focus()
    page.keyboard.press("Enter")
    assert page.locator(".answer .sentence").inner_text()


def centre(page):
    box = page.locator("#map").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_row_of_the_gap_table_asks_for_its_place(visit):
    page = visit().page
    page.locator("section.gaps tbody tr button").first.focus()
    page.keyboard.press("Enter")
    assert "超出" in page.locator(".answer .sentence").inner_text()
    assert "超出" in page.locator(".leaflet-popup .because").inner_text()


# ---------------------------------------------------------------- what if


def test_sites_are_clicked_undone_and_reset(visit, drawn):
    page = visit().page
    arm = page.get_by_role("button", name="在地图上点选新点")
    arm.click()
    assert arm.get_attribute("aria-pressed") == "true"
    page.evaluate(SEE, millimetres(drawn, "D"))
    page.mouse.click(*centre(page))
    assert "32人" in page.locator(".outcome").inner_text()
    assert "约" not in page.locator(".outcome").inner_text()
    assert "估算" in page.locator(".outcome").inner_text()
    assert page.locator(".steps li").count() == 1
    assert page.locator(".answer .sentence").count() == 0
    page.get_by_label("试开一处在建拟建设施").select_option(index=1)
    page.get_by_label("试撤一处设施").select_option(index=1)
    assert page.locator(".steps li").count() == 3
    assert "失去覆盖" in page.locator(".outcome").inner_text()
    page.get_by_role("button", name="撤销上一步").click()
    assert "失去覆盖" not in page.locator(".outcome").inner_text()
    page.get_by_role("button", name="去掉：试设点1").click()
    assert page.locator(".steps li").count() == 1
    page.get_by_role("button", name="全部清除").click()
    assert page.locator(".steps li").count() == 0
    assert page.locator(".outcome").inner_text() == ""
    page.keyboard.press("Escape")
    assert arm.get_attribute("aria-pressed") == "false"


def test_keys_walk_through_a_list_and_enter_chooses(visit, drawn):
    page = visit().page
    opening = page.get_by_label("试开一处在建拟建设施")
    opening.focus()
    page.keyboard.press("ArrowDown")
    assert page.locator(".steps li").count() == 0
    page.keyboard.press("Enter")
    assert page.locator(".steps li").count() == 1
    page.get_by_label("试撤一处设施").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    assert page.locator(".steps li").count() == 2


def test_the_villages_that_change_are_listed(visit, drawn):
    page = visit().page
    page.evaluate(f"() => App.trial.addSite(App.graph.toLatLng({here(drawn, 'D')}))")
    page.evaluate(f"() => App.trial.addSite(App.graph.toLatLng({here(drawn, 'I')}))")
    table = page.locator(".outcome table").inner_text()
    assert HOSTILE in table
    assert "未达标（18.8%）" in table
    assert "达标（94.3%）" in table


def test_modelled_people_are_about_so_many(visit, drawn):
    page = visit().page
    page.evaluate("App.graph.plan.modelled = true")
    page.evaluate(f"() => App.trial.addSite(App.graph.toLatLng({here(drawn, 'D')}))")
    assert "约32人" in page.locator(".outcome").inner_text()


def test_what_is_measured_at_leisure_is_what_a_click_would_measure(visit, drawn):
    at_once, later = visit().page, visit().page
    later.wait_for_timeout(600)
    x, y = here(drawn, "D").split(", ")
    trial = f"App.trial.tryOut({{ sites: [{{ x: {x}, y: {y}, kind: App.graph.plan.kinds[0][0] }}] }})"
    assert at_once.evaluate(trial) == later.evaluate(trial)


def here(drawn, place):
    graph = Scene.from_results(drawn["zh"][1]).cutter.cut([VILLAGE])
    x, y = (mm - origin for mm, origin in zip(millimetres(drawn, place), graph.origin_mm, strict=True))
    return f"{x}, {y}"


def test_the_trial_is_exported(visit, drawn, tmp_path):
    page = visit().page
    page.evaluate(f"() => App.trial.addSite(App.graph.toLatLng({here(drawn, 'D')}))")
    page.get_by_label("试撤一处设施").select_option(index=1)
    files = {}
    for button in ("导出CSV", "导出GeoJSON"):
        with page.expect_download() as download:
            page.get_by_role("button", name=button).click()
        download.value.save_as(tmp_path / download.value.suggested_filename)
        files[button] = (tmp_path / download.value.suggested_filename).read_bytes()
    assert files["导出CSV"].startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(files["导出CSV"].decode("utf-8-sig"))))
    assert rows[0] == ["操作", "设施编号", "名称", "类型", "经度", "纬度", "东坐标（毫米）", "北坐标（毫米）"]
    assert [int(v) for v in rows[1][6:]] == millimetres(drawn, "D")
    assert rows[2][2] == "'" + HOSTILE
    told = json.loads(files["导出GeoJSON"])
    assert [f["properties"]["action"] for f in told["features"]] == ["新设", "试撤"]
    assert (told["estimate"]["people_gained"], told["estimate"]["people_lost"]) == (32, 10)


def test_the_lines_for_a_study_give_the_same_figures_when_they_are_run(visit, drawn, tmp_path):
    page = visit("en").page
    page.evaluate(f"() => App.trial.addSite(App.graph.toLatLng({here(drawn, 'D 40N')}))")
    gained = page.evaluate("App.trial.outcome().gained")
    lines, table = page.locator(".study textarea").input_value().split("# trial_sites.csv\n")
    _, before, _ = drawn["en"]
    study = Path(before.study.path)
    (study.parent / "trial_sites.csv").write_text(table, "utf-8")
    tried = study.parent / "tried.toml"
    tried.write_text(
        study.read_text("utf-8").replace("[[facilities]]", lines.strip() + "\n\n[[facilities]]", 1), "utf-8"
    )
    after = sc.run(sc.Study.from_file(tried))
    within = [float(r.people.loc[r.people["within"], "people"].sum()) for r in (before, after)]
    assert within[1] - within[0] == pytest.approx(gained, abs=1)
    assert gained == 32


def test_a_place_where_no_site_can_stand_is_refused(visit, drawn):
    page = visit().page
    page.evaluate(f"() => App.trial.addSite(App.graph.toLatLng({here(drawn, 'A 700N')}))")
    assert "不能设点" in page.locator(".outcome .warning").inner_text()
    assert page.locator(".steps li").count() == 0


def test_on_a_phone_the_panels_fit(visit, drawn):
    page = visit(size=(390, 800), mobile=True).page
    page.evaluate(f"() => App.trial.addSite(App.graph.toLatLng({here(drawn, 'D')}))")
    why(page, drawn, "D 20N")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_axe_finds_nothing_serious_in_the_panels(visit, drawn):
    page = visit().page
    page.evaluate(f"() => App.trial.addSite(App.graph.toLatLng({here(drawn, 'D')}))")
    why(page, drawn, "D 20N")
    page.evaluate((VENDORED / "axe.min.js").read_text("utf-8"))
    assert page.evaluate(SERIOUS) == []


def test_only_what_was_asked_is_printed(visit, drawn):
    page = visit().page
    page.emulate_media(media="print")
    assert page.locator(".inquiry .why").is_hidden()
    page.emulate_media(media="screen")
    why(page, drawn, "D 20N")
    page.emulate_media(media="print")
    assert page.locator(".answer .sentence").is_visible()
    assert page.locator(".inquiry .trial").is_hidden()
    assert page.get_by_role("button", name="清除路线").is_hidden()
    page.emulate_media(media="screen")
    why(page, drawn, "B 20N")


# ---------------------------------------------------------------- equal to the recalculation


def random_trials(graph, ground, count, seed):
    """Return trials of one to four sites, removals and openings, the sites on millimetres around people."""
    rng = np.random.default_rng(seed)
    used = [f for f, counts in zip(graph.facility_ids, graph.counts.any(axis=1), strict=True) if counts]
    later = [f for f, opens in zip(graph.facility_ids, graph.later.any(axis=1), strict=True) if opens]
    kinds = sorted({kind for circle in ground.circles for kind in circle.kinds})
    trials = []
    while len(trials) < count:
        sites = []
        for _ in range(rng.integers(0, 4)):
            x, y = graph.people.xy[rng.integers(len(graph.weight))] + rng.integers(-300_000, 300_000, 2)
            if place_site(graph, int(x), int(y)) is not None:
                kind = kinds[rng.integers(len(kinds))]
                sites.append(Site(int(x) + graph.origin_mm[0], int(y) + graph.origin_mm[1], kind))
        removed = rng.choice(used, min(rng.integers(0, 3), len(used)), replace=False)
        opened = rng.choice(later, min(rng.integers(0, 2), len(later)), replace=False) if later else []
        trials.append(Trial(tuple(sites), frozenset(map(str, removed)), frozenset(map(str, opened))))
    return trials


TRY = """(trials) => trials.map(({ sites, removed, opened }) => {
    const of = (ids) => ids.map((id) => App.graph.plan.stations.findIndex(([own]) => own === id));
    const began = performance.now();
    const told = App.trial.tryOut({ sites, removed: of(removed), opened: of(opened) });
    return [told.gained, told.lost, told.elderlyGained, told.elderlyLost,
        told.changed.map(({ code, before, after }) => [code, [before.verdict, after.verdict]]),
        performance.now() - began] })"""


def in_the_page(page, graph, trials):
    a, b = graph.origin_mm
    return page.evaluate(TRY, [
        {"sites": [{"x": s.x_mm - a, "y": s.y_mm - b, "kind": s.kind} for s in t.sites],
         "removed": sorted(t.removed), "opened": sorted(t.opened)} for t in trials
    ])  # fmt: skip


def largest_difference(told, outcomes):
    worst = 0.0
    for row, outcome in zip(told, outcomes, strict=True):
        figures = (outcome.gained, outcome.lost, outcome.elderly_gained, outcome.elderly_lost)
        worst = max(worst, *(abs(a - b) for a, b in zip(row[:4], figures, strict=True)))
        assert {code: tuple(pair) for code, pair in row[4]} == outcome.verdicts
    return worst


def compare(visit_file, results, folder, codes, *, trials, seed, engine_every=1, graph_every=1):
    """Return how far a page's trials are from both recalculations, in people, and how long each took."""
    scene, ground = Scene.from_results(results), results.ground
    parent = scene.units.set_index("code").loc[codes[0], "parent_code"]
    path = folder / "page.html"
    path.write_text(township(scene, parent).map().get_root().render(), "utf-8")
    graph = scene.cutter.cut(codes)
    tried = random_trials(graph, ground, trials, seed)
    seen = visit_file(path)
    told = in_the_page(seen.page, graph, tried)
    assert seen.complaints == []
    by_graph = [try_in_graph(graph, t) for t in tried[::graph_every]]
    by_engine = [try_sites(ground, t, codes) for t in tried[::engine_every]]
    return (
        largest_difference(told[::graph_every], by_graph),
        largest_difference(told[::engine_every], by_engine),
        [row[5] for row in told],
    )


def test_two_hundred_trials_on_the_sample_equal_the_recalculation(visit_file, tmp_path):
    results = sc.run(sc.Study.from_file(SAMPLE))
    units = results.ground.zones[results.ground.zones["unit"]]
    parents = sorted(units["parent_code"].unique())
    for number, parent in enumerate((parents[0], parents[4])):
        codes = list(units.loc[units["parent_code"] == parent, "code"])
        graph, engine, times = compare(
            visit_file, results, tmp_path, codes, trials=100, seed=number, engine_every=4
        )
        assert graph < 1e-6
        assert engine < 1
        assert np.median(times) < 50  # milliseconds


@pytest.mark.shared
def test_two_hundred_trials_in_porto_alegre_equal_the_recalculation(visit_file, shared, tmp_path):
    results = sc.run(sc.Study.from_file(shared / "data" / "studies" / "porto_alegre" / "study.toml"))
    units = results.ground.zones[results.ground.zones["unit"]]
    parent = sorted(units["parent_code"].unique())[3]
    codes = list(units.loc[units["parent_code"] == parent, "code"])
    graph, engine, _ = compare(
        visit_file, results, tmp_path, codes, trials=200, seed=2, graph_every=20, engine_every=4
    )
    assert graph < 1e-6
    assert engine < 1
