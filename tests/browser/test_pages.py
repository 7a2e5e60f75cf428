"""The pages as a planner opens them: in a browser with the network cut."""

from __future__ import annotations

import re

import folium
import pytest

from browser.drawn_province import drawn_province
from browser.made_results import HOSTILE, made_results
from servicecircle import words
from servicecircle.maps.notebook import folium_map
from servicecircle.maps.pages import write_pages

pytestmark = pytest.mark.browser

PLACES = ("index.html", "townships/410921001000.html")
OURS_IN_ENGLISH = ("Leaflet", "© OpenStreetMap contributors (ODbL)", "CGCS2000", "km", " m")
ON_THE_MAP = "() => { let n = 0; map.eachLayer(l => { n += l instanceof L.CircleMarker }); return n }"


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("place", PLACES)
def test_a_page_opens_with_the_network_cut_and_asks_for_nothing(visit, folders, place, language):
    seen = visit(place, language)
    assert seen.page.evaluate("window.__ready") is True
    assert seen.requests == [(folders[language] / place).as_uri()]
    assert seen.complaints == []
    assert seen.page.locator("#unsupported").is_hidden()


@pytest.mark.parametrize("place", PLACES)
def test_hostile_names_are_only_text(visit, place):
    seen = visit(place)
    text = seen.page.inner_text("body")
    for name in HOSTILE:
        assert name in text
    assert "49" not in seen.page.inner_text("h1")
    assert seen.page.locator("img").count() == 0
    for box in seen.page.locator("#layers input[type=checkbox]").all():
        box.check()
    assert seen.complaints == []


def test_whom_the_streets_are_owed_to_is_only_text(visit_file, tmp_path):
    results = made_results()
    streets = results.study.streets.model_copy(update={"credit": HOSTILE[2]})
    object.__setattr__(results, "study", results.study.model_copy(update={"streets": streets}))
    write_pages(results, tmp_path)
    seen = visit_file(tmp_path / "index.html")
    assert HOSTILE[2] in seen.page.inner_text(".leaflet-control-attribution")
    assert seen.page.locator("img").count() == 0
    assert (len(seen.requests), seen.complaints) == (1, [])


def test_a_name_of_any_length_leaves_the_map_to_others(visit_file, tmp_path):
    results = made_results()
    townships = results.zones["level"] == "township"
    zones = results.zones.assign(name=results.zones["name"].where(~townships, "长" * 5000))
    object.__setattr__(results, "zones", zones)
    write_pages(results, tmp_path)
    seen = visit_file(tmp_path / "index.html")
    boxes = [name.bounding_box() for name in seen.page.locator(".leaflet-tooltip.name").all()]
    assert boxes
    assert max(box["width"] for box in boxes) < 300


def test_the_layer_switch_takes_a_layer_off_and_puts_it_back(visit):
    page = visit().page
    before = page.evaluate(ON_THE_MAP)
    page.uncheck("input[name=gaps]")
    without = page.evaluate(ON_THE_MAP)
    assert 0 < without < before
    page.check("input[name=gaps]")
    assert page.evaluate(ON_THE_MAP) == before


def test_a_layer_that_begins_hidden_is_drawn_when_it_is_asked_for(visit):
    page = visit().page
    areas = "() => { let n = 0; map.eachLayer(l => { n += l instanceof L.Polygon }); return n }"
    before = page.evaluate(areas)
    page.check("input[name=reach]")
    page.wait_for_timeout(300)
    assert page.evaluate(areas) == before + 2


def test_choosing_a_theme_changes_colours_and_legend(visit):
    page = visit().page
    fills = """() => { const seen = []; map.eachLayer(l => {
        if (l instanceof L.Polygon && l.options.fillColor) seen.push(String(l.options.fillColor)) });
        return seen.join() }"""
    shares = page.evaluate(fills)
    page.get_by_label("判定结果").check()
    assert page.evaluate(fills) != shares
    legend = page.inner_text("#layers fieldset:first-child ul")
    assert "达标" in legend
    assert "资料不足，未判定" in legend


