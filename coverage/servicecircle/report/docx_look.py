"""The looks of a Word report: paper, paragraph styles and fonts as GB/T 9704-2012 lays down for documents."""

from __future__ import annotations

from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from servicecircle import words
    from servicecircle.report.model import Report
    from servicecircle.report.style import Fonts, Sizes, Style

NS = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
TWIPS_PER_MM = 1440 / 25.4
_STAND_INS = {
    "方正小标宋简体": "宋体", "方正小标宋_GBK": "宋体", "仿宋_GB2312": "仿宋", "楷体_GB2312": "楷体",
    "黑体": "SimHei", "宋体": "SimSun", "仿宋": "FangSong", "楷体": "KaiTi",
}  # fmt: skip
"""What a program takes where a font is not installed."""
_TIGHT = '<w:spacing w:before="0" w:after="0" w:line="240" w:lineRule="auto"/>'
FRONT = "Front"
"""Begins the names of the styles of the first page."""

_FRONT_SHARE, _FRONT_LINE_SHARE, _FRONT_PT = 0.75, 0.6, 10
_CONTENTS_PT = 14
_LEADING = 1.3
_LANGUAGE = '<w:lang w:val="en-US" w:eastAsia="zh-CN" w:bidi="ar-SA"/>'
_EDGE = 'w:val="single" w:sz="{size}" w:space="0" w:color="000000"'
_TABLE_STYLE = (
    '<w:style w:type="table" w:default="1" w:styleId="TableNormal"><w:name w:val="Normal Table"/><w:tblPr>'
    '<w:tblInd w:w="0" w:type="dxa"/></w:tblPr></w:style>'
    '<w:style w:type="table" w:styleId="ReportTable"><w:name w:val="Report table"/>'
    '<w:basedOn w:val="TableNormal"/>'
    "<w:tblPr><w:tblBorders>"
    + "".join(f"<w:{edge} {_EDGE.format(size=8)}/>" for edge in ("top", "left", "bottom", "right"))
    + "".join(f"<w:{edge} {_EDGE.format(size=4)}/>" for edge in ("insideH", "insideV"))
    + '</w:tblBorders><w:tblCellMar><w:top w:w="28" w:type="dxa"/><w:left w:w="57" w:type="dxa"/>'
    '<w:bottom w:w="28" w:type="dxa"/><w:right w:w="57" w:type="dxa"/></w:tblCellMar></w:tblPr></w:style>'
)


@dataclass(frozen=True, slots=True)
class Paper:
    """A sheet of paper and its margins, in mm."""

    width: float = 210
    height: float = 297
    top: float = 37
    bottom: float = 35
    left: float = 28
    right: float = 26
    foot: float = 14

    @property
    def text_width(self) -> float:
        """How wide the text is, in mm."""
        return self.width - self.left - self.right

    @property
    def text_height(self) -> float:
        """How high the text is, in mm."""
        return self.height - self.top - self.bottom

    def turned(self) -> Paper:
        """Return the paper on its side; its head is where the left margin was."""
        return Paper(self.height, self.width, self.left, self.right, self.top, self.bottom, 10)


@dataclass(frozen=True, slots=True)
class Look:
    """How one report looks."""

    language: words.Language
    fonts: Fonts
    sizes: Sizes
    paper: Paper

    @classmethod
    def of(cls, report: Report, style: Style) -> Look:
        """Return the look of a report; a township's sheet has narrow margins, as it is one page."""
        paper = Paper(top=18, bottom=22, left=20, right=20, foot=8) if report.kind == "sheet" else Paper()
        return cls(report.language, style.fonts, style.sizes_of(report), paper)

    def front(self) -> Look:
        """Return the look of a full report's first page, which has to hold a summary of it all."""
        sizes = self.sizes
        smaller = {
            "body": max(sizes.body * _FRONT_SHARE, _FRONT_PT),
            "line": max(sizes.line * _FRONT_LINE_SHARE, _FRONT_PT * _LEADING),
        }
        return replace(self, sizes=sizes.model_copy(update=smaller))


