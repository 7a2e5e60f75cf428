"""Division codes (统计用区划代码), read from whatever a spreadsheet made of them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Literal

from servicecircle.sources.cells import text

LEVELS = ("prefecture", "county", "township", "village")
"""From the top down."""

PREFIX = {"prefecture": 4, "county": 6, "township": 9, "village": 12}
"""How many of the 12 digits name a zone of each level."""

_CLASS_CODE = re.compile(r"11[12]|12[123]|210|220")
_NUMBER = re.compile(r"\d+\.\d*([eE]\+?\d{1,3})?|\d+[eE]\+?\d{1,3}")
_EXACT = 2**53
"""Whole numbers above it are rounded as floats: the class code behind a code is lost, the code is not."""

Flaw = Literal["", "missing", "destroyed", "foreign", "upper"]


@dataclass(frozen=True, slots=True)
class Code:
    """
    A code as it was read.

    Parameters
    ----------
    text
        12 digits; for a foreign code, what was written.
    class_code
        The 城乡分类代码 that followed the 12 digits, if one did.
    flaw
        `destroyed`: a spreadsheet rounded it; `foreign`: no division code; `upper`: a village code without
        village digits.
    """

    text: str
    class_code: str = ""
    flaw: Flaw = ""


def read_code(value: object, *, level: str = "") -> Code:
    """
    Return the code in a cell.

    Short codes are padded where their length is that of `level` (of any upper level where none is given);
    15 (12 + 3) and 17 digits (12 + 2 + 3) end in a class code.
    """
    written = text(value)
    if not written:
        return Code("", flaw="missing")
    digits = re.sub(r"[\s'’‘`\-]", "", unicodedata.normalize("NFKC", written))
    if _NUMBER.fullmatch(digits):
        digits = _whole(digits)
        if not digits:
            return Code(written, flaw="destroyed")
    if not (digits.isascii() and digits.isdigit()):
        return Code(written, flaw="foreign")
    rounded = isinstance(value, float) and value >= _EXACT
    return _of_length(digits[:12] if rounded else digits, written, level)


def _whole(number: str) -> str:
    """Return the digits of a number with a point or an exponent; nothing where some were rounded away."""
    try:
        exact = Decimal(number)
    except InvalidOperation:
        return ""
    exponent = exact.as_tuple().exponent
    rounded = not isinstance(exponent, int) or exponent > 0 or exact != int(exact) or exact >= _EXACT
    return "" if rounded else str(int(exact))


def _of_length(digits: str, written: str, level: str) -> Code:
    length = len(digits)
    if length in {15, 17}:
        tail = digits[-3:]
        return Code(digits[:12], class_code=tail if _CLASS_CODE.fullmatch(tail) else "")
    short = (PREFIX[level],) if level else tuple(PREFIX.values())
    if length in short:
        digits = digits.ljust(12, "0")
    if len(digits) != PREFIX["village"]:
        return Code(written, flaw="foreign")
    return Code(digits, flaw="upper" if level == "village" and digits.endswith("000") else "")


def is_division_code(code: str) -> bool:
    """Tell whether a code's digits name its parents."""
    return len(code) == PREFIX["village"] and code.isascii() and code.isdigit()


def parent_code(code: str, level: str) -> str:
    """
    Return the code of the zone of a level above that a code belongs to; nothing where its digits name none.

    Counties whose digits 3-4 are 90 are led by the province: they have no prefecture.
    """
    if not is_division_code(code) or (level == "prefecture" and code[2:4] == "90"):
        return ""
    return code[: PREFIX[level]].ljust(12, "0")