def test_the_street_completeness_is_switched_on_and_told(visit):
    page = visit().page
    page.get_by_label("路网完整度").check()
    legend = page.locator("#layers fieldset:first-child ul").inner_text()
    assert [word in legend for word in ("基本完整", "偏少（可能缺路）", "道路资料不全", "无人口")] == [
        True
    ] * 4
    hatched = """() => { let n = 0; map.eachLayer(l => {
        n += l instanceof L.Polygon && l.options.fillColor instanceof CanvasPattern }); return n }"""
    assert page.evaluate(hatched) == 1


def test_a_row_of_the_gap_list_leads_to_the_map(visit):
    page = visit().page
    before = page.evaluate("map.getZoom()")
    row = page.locator("section:has(#table-gaps) tbody tr").nth(1)
    village = row.locator("td").first.inner_text()
    row.click()
    page.wait_for_selector(".leaflet-popup")
    assert page.evaluate("map.getZoom()") > before
    assert village in page.inner_text(".leaflet-popup")


def test_the_keyboard_reaches_tables_and_map(visit):
    page = visit().page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "skip"
    assert page.inner_text("#skip") == "跳到表格"
    page.keyboard.press("Enter")
    before = page.evaluate("map.getZoom()")
    page.locator("section:has(#table-gaps) tbody button").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".leaflet-popup")
    assert page.evaluate("map.getZoom()") > before
    page.focus("#map")
    page.wait_for_timeout(500)  # the popup may still be moving the map into view
    middle = page.evaluate("map.getCenter().lng")
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(500)
    assert page.evaluate("map.getCenter().lng") > middle


def test_townships_are_linked_both_ways(visit):
    page = visit().page
    links = page.locator("section:has(#table-townships) tbody a")
    assert links.count() == 4
    links.nth(1).click()
    page.wait_for_selector("body[data-ready]")
    assert page.url.endswith("townships/410921201000.html")
    assert "{% raw %}" in page.inner_text("h1")
    labels = [link.inner_text() for link in page.locator("#links a").all()]
    assert labels == ["返回总图", "上一乡镇（街道）", "下一乡镇（街道）"]
    page.locator("#links a").first.click()
    page.wait_for_selector("body[data-ready]")
    assert page.url.endswith("index.html")


@pytest.mark.parametrize("place", PLACES)
def test_a_chinese_page_holds_no_english(visit, place):
    page = visit(place).page
    for box in page.locator("#layers input[type=checkbox]").all():
        box.check()
    text = page.inner_text("body")
    for known in (*HOSTILE, *OURS_IN_ENGLISH):
        text = text.replace(known, "")
    assert re.findall(r"[A-Za-z]{2,}|\w_\w", text) == []
    titles = page.eval_on_selector_all("[title], [aria-label]", "all => all.map(e => e.title + e.ariaLabel)")
    assert not re.search(r"[A-Z][a-z]{2,}", "".join(titles).replace("null", ""))


ENUMS = {
    key
    for group in (
        "verdict", "certainty", "reason", "state", "status", "severity", "circle", "area_class", "level",
        "gap_class", "village_class", "build_state", "deadline_state", "operator_type", "streets_state",
    )
    for key in words.table("labels")[group]
    if key.isascii()
}  # fmt: skip


@pytest.fixture(scope="module")
def province(tmp_path_factory):
    folder = tmp_path_factory.mktemp("province")
    return list(write_pages(drawn_province(prefectures=2, counties=2, townships=3, villages=3), folder))


