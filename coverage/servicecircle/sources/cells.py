"""What a single cell says: text, a number, degrees; full-width digits, units and blank marks included."""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata
from typing import Any

import pandas as pd

_BLANK = frozenset(
    {"", "-", "--", "—", "——", "/", "\\", "无", "空", "na", "n/a", "#n/a", "nan", "null", "none"}
)
_NUMBER = re.compile(
    r"(?:约|≈|~)?([-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?(?:e[-+]?\d+)?)"
    r"(万)?(张床位|张|床|人|户|处|间|岁|平方米|平米|m2|米|m|%|°|度)?"
)
_DMS = re.compile(r"(\d{1,3})(?:°|度)(\d{1,2})(?:′|'|分)(?:(\d{1,2}(?:\.\d+)?)(?:′′|''|″|\"|秒)?)?")
_HEMISPHERE = re.compile(r"东经|北纬|西经|南纬|[nsew]")
_NEGATIVE = frozenset({"西经", "南纬", "s", "w"})


def text(value: Any) -> str:
    """Return a cell as text, otherwise unchanged: whole numbers without `.0`, dates as ISO, nothing as ''."""
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(sep=" ")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def is_blank(value: Any) -> bool:
    """Tell whether a cell holds nothing, or a mark for nothing such as `—` or `无`."""
    return text(value).lower() in _BLANK


def number(value: Any) -> float:
    """
    Return the number in a cell such as `1,200`, `约３００张`, `85%` (0.85) or `5.1万`.

    NaN where there is none; an infinite number is none.
    """
    written = re.sub(r"\s", "", unicodedata.normalize("NFKC", text(value))).lower()
    found = _NUMBER.fullmatch(written)
    if not found:
        return math.nan
    digits, ten_thousands, unit = found.groups()
    figure = float(digits.replace(",", "")) * (10_000 if ten_thousands else 1)
    figure = figure / 100 if unit == "%" else figure
    return figure if math.isfinite(figure) else math.nan


def degrees(value: Any) -> float:
    """Return the coordinate in a cell such as `115.02`, `东经115.02°` or `115°01′12″E`; else NaN."""
    written = re.sub(r"\s", "", unicodedata.normalize("NFKC", text(value))).lower()
    marks = _HEMISPHERE.findall(written)
    bare = _HEMISPHERE.sub("", written) if len(marks) == 1 else written
    parts = _DMS.fullmatch(bare)
    if parts:
        whole, minutes, seconds = (float(part or 0) for part in parts.groups())
        figure = whole + minutes / 60 + seconds / 3600
    else:
        figure = number(bare)
    return -figure if marks and marks[0] in _NEGATIVE else figure
