"""How a report looks: fonts, sizes, logo and order of sections, which an office may set in a style file."""

from __future__ import annotations

import io
import tomllib
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from servicecircle.errors import InputError
from servicecircle.slips import line_of, toml_slip, wrong_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL import Image

    from servicecircle.report.model import Report, Section

FontName = Annotated[str, Field(pattern=r"^[\w .()_-]{1,60}$")]
"""A font's name: letters of any script, no quotes or signs that a style sheet would read."""

Size = Annotated[float, Field(ge=5, le=72, allow_inf_nan=False)]
SECTIONS = (
    "overall", "changes", "trend", "maps", "clauses", "gaps", "tasks", "supply", "sensitivity", "townships",
    "quality", "methods", "caveats",
)  # fmt: skip
"""Those that a full report may have; one that has nothing to say is not there, but may be named."""

MOST_PIXELS = 40_000_000
_LOGO_DPI = 300


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Fonts(_Part):
    """`[fonts]`: the fonts of a Chinese report, named and not shipped, and the one of Latin letters."""

    title: FontName = "方正小标宋简体"
    heading1: FontName = "黑体"
    heading2: FontName = "楷体_GB2312"
    heading3: FontName = "仿宋_GB2312"
    body: FontName = "仿宋_GB2312"
    table: FontName = "宋体"
    latin: FontName = "Times New Roman"


class Sizes(_Part):
    """`[sizes]`, in points: by default those of GB/T 9704-2012, 二号 for the title and 三号 for the rest."""

    title: Size = 22
    heading: Size = 16
    body: Size = 16
    line: Size = 28.95
    caption: Size = 12
    table: Size = 10.5
    note: Size = 9


_ENGLISH = Sizes(title=20, heading=14, body=11.5, line=17, caption=10, table=9.5, note=8.5)
_SHEET = Sizes(title=16, heading=12, body=10.5, line=16, caption=9.5, table=9, note=7.5)
"""A township's sheet has to fit a page."""


class Logo(_Part):
    """`[logo]`: a picture above the title, and how wide it is printed."""

    file: Annotated[str, Field(min_length=1)]
    width_mm: Annotated[float, Field(ge=5, le=150, allow_inf_nan=False)] = 30


class Sections(_Part):
    """`[sections]` of the full report: those to begin with, and those to leave out, by their names."""

    order: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()


class Style(_Part):
    """
    A style file, read and checked.

    Parameters
    ----------
    logo_png
        The logo, of known size and without what else its file held.
    path
        The file it came from.
    """

    fonts: Fonts = Fonts()
    sizes: Sizes = Sizes()
    logo: Logo | None = None
    sections: Sections = Sections()
    logo_png: bytes = Field(default=b"", exclude=True, repr=False)
    path: Path | None = Field(default=None, exclude=True)
    text: str = Field(default="", exclude=True, repr=False)

    def sizes_of(self, report: Report) -> Sizes:
        """Return the sizes of a report: the file's where it gives any; a sheet keeps its own."""
        if report.kind == "sheet":
            return _SHEET
        given = self.sizes.model_dump(exclude_unset=True)
        return (Sizes() if report.language == "zh" else _ENGLISH).model_copy(update=given)

    def ordered(self, report: Report) -> Report:
        """
        Return the full report with its sections in the order of the style; the others follow as they stood.

        Bulletins and sheets have fixed forms and stay as they are.

        Raises
        ------
        InputError
            The style names a section that the report does not have.
        """
        wanted = self.sections
        if report.kind != "full" or not (wanted.order or wanted.leave_out):
            return report
        for key, names in (("order", wanted.order), ("leave_out", wanted.leave_out)):
            self._check(key, names, report)
        first = {name: place for place, name in enumerate(wanted.order)}
        ordered = sorted(report.sections, key=lambda section: first.get(section.name, len(first)))
        return replace(report, sections=_without(tuple(ordered), frozenset(wanted.leave_out)))

    def _check(self, key: str, names: tuple[str, ...], report: Report) -> None:
        top = [section.name for section in report.sections]
        known = dict.fromkeys((*SECTIONS, *(top if key == "order" else _names(report.sections))))
        for name in names:
            if name not in known:
                where = f"{self.path}:{line_of(self.text, ['sections', key])}"
                raise InputError("report.unknown_section", where=where, name=name, known=", ".join(known))


def read_style(path: Path | None) -> Style:
    """
    Read a style file; without one, return the style of GB/T 9704-2012.

    Raises
    ------
    InputError
        With the line and the mend: no such file, not TOML, unknown key, wrong value, a logo that is none.
    """
    if path is None:
        return Style()
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, ValueError) as error:
        raise InputError("report.no_style", where=str(path), why=_why(error)) from error
    try:
        style = Style.model_validate({**tomllib.loads(text), "path": path, "text": text, "logo_png": b""})
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise toml_slip(path, text, error) from error
    except ValidationError as error:
        raise wrong_value(path, text, error) from error
    logo_png = b"" if style.logo is None else _read_logo(path, text, style.logo)
    return style.model_copy(update={"logo_png": logo_png})


def _read_logo(path: Path, text: str, logo: Logo) -> bytes:
    """Return the logo as a PNG no larger than print needs."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = _opened((path.parent / logo.file).read_bytes())
    except (
        OSError,
        ValueError,
        SyntaxError,
        MemoryError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:
        where = f"{path}:{line_of(text, ['logo', 'file'])}"
        raise InputError(
            "report.bad_logo", where=where, why=_why(error), most=MOST_PIXELS // 1_000_000
        ) from error
    wide = round(logo.width_mm / 25.4 * _LOGO_DPI)
    if picture.width > wide:
        picture = picture.resize((wide, max(1, round(picture.height * wide / picture.width))))
    paper = Image.new("RGB", picture.size, "white")
    paper.paste(picture, mask=picture)
    out = io.BytesIO()
    paper.save(out, "PNG", optimize=True)
    return out.getvalue()


def _opened(raw: bytes) -> Image.Image:
    from PIL import Image

    picture = Image.open(io.BytesIO(raw), formats=["PNG", "JPEG"])
    if picture.width * picture.height > MOST_PIXELS:
        raise ValueError(f"{picture.width} × {picture.height}")
    return picture.convert("RGBA")


def _why(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)


def _names(sections: tuple[Section, ...]) -> Iterator[str]:
    for section in sections:
        yield section.name
        yield from _names(section.sections)


def _without(sections: tuple[Section, ...], names: frozenset[str]) -> tuple[Section, ...]:
    return tuple(
        replace(section, sections=_without(section.sections, names))
        for section in sections
        if section.name not in names
    )