@pytest.mark.parametrize("kind", ["index.html", "counties", "townships"])
def test_no_word_of_the_machine_stands_on_any_kind_of_page(visit_file, province, kind):
    path = next(path for path in province if kind in {path.name, path.parent.name})
    seen = visit_file(path)
    for box in seen.page.locator("#layers input[type=checkbox]").all():
        box.check()
    for button in seen.page.locator("button.more").all():
        button.click()
    told = "() => App.layers.map(l => l.columns.map(c => c.label + c.texts.join(' '))).join(' ')"
    text = seen.page.inner_text("body") + seen.page.evaluate(told)
    assert re.findall(r"[a-z]+_[a-z_]+|NaN|nan|None|undefined|null", text) == []
    assert set(re.findall(r"[A-Za-z0-9]+", text)) & ENUMS == set()
    assert seen.complaints == []
    assert len(seen.requests) == 1


def test_one_drills_down_from_the_first_page_and_back(visit_file, province):
    seen = visit_file(next(path for path in province if path.name == "index.html"))
    page = seen.page
    page.locator("section.county tbody a").first.click()
    page.wait_for_selector("body[data-ready]")
    assert "/counties/" in page.url
    page.locator("section.townships tbody a").first.click()
    page.wait_for_selector("body[data-ready]")
    assert "/townships/" in page.url
    page.locator("#links a", has_text="返回总图").click()
    page.wait_for_selector("body[data-ready]")
    assert page.url.endswith("index.html")
    assert seen.complaints == []


def test_townships_are_laid_over_the_villages_when_asked(visit_file, province):
    seen = visit_file(next(path for path in province if path.parent.name == "counties"))
    shown = "() => App.layers.find(l => l.name === 'township_areas').shown"
    assert seen.page.evaluate(shown) is False
    areas = "() => { let n = 0; map.eachLayer(l => { n += l instanceof L.Polygon }); return n }"
    before = seen.page.evaluate(areas)
    seen.page.check("input[name=township_areas]")
    assert seen.page.evaluate(shown) is True
    assert seen.page.evaluate(areas) > before


def test_a_share_just_under_the_whole_is_not_printed_as_the_whole(visit):
    assert "99.9%" in visit().page.inner_text("section:has(#table-units)")


def test_a_page_prints_on_a_landscape_sheet_with_map_and_legend(visit):
    page = visit().page
    sheet = page.pdf(prefer_css_page_size=True, print_background=True)
    box = re.search(rb"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", sheet)
    assert float(box[1]) > float(box[2])
    page.emulate_media(media="print")
    assert page.locator("#layers canvas").first.is_visible()
    assert page.locator("#map canvas").first.is_visible()
    assert page.locator("#layers input").first.is_hidden()


def test_a_phone_shows_all_without_scrolling_sideways(visit):
    page = visit(PLACES[1], size=(390, 844), mobile=True).page
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator("#panel").get_attribute("open") is None
    page.tap("#panel-title")
    assert page.locator("#layers input").first.is_visible()


def test_symbols_keep_their_proportions_on_a_phone(visit):
    rim = "(({ options }) => options.weight / options.radius)(App.layer('gaps').features[0])"
    phone, desk = visit(size=(360, 740)).page, visit().page
    assert phone.evaluate("map.getSize().x") < 500
    assert abs(phone.evaluate(rim) - desk.evaluate(rim)) < 1e-9


def test_a_notebook_shows_the_map_and_what_is_added_to_it(visit_file, tmp_path):
    shown = folium_map(made_results("en"))
    folium.CircleMarker([35.87, 114.03], radius=30, tooltip="mine").add_to(shown)
    cell = tmp_path / "cell.html"
    cell.write_text(f'<meta charset="utf-8">{shown._repr_html_()}', "utf-8")
    seen = visit_file(cell, size=(1400, 900), wait="iframe")
    page = seen.page
    page.frame_locator("iframe").locator("body[data-ready]").wait_for()
    mine = "() => { let n = 0; map.eachLayer(l => { n += l.options.radius === 30 }); return n }"
    assert page.frames[1].evaluate(mine) == 1
    assert seen.complaints == []
