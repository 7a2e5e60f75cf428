"""Pieces of a Word document as XML: paragraphs, headings, contents, header and footer."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from servicecircle.report.plain import plain, width_em

if TYPE_CHECKING:
    from servicecircle.report.docx_look import Look
    from servicecircle.report.numbering import Heading

BULLET = "•"
_WIDEST_PT, _HIGHEST_PT = 440, 120
"""Room of the stamp along the diagonal of a page, and the height of its letters."""


_WORD_ART = (
    '<v:shapetype id="_x0000_t136" coordsize="21600,21600" o:spt="136" adj="10800" '
    'path="m@7,l@8,m@5,21600l@6,21600e"><v:formulas>'
    + "".join(
        f'<v:f eqn="{formula}"/>'
        for formula in (
            "sum #0 0 10800", "prod #0 2 1", "sum 21600 0 @1", "sum 0 0 @2", "sum 21600 0 @3", "if @0 @3 0",
            "if @0 21600 @1", "if @0 0 @2", "if @0 @4 21600", "mid @5 @6", "mid @8 @5", "mid @7 @8",
            "mid @6 @7", "sum @6 0 @5",
        )
    )
    + '</v:formulas><v:path textpathok="t" o:connecttype="custom" '
    'o:connectlocs="@9,0;@10,10800;@11,21600;@12,10800" o:connectangles="270,180,90,0"/>'
    '<v:textpath on="t" fitshape="t"/><v:handles><v:h position="#0,bottomRight" xrange="6629,14971"/>'
    '</v:handles><o:lock v:ext="edit" text="t" shapetype="t"/></v:shapetype>'
)  # fmt: skip
"""The shape of a text that fills its box, as Word defines it."""


def run(text: str, properties: str = "") -> str:
    """Return a run of text; whatever the text holds stays text."""
    return f'<w:r>{properties}<w:t xml:space="preserve">{escape(plain(text), quote=False)}</w:t></w:r>'


def paragraph(style: str, content: str, extra: str = "") -> str:
    """Return a paragraph; `extra` properties follow its style."""
    return f'<w:p><w:pPr><w:pStyle w:val="{style}"/>{extra}</w:pPr>{content}</w:p>'


def point(text: str, *, style: str = "Point") -> str:
    """Return an item of a list."""
    return paragraph(style, f"{run(BULLET)}<w:r><w:tab/></w:r>{run(text)}")


def bookmark(number: int) -> str:
    """Return the name of the bookmark of a heading, as Word names those that its contents refer to."""
    return f"_Toc{number:08d}"


def heading(entry: Heading, number: int, *, new_page: bool) -> str:
    """Return a heading with its bookmark."""
    extra = "<w:keepNext/><w:keepLines/><w:pageBreakBefore/>" if new_page else ""
    start = f'<w:bookmarkStart w:id="{number}" w:name="{bookmark(number)}"/>'
    end = f'<w:bookmarkEnd w:id="{number}"/>'
    return paragraph(f"Heading{min(entry.level, 4)}", f"{start}{run(entry.text)}{end}", extra)


def contents(title: str, entries: list[tuple[Heading, int]]) -> str:
    """
    Return the contents as a field that is filled already.

    Page numbers are known to the program that lays the pages out, and to nobody before: each entry holds a
    reference which that program fills when it prints or updates the field, and no guess. The tab after TOC
    is a blank like any other to Word, while LibreOffice then takes the entries as they are and fills the
    references at once; behind a plain blank it makes the list an index of its own, which stays unfilled.
    """
    deepest = max(entry.level for entry, _ in entries)
    field = (
        f'{_char("begin")}<w:r><w:instrText xml:space="preserve">'
        f' TOC\t\\o "1-{deepest}" \\h \\z \\u </w:instrText>'
        f"</w:r>{_char('separate')}"
    )
    lines = []
    for entry, number in entries:
        mark = bookmark(number)
        page = (
            f'<w:r><w:tab/></w:r>{_char("begin")}<w:r><w:instrText xml:space="preserve"> PAGEREF {mark} \\h '
            f"</w:instrText></w:r>{_char('separate')}{_char('end')}"
        )
        link = f'<w:hyperlink w:anchor="{mark}" w:history="1">{run(entry.text)}{page}</w:hyperlink>'
        last = _char("end") if (entry, number) == entries[-1] else ""
        lines.append(paragraph(f"TOC{entry.level}", field + link + last))
        field = ""
    return (
        '<w:sdt><w:sdtPr><w:docPartObj><w:docPartGallery w:val="Table of Contents"/><w:docPartUnique/>'
        "</w:docPartObj></w:sdtPr><w:sdtContent>"
        + paragraph("TOCHeading", run(title), "<w:pageBreakBefore/>")
        + "".join(lines)
        + "</w:sdtContent></w:sdt>"
    )


def footer(look: Look, line: str, *, side: str) -> str:
    """
    Return the paragraphs of a footer: what every page says, then — 1 —.

    Parameters
    ----------
    side
        Where the number stands: `left`, `right` (one letter from the edge) or `center`.
    """
    size = '<w:rPr><w:sz w:val="28"/><w:szCs w:val="28"/></w:rPr>' if look.sizes.body >= 14 else ""
    inset = {"left": '<w:ind w:left="280"/>', "right": '<w:ind w:right="280"/>', "center": ""}[side]
    dash = f'<w:r>{size}<w:t xml:space="preserve">{{}}</w:t></w:r>'
    page = "".join((
        dash.format("— "), _char("begin", size), f"<w:r>{size}<w:instrText> PAGE </w:instrText></w:r>",
        _char("separate", size), run("1", size), _char("end", size), dash.format(" —"),
    ))  # fmt: skip
    return paragraph("Footer", run(line)) + paragraph("Footer", page, f'{inset}<w:jc w:val="{side}"/>')


def stamp(text: str, font: str, *, number: int) -> str:
    """Return the paragraph of a header, one of several, that prints a text across the page, behind all."""
    if not plain(text):
        return paragraph("Header", "")
    wide = max(width_em(plain(text)), 1.0)
    height = min(_HIGHEST_PT, _WIDEST_PT / wide)
    place = (
        f"position:absolute;margin-left:0;margin-top:0;width:{height * wide:.0f}pt;height:{height:.0f}pt;"
        "rotation:315;z-index:-251658752;mso-position-horizontal:center;"
        "mso-position-horizontal-relative:margin;mso-position-vertical:center;"
        "mso-position-vertical-relative:margin"
    )
    words = escape(plain(text))
    shape = (
        f'<v:shape id="PowerPlusWaterMarkObject{number}" o:spid="_x0000_s{2048 + number}" '
        f'type="#_x0000_t136" alt="{words}" '
        f'style="{place}" o:allowincell="f" fillcolor="#d0d0d0" stroked="f"><v:fill opacity=".5"/>'
        f'<v:textpath style="font-family:&quot;{escape(font)}&quot;;font-size:1pt" string="{words}"/>'
        "</v:shape>"
    )
    return paragraph("Header", f"<w:r><w:rPr><w:noProof/></w:rPr><w:pict>{_WORD_ART}{shape}</w:pict></w:r>")


def _char(kind: str, properties: str = "") -> str:
    return f'<w:r>{properties}<w:fldChar w:fldCharType="{kind}"/></w:r>'
