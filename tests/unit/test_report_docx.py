"""Word reports, parsed back: what they say, how they are laid out, and that nothing in them runs."""

import datetime as dt
import io
import re
import shutil
import subprocess
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from docx import Document
from docx.oxml.ns import qn
from docx.shared import Mm
from lxml import etree
from PIL import Image

from servicecircle.errors import OutputError
from servicecircle.maps.text import Text
from servicecircle.report.docx import write_docx
from servicecircle.report.figures import shown
from servicecircle.report.model import Column, Figure, Section, Table
from servicecircle.report.numbering import laid_out
from servicecircle.report.pictures import MOST_PIXELS
from servicecircle.report.plain import plain
from servicecircle.report.style import Style, read_style
from unit.made_report import HOSTILE, made_report, village

LANGUAGES = ("zh", "en")


@pytest.fixture(scope="module", params=LANGUAGES)
def both(request, tmp_path_factory):
    """Return a report and its document."""
    folder = tmp_path_factory.mktemp("docx")
    report = made_report(request.param, folder)
    return report, write_docx(report, folder / "report.docx", style=Style())


def opened(both):
    return Document(str(both[1]))


def blocks(report, kind):
    def walk(sections):
        for section in sections:
            yield from section.blocks
            yield from walk(section.sections)

    return [block for block in (*report.front, *walk(report.sections)) if isinstance(block, kind)]


def texts(document, style):
    return [p.text for p in document.paragraphs if p.style.style_id == style]


def cells(row):
    """Return the texts of a row's cells; python-docx's own way takes too long."""
    return ["".join(t.text or "" for t in cell.iter(qn("w:t"))) for cell in row.iterchildren(qn("w:tc"))]


def part(path, name):
    with zipfile.ZipFile(path) as archive:
        return archive.read(name).decode()


def test_every_figure_of_every_table_stands_in_it_as_it_is_printed(both):
    report, _ = both
    document, text = opened(both), Text(report.language)
    wanted = blocks(report, Table)
    assert len(document.tables) == len(wanted)
    for table, found in zip(wanted, document.tables, strict=True):
        rows = [cells(row) for row in found._tbl.tr_lst]
        assert rows[0] == [plain(column.title) for column in table.columns]
        printed = [
            [
                plain(shown(value, column.format, text))
                for value, column in zip(row, table.columns, strict=True)
            ]
            for row in table.rows
        ]
        assert rows[1:] == (printed or [["（无）" if report.language == "zh" else "(none)"]])


def test_headings_are_real_ones_with_their_numbers(both):
    report, _ = both
    document = opened(both)
    for level in (1, 2):
        wanted = [plain(h.text) for h in laid_out(report).headings.values() if h.level == level]
        assert texts(document, f"Heading{level}") == wanted
        style = document.styles.element.find(
            f".//w:style[@w:styleId='Heading{level}']", {"w": qn("w:x")[1:-2]}
        )
        assert style.find(f".//{qn('w:outlineLvl')}").get(qn("w:val")) == str(level - 1)
        assert style.find(qn("w:name")).get(qn("w:val")) == f"heading {level}"


def test_captions_stand_above_tables_and_below_figures(both):
    report, _ = both
    document, layout = opened(both), laid_out(report)
    body = [child for child in document.element.body if child.tag != qn("w:sectPr")]
    captions = {plain(text): "table" for text in layout.tables.values()}
    captions |= {plain(text): "figure" for text in layout.figures.values()}
    found = {}
    for place, element in enumerate(body):
        text = "".join(t.text or "" for t in element.iter(qn("w:t"))) if element.tag == qn("w:p") else ""
        if text in captions:
            found[text] = captions[text]
            near = body[place + 1] if captions[text] == "table" else body[place - 1]
            tag = qn("w:tbl") if captions[text] == "table" else qn("w:drawing")
            assert near.tag == tag or near.find(f".//{tag}") is not None, text
    assert found == captions


def test_headers_repeat_rows_stay_whole_and_figures_are_right_aligned(both):
    report, _ = both
    for table, found in zip(blocks(report, Table), opened(both).tables, strict=True):
        first, *rest = found._tbl.tr_lst
        assert first.find(f".//{qn('w:tblHeader')}") is not None
        for row, values in zip(rest, table.rows, strict=False):
            longest = max(len(str(value)) for value in values)
            assert (row.find(f".//{qn('w:cantSplit')}") is not None) == (longest < 300)
            styles = [p.get(qn("w:val")) for p in row.iter(qn("w:pStyle"))]
            by_format = {"text": "TableText", "code": "TableCentre", "date": "TableCentre"}
            assert styles == [by_format.get(column.format, "TableNumber") for column in table.columns]


