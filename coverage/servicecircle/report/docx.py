"""Writes a report as Word: laid out as a Chinese government office files it, the same bytes each time."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from docx import Document
from docx.opc.constants import CONTENT_TYPE, RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml

from servicecircle.maps.text import Text
from servicecircle.report.bundle import packed, write_bytes
from servicecircle.report.docx_look import FRONT, Look, font_table, section_properties, style_sheet
from servicecircle.report.docx_parts import contents, footer, heading, paragraph, point, run, stamp
from servicecircle.report.docx_picture import Placed, drawing, fitted
from servicecircle.report.docx_table import MOST_UPRIGHT, table_xml
from servicecircle.report.model import Figure, Paragraph, Points, Table
from servicecircle.report.numbering import laid_out
from servicecircle.report.phrases import Phrases
from servicecircle.report.pictures import Album
from servicecircle.report.plain import plain, width_em

if TYPE_CHECKING:
    from pathlib import Path

    from docx.document import Document as WordDocument

    from servicecircle.report.model import Block, Report, Section
    from servicecircle.report.style import Style

_SPACES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture" '
    'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office"'
)
_BODY = "word/document.xml"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MM_PER_POINT = 25.4 / 72
_MANNERS = {"body": "BodyText", "lead": "Lead", "caution": "Caution"}
_FOOT_LINES = 3
"""Lines that the foot of a page has for cautions; where they are longer, the rest stands at the end."""

_FIGURE_SHARE, _SHEET_FIGURE_SHARE = 0.65, {"zh": 0.26, "en": 0.21}
"""Of a page's height, at most, for a figure."""


def write_docx(report: Report, path: Path, *, style: Style, album: Album | None = None) -> Path:
    """
    Write a report as a Word document; its sections are in the style's order already.

    Parameters
    ----------
    album
        Pictures that were made small for other files already.

    Raises
    ------
    OutputError
        A picture cannot be read, or the file cannot be written.
    """
    document = Document()
    look = Look.of(report, style)
    _set_up(document, report, look)
    body = _Body(report, look, document, album or Album()).written(style)
    saved = io.BytesIO()
    document.save(saved)
    with zipfile.ZipFile(saved) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    # text as it is: to hang tens of thousands of cells into python-docx's tree takes longer than all the rest
    entries[_BODY] = f"{_XML}<w:document {_SPACES}><w:body>{body}</w:body></w:document>".encode()
    return write_bytes(packed(entries, order=list(entries)), path)


