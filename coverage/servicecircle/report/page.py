"""A report as one page that needs nothing else: no script, no request, pictures inside."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from dataclasses import dataclass, field
from importlib import resources
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup
from PIL import Image

from servicecircle.maps.text import EMPTY, Text
from servicecircle.report.bundle import write_bytes
from servicecircle.report.figures import shown
from servicecircle.report.model import Figure, Paragraph, Points, Table
from servicecircle.report.numbering import laid_out
from servicecircle.report.phrases import Phrases
from servicecircle.report.pictures import Album
from servicecircle.report.plain import plain, width_em

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from servicecircle.report.model import Block, Column, Report, Section
    from servicecircle.report.numbering import Layout
    from servicecircle.report.style import Style

MANY_COLUMNS, TURNED_COLUMNS = 9, 13
"""Tables of more columns are printed in smaller letters; of still more, their section on a turned page."""

_WIDEST = 6
_FEW_ROWS, _FEW_COLUMNS = 12, 4
_LONG_WORD = re.compile(r"[^\s\u2e80-\u9fff\uff00-\uffef]{20}")
"""Chinese text is broken anywhere; a word of other letters that is longer than this has to be."""

_NAMED = ("text", "code")
_PIXELS_PER_MM = 96 / 25.4
_SCREEN = (
    'system-ui,-apple-system,"Segoe UI","Noto Sans CJK SC","Source Han Sans SC","Microsoft YaHei",'
    '"PingFang SC","Noto Sans",sans-serif'
)
_SERIF = '"Noto Serif CJK SC","Source Han Serif SC",SimSun,"Songti SC",serif'
_SANS = '"Noto Sans CJK SC",SimHei,"PingFang SC",sans-serif'


def write_html(report: Report, path: Path, *, style: Style, album: Album | None = None) -> Path:
    """
    Write a report as a page; what users wrote is a value that the template escapes, never a template.

    Parameters
    ----------
    album
        Pictures that were made small for other files already.

    Raises
    ------
    OutputError
        A picture cannot be read, or the page cannot be written.
    """
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    source = _asset("report.html.j2")
    page = environment.from_string(source).render(_Page(report, style, album or Album()).content())
    return write_bytes(page.encode("utf-8"), path)


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath("assets", name).read_text("utf-8")


@dataclass(frozen=True, slots=True)
class _Shown:
    """A block as the template writes it."""

    anchor: str
    caption: str
    manner: str = ""
    heads: Sequence[tuple[str, str]] = ()
    rows: Sequence[tuple[bool, Sequence[tuple[str, str, str]]]] = ()
    notes: Sequence[str] = ()
    scrolls: bool = False
    data: str = ""
    width: int = 0
    height: int = 0
    alt: str = ""


@dataclass(slots=True)
class _Page:
    """What the template is filled with."""

    report: Report
    style: Style
    album: Album
    text: Text = field(init=False)
    say: Phrases = field(init=False)
    layout: Layout = field(init=False)

    def __post_init__(self) -> None:
        language = self.report.language
        self.text, self.say, self.layout = Text(language), Phrases("writing", language), laid_out(self.report)

    def content(self) -> dict[str, Any]:
        """Return the page's texts, cleaned, and its style."""
        report, style = self.report, _style(self.report, self.style, self.say)
        contents = self.layout.contents() if report.kind == "full" else ()
        return {
            "lang": "zh-CN" if report.language == "zh" else "en",
            "say": self.say, "screen": Phrases("screen", report.language),
            "style": Markup(style), "digest": _digest(style),  # noqa: S704 - our own rules, texts in them escaped
            "title": plain(report.title), "subtitle": plain(report.subtitle), "stamp": plain(report.stamp),
            "maker": self.say("maker", maker=plain(report.maker)) if plain(report.maker) else "",
            "as_of": "" if self.text.date(report.as_of) in report.subtitle else self._as_of(),
            "logo": self._logo(),
            "front": list(self._blocks(report.front)),
            "contents": [{"level": h.level, "name": h.name, "text": plain(h.text)} for h in contents],
            "sections": list(self._sections(report.sections)),
            "cautions": [plain(caution) for caution in report.cautions],
            "provenance": plain(report.provenance),
        }  # fmt: skip

    def _as_of(self) -> str:
        return self.say("as_of", date=self.text.date(self.report.as_of))

    def _sections(self, sections: Sequence[Section]) -> Iterator[dict[str, Any]]:
        for section in sections:
            heading = self.layout.heading(section)
            turned = any(
                isinstance(one, Table) and len(one.columns) > TURNED_COLUMNS for one in section.blocks
            )
            yield {
                "name": section.name, "level": min(heading.level + 1, 6),
                "manner": "turned" if turned else "page" if section.new_page else "",
                "number": heading.text.removesuffix(heading.title), "title": plain(heading.title),
                "blocks": list(self._blocks(section.blocks)),
            }  # fmt: skip
            yield from self._sections(section.sections)

    def _blocks(self, blocks: Sequence[Block]) -> Iterator[tuple[str, Any]]:
        for block in blocks:
            if isinstance(block, Paragraph):
                yield "paragraph", {"text": plain(block.text), "manner": block.manner}
            elif isinstance(block, Points):
                yield "points", {"points": [plain(item) for item in block.items]}
            elif isinstance(block, Figure):
                yield "figure", self._figure(block)
            else:
                yield "table", self._table(block)

    def _table(self, table: Table) -> _Shown:
        columns = table.columns
        rows = [
            (number in table.strong, [
                _cell(plain(shown(value, column.format, self.text)) or EMPTY, column, first=place == 0)
                for place, (value, column) in enumerate(zip(row, columns, strict=True))
            ])
            for number, row in enumerate(table.rows)
        ]  # fmt: skip
        return _Shown(
            f"t-{table.name}", plain(self.layout.caption(table)), rows=rows,
            manner="table many" if len(columns) > MANY_COLUMNS else "table",
            heads=[(plain(column.title), _head(column)) for column in columns],
            notes=[self._note(number, note, len(table.notes)) for number, note in enumerate(table.notes, 1)],
            scrolls=len(rows) > _FEW_ROWS or len(columns) > _FEW_COLUMNS,
        )  # fmt: skip

    def _note(self, number: int, note: str, count: int) -> str:
        """Return a note under a table; several are numbered behind one 注."""
        note = plain(note)
        if count > 1:
            note = self.say("numbered_note", number=number, text=note)
        return self.say("notes", text=note) if number == 1 else note

    def _figure(self, figure: Figure) -> _Shown:
        picture = self.album.picture(figure)
        data = base64.b64encode(picture.png).decode("ascii")
        return _Shown(
            f"f-{figure.name}", plain(self.layout.caption(figure)), data=data, width=picture.width,
            height=picture.height, alt=plain(figure.alt),
        )  # fmt: skip

    def _logo(self) -> dict[str, Any] | None:
        if self.style.logo is None or not self.style.logo_png:
            return None
        with Image.open(io.BytesIO(self.style.logo_png)) as logo:
            wide, high = logo.size
        width = self.style.logo.width_mm * _PIXELS_PER_MM
        data = base64.b64encode(self.style.logo_png).decode("ascii")
        return {"data": data, "width": round(width), "height": max(1, round(width * high / wide))}