def test_strong_rows_are_bold_and_no_others(both):
    report, _ = both
    for table, found in zip(blocks(report, Table), opened(both).tables, strict=True):
        rows = found._tbl.tr_lst[1:] if table.rows else []
        bold = {place for place, row in enumerate(rows) if row.find(f".//{qn('w:b')}") is not None}
        assert bold == table.strong


def test_tables_fill_the_width_of_their_page_and_wide_ones_turn_it(both):
    document = opened(both)
    sections = document.sections
    assert {s.page_width > s.page_height for s in sections} == {True, False}
    rooms = {s.page_width - s.left_margin - s.right_margin for s in sections}
    for table in document.tables:
        widths = [int(c.get(qn("w:w"))) for c in table._tbl.tblGrid.iter(qn("w:gridCol"))]
        assert min(widths) > 0
        assert any(abs(sum(widths) * 635 - room) < 20_000 for room in rooms)


def test_the_paper_is_that_of_official_documents(both):
    first = opened(both).sections[0]
    sides = (first.top_margin, first.bottom_margin, first.left_margin, first.right_margin)
    if first.page_width < first.page_height:
        assert [round(side.mm) for side in sides] == [37, 35, 28, 26]
    assert {round(first.page_width.mm), round(first.page_height.mm)} == {210, 297}


def test_figures_fit_the_page_and_have_alternative_texts(both):
    report, _ = both
    document = opened(both)
    wanted = blocks(report, Figure)
    assert len(document.inline_shapes) == len(wanted)
    for figure, shape in zip(wanted, document.inline_shapes, strict=True):
        properties = shape._inline.docPr
        assert properties.get("descr") == plain(figure.alt)
        assert shape.width <= Mm(245)
        assert shape.height / shape.width == pytest.approx(9 / 16, rel=0.01)


def test_a_picture_has_no_more_pixels_than_print_shows(tmp_path):
    report = made_report("zh", tmp_path)
    noise = np.random.default_rng(1).integers(0, 255, (1200, 2400, 3), "uint8")
    Image.fromarray(noise).save(tmp_path / "overview.png")
    path = write_docx(report, tmp_path / "r.docx", style=Style())
    (shape,) = Document(str(path)).inline_shapes
    with zipfile.ZipFile(path) as archive:
        (name,) = [name for name in archive.namelist() if name.startswith("word/media/")]
        with Image.open(io.BytesIO(archive.read(name))) as picture:
            assert picture.mode == "P"
            assert picture.width == MOST_PIXELS
            assert MOST_PIXELS / shape.width.inches < 300
    assert path.stat().st_size < (tmp_path / "overview.png").stat().st_size


def test_contents_are_filled_before_any_program_updates_them(both):
    report, path = both
    xml = part(path, "word/document.xml")
    document = opened(both)
    entries = [
        "".join(t.text or "" for t in p.iter(qn("w:t")))
        for p in document.element.body.iter(qn("w:p"))
        if re.match(
            r"TOC\d", p.pPr.pStyle.get(qn("w:val")) if p.pPr is not None and p.pPr.pStyle is not None else ""
        )
    ]
    assert entries == [plain(h.text) for h in laid_out(report).contents()]
    assert re.search(r'<w:instrText[^>]*> TOC\s\\o "1-\d" ', xml)
    marks = set(re.findall(r'w:anchor="(_Toc\d+)"', xml))
    assert len(marks) == len(entries)
    assert marks <= set(re.findall(r'w:bookmarkStart w:id="\d+" w:name="(_Toc\d+)"', xml))
    assert "updateFields" not in part(path, "word/settings.xml")
    assert "w:dirty" not in xml
    assert xml.count('fldCharType="begin"') == xml.count('fldCharType="end"')


@pytest.mark.parametrize("kind", ["monthly", "sheet"])
def test_bulletins_and_sheets_have_no_contents(tmp_path, kind):
    path = write_docx(made_report("zh", tmp_path, kind=kind), tmp_path / "b.docx", style=Style())
    assert "PAGEREF" not in part(path, "word/document.xml")
    assert all(s.page_width < s.page_height for s in Document(str(path)).sections)


def test_fields_are_only_ours(both):
    _, path = both
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".xml")]
        found = "".join(archive.read(name).decode() for name in names)
        codes = re.findall(r"<w:instrText[^>]*>([^<]*)<", found)
        assert {code.split()[0] for code in codes} == {"TOC", "PAGEREF", "PAGE"}
        assert "fldSimple" not in found
        assert all(b'TargetMode="External"' not in archive.read(name) for name in archive.namelist())