class _Body:
    """
    The body of a document as it grows.

    Parameters
    ----------
    report, look
        What it says, and how it looks.
    document
        Takes the pictures.
    album
        Has them.
    """

    def __init__(self, report: Report, look: Look, document: WordDocument, album: Album) -> None:
        self.report, self.look, self.document, self.album = report, look, document, album
        self.layout = laid_out(report)
        self.text, self.say = Text(report.language), Phrases("writing", report.language)
        self.paper = look.paper
        self.xml: list[str] = []
        self.pictures = 0
        self.numbers = {name: number for number, name in enumerate(self.layout.headings, 1)}
        self.references = _references(document)

    def written(self, style: Style) -> str:
        """Return the whole body."""
        self._head(style)
        for block in self.report.front:
            self._block(block, where=FRONT if self.report.kind == "full" else "")
        listed = self.layout.contents() if self.report.kind == "full" else ()
        if listed:
            entries = [(entry, self.numbers[entry.name]) for entry in listed]
            self.xml.append(contents(self.say("contents"), entries))
        for place, section in enumerate(self.report.sections):
            self._section(section, new_page=bool(listed) and place == 0)
        self._end()
        return "".join(self.xml) + section_properties(self.paper, self.references)

    def _head(self, style: Style) -> None:
        report = self.report
        if style.logo is not None:
            picture = _logo(style)
            self.xml.append(paragraph("Picture", self._drawn(picture, name="logo", alt=report.maker)))
        self.xml.append(paragraph("Title", run(report.title)))
        date = self.text.date(report.as_of)
        made = [self.say("maker", maker=report.maker)] if plain(report.maker) else []
        dated = [] if date in report.subtitle else [self.say("as_of", date=date)]
        if report.kind == "sheet":
            lines = ["　".join([report.subtitle, *made, *dated])]
        else:
            lines = [report.subtitle, "　".join([*made, *dated])]
        for line in lines:
            if plain(line):
                self.xml.append(paragraph("Subtitle", run(line)))

    def _section(self, section: Section, *, new_page: bool) -> None:
        turned = self._turn(section)
        entry = self.layout.heading(section)
        starts = (new_page or section.new_page) and not turned
        self.xml.append(heading(entry, self.numbers[section.name], new_page=starts))
        for block in section.blocks:
            self._block(block)
        for inner in section.sections:
            self._section(inner, new_page=False)

    def _turn(self, section: Section) -> bool:
        """Turn the page for a section with a wide table, and back; tell whether that began a page."""
        wide = any(isinstance(block, Table) and len(block.columns) > MOST_UPRIGHT for block in section.blocks)
        paper = self.look.paper.turned() if wide and self.report.kind == "full" else self.look.paper
        if paper == self.paper:
            return False
        self.xml.append(paragraph("Break", "", section_properties(self.paper, self.references)))
        self.paper = paper
        return True

    def _block(self, block: Block, *, where: str = "") -> None:
        if isinstance(block, Table):
            caption = self.layout.caption(block)
            self.xml.append(
                table_xml(block, caption, look=self.look, text=self.text, room_mm=self.paper.text_width)
            )
        elif isinstance(block, Figure):
            self._figure(block)
        elif isinstance(block, Points):
            self.xml += [point(item, style=f"{where}Point") for item in block.items]
        else:
            self.xml.append(paragraph(_style_of(block, where), run(block.text)))

    def _figure(self, figure: Figure) -> None:
        share = _SHEET_FIGURE_SHARE[self.report.language] if self.report.kind == "sheet" else _FIGURE_SHARE
        room = (self.paper.text_width, self.paper.text_height * share)
        picture = fitted(self.album.picture(figure), room=room)
        self.xml.append(paragraph("Picture", self._drawn(picture, name=figure.title, alt=figure.alt)))
        self.xml.append(paragraph("Caption", run(self.layout.caption(figure))))

    def _drawn(self, picture: Placed, *, name: str, alt: str) -> str:
        relation, _ = self.document.part.get_or_add_image(io.BytesIO(picture.png))
        self.pictures += 1
        return drawing(picture, relation, self.pictures, name=name, alt=alt)

    def _end(self) -> None:
        """Say the cautions that neither the foot of a page nor a section says, and where it all is from."""
        left = [] if _foot(self.report, self.look).whole else _unsaid(self.report)
        if left:
            said = ("" if self.report.language == "zh" else " ").join(map(plain, left))
            self.xml.append(paragraph("Note", run(self.say("cautions_left", text=said))))
        self.xml.append(paragraph("Note", run(self.report.provenance)))


@dataclass(frozen=True, slots=True)
class _Foot:
    """What the foot of every page says; `whole` where no caution is left."""

    line: str
    whole: bool


def _foot(report: Report, look: Look) -> _Foot:
    say = Phrases("writing", report.language)
    join = "" if report.language == "zh" else " "
    dated = say("as_of", date=Text(report.language).date(report.as_of))
    everything = join.join([*map(plain, report.cautions), dated])
    room_em = look.paper.text_width / _MM_PER_POINT / look.sizes.note
    if width_em(everything) <= room_em * _FOOT_LINES:
        return _Foot(everything, whole=True)
    return _Foot(join.join([plain(report.cautions[0]), say("more_cautions"), dated]), whole=False)


def _style_of(block: Paragraph, where: str) -> str:
    return "Note" if block.manner == "note" else where + _MANNERS[block.manner]


