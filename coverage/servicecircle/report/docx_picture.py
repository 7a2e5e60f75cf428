"""A picture in a Word document: how large it stands there, and what it shows in words."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from servicecircle.report.plain import plain

if TYPE_CHECKING:
    from servicecircle.report.pictures import Picture

_EMU_PER_MM = 36_000


@dataclass(frozen=True, slots=True)
class Placed:
    """A picture as it is put into the document, and how large it is printed, in mm."""

    png: bytes
    width: float
    height: float


def fitted(picture: Picture, *, room: tuple[float, float]) -> Placed:
    """Return a picture, fitted to the width and height that there is room for, in mm."""
    width = min(room[0], picture.drawn_mm, room[1] * picture.width / picture.height)
    return Placed(picture.png, width, width * picture.height / picture.width)


def drawing(picture: Placed, relation: str, number: int, *, name: str, alt: str) -> str:
    """Return the run that shows a picture in the line."""
    size = f'cx="{round(picture.width * _EMU_PER_MM)}" cy="{round(picture.height * _EMU_PER_MM)}"'
    known = f'id="{number}" name="{escape(plain(name))}"'
    said = f'descr="{escape(plain(alt))}"'
    return (
        '<w:r><w:drawing><wp:inline distT="0" distB="0" distL="0" distR="0">'
        f"<wp:extent {size}/><wp:docPr {known} {said}/><wp:cNvGraphicFramePr>"
        '<a:graphicFrameLocks noChangeAspect="1"/></wp:cNvGraphicFramePr><a:graphic>'
        '<a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/picture">'
        f"<pic:pic><pic:nvPicPr><pic:cNvPr {known} {said}/><pic:cNvPicPr/></pic:nvPicPr>"
        f'<pic:blipFill><a:blip r:embed="{relation}"/><a:stretch><a:fillRect/></a:stretch></pic:blipFill>'
        f'<pic:spPr><a:xfrm><a:off x="0" y="0"/><a:ext {size}/></a:xfrm><a:prstGeom prst="rect"><a:avLst/>'
        "</a:prstGeom></pic:spPr></pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r>"
    )
