"""Pages on paper: all that a map needs on the first sheet, the tables after it."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pypdfium2
import pytest
from PIL import Image

from browser.made_results import made_results
from browser.visits import Visit
from servicecircle.maps.pages import write_pages

pytestmark = pytest.mark.browser

STREET = "townships/410921001000.html"
MM = 72 / 25.4


@pytest.fixture(scope="module")
def pages(browser, folders):
    """Return the opened pages; each stays as the test before left it."""
    return {
        (language, place): Visit(browser, folder / place).page
        for language, folder in folders.items()
        for place in ("index.html", STREET)
    }


def sheets(page):
    return pypdfium2.PdfDocument(page.pdf(prefer_css_page_size=True, print_background=True))


def text_of(sheet):
    return re.sub(r"\s+", " ", sheet.get_textpage().get_text_range())


@pytest.mark.parametrize(
    ("language", "place", "words"),
    [
        ("zh", "index.html", (
            "养老服务设施覆盖缺口图（截至2026年6月30日）", "图例与图层", "北", "数据截止日期：2026年6月30日",
            "打印日期：", "坐标系：CGCS2000", "© OpenStreetMap contributors (ODbL)", "步行4.0千米/小时",
            "参考判定线（本单位自定，文件未规定）", "内部工作用图", "未覆盖片区",
        )),
        ("en", STREET, (
            "coverage gap map (as of 2026-06-30)", "Legend and layers", "over 20 min", "Printed: ",
            "CRS: CGCS2000", "walking at 4.0 km/h", "Internal working map",
        )),
    ],
)  # fmt: skip
def test_the_first_sheet_holds_all_that_a_map_needs(pages, language, place, words):
    document = sheets(pages[language, place])
    assert [round(side / MM) for side in document[0].get_size()] == [297, 210]
    told = text_of(document[0])
    for text in words:
        assert text in told, text
    assert re.search(r"\d (km|m) ", told)  # the scale bar


@pytest.mark.parametrize(("language", "place"), [("zh", "index.html"), ("en", STREET)])
def test_tables_follow_with_their_headers_and_no_controls(pages, language, place):
    page = pages[language, place]
    document = sheets(page)
    assert 2 <= len(document) <= 12
    told = [text_of(sheet) for sheet in document]
    captions = page.locator("#tables h2").all_inner_texts()
    for caption in captions:
        assert any(caption in text for text in told[1:]), caption
        assert not any(text.startswith(caption) for text in told[:1])
    assert all(word not in "".join(told) for word in ("打印 A4", "Print A4", "A3"))


def test_each_sheet_of_a_long_table_begins_with_its_heads(pages):
    told = [text_of(sheet).replace(" ", "") for sheet in sheets(pages["zh", "index.html"])]
    listed = [text for text in told[1:] if re.search("第[0-9]+号", text)]
    assert len(listed) > 1
    assert all("片区类别" in text for text in listed)


def test_a_table_of_a_street_is_printed_whole(pages):
    page = pages["zh", "index.html"]
    rows = page.locator("#tables section.units tbody tr")
    before = rows.count()
    told = "".join(text_of(sheet) for sheet in sheets(page))
    listed = page.evaluate("App.page.tables.map(({ rows }) => rows.length)")
    assert max(listed) > 25
    assert "只列前25行" not in told
    assert rows.count() == before


def test_the_parts_of_the_first_sheet_do_not_overlap(pages):
    page = pages["zh", "index.html"]
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    boxes = {
        name: page.locator(name).bounding_box()
        for name in ("#title", "#lead", "#figures", "#map", "#panel", "#imprint")
    }
    spilled = page.evaluate(
        "[...document.querySelectorAll('#panel')].some(e => e.scrollHeight > e.clientHeight + 1)"
    )
    small = page.evaluate("parseFloat(getComputedStyle(document.getElementById('panel')).fontSize)")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    order = ["#title", "#lead", "#figures", "#map", "#imprint"]
    for upper, lower in pairwise(order):
        assert boxes[upper]["y"] + boxes[upper]["height"] <= boxes[lower]["y"] + 1, (upper, lower)
    assert boxes["#map"]["x"] + boxes["#map"]["width"] <= boxes["#panel"]["x"] + 1
    bottom = boxes["#imprint"]["y"] + boxes["#imprint"]["height"] - boxes["#title"]["y"]
    assert bottom / 96 * 25.4 < 190
    assert not spilled
    assert small >= 5
    assert page.evaluate("document.body.className") == ""


def test_the_map_is_drawn_on_the_sheet_and_reads_in_grey(pages):
    image = sheets(pages["zh", "index.html"])[0].render(scale=1).to_pil()
    left, top, right, bottom = (round(side * MM) for side in (20, 45, 200, 160))
    grey = image.convert("L").crop((left, top, right, bottom))
    seen = sum(grey.histogram()[:200]) / (grey.width * grey.height)
    assert seen > 0.2
    assert image.crop((left, top, right, bottom)).convert("HSV").getextrema()[1][1] > 100


def test_a_reader_may_choose_a_larger_sheet(pages):
    page = pages["en", STREET]
    page.evaluate("window.print = () => { window.asked = (window.asked || 0) + 1 }")
    page.click(".paper button:nth-child(2)")
    document = sheets(page)
    assert [round(side / MM) for side in document[0].get_size()] == [420, 297]
    assert "Printed: " in text_of(document[0])
    page.click(".paper button:nth-child(1)")
    assert page.evaluate("window.asked") >= 2
    assert [round(side / MM) for side in sheets(page)[0].get_size()] == [297, 210]


def test_after_printing_the_map_is_as_it_was(pages):
    page = pages["zh", STREET]
    page.evaluate("void map.setZoom(map.getZoom() + 1, { animate: false })")
    before = page.evaluate("[map.getZoom(), map.getCenter().lat.toFixed(5), document.body.className]")
    sheets(page)
    assert page.evaluate("[map.getZoom(), map.getCenter().lat.toFixed(5), document.body.className]") == before


def test_without_scripts_the_picture_stands_in_the_page(visit_file, tmp_path):
    picture = tmp_path / "small.png"
    Image.new("P", (800, 560), 3).save(picture)
    write_pages(made_results("zh"), tmp_path, pictures={"": picture})
    page = visit_file(
        tmp_path / "index.html", wait="#plain", java_script_enabled=False, size=(1280, 720)
    ).page
    shown = page.locator("#plain img")
    assert shown.is_visible()
    assert shown.bounding_box()["width"] > 300
    assert page.locator("#plain table").first.is_visible()


def crowded(results):
    """Return results with a hundred uncovered areas."""
    gaps = pd.concat([results.gaps] * 8, ignore_index=True).iloc[:100]
    number = np.arange(len(gaps))
    gaps = gaps.assign(gap_id=number.astype(str), lon=gaps["lon"] + number * 1e-4)
    object.__setattr__(results, "gaps", gaps)
    return results


def test_of_many_uncovered_areas_paper_shows_the_first_with_their_numbers(visit_file, tmp_path):
    write_pages(crowded(made_results()), tmp_path)
    page = visit_file(tmp_path / "index.html").page
    drawn = "App.layer('gaps').features.filter(one => map.hasLayer(one)).length"
    assert page.evaluate(drawn) == 100
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(drawn) == 30
    numbers = [label.inner_text() for label in page.locator(".leaflet-tooltip.rank").all()]
    assert sorted(map(int, numbers)) == list(range(1, 31))
    assert "只画人数最多的30处" in page.locator("#panel").inner_text()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(drawn) == 100
    page.wait_for_selector(".leaflet-tooltip.rank", state="detached")
    assert "只画人数最多的30处" not in page.locator("#panel").inner_text()