def test_hostile_names_stay_texts(both):
    _, path = both
    document = opened(both)
    names = [cells(row)[0] for row in document.tables[0]._tbl.tr_lst[1:]]
    assert names == [plain(name) for name in HOSTILE]
    assert len(names[-1]) == 5000
    assert not set("\u202e\x00\x0b") & set(part(path, "word/document.xml"))


def test_the_stamp_is_behind_every_page(both):
    report, path = both
    document = opened(both)
    with zipfile.ZipFile(path) as archive:
        headers = [n for n in archive.namelist() if re.fullmatch(r"word/header\d*\.xml", n)]
        for name in headers:
            assert f'string="{report.stamp}"' in archive.read(name).decode()
    assert headers
    kinds = {"default", "even"} if report.language == "zh" else {"default"}
    for properties in document.element.body.iter(qn("w:sectPr")):
        found = {r.get(qn("w:type")) for r in properties.iterchildren(qn("w:headerReference"))}
        assert kinds <= found


def test_without_a_stamp_there_is_none(tmp_path):
    path = write_docx(made_report("zh", tmp_path, stamp=False), tmp_path / "r.docx", style=Style())
    assert "textpath" not in part(path, "word/header1.xml")


def test_the_foot_says_cautions_date_and_page(both):
    report, _ = both
    foot = opened(both).sections[0].footer
    said = "\n".join(p.text for p in foot.paragraphs)
    for caution in report.cautions:
        assert plain(caution) in said
    assert ("2026年6月30日" if report.language == "zh" else "2026-06-30") in said
    assert foot.paragraphs[-1].text == "— 1 —"


def test_cautions_too_long_for_the_foot_stand_at_the_end(tmp_path):
    cautions = tuple(f"{number}：{'很长的说明' * 12}。" for number in range(5))
    report = replace(made_report("zh", tmp_path), cautions=cautions)
    document = Document(str(write_docx(report, tmp_path / "r.docx", style=Style())))
    foot = document.sections[0].footer.paragraphs[0].text
    assert foot.startswith(cautions[0])
    assert "见文末" in foot
    ended = texts(document, "Note")[-2]  # in small print: a monthly bulletin has two pages
    assert ended == "说明：" + "".join(cautions)


def test_chinese_is_set_in_the_fonts_of_official_documents(tmp_path):
    path = write_docx(made_report("zh", tmp_path), tmp_path / "r.docx", style=Style())
    styles = part(path, "word/styles.xml")

    def letters(style):
        found = re.search(rf'w:styleId="{style}".*?</w:style>', styles, re.S).group()
        return re.search(r'w:eastAsia="([^"]+)"', found).group(1), re.search(
            r'<w:sz w:val="(\d+)"', found
        ).group(1)

    assert letters("Title") == ("方正小标宋简体", "44")
    assert letters("Heading1") == ("黑体", "32")
    assert letters("Heading2") == ("楷体_GB2312", "32")
    assert letters("BodyText") == ("仿宋_GB2312", "32")
    assert 'w:line="579" w:lineRule="exact"' in styles
    fonts = part(path, "word/fontTable.xml")
    assert '<w:font w:name="仿宋_GB2312"><w:altName w:val="仿宋"/>' in fonts
    assert "Times New Roman" in styles


def test_a_style_file_sets_fonts_and_logo(tmp_path):
    Image.new("RGB", (60, 30), "red").save(tmp_path / "logo.png")
    (tmp_path / "s.toml").write_text(
        '[fonts]\nbody = "华文仿宋"\n[logo]\nfile = "logo.png"\nwidth_mm = 20\n', "utf-8"
    )
    path = write_docx(made_report("zh", tmp_path), tmp_path / "r.docx", style=read_style(tmp_path / "s.toml"))
    assert "华文仿宋" in part(path, "word/styles.xml")
    logo = Document(str(path)).inline_shapes[0]
    assert round(logo.width.mm) == 20
    assert round(logo.height.mm) == 10


def test_same_report_same_bytes_and_properties_of_the_data_date(both, tmp_path):
    report, path = both
    again = write_docx(report, tmp_path / "again.docx", style=Style())
    assert again.read_bytes() == path.read_bytes()
    core = opened(both).core_properties
    assert core.title == plain(report.title)
    assert core.author == report.maker
    assert core.created.replace(tzinfo=None) == dt.datetime(2026, 6, 30)  # noqa: DTZ001 - as the file has it
    assert core.comments == ""
    with zipfile.ZipFile(path) as archive:
        assert not [n for n in archive.namelist() if "thumbnail" in n or "customXml" in n]


