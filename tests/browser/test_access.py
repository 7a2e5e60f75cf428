"""Everybody's way through the pages: by search, by keyboard, by screen reader, on a phone."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from browser.made_results import HOSTILE

pytestmark = pytest.mark.browser

PLACES = ("index.html", "townships/410921001000.html")
AXE = (Path(__file__).parent / "vendored" / "axe.min.js").read_bytes()
AXE_DIGEST = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
SERIOUS = """async () => (await axe.run()).violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => id + ": " + nodes.map(({ html }) => html).join(" | ").slice(0, 300))"""


def names_found(page):
    return page.locator("#search-found li span:first-child").all_inner_texts()


def column(page, table, number):
    return page.locator(f"section:has(#table-{table}) tbody tr > :nth-child({number + 1})").all_inner_texts()


# ---- search ----


@pytest.mark.parametrize("typed", ["夏湖", "xiahu", "xh", "xhu", "XIA HU", "xiahushequ", "xhsq"])
def test_a_village_is_found_by_name_pinyin_and_initials(visit, typed):
    page = visit().page
    page.fill("#search-text", typed)
    assert "夏湖社区" in names_found(page)


def test_a_place_is_found_by_its_code_and_a_facility_by_its_name(visit):
    page = visit().page
    page.fill("#search-text", "410922201000")
    assert page.locator("#search-found li").count() == 1
    page.fill("#search-text", "第4")
    assert names_found(page) == ["第4服务站"]


def test_enter_leads_to_the_place_and_says_so(visit):
    page = visit().page
    before = page.evaluate("map.getZoom()")
    page.fill("#search-text", "夏湖")
    page.keyboard.press("Enter")
    page.wait_for_selector(".leaflet-popup")
    assert "夏湖" in page.inner_text(".leaflet-popup")
    assert page.evaluate("map.getZoom()") > before
    assert "已在地图上显示：夏湖" in page.inner_text("#said")
    assert page.locator("#search-found").is_hidden()


def test_a_township_that_was_found_leads_to_its_page(visit):
    page = visit().page
    page.fill("#search-text", "410922201000")
    page.keyboard.press("Enter")
    page.click(".leaflet-popup a:has-text('打开分图')")
    page.wait_for_selector("body[data-ready]")
    assert page.url.endswith("410922201000.html")


def test_what_was_found_is_gone_through_by_keyboard(visit):
    page = visit().page
    page.focus("#search-text")
    page.keyboard.type("41092")
    box, options = page.locator("#search-text"), page.locator("#search-found li")
    assert box.get_attribute("aria-expanded") == "true"
    assert 1 < options.count() <= 12
    page.keyboard.press("ArrowUp")
    assert options.last.get_attribute("aria-selected") == "true"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert options.nth(1).get_attribute("aria-selected") == "true"
    assert box.get_attribute("aria-activedescendant") == options.nth(1).get_attribute("id")
    page.keyboard.press("Escape")
    assert box.get_attribute("aria-expanded") == "false"
    assert page.locator("#search-found").is_hidden()


def test_nothing_found_is_said(visit):
    page = visit().page
    page.fill("#search-text", "没有这个村")
    assert page.inner_text("#search-note") == "没有找到。"
    assert page.inner_text("#said") == "没有找到。"
    page.keyboard.press("Enter")
    assert page.locator(".leaflet-popup").count() == 0


def test_a_layer_that_is_off_is_shown_for_what_was_found(visit):
    page = visit().page
    page.uncheck("input[name=facilities]")
    page.fill("#search-text", "第4")
    page.locator("#search-found li").first.click()
    page.wait_for_selector(".leaflet-popup")
    assert page.is_checked("input[name=facilities]")


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_found_and_stay_text(visit, name):
    seen = visit()
    seen.page.fill("#search-text", name)
    assert any(name in found for found in names_found(seen.page))
    seen.page.keyboard.press("Enter")
    seen.page.wait_for_selector(".leaflet-popup")
    assert name in seen.page.inner_text(".leaflet-popup")
    assert seen.page.locator("img").count() == 0
    assert seen.complaints == []


def test_three_thousand_villages_are_searched_while_one_types(visit):
    page = visit().page
    took = page.evaluate("""() => {
        const began = performance.now(), many = ({ search }) => search ? search.codes.length : 0;
        const all = App.layers.reduce((sum, layer) => sum + many(layer), 0);
        for (let searched = 0; searched < 3000; searched += all) App.find("zhcdfwzx");
        return performance.now() - began;
    }""")
    assert took < 500  # milliseconds


# ---- tables ----


def test_a_table_is_sorted_by_value_and_put_back(visit):
    page = visit().page
    labels = page.locator("section:has(#table-units) thead th").all_inner_texts()
    at = labels.index("人口覆盖率")
    head = page.locator("section:has(#table-units) thead th").nth(at)
    before = column(page, "units", at)
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    known = [float(text.rstrip("%")) for text in column(page, "units", at) if text != "—"]
    assert known == sorted(known, reverse=True)
    assert len(known) > 5
    assert column(page, "units", at)[-1] == "—"
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    known = [float(text.rstrip("%")) for text in column(page, "units", at) if text != "—"]
    assert known == sorted(known)
    assert column(page, "units", at)[-1] == "—"
    head.locator("button").click()
    assert head.get_attribute("aria-sort") is None
    assert column(page, "units", at) == before


def test_shares_that_print_alike_are_sorted_by_what_they_are(visit):
    page = visit().page
    keys = page.evaluate(
        "App.page.tables.find(({ name }) => name === 'units').columns.map(({ keys }) => keys)"
    )
    shares = next(values for values in keys if values and 0.99961 in values)
    assert max(value for value in shares if value is not None and value < 1) == 0.99961


def test_numbers_of_several_digits_are_not_sorted_as_words(visit):
    page = visit(language="en").page
    heads = page.locator("section:has(#table-gaps) thead th").all_inner_texts()
    at = heads.index("People not covered (modelled)")
    for _ in range(2):
        page.locator("section:has(#table-gaps) thead th").nth(at).locator("button").click()
    values = [float(text.replace(",", "").replace("under 1", "0.5")) for text in column(page, "gaps", at)]
    assert values == sorted(values)


def test_a_sorted_row_leads_to_its_own_place(visit):
    page = visit().page
    page.locator("section:has(#table-units) thead th").nth(4).locator("button").click()
    row = page.locator("section:has(#table-units) tbody tr").nth(2)
    name = row.locator("th").inner_text()
    row.locator("th button").click()
    page.wait_for_selector(".leaflet-popup")
    assert page.inner_text(".leaflet-popup strong") == name


# ---- access ----


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("place", PLACES)
def test_no_serious_obstacle_is_known(visit, place, language):
    assert hashlib.sha256(AXE).hexdigest() == AXE_DIGEST
    page = visit(place, language).page
    page.evaluate(AXE.decode())
    assert page.evaluate(SERIOUS) == []
    page.fill("#search-text", "4109")
    page.keyboard.press("ArrowDown")
    page.locator("thead button").first.click()
    page.fill("#search-text", "4109")
    assert page.evaluate(SERIOUS) == []


def test_the_plain_page_has_no_serious_obstacle_either(visit):
    page = visit(before="delete window.TextDecoder", wait="#unsupported").page
    page.evaluate(AXE.decode())
    assert page.evaluate(SERIOUS) == []


def test_a_page_names_its_parts_and_its_language(visit):
    page = visit(language="en").page
    assert page.get_attribute("html", "lang") == "en"
    for role in ("banner", "main", "contentinfo", "search", "application"):
        assert page.get_by_role(role).count() == 1, role
    assert page.get_by_role("heading", level=1).count() == 1


def test_the_keyboard_walks_from_the_skip_link_to_the_tables(visit):
    page = visit(PLACES[1]).page
    seen = []
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate("(e => e.id || e.className || e.name || e.tagName)(document.activeElement)")
        )
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none", seen[-1]
    order = [seen.index(name) for name in ("skip", "search-text", "map", "facilities", "sort")]
    assert order == sorted(order)


def test_a_name_of_any_length_wraps(visit):
    page = visit(PLACES[1], size=(390, 844), mobile=True).page
    page.evaluate("""() => {
        App.page.title = "长".repeat(5000);
        document.getElementById("title").textContent = App.page.title + "x".repeat(5000);
        document.querySelector("tbody th").textContent = "x".repeat(5000);
    }""")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_dark_preference_leaves_the_page_light(visit):
    page = visit(color_scheme="dark").page
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert (
        page.evaluate("getComputedStyle(document.querySelector('#search-text')).backgroundColor")
        == "rgb(255, 255, 255)"
    )


@pytest.mark.parametrize("place", PLACES)
def test_a_phone_searches_and_reads(visit, place):
    page = visit(place, size=(390, 844), mobile=True).page
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.fill("#search-text", "4109")
    page.locator("#search-found li").nth(1).tap()
    page.wait_for_selector(".leaflet-popup")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    box = page.locator("#map").bounding_box()
    assert box["y"] + box["height"] > 0
    assert box["y"] < 844