def style_sheet(look: Look) -> str:
    """Return the children of `w:styles`."""
    fonts, sizes = look.fonts, look.sizes
    body = _letters(look, fonts.body, sizes.body, language=_LANGUAGE)
    return "".join((
        f"<w:docDefaults><w:rPrDefault>{body}</w:rPrDefault><w:pPrDefault><w:pPr>{_TIGHT}</w:pPr>",
        '</w:pPrDefault></w:docDefaults><w:style w:type="paragraph" w:default="1" w:styleId="Normal">',
        '<w:name w:val="Normal"/><w:qFormat/></w:style>',
        *_running_styles(look, ""),
        *_running_styles(look.front(), FRONT),
        *_title_styles(look),
        *(_heading_style(look, level) for level in (1, 2, 3, 4)),
        *(_contents_style(look, level) for level in (1, 2, 3)),
        *_table_styles(look),
        _TABLE_STYLE,
    ))  # fmt: skip


def _running_styles(look: Look, where: str) -> list[str]:
    """Text as it runs: body, lead, caution, points; but for the front also note, header, footer."""
    fonts, sizes = look.fonts, look.sizes
    body = f'{_line(look)}{_indent(look)}<w:jc w:val="both"/>'
    hang = f'<w:ind w:left="{_twips(2 * sizes.body)}" w:hanging="{_twips(sizes.body)}"/>'
    small = _letters(look, fonts.table, sizes.note)
    plain = _letters(look, fonts.body, sizes.body)
    named = f" {where.lower()}".rstrip()
    running = [
        _style(f"{where}BodyText", f"Body Text{named}", body, plain),
        _style(f"{where}Lead", f"Report lead{named}", body, _letters(look, fonts.body, sizes.body, "<w:b/>")),
        _style(f"{where}Caution", f"Report caution{named}", body, _letters(look, fonts.heading2, sizes.body)),
        _style(f"{where}Point", f"List Bullet{named}", f'{_line(look)}{hang}<w:jc w:val="both"/>', plain),
    ]
    if where:
        return running
    return [
        *running,
        _style(
            "Note", "Report note", f'{_spaced(40, 40, fixed_line(sizes.note))}<w:jc w:val="both"/>', small
        ),
        _style("Header", "header", _TIGHT),
        _style("Footer", "footer", _spaced(0, 0, fixed_line(sizes.note)), small),
        _style("Break", "Report break", _spaced(0, 0, 20), '<w:rPr><w:sz w:val="2"/></w:rPr>'),
    ]


def _title_styles(look: Look) -> list[str]:
    """Centred lines: title, subtitle, captions, pictures and the title of the contents."""
    fonts, sizes = look.fonts, look.sizes
    bold = _bold(look)
    middle = '<w:jc w:val="center"/>'
    return [
        _style("Title", "Title", f"<w:keepNext/>{_spaced(120, 120, fixed_line(sizes.title))}{middle}",
               _letters(look, fonts.title, sizes.title, bold)),
        _style("Subtitle", "Subtitle", _spaced(0, 60, fixed_line(min(sizes.body, sizes.heading))) + middle,
               _letters(look, fonts.heading2, min(sizes.body, sizes.heading))),
        _style("Caption", "caption", f"<w:keepLines/>{_spaced(120, 60, fixed_line(sizes.caption))}{middle}",
               _letters(look, fonts.heading1, sizes.caption, bold)),
        _style("Picture", "Report picture", f'<w:keepNext/><w:spacing w:before="120" w:after="0"/>{middle}'),
        _style("TOCHeading", "TOC Heading",
               f"<w:keepNext/>{_spaced(120, 240, fixed_line(sizes.heading))}{middle}",
               _letters(look, fonts.heading1, sizes.heading, bold)),
    ]  # fmt: skip


def _heading_style(look: Look, level: int) -> str:
    fonts = look.fonts
    font = {1: fonts.heading1, 2: fonts.heading2}.get(level, fonts.heading3)
    bold = "<w:b/>" if level == 3 else _bold(look)
    line = f'<w:spacing w:before="120" w:after="60" w:line="{_twips(look.sizes.line)}" w:lineRule="atLeast"/>'
    place = f'<w:keepNext/><w:keepLines/>{line}{_indent(look)}<w:outlineLvl w:val="{level - 1}"/>'
    return _style(
        f"Heading{level}", f"heading {level}", place, _letters(look, font, look.sizes.heading, bold)
    )


def _contents_style(look: Look, level: int) -> str:
    size = min(look.sizes.body, _CONTENTS_PT)
    room = round(look.paper.text_width * TWIPS_PER_MM)
    tab = f'<w:tabs><w:tab w:val="right" w:leader="dot" w:pos="{room}"/></w:tabs>'
    left = f'{_spaced(0, 0, round(30 * size))}<w:ind w:left="{_twips((level - 1) * 2 * size)}"/>'
    return _style(f"TOC{level}", f"toc {level}", tab + left, _letters(look, look.fonts.body, size))