def _class(column: Column) -> str:
    return {"text": "", "code": "c", "date": "c"}.get(column.format, "n")


def _head(column: Column) -> str:
    """Return the classes of a header: what its cells hold, and how wide it is at least."""
    return f"{_class(column)} w{min(max(round(column.width), 1), _WIDEST)}".strip()


def _cell(text: str, column: Column, *, first: bool) -> tuple[str, str, str]:
    """Return a cell's element, class and text; the first one of a row names it, a long word is broken."""
    tag = "th" if first and column.format in _NAMED else "td"
    return tag, "long" if _LONG_WORD.search(text) else _class(column), text


# ---- style ----


def _style(report: Report, style: Style, say: Phrases) -> str:
    """Return the style sheet: our rules, the office's fonts, and what the foot of a printed page says."""
    fonts, latin = style.fonts, f'"{style.fonts.latin}",' if report.language == "en" else ""
    wide = max(width_em(plain(report.stamp)), 3.0)
    rules = {
        "--screen": _SCREEN,
        "--title": f'{latin}"{fonts.title}",{_SERIF}',
        "--heading": f'{latin}"{fonts.heading1}",{_SANS}',
        "--paper": f'{latin}"{fonts.body}",{_SERIF}',
        "--stamp-text": _quoted(plain(report.stamp)),
        "--stamp": f"{min(90 / wide, 14):.2f}vmin",
        "--stamp-mm": f"{min(190 / wide, 38):.1f}mm",
    }
    root = "".join(f"{name}:{value};" for name, value in rules.items())
    return f":root{{{root}}}\n{_asset('report.css')}{_paper(report, say)}"


def _paper(report: Report, say: Phrases) -> str:
    """Return the rules of printed pages: their size, and their foot where the browser can print one."""
    foot = _quoted(" ".join(plain(caution) for caution in report.cautions))
    marks = say("page_of", page="\0page\0", pages="\0pages\0").split("\0")
    number = " ".join(f"counter({mark})" if mark in {"page", "pages"} else _quoted(mark) for mark in marks)
    boxes = (
        f"@bottom-left{{content:{foot};width:78%;font:6.5pt/1.35 {_SCREEN};color:#3c4450;vertical-align:top;"
        f"text-align:left;padding-top:3mm}}"
        f"@bottom-right{{content:{number};font:8pt/1.3 {_SCREEN};vertical-align:top;padding-top:3mm}}"
    )
    upright = f"@page{{size:A4;margin:18mm 18mm 24mm;{boxes}}}"
    return f"{upright}\n@page turned{{size:A4 landscape;margin:16mm 16mm 22mm;{boxes}}}\n"


def _quoted(text: str) -> str:
    """Return a text as a string of a style sheet, every sign but letters and digits by its number."""
    return '"' + "".join(sign if sign.isalnum() else f"\\{ord(sign):x} " for sign in text) + '"'


def _digest(style: str) -> str:
    """Return the digest by which the page's policy lets its one style sheet through."""
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
