"""Pictures of reports: no more pixels than print shows, and each made small once for all files."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PIL import Image

from servicecircle.errors import OutputError

if TYPE_CHECKING:
    from pathlib import Path

    from servicecircle.report.model import Figure

MOST_PIXELS, COLOURS = 1400, 128
"""A figure as wide as the text of an A4 page has some 230 pixels an inch then."""

_DPI = 200.0
"""Of a picture that does not say."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG file's bytes, its size in pixels, and how wide the picture was drawn, in mm."""

    png: bytes
    width: int
    height: int
    drawn_mm: float


@dataclass(frozen=True, slots=True)
class Album:
    """The pictures of reports that are written together."""

    made: dict[Path, Picture] = field(default_factory=dict)

    def picture(self, figure: Figure) -> Picture:
        """
        Return a figure's picture.

        Raises
        ------
        OutputError
            It is not there, or is none.
        """
        if figure.path not in self.made:
            try:
                self.made[figure.path] = _small(figure.path)
            except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
                why = (isinstance(error, OSError) and error.strerror) or str(error)
                where = str(figure.path)
                raise OutputError("report.no_picture", where=where, title=figure.title, why=why) from error
        return self.made[figure.path]


def _small(path: Path) -> Picture:
    """Return a picture as a PNG with a palette; as it is where that is small already."""
    kept = path.read_bytes()
    with Image.open(io.BytesIO(kept)) as opened:
        wide, high = opened.size
        drawn_mm = wide / (float(opened.info.get("dpi", (_DPI,))[0]) or _DPI) * 25.4
        few = opened.mode == "P" and opened.format == "PNG"
        image = opened.convert("RGB")
    if few and wide <= MOST_PIXELS:
        return Picture(kept, wide, high, drawn_mm)
    if wide > MOST_PIXELS:
        wide, high = MOST_PIXELS, max(1, round(high * MOST_PIXELS / wide))
        image = image.resize((wide, high), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.quantize(COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(out, "PNG")
    return Picture(out.getvalue(), wide, high, drawn_mm)
