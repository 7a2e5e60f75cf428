"""The sample with registers that try to break out of its pages: each opens, and all of it is only text."""

from __future__ import annotations

import shutil
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest

from browser.visits import Visit
from servicecircle import Study, run

pytestmark = pytest.mark.browser

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "sample"
PAYLOADS = (
    "<script>document.title='ran'</script>", "<img src=x onerror=alert(1)>", "\"'`onload=alert(2)`'\"",
    "${alert(3)}", "{{7*7}}", "{% raw %}", "</script><script>alert(4)</script>", "../../etc/passwd",
    "\u202e\u2066txt\u200f", '=HYPERLINK("http://127.0.0.1/")', "@SUM(1+1)", "<!-- --><!--",
    "]]>", "\\u003cscript\\u003e",
    "long" + "长" * 5000,
)  # fmt: skip
BOOKS = {
    "units.xlsx": ["名称"], "estates.xlsx": ["小区名称", "所属社区"],
    "medical.xlsx": ["机构名称", "所属村（社区）"], "family_beds.xlsx": ["乡镇（街道）"],
    "assigned.xlsx": ["敬老院", "服务乡镇"], "indicators.xlsx": ["单位"],
    "tasks.xlsx": ["单位"], "facilities.xlsx": ["机构名称", "所属村社区"],
}  # fmt: skip
FREE = {"tasks.xlsx": ["任务", "责任单位"], "facilities.xlsx": ["运营方", "举办方", "服务功能"]}


def hostile_name(name):
    """Return a name with a payload behind it: the same one wherever the name stands."""
    return name + PAYLOADS[sum(map(ord, name)) % len(PAYLOADS)] if isinstance(name, str) else name


def hostile_study(folder):
    shutil.copytree(SAMPLE, folder)
    for level in ("county", "townships", "villages"):
        frame = gpd.read_file(folder / f"{level}.gpkg")
        frame["name"] = frame["name"].map(hostile_name)
        frame.to_file(folder / f"{level}.gpkg")
    for book, names in BOOKS.items():
        (sheet, table), = pd.read_excel(folder / book, sheet_name=None, dtype=object).items()  # fmt: skip
        for column in names:
            table[column] = table[column].map(hostile_name)
        for column in FREE.get(book, ()):
            table[column] = [PAYLOADS[k % len(PAYLOADS)] for k in range(len(table))]
        rows = pd.DataFrame(dict.fromkeys(table, PAYLOADS))  # in every field
        with pd.ExcelWriter(folder / book) as written:
            pd.concat([table, rows], ignore_index=True).to_excel(written, sheet_name=sheet, index=False)
            for row in written.sheets[sheet].iter_rows():
                for cell in row:
                    cell.data_type = "s" if isinstance(cell.value, str) else cell.data_type
    text = (folder / "study.toml").read_text("utf-8")
    text = text.replace("示例县养老服务设施", "示例县{{7*7}}<img src=x onerror=alert(5)>")
    text = text.replace("示例道路（绘制，非真实数据）", "</script><script>alert(6)</script>${1}")
    text += "\npictures = false\n"
    (folder / "study.toml").write_text(text, "utf-8")
    return Study.from_file(folder / "study.toml")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    return run(hostile_study(folder / "study")).write(folder / "out")


@pytest.fixture(scope="module")
def visits(browser, written):
    """Visit every page of the run with the network cut, with all layers shown and every table whole."""
    found = {}
    for path in [written / "index.html", *sorted((written / "townships").glob("*.html"))]:
        seen = found[path] = Visit(browser, path)
        seen.page.evaluate("document.querySelectorAll('button.more').forEach(more => more.click())")
        hidden = "#layers input[type=checkbox]:not(:checked)"
        seen.page.evaluate(f"document.querySelectorAll('{hidden}').forEach(box => box.click())")
    yield found
    for seen in found.values():
        seen.context.close()


def test_every_page_opens_asks_for_nothing_and_runs_nothing(visits):
    assert len(visits) == 14
    for path, seen in visits.items():
        assert (seen.requests, seen.complaints) == ([path.as_uri()], []), path.name
        assert seen.page.locator("img").count() == 0
        assert seen.page.title() != "ran"


def test_all_of_it_is_shown_as_text(visits):
    text = "\n".join(seen.page.evaluate("document.body.textContent") for seen in visits.values())
    for payload in PAYLOADS:
        assert payload.strip("\u202e\u2066\u200f") in text, payload[:40]
    assert "示例县{{7*7}}<img src=x onerror=alert(5)>" in text


def test_a_name_that_turns_the_writing_around_turns_nothing_after_it(visits):
    for seen in visits.values():
        assert not set("\u202e\u2066\u200f") & set(seen.page.evaluate("document.body.innerText"))


def test_no_cell_is_higher_than_a_few_lines_until_it_is_unfolded(visits):
    high = "[...document.querySelectorAll('#tables td, #tables th')].filter(e => e.clientHeight > 400).length"
    for path, seen in visits.items():
        assert seen.page.evaluate(high) == 0, path.name
    seen = next(one for one in visits.values() if one.page.locator("button.unfold").count())
    button = seen.page.locator("button.unfold").first
    cell = button.locator("xpath=..")
    before = cell.bounding_box()["height"]
    button.click()
    assert button.get_attribute("aria-expanded") == "true"
    assert cell.bounding_box()["height"] > 3 * before


def test_pages_are_named_by_codes_alone(written):
    names = {path.name for path in written.rglob("*.html")}
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-") for name in names)
