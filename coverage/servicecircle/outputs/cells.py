"""Values of unknown origin, made plain and safe for tables and layers."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import pandas as pd

_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def printable(text: str) -> str:
    """Return a text without the characters that XML, SQLite or UTF-8 cannot hold."""
    return _NOT_TEXT.sub("", text)


def harmless(text: str) -> str:
    """Return a printable text that no spreadsheet takes for a formula: those get a leading `'`."""
    text = printable(text)
    return f"'{text}" if text.startswith(_FORMULA) else text


def plain_value(value: Any) -> str | float | int | bool | None:
    """Return a cell as one of Python's own types; None for what is missing, NaN or infinite."""
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | float | int) else str(value)
