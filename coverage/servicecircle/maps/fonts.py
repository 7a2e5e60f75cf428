"""Where Chinese fonts lie on a machine, the best one first; nothing heavy is imported here."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_CHINESE = re.compile(
    r"msyh|simhei|simsun|simkai|simfang|deng|pingfang|stheiti|songti|hiragino sans gb|wqy|wenquan|uming|ukai"
    r"|lxgw|fandol|droidsansfallback|(noto|source ?han).*(cjk|sc|cn|hans)",
    re.IGNORECASE,
)
_BEST_FIRST = tuple(
    re.compile(name, re.IGNORECASE)
    for name in (
        r"noto ?sans.*(cjk|sc)", r"source ?han ?sans", r"msyh", r"pingfang", r"simhei", r"deng",
        r"wqy|wenquan", r"hiragino|stheiti", r"droid|lxgw",
    )
)  # fmt: skip
"""Fonts without serifs first: small letters stay legible."""

_OTHER_CUT = re.compile(
    r"bold|bd\.|black|heavy|thin|light|msyhl|medium|mono|italic|-[dl]\.|dengb|dengl", re.IGNORECASE
)
_SUFFIXES = {".ttf", ".ttc", ".otf", ".otc"}


def font_folders() -> list[Path]:
    """Return where fonts lie on Windows, macOS and Linux."""
    home = Path.home()
    return [
        Path(os.environ.get("WINDIR", "C:/Windows"), "Fonts"),
        Path(os.environ.get("LOCALAPPDATA", home), "Microsoft/Windows/Fonts"),
        Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts",
        Path("/usr/share/fonts"), Path("/usr/local/share/fonts"),
        home / ".local/share/fonts", home / ".fonts",
    ]  # fmt: skip


def chinese_fonts(folders: Iterable[Path]) -> list[Path]:
    """Return the font files whose name is that of a Chinese font, the best one to read first."""
    found = [
        Path(place, name)
        for folder in folders
        for place, _, files in os.walk(folder)
        for name in files
        if Path(name).suffix.lower() in _SUFFIXES and _CHINESE.search(name)
    ]
    return sorted(found, key=lambda path: (_rank(path.name), path.name, str(path)))


def _rank(name: str) -> tuple[bool, int]:
    """Return how well a font reads on a map: the regular cut of a known family first."""
    known = (number for number, family in enumerate(_BEST_FIRST) if family.search(name))
    return bool(_OTHER_CUT.search(name)), next(known, len(_BEST_FIRST))
