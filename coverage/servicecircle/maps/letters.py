"""The letters of pictures: one small font cut from an installed one, so that no picture shows a box."""

from __future__ import annotations

import io
import struct
import tempfile
import unicodedata
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from servicecircle import words
from servicecircle.kinds import KINDS
from servicecircle.maps.fonts import chinese_fonts, font_folders

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pandas as pd
    from fontTools.ttLib import TTFont

    from servicecircle.findings import Findings
    from servicecircle.study import Study

MM_PER_POINT = 25.4 / 72
ELLIPSIS = "…"
_STAND_INS = "〓□?"
"""What stands for a letter that the font lacks: the first of these that it has."""

_SAMPLE = "养老服务圈覆盖缺口图例约处"
_NO_LINE_START = "，。；：、！？）》”’…,.;:!?)%"
_MADE_AT = 3_000_000_000
"""When the small font says that it was made, in seconds since 1904: the same bytes at any time."""


@dataclass(frozen=True, slots=True)
class Face:
    """A font file, and which of its faces; `letters` are the code points it has."""

    path: Path
    number: int
    letters: frozenset[int]

    def lacks(self, text: str) -> set[str]:
        """Return the letters of a text that the font lacks."""
        return {letter for letter in clean(text) if ord(letter) not in self.letters}


@dataclass(frozen=True, slots=True)
class Letters:
    """
    A font as a picture uses it.

    Parameters
    ----------
    path
        The small font.
    widths
        Advance of every letter it has, as a share of the size.
    stand_in
        What is written for any other letter.
    """

    path: Path
    widths: dict[str, float]
    stand_in: str

    def written(self, text: str) -> str:
        """Return a text as the picture writes it: on one line, without letters that the font lacks."""
        return "".join(letter if letter in self.widths else self.stand_in for letter in clean(text))

    def width_mm(self, text: str, size_pt: float) -> float:
        """Return how wide a text is."""
        return sum(self.widths[letter] for letter in self.written(text)) * size_pt * MM_PER_POINT

    def cut(self, text: str, room_mm: float, size_pt: float) -> str:
        """Return as much of a text as there is room for; an ellipsis shows that it goes on."""
        text = self.written(text)
        if self.width_mm(text, size_pt) <= room_mm:
            return text
        room_mm -= self.width_mm(ELLIPSIS, size_pt)
        kept, wide = "", 0.0
        for letter in text:
            wide += self.widths[letter] * size_pt * MM_PER_POINT
            if wide > room_mm:
                break
            kept += letter
        return kept.rstrip() + ELLIPSIS

    def lines(self, text: str, room_mm: float, size_pt: float, *, most: int) -> list[str]:
        """Return a text in lines, at most so many: the last one is cut."""
        found: list[str] = []
        left = self.written(text)
        while left and len(found) < most - 1 and self.width_mm(left, size_pt) > room_mm:
            at = self._break(left, room_mm, size_pt)
            found.append(left[:at].rstrip())
            left = left[at:].lstrip()
        return [*found, self.cut(left, room_mm, size_pt)] if left else found

    def _break(self, text: str, room_mm: float, size_pt: float) -> int:
        """Return where a line ends: behind a blank or a Chinese letter, never before a full stop."""
        wide, best = 0.0, 0
        for at, letter in enumerate(text):
            breaks = letter == " " or not (letter.isascii() and text[at - 1].isascii())
            if at and breaks and letter not in _NO_LINE_START:
                best = at
            wide += self.widths[letter] * size_pt * MM_PER_POINT
            if wide > room_mm:
                return best or max(at, 1)
        return len(text)


def clean(text: str) -> str:
    """Return a text on one line, without control, direction and other unseen characters."""
    seen = (
        " " if letter.isspace() else letter
        for letter in unicodedata.normalize("NFC", text)
        if letter.isspace() or unicodedata.category(letter)[0] != "C"
    )
    return " ".join("".join(seen).split())


def texts_of(study: Study, zones: pd.DataFrame, facilities: pd.DataFrame) -> list[str]:
    """Return what a study's pictures may write besides our own words."""
    found = [study.study.name, study.study.maker, study.streets.credit or "", study.output.map_review]
    found += [circle.name for circle in study.circles]
    for column in (zones["name"], facilities["kind"]):
        found += [str(text) for text in column.dropna().unique()]
    return sorted(set(found))


def say_letters(study: Study, zones: pd.DataFrame, facilities: pd.DataFrame, findings: Findings) -> None:
    """Tell where no font is found for the pictures, and how many names hold letters that the font lacks."""
    if not study.output.pictures:
        return
    texts = texts_of(study, zones, facilities)
    face = find_face(study, texts)
    if face is None:
        findings.note("output.no_font", subject=study.output.font or "")
        return
    lacking = {text: face.lacks(text) for text in texts}
    rare = sorted(set().union(*lacking.values()) - {" "})
    if rare:
        names = sum(bool(letters) for letters in lacking.values())
        written = " ".join(f"{letter} U+{ord(letter):04X}" for letter in rare[:10])
        findings.note("output.rare_letters", subject=face.path.name, names=names, letters=written)


def find_face(study: Study, texts: Iterable[str]) -> Face | None:
    """
    Return the font for a study's pictures, or None where none has the letters of its language.

    The study's own font comes first; then, for Chinese, the machine's; English pictures take the font that
    comes with matplotlib, unless the names on them need a Chinese one.
    """
    written = "".join(texts)
    if study.output.font is not None:
        return _face_of(study.locate(study.output.font), study.language)
    if study.language == "zh":
        return _chinese_face()
    latin = _face_of(_matplotlib_font(), "en")
    if latin is not None and any("CJK" in unicodedata.name(one, "") for one in latin.lacks(written)):
        return _chinese_face() or latin
    return latin


