"""A report in a browser: on a desk, on a phone, by keyboard and screen reader, on paper."""

from __future__ import annotations

import re

import pypdfium2
import pytest

from browser.test_access import AXE, SERIOUS
from browser.visits import Visit
from servicecircle.report.page import write_html
from servicecircle.report.style import Style
from unit.made_report import made_report

pytestmark = pytest.mark.browser

PHONE = {"size": (390, 844), "mobile": True}
MM = 72 / 25.4


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    made = {}
    for language in ("zh", "en"):
        folder = tmp_path_factory.mktemp(language)
        report = made_report(language, folder)
        made[language] = write_html(report, folder / "report.html", style=Style()), report
    return made


@pytest.fixture(scope="module")
def sheets(browser, files):
    """Return the printed sheets of both reports."""
    found = {}
    for language, (path, _) in files.items():
        page = Visit(browser, path, wait="footer").page
        printed = page.pdf(prefer_css_page_size=True, print_background=False)
        found[language] = pypdfium2.PdfDocument(printed)
    return found


def text_of(sheet):
    return re.sub(r"\s+", " ", sheet.get_textpage().get_text_range())


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("size", [{}, PHONE], ids=["desk", "phone"])
def test_a_page_asks_for_nothing_complains_of_nothing_and_fits_the_screen(visit_file, files, language, size):
    seen = visit_file(files[language][0], wait="footer", **size)
    assert [url for url in seen.requests if not url.startswith(("file:", "data:image/png"))] == []
    assert len([url for url in seen.requests if url.startswith("file:")]) == 1
    assert seen.complaints == []
    assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert seen.page.evaluate("[...document.images].every(one => one.complete && one.naturalWidth > 0)")


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("size", [{}, PHONE], ids=["desk", "phone"])
def test_screen_readers_find_nothing_amiss(visit_file, files, language, size):
    page = visit_file(files[language][0], wait="footer", bypass_csp=True, **size).page
    page.evaluate(AXE.decode())
    assert page.evaluate(SERIOUS) == []


def test_the_keyboard_skips_to_the_report(visit_file, files):
    page = visit_file(files["zh"][0], wait="footer").page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left >= 0")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "report"


def test_a_wide_table_scrolls_in_its_own_box_and_keeps_header_and_names(visit_file, files):
    page = visit_file(files["zh"][0], wait="footer", **PHONE).page
    box = page.locator("#t-all .box")
    assert box.evaluate("e => e.scrollWidth > e.clientWidth")
    box.evaluate("e => { e.scrollLeft = 200; e.scrollTop = 120; }")
    head, name = box.locator("thead th").first, box.locator("tbody th").nth(5)
    edges = "([e, of]) => { const a = e.getBoundingClientRect(), b = of.getBoundingClientRect();"
    beside = edges + " return [a.left - b.left, a.top - b.top]; }"
    left, top = page.evaluate(beside, [head.element_handle(), box.element_handle()])
    assert (abs(left) < 2, abs(top) < 2) == (True, True)
    left, _ = page.evaluate(beside, [name.element_handle(), box.element_handle()])
    assert abs(left) < 2


def test_contents_lead_to_their_sections(visit_file, files):
    page = visit_file(files["zh"][0], wait="footer").page
    page.click(".contents a:has-text('第2村')")
    seen = "document.getElementById('s-village-2').getBoundingClientRect().top < innerHeight"
    for _ in range(50):  # it scrolls smoothly
        if page.evaluate(seen):
            break
        page.wait_for_timeout(50)
    assert page.evaluate(seen)
    assert page.url.endswith("#s-village-2")
    assert page.evaluate("scrollY") > 500


def stamped(sheet):
    """Return how many letters of a sheet are as large as only the stamp's are."""
    page = sheet.get_textpage()
    boxes = [page.get_charbox(number, loose=True) for number in range(page.count_chars())]
    return sum(top - bottom > 24 for _, bottom, _, top in boxes)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_printed_page_is_stamped_numbered_and_says_the_caveats(sheets, files, language):
    document, report = sheets[language], files[language][1]
    assert 6 <= len(document) <= 14
    for number, sheet in enumerate(document, 1):
        told = text_of(sheet)
        wanted = f"第{number}页" if language == "zh" else f"Page {number} of {len(document)}"
        assert wanted in told.replace(" ", "") if language == "zh" else wanted in told
        assert report.cautions[0] in told
        assert stamped(sheet) >= len(report.stamp.replace(" ", "")) - 1, number


def test_wide_tables_are_printed_on_turned_a4_with_their_header_on_each_sheet(sheets):
    document = sheets["zh"]
    sizes = [tuple(round(side / MM) for side in sheet.get_size()) for sheet in document]
    assert set(sizes) == {(210, 297), (297, 210)}
    turned = [text_of(sheet) for sheet, size in zip(document, sizes, strict=True) if size[0] == 297]
    assert len(turned) == 2
    assert "二、宽表" in turned[0]
    assert all("第15列" in told for told in turned)


def test_sections_that_ask_for_a_page_of_their_own_get_one(sheets):
    told = [text_of(sheet) for sheet in sheets["zh"]]
    assert "达标率45.5%" in told[0]
    assert "目录" not in told[0]
    assert re.search("共9页 目录 一、覆盖情况", told[1])  # the foot is told first
    assert any(re.search("共9页 三、一村一表", text) for text in told)


def test_nothing_is_cut_off_at_the_edge_of_a_sheet(sheets):
    for document in sheets.values():
        for sheet in document:
            page, wide = sheet.get_textpage(), sheet.get_size()[0]
            boxes = [page.get_charbox(k) for k in range(page.count_chars())]
            inked = [(left, right) for left, _, right, _ in boxes if right - left < 30]  # but the stamp
            assert min(left for left, _ in inked) > 12 * MM
            assert max(right for _, right in inked) < wide - 12 * MM