def _table_styles(look: Look) -> list[str]:
    fonts, size = look.fonts, look.sizes.table
    cell = _letters(look, fonts.table, size)
    close = '<w:autoSpaceDE w:val="0"/><w:autoSpaceDN w:val="0"/>'  # no gaps beside digits
    close += _spaced(0, 0, fixed_line(size))
    head = f'<w:keepNext/>{close}<w:jc w:val="center"/>'
    return [
        _style("TableText", "Report table text", close, cell),
        _style("TableNumber", "Report table number", f'{close}<w:jc w:val="right"/>', cell),
        _style("TableCentre", "Report table centre", f'{close}<w:jc w:val="center"/>', cell),
        _style("TableHead", "Report table head", head, _letters(look, fonts.heading1, size, _bold(look))),
    ]


def font_table(fonts: Fonts) -> bytes:
    """Return the document's list of fonts, with what may stand in for each."""
    rows = []
    for name in sorted({str(font) for font in fonts.model_dump().values()}):
        chinese = not name.isascii()
        other = f'<w:altName w:val="{_STAND_INS[name]}"/>' if name in _STAND_INS else ""
        family = (
            "swiss" if "黑" in name else "script" if "楷" in name else "modern" if "仿" in name else "roman"
        )
        charset = '<w:charset w:val="86"/>' if chinese else '<w:charset w:val="00"/>'
        rows.append(f'<w:font w:name="{escape(name)}">{other}{charset}<w:family w:val="{family}"/>'
                    '<w:pitch w:val="variable"/></w:font>')  # fmt: skip
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    return f'{head}<w:fonts xmlns:w="{NS}">{"".join(rows)}</w:fonts>'.encode()


def section_properties(paper: Paper, references: str) -> str:
    """Return the page setup of a section that begins a page."""

    def twips(mm: float) -> int:
        return round(mm * TWIPS_PER_MM)

    turned = ' w:orient="landscape"' if paper.width > paper.height else ""
    return (
        f'<w:sectPr>{references}<w:type w:val="nextPage"/>'
        f'<w:pgSz w:w="{twips(paper.width)}" w:h="{twips(paper.height)}"{turned}/>'
        f'<w:pgMar w:top="{twips(paper.top)}" w:right="{twips(paper.right)}" w:bottom="{twips(paper.bottom)}"'
        f' w:left="{twips(paper.left)}" w:header="{twips(15)}" w:footer="{twips(paper.foot)}" w:gutter="0"/>'
        "</w:sectPr>"
    )


def _bold(look: Look) -> str:
    """Chinese headings are told by their fonts, Latin ones are bold."""
    return "" if look.language == "zh" else "<w:b/>"


def _line(look: Look) -> str:
    after = 0 if look.language == "zh" else 120
    return (
        f'<w:spacing w:before="0" w:after="{after}" w:line="{_twips(look.sizes.line)}" w:lineRule="exact"/>'
    )


def _indent(look: Look) -> str:
    """A Chinese paragraph begins two characters in."""
    if look.language != "zh":
        return ""
    return f'<w:ind w:firstLineChars="200" w:firstLine="{_twips(2 * look.sizes.body)}"/>'


def _spaced(before: int, after: int, line: int) -> str:
    return f'<w:spacing w:before="{before}" w:after="{after}" w:line="{line}" w:lineRule="exact"/>'


def fixed_line(size: float) -> int:
    """Return the height of a line in twips: fixed, so that pages break alike with whatever font stands in."""
    return round(size * 20 * _LEADING)


def _style(key: str, name: str, paragraph: str, run: str = "") -> str:
    return (
        f'<w:style w:type="paragraph" w:styleId="{key}"><w:name w:val="{name}"/><w:basedOn w:val="Normal"/>'
        f"<w:qFormat/><w:pPr>{paragraph}</w:pPr>{run}</w:style>"
    )


def _letters(look: Look, font: str, size: float, extra: str = "", *, language: str = "") -> str:
    """Latin letters and digits are in the Latin font, all others in the Chinese one."""
    latin = escape(look.fonts.latin)
    half = round(size * 2)
    return (
        f'<w:rPr><w:rFonts w:ascii="{latin}" w:hAnsi="{latin}" w:eastAsia="{escape(font)}" w:cs="{latin}"/>'
        f'{extra}<w:sz w:val="{half}"/><w:szCs w:val="{half}"/>{language}</w:rPr>'
    )


def _twips(points: float) -> int:
    return round(points * 20)