def own_words(language: words.Language) -> str:
    """Return every letter of our own words, and those of figures."""
    column = 0 if language == "zh" else 1
    said = [entry[column] for entry in words.table("pages").values()]
    labels = words.table("labels")
    said += [entry[column] for group in labels.values() for entry in group.values() if len(entry) == 2]
    said += [kind.zh if language == "zh" else kind.en for kind in KINDS.values()]
    ascii_letters = "".join(map(chr, range(32, 127)))
    return "".join(sorted(set("".join(said) + ascii_letters + ELLIPSIS + "©—–·" + _STAND_INS)))


@contextmanager
def letters_of(face: Face, texts: Iterable[str], language: words.Language) -> Iterator[Letters]:
    """Cut the small font for some texts; it is there until the block ends."""
    wanted = sorted({ord(one) for one in clean_all([own_words(language), *texts])} & face.letters)
    with tempfile.TemporaryDirectory(prefix="letters-", ignore_cleanup_errors=True) as folder:
        path = Path(folder, "letters.ttf")
        widths = _small_font(face, wanted, path)
        stand_in = next(one for one in _STAND_INS if one in widths)
        yield Letters(path, widths, stand_in)


def clean_all(texts: Iterable[str]) -> set[str]:
    """Return every letter of some texts, cleaned."""
    return {letter for text in texts for letter in clean(text)} | {" "}


@cache
def _chinese_face() -> Face | None:
    faces = (_face_of(path, "zh") for path in chinese_fonts(font_folders()))
    return next((face for face in faces if face is not None), None)


def _matplotlib_font() -> Path:
    import matplotlib as mpl

    return Path(mpl.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")


@cache
def _face_of(path: Path, language: words.Language) -> Face | None:
    """Return the face of a font file that writes a language; for Chinese, the simplified one first."""
    from fontTools.ttLib import TTLibError

    needed = {ord(letter) for letter in (_SAMPLE if language == "zh" else "Aa0")}
    trouble = (TTLibError, struct.error, OSError, ValueError, LookupError, AttributeError, AssertionError)
    with suppress(*trouble):  # what damaged fonts, and those of unknown kinds, raise
        for number in _faces_by_fit(path):
            with suppress(*trouble), _opened(path, number) as font:
                known = frozenset(font.getBestCmap() or ())
                if needed <= known:
                    return Face(path, number, known)
    return None


def _faces_by_fit(path: Path) -> list[int]:
    """Return the numbers of a file's faces: simplified Chinese before Japanese, even widths last."""
    from fontTools.ttLib import TTCollection

    if path.suffix.lower() not in {".ttc", ".otc"}:
        return [0]
    with TTCollection(io.BytesIO(path.read_bytes()), lazy=True) as faces:
        names = [str(face["name"].getDebugName(1)) for face in faces.fonts]
    return sorted(range(len(names)), key=lambda k: ("Mono" in names[k], not _simplified(names[k]), k))


def _simplified(name: str) -> bool:
    return any(f" {word}" in f" {name}" for word in ("SC", "CN", "GB", "Hans")) or name.endswith(("SC", "CN"))


def _opened(path: Path, number: int) -> TTFont:
    from fontTools.ttLib import TTFont

    return TTFont(io.BytesIO(path.read_bytes()), fontNumber=number, lazy=True)


def _small_font(face: Face, wanted: list[int], path: Path) -> dict[str, float]:
    """
    Write a TrueType font of the wanted letters, and return their advances.

    A face of a collection, or one with PostScript outlines, cannot go into a PDF as it is.
    """
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    with _opened(face.path, face.number) as font:
        units = font["head"].unitsPerEm
        glyphs, metrics, names = {".notdef": TTGlyphPen(None).glyph()}, {".notdef": (units, 0)}, {}
        by_code, shapes = font.getBestCmap(), font.getGlyphSet()
        for code in wanted:
            name = names[code] = f"u{code:05X}"
            glyphs[name] = _outline(shapes, by_code[code], units)
            metrics[name] = (round(shapes[by_code[code]].width), 0)
        ascent, descent = font["hhea"].ascent, font["hhea"].descent
    made = FontBuilder(units, isTTF=True)
    made.setupGlyphOrder(list(glyphs))
    made.setupCharacterMap(names)
    made.setupGlyf(glyphs)
    sides = {name: (wide, getattr(glyphs[name], "xMin", 0)) for name, (wide, _) in metrics.items()}
    made.setupHorizontalMetrics(sides)
    made.setupHorizontalHeader(ascent=ascent, descent=descent)
    made.setupNameTable({"familyName": "Letters", "styleName": "Regular", "psName": "Letters-Regular"})
    made.setupOS2()
    made.setupPost()
    made.font["head"].created = made.font["head"].modified = _MADE_AT
    made.font.recalcTimestamp = False
    made.save(path)
    return {chr(code): metrics[name][0] / units for code, name in names.items()}


def _outline(shapes: Any, name: str, units: int) -> Any:
    from fontTools.pens.cu2quPen import Cu2QuPen
    from fontTools.pens.recordingPen import DecomposingRecordingPen
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    drawn, whole = TTGlyphPen(None), DecomposingRecordingPen(shapes)
    shapes[name].draw(whole)
    whole.replay(Cu2QuPen(drawn, units / 1000, reverse_direction=False))
    return drawn.glyph()