def test_the_order_of_properties_is_that_of_the_schema(both):
    """Word refuses a document whose elements stand in another order."""
    wanted = ["pStyle", "keepNext", "keepLines", "pageBreakBefore", "tabs", "autoSpaceDE", "autoSpaceDN",
              "spacing", "ind", "jc", "outlineLvl", "rPr", "sectPr"]  # fmt: skip
    with zipfile.ZipFile(both[1]) as archive:
        for name in ("word/document.xml", "word/styles.xml", "word/footer1.xml", "word/header1.xml"):
            for properties in etree.fromstring(archive.read(name)).iter(qn("w:pPr")):
                places = [wanted.index(etree.QName(child).localname) for child in properties]
                assert places == sorted(set(places)), (name, etree.tostring(properties))


def test_a_picture_that_is_gone_is_one_clear_error(tmp_path):
    report = made_report("zh", tmp_path)
    (tmp_path / "overview.png").write_bytes(b"no picture")
    with pytest.raises(OutputError) as caught:
        write_docx(report, tmp_path / "r.docx", style=Style())
    assert caught.value.code == "report.no_picture"
    assert not (tmp_path / "r.docx").exists()


def test_a_file_that_cannot_be_written_is_one_clear_error(tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        write_docx(made_report("zh", tmp_path), tmp_path / "none" / "r.docx", style=Style())


def test_a_county_of_a_thousand_villages_is_whole(tmp_path):
    villages = tuple(
        Section(f"v{number}", f"第{number}村", (village("zh", number),)) for number in range(1300)
    )
    report = replace(
        made_report("zh", tmp_path), front=(), sections=(Section("all", "一村一表", (), villages),)
    )
    path = write_docx(report, tmp_path / "r.docx", style=Style())
    assert part(path, "word/document.xml").count("<w:tbl>") == 1300


def test_figures_and_dates_are_not_broken_by_a_narrow_column(tmp_path):
    columns = (Column("a", "名称", "text", 9), Column("c", "代码", "code", 1), Column("d", "期限", "date", 1))
    table = Table("t", "表", columns, (("某村", "410921001001", "2025-12-31"),))
    report = replace(made_report("zh", tmp_path), front=(table,), sections=())
    grid = Document(str(write_docx(report, tmp_path / "r.docx", style=Style()))).tables[0]._tbl.tblGrid
    widths = [int(c.get(qn("w:w"))) / 20 for c in grid.iter(qn("w:gridCol"))]
    assert widths[1] > 12 * 5.25
    assert widths[2] > 11 * 7


def converted(path, folder):
    program = shutil.which("soffice")
    command = [program, f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless",
               "--convert-to", "pdf", "--outdir", str(folder), str(path)]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    import pypdfium2

    with pypdfium2.PdfDocument(folder / f"{path.stem}.pdf") as document:
        return [document[page].get_textpage().get_text_bounded() for page in range(len(document))]


@pytest.mark.office
def test_libreoffice_prints_contents_with_pages_stamp_and_no_empty_page(tmp_path):
    report = made_report("zh", tmp_path)
    pages = converted(write_docx(report, tmp_path / "report.docx", style=Style()), tmp_path)
    contents = next(page for page in pages if page.startswith("目录"))
    for number, page in enumerate(pages, 1):
        assert f"— {number} —" in page
        assert "供绩效考核参考" in page
        assert len(page) > 80
    at = {name: int(page) for name, page in re.findall(r"^(.、.+?)\.{5,}(\d+)\s*$", contents, re.M)}
    assert len(at) == len(report.sections)
    for title, page in at.items():
        assert title.replace(" ", "") in pages[page - 1].replace(" ", "")


def test_a_table_with_too_little_room_still_fills_its_page(tmp_path):
    columns = tuple(Column(f"c{k}", f"第{k}列{'长' * 9}", "code") for k in range(30))
    table = Table("t", "表", columns, (("9" * 40,) * 30,))
    report = replace(made_report("zh", tmp_path), front=(), sections=(Section("s", "宽", (table,)),))
    grid = Document(str(write_docx(report, tmp_path / "r.docx", style=Style()))).tables[0]._tbl.tblGrid
    widths = [int(c.get(qn("w:w"))) for c in grid.iter(qn("w:gridCol"))]
    assert sum(widths) == pytest.approx((297 - 37 - 35) / 25.4 * 1440, abs=2)
    assert max(widths) - min(widths) <= 1
