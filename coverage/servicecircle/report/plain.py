"""Texts of unknown origin, fit to be printed: on one line, without what a file may not hold."""

from __future__ import annotations

import re
from itertools import pairwise

_UNPRINTED = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\ufff0-\uffff\ud800-\udfff]"
)
"""Control characters, those that turn the direction of writing, halves of pairs."""

_BLANKS = re.compile(r"[^\S\u3000]+")
"""All blanks but the wide one of Chinese text."""


def plain(text: str) -> str:
    """Return a text as it is printed."""
    return _BLANKS.sub(" ", _UNPRINTED.sub("", text)).strip(" ")


def width_em(text: str) -> float:
    """Return about how wide a text is, in widths of a Chinese character."""
    letters = sum(1.0 if _is_wide(letter) else 0.55 for letter in text)
    gaps = sum(_is_wide(a) != _is_wide(b) for a, b in pairwise(text) if a.isalnum() and b.isalnum())
    return letters + gaps / 4


def _is_wide(letter: str) -> bool:
    return ord(letter) > 0x2E7F or letter in "—…“”"