def _unsaid(report: Report) -> list[str]:
    """Return the cautions that stand in no section."""
    said: set[str] = set()

    def visit(sections: tuple[Section, ...]) -> None:
        for section in sections:
            for block in section.blocks:
                said.update(block.items if isinstance(block, Points) else ())
                said.update([block.text] if isinstance(block, Paragraph) else ())
            visit(section.sections)

    visit(report.sections)
    return [caution for caution in report.cautions if caution not in said]


def _set_up(document: WordDocument, report: Report, look: Look) -> None:
    """Put styles, fonts, header, footers and properties of our own in place of the template's."""
    styles = document.styles.element
    for child in list(styles):
        styles.remove(child)
    styles.extend(list(parse_xml(f"<w:styles {_SPACES}>{style_sheet(look)}</w:styles>")))
    _strip(document)
    fonts = Part(PackURI("/word/fontTable.xml"), CONTENT_TYPE.WML_FONT_TABLE, font_table(look.fonts),
                 document.part.package)  # fmt: skip
    document.part.relate_to(fonts, RELATIONSHIP_TYPE.FONT_TABLE)
    document.settings.odd_and_even_pages_header_footer = report.language == "zh"
    for setting in document.settings.element.iter("{*}compatSetting"):
        if setting.get(_w("name")) == "compatibilityMode":
            setting.set(_w("val"), "15")
    _margins(document, report, look)
    moment = dt.datetime.combine(report.as_of, dt.time())
    core = document.core_properties
    core.title, core.author, core.last_modified_by = plain(report.title)[:255], plain(report.maker)[:255], ""
    core.created = core.modified = moment
    core.comments = core.subject = core.keywords = core.category = ""
    core.revision, core.language = 1, "zh-CN" if report.language == "zh" else "en"


def _strip(document: WordDocument) -> None:
    """Leave out the template's thumbnail, second styles and other parts that a report does not need."""
    kept = {RELATIONSHIP_TYPE.STYLES, RELATIONSHIP_TYPE.SETTINGS, RELATIONSHIP_TYPE.THEME}
    for rels, wanted in (
        (document.part.rels, kept),
        (document.part.package.rels, {RELATIONSHIP_TYPE.OFFICE_DOCUMENT, RELATIONSHIP_TYPE.CORE_PROPERTIES}),
    ):
        for key in [key for key, rel in rels.items() if rel.reltype not in wanted]:
            del rels[key]


def _margins(document: WordDocument, report: Report, look: Look) -> None:
    section = document.sections[0]
    line = _foot(report, look).line
    parts = [(section.header, section.footer, "right" if report.language == "zh" else "center")]
    if report.language == "zh":
        parts.append((section.even_page_header, section.even_page_footer, "left"))
    for number, (above, below, side) in enumerate(parts, 1):
        for part, xml in (
            (above, stamp(report.stamp, look.fonts.heading1, number=number)),
            (below, footer(look, line, side=side)),
        ):
            part.is_linked_to_previous = False
            element: Any = part._element
            for child in list(element):
                element.remove(child)
            element.extend(list(parse_xml(f"<w:hdr {_SPACES}>{xml}</w:hdr>")))


def _references(document: WordDocument) -> str:
    """Return the section's references to header and footer, for further sections to repeat."""
    properties = document.sections[0]._sectPr
    return "".join(
        f'<w:{child.tag.rpartition("}")[2]} w:type="{child.get(_w("type"))}" r:id="{rel}"/>'
        for child in properties
        for key, rel in child.attrib.items()
        if key.endswith("relationships}id")
    )


def _logo(style: Style) -> Placed:
    from PIL import Image

    with Image.open(io.BytesIO(style.logo_png)) as picture:
        ratio = picture.height / picture.width
    width = style.logo.width_mm if style.logo else 0
    return Placed(style.logo_png, width, width * ratio)


def _w(name: str) -> str:
    return f"{{http://schemas.openxmlformats.org/wordprocessingml/2006/main}}{name}"
