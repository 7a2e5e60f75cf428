"""Cells of an .xlsx sheet that are merged downwards."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from servicecircle.sources.blocks import Merge

_CHUNK, _OVERLAP = 1 << 20, 64
_END_OF_CELLS = re.compile(rb"</(?:\w+:)?sheetData\s*>")
_MERGE = re.compile(rb"mergeCell\s[^>]*?ref=[\"']([A-Z]{1,3})(\d{1,7}):[A-Z]{1,3}(\d{1,7})[\"']")
_MOST = 1 << 17
"""Merges read of a sheet; no honest one has more."""


def merges_in(worksheet: Any) -> list[Merge]:
    """
    Return the cells of a sheet that are merged over several rows.

    openpyxl does not tell them of a sheet that it reads row by row: they stand behind its cells.
    """
    found = _MERGE.findall(_behind_cells(worksheet))[:_MOST]
    merges = [(int(top), int(bottom), _column(letters)) for letters, top, bottom in found]
    return [(top, bottom, column) for top, bottom, column in merges if bottom > top]


def _behind_cells(worksheet: Any) -> bytes:
    """Return what stands behind the last cell in the sheet's XML."""
    kept: bytes = b""
    with worksheet.parent._archive.open(worksheet._worksheet_path) as stream:
        while chunk := stream.read(_CHUNK):
            kept = kept[-_OVERLAP:] + chunk
            if end := _END_OF_CELLS.search(kept):
                behind: bytes = stream.read(_CHUNK * 16)
                return kept[end.end() :] + behind
    return b""


def _column(letters: bytes) -> int:
    """Return a column from 0: `A`, `Z`, `AA` as 0, 25, 26."""
    number = 0
    for letter in letters:
        number = 26 * number + letter - 64
    return number - 1
