"""The page of a report: one file that asks for nothing, and text that stays text."""

import base64
import hashlib
import html
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib import resources
from itertools import pairwise

import pytest
from PIL import Image

from servicecircle.errors import OutputError
from servicecircle.maps.text import Text
from servicecircle.report.figures import shown
from servicecircle.report.model import Figure, Section
from servicecircle.report.page import write_html
from servicecircle.report.pictures import MOST_PIXELS
from servicecircle.report.plain import plain
from servicecircle.report.style import Logo, Style
from unit.made_report import HOSTILE, drawn, made_report

VOID = {"meta", "img", "link", "br", "hr", "input"}


class Read(HTMLParser):
    """What a browser would make of a page: tags with attributes, texts of cells, and whether tags match."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.open, self.cells, self.texts, self.amiss = [], [], [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag in {"td", "th"}:
            self.cells.append("")

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.amiss.append(tag)

    def handle_data(self, data):
        if self.open and self.open[-1] in {"td", "th"}:
            self.cells[-1] += data
        elif self.open and self.open[-1] != "style":
            self.texts.append(data.strip())


@pytest.fixture(scope="module", params=["zh", "en"])
def made(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    report = made_report(request.param, folder)
    page = write_html(report, folder / "report.html", style=Style()).read_text("utf-8")
    return report, page, Read(page)


def test_a_page_asks_for_nothing_and_holds_no_script(made):
    _, page, read = made
    assert "script" not in {tag for tag, _ in read.tags}
    addresses = [a[key] for _, a in read.tags for key in ("src", "href", "action", "data") if key in a]
    assert all(address.startswith(("data:image/png;base64,", "#")) for address in addresses)
    assert not any(key.startswith("on") or key == "style" for _, a in read.tags for key in a)
    policy = next(a["content"] for tag, a in read.tags if a.get("http-equiv") == "Content-Security-Policy")
    style = re.search("<style>(.*?)</style>", page, re.S)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert f"style-src 'sha256-{digest}'" in policy
    assert "url(" not in style
    assert "@import" not in style


def test_tags_match_and_links_lead_somewhere(made):
    report, _, read = made
    assert (read.amiss, read.open) == ([], [])
    ids = [a["id"] for _, a in read.tags if "id" in a]
    assert len(ids) == len(set(ids))
    links = [a["href"][1:] for tag, a in read.tags if tag == "a"]
    assert set(links) <= set(ids)
    assert {"s-coverage", "s-gaps", "s-village-2"} <= set(links)
    assert dict(read.tags)["html"]["lang"] == ("zh-CN" if report.language == "zh" else "en")


def test_headings_go_down_step_by_step(made):
    _, _, read = made
    levels = [int(tag[1]) for tag, _ in read.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_hostile_names_stay_text(made):
    _, page, read = made
    for name in HOSTILE:
        assert plain(name) in read.cells
    assert "<img src=x" not in page
    assert "\x00" not in page
    assert "\u202e" not in page
    assert not re.search("[\ud800-\udfff]", page)


def test_every_figure_is_printed_as_the_report_prints_it(made):
    report, _, read = made
    text, table = Text(report.language), report.sections[0].blocks[1]
    expected = [
        plain(shown(v, c.format, text)) for row in table.rows for v, c in zip(row, table.columns, strict=True)
    ]
    at = read.cells.index("{{7*7}}")
    assert read.cells[at : at + len(expected)] == expected
    assert "99.9%" in expected
    assert expected.count("100.0%") == 1


def test_numbers_captions_notes_and_caveats_are_printed(made):
    report, page, _ = made
    zh = report.language == "zh"
    told = html.unescape(re.sub("<[^>]+>", "", page.split("</style>")[1]))
    for text in (
        "一、覆盖情况" if zh else "1 Coverage", "（一）第0村" if zh else "3.1 Village 0",
        "表1　各乡镇覆盖情况" if zh else "Table 1. Townships",
        "图1　覆盖缺口图" if zh else "Figure 1. Gap map",
        "注：1. 只舍不入。" if zh else "Note: 1. Cut.", "（无）" if zh else "(none)",
        *report.cautions, report.provenance, report.stamp,
    ):  # fmt: skip
        assert text in told, text


def test_a_chinese_page_says_chinese_words_only(tmp_path):
    report = made_report("zh", tmp_path)
    page = write_html(report, tmp_path / "a.html", style=Style()).read_text("utf-8").split("</style>")[1]
    read = Read(page)
    said = [text for text in (*read.texts, *read.cells) if text]
    said += [a[key] for _, a in read.tags for key in ("alt", "title", "aria-label") if key in a]
    hostile = "|".join(re.escape(plain(name)) for name in HOSTILE)
    assert [text for text in said if re.search("[A-Za-z]", re.sub(hostile, "", text))] == []


def test_pictures_are_made_small_and_described(made, tmp_path):
    report, _, read = made
    image = next(a for tag, a in read.tags if tag == "img")
    raw = base64.b64decode(image["src"].split(",")[1])
    with Image.open(io.BytesIO(raw)) as picture:
        assert (picture.format, picture.mode) == ("PNG", "P")
        assert picture.width == MOST_PIXELS == int(image["width"])
        assert picture.height == int(image["height"])
    assert image["alt"] == report.sections[0].blocks[2].alt


def test_a_small_picture_is_kept_as_it_is(tmp_path):
    path = tmp_path / "small.png"
    with Image.open(drawn(path, (400, 300))) as image:
        image.quantize(16).save(path)
    report = made_report("zh", tmp_path)
    figure = Figure("small", "小图", path, "小")
    report = replace(report, sections=(Section("a", "甲", (figure,)),))
    page = write_html(report, tmp_path / "a.html", style=Style()).read_text("utf-8")
    assert base64.b64encode(path.read_bytes()).decode() in page


def test_a_picture_that_is_gone_is_one_clear_error(tmp_path):
    report = made_report("zh", tmp_path)
    (tmp_path / "overview.png").write_bytes(b"no picture")
    with pytest.raises(OutputError) as error:
        write_html(report, tmp_path / "a.html", style=Style())
    assert error.value.code == "report.no_picture"
    assert not (tmp_path / "a.html").exists()


def test_a_bulletin_has_no_contents_and_a_final_report_no_stamp(tmp_path):
    report = made_report("zh", tmp_path, kind="monthly", stamp=False)
    page = write_html(report, tmp_path / "a.html", style=Style()).read_text("utf-8")
    read = Read(page)
    assert "nav" not in {tag for tag, _ in read.tags}
    assert not any(a.get("class") in {"stamp", "label"} for _, a in read.tags)


def test_the_office_may_set_fonts_and_a_logo(tmp_path):
    out = io.BytesIO()
    Image.new("RGB", (300, 150), "#0b5a8a").save(out, "PNG")
    style = Style(logo=Logo(file="logo.png", width_mm=20)).model_copy(update={"logo_png": out.getvalue()})
    style = style.model_copy(update={"fonts": style.fonts.model_copy(update={"title": "华文中宋"})})
    page = write_html(made_report("zh", tmp_path), tmp_path / "a.html", style=style).read_text("utf-8")
    logo = next(a for tag, a in Read(page).tags if a.get("class") == "logo")
    assert (logo["width"], logo["height"], logo["alt"]) == ("76", "38", "")
    assert '--title:"华文中宋",' in page


def test_the_foot_of_a_printed_page_cannot_break_out_of_the_style(made):
    report, page, _ = made
    assert page.count("</style>") == 1
    assert page.count("<style>") == 1
    rule = re.search(r"@bottom-left\{content:(.*?);width", page)[1]
    unquoted = re.sub(r"\\([0-9a-f]+) ", lambda found: chr(int(found[1], 16)), rule[1:-1])
    assert unquoted == " ".join(report.cautions)


def test_the_style_is_one_that_browsers_of_2018_read():
    rules = resources.files("servicecircle.report").joinpath("assets", "report.css").read_text("utf-8")
    newer = (r"\binset:", r"clamp\(", r"[^-]min\(", r"[^-]max\(", r":is\(", r":where\(", "aspect-ratio",
             r"[;{]gap:",
             "anywhere", r":has\(", "@layer", "@container", "focus-visible")  # fmt: skip
    assert [word for word in newer if re.search(word, rules)] == []


def test_the_same_report_gives_the_same_bytes(made, tmp_path):
    report, page, _ = made
    assert write_html(report, tmp_path / "b.html", style=Style()).read_text("utf-8") == page
