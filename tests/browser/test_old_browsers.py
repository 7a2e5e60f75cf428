"""The pages in browsers of 2018, and in those that run no script at all."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from pathlib import Path

import pytest

from browser.made_results import HOSTILE, made_results
from servicecircle.maps import offline
from servicecircle.maps.notebook import folium_map
from servicecircle.maps.overview import overview
from servicecircle.maps.plain import MOST_ROWS, plain
from servicecircle.maps.scene import Scene

pytestmark = pytest.mark.browser

PLACES = ("index.html", "townships/410921001000.html")
VENDORED = Path(__file__).parent / "vendored"
ACORN = "b95392d79457d0357555c5ed3e56302d074b92dff119bcf3b44179500b10e9df"
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(20)

NEWER = {  # than Chromium 69: what scripts must do without
    "Array.prototype": "at findLast findLastIndex toSorted toReversed toSpliced with",
    "Uint8Array.prototype": "at findLast toSorted toBase64 with",
    "Uint8Array": "fromBase64",
    "String.prototype": "at matchAll replaceAll isWellFormed",
    "Object": "fromEntries hasOwn groupBy",
    "Promise": "allSettled any withResolvers try",
    "Element.prototype": "replaceChildren checkVisibility setHTML ariaLabel",
    "Document.prototype": "replaceChildren startViewTransition",
    "Blob.prototype": "stream text arrayBuffer",
    "Intl": "ListFormat RelativeTimeFormat Segmenter DisplayNames",
    "window": "DecompressionStream CompressionStream structuredClone queueMicrotask BigInt WeakRef "
    "FinalizationRegistry",
    "CanvasRenderingContext2D.prototype": "roundRect reset getTransform",
}
WITHOUT_THEM = "".join(
    f"for (const name of '{names}'.split(' ')) delete {owner}[name];\n" for owner, names in NEWER.items()
)
FIGURES = """() => ({
    figures: Array.from(document.querySelectorAll("#figures dd.value"), (e) => e.textContent),
    cells: Array.from(document.querySelectorAll("#tables td"), (e) => e.textContent),
    features: App.layers.map((layer) => layer.features ? layer.features.filter(Boolean).length : 0),
})"""


# ---- scripts and styles ----


def test_the_scripts_are_written_in_the_language_of_2018(browser):
    acorn = (VENDORED / "acorn.js").read_bytes()
    assert hashlib.sha256(acorn).hexdigest() == ACORN
    page = browser.new_context(offline=True).new_page()
    page.evaluate(acorn.decode())
    parse = """(code) => {
        try { acorn.parse(code, { ecmaVersion: 2018 }); return "" } catch (error) { return error.message }
    }"""
    for code in (offline.leaflet_js(), offline.page_code()):
        assert page.evaluate(parse, code) == ""
    for newer in ("a?.b", "a ?? b", "class A { #b = 1 }", "try { } catch { }", "1_000", "await x"):
        assert page.evaluate(parse, newer) != "", newer
    page.context.close()


def test_the_scripts_name_nothing_that_came_later():
    names = {name for names in NEWER.values() for name in names.split()} - {
        "at",
        "with",
        "text",
        "any",
        "reset",
        "try",
    }
    named = set(re.findall(r"\.(\w+)\b", offline.page_code())) | set(
        re.findall(r"\bnew (\w+)", offline.page_code())
    )
    assert named & (names | {"globalThis", "showSaveFilePicker", "randomUUID"}) == set()


def test_the_styles_hold_nothing_that_came_later():
    text = "".join(re.sub(r"(?s)/\*.*?\*/", "", offline.asset(name).decode()) for name in offline.STYLES)
    later = (
        r":(?:is|where|has)\(|\binset\s*:|aspect-ratio|accent-color|(?<![\w-])(?:min|max|clamp)\("
        r"|text-wrap|\bdvh|@layer|@container|color-mix"
    )
    assert re.findall(later, text) == []
    for rule in re.findall(r"\{([^{}]*)\}", text):
        flexible = re.search(r"display:\s*(inline-)?flex", rule)
        assert not (flexible and re.search(r"(?<!-)\bgap: *[1-9]", rule)), rule
        assert "overflow-wrap: anywhere" not in rule or "word-break: break-word" in rule, rule


@pytest.mark.parametrize("place", PLACES)
def test_a_browser_of_2018_shows_the_same_figures(visit, place):
    new, old = visit(place), visit(place, before=WITHOUT_THEM)
    assert (
        old.page.evaluate("typeof DecompressionStream + typeof [].at + typeof Object.fromEntries")
        == "undefined" * 3
    )
    for one in (new, old):
        for box in one.page.locator("#layers input[type=checkbox]").all():
            box.check()
    assert old.page.evaluate(FIGURES) == new.page.evaluate(FIGURES)
    old.page.locator("section:has(#table-units) th button").nth(1).click()
    old.page.fill("#search-text", "410921")
    old.page.keyboard.press("Enter")
    old.page.wait_for_selector(".leaflet-popup")
    assert old.complaints == []
    assert old.page.locator("#plain").is_hidden()


# ---- no script, or one that fails ----


@pytest.mark.parametrize("place", PLACES)
def test_without_scripts_there_are_the_tables(visit, place):
    seen = visit(place, wait="#plain", java_script_enabled=False)
    page = seen.page
    assert page.locator("#unsupported").is_visible()
    assert page.locator("#app").is_hidden()
    assert "{{7*7}}" in page.inner_text("#plain h1") or place != "index.html"
    text = page.inner_text("#plain")
    assert all(name in text for name in HOSTILE)
    assert page.locator("#plain img, #plain script").count() == 0
    assert page.locator("#plain table").count() >= 2
    assert seen.complaints == []


def test_without_scripts_one_gets_from_page_to_page(visit):
    page = visit(wait="#plain", java_script_enabled=False).page
    page.locator("#plain table a").first.click()
    assert page.url.endswith("townships/410921001000.html")
    page.locator("#plain a").first.click()
    assert page.url.endswith("index.html")


@pytest.mark.parametrize("lacking", ["TextDecoder", "Intl", "Uint8Array"])
def test_a_script_that_fails_leaves_the_tables(visit, lacking):
    page = visit(before=f"delete window.{lacking}", wait="#plain").page
    assert page.locator("#unsupported").is_visible()
    assert page.locator("#plain td").first.is_visible()
    assert page.locator("#app").is_hidden()


def test_the_still_picture_stands_in_the_plain_page():
    page = replace(overview(Scene.from_results(made_results()), {}), picture=PICTURE)
    assert 'src="data:image/png;base64,iVBORw0KGgo' in plain(page)
    assert "<img" not in plain(replace(page, picture=b""))


def test_the_plain_page_lists_the_first_rows_and_says_so():
    page = overview(Scene.from_results(made_results()), {})
    long = replace(page.tables[0], columns={"数": [str(k) for k in range(60)]}, links={}, boxes=[None] * 60)
    text = plain(replace(page, tables=[long]))
    assert text.count("<tr>") == MOST_ROWS + 1
    assert f"只列前{MOST_ROWS}行。" in text


def test_the_notebook_map_holds_no_brace_of_a_user():
    page = folium_map(made_results()).get_root().render()
    block = re.search('(?s)<div id="plain">.*?</div>', page)[0]
    assert "&#123;&#123;7*7&#125;&#125;" in block
    assert not set("{}") & set(block)
