"""A figure as a report prints it, and as a workbook holds it: never two roundings of one number."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from servicecircle.maps.text import EMPTY

if TYPE_CHECKING:
    from servicecircle.maps.text import Text
    from servicecircle.report.model import Format


def known(value: Any) -> bool:
    """Tell whether there is a value to print."""
    if value is None or value == "":
        return False
    return bool(pd.notna(value)) and not (isinstance(value, float) and math.isinf(value))


def shown(value: Any, style: Format, text: Text) -> str:
    """Return a value as it is printed; a dash where it is unknown."""
    if not known(value):
        return EMPTY
    if style in {"text", "code"}:
        return str(value)
    if style == "date":
        return text.date(dt.date.fromisoformat(str(value)[:10]))
    number = float(value)
    plain = {
        "count": text.count, "people": text.people, "share": text.share, "metres": text.count,
        "minutes": text.minutes,
    }  # fmt: skip
    if style in plain:
        return plain[style](number)
    printed = f"{number:.1f}"
    if float(printed) == 0:
        return "0.0"  # never -0.0, and no change has no sign
    return f"{number:+.1f}" if style == "points" else printed
