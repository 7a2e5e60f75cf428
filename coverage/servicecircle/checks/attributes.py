"""What words in facility tables and registers say: yes or no, who owns and runs it, and from which day."""

from __future__ import annotations

import calendar
import datetime as dt
import math
import re

from servicecircle.sources.cells import day, folded

_UNKNOWN = re.compile(r"不详|不明|不清楚|不知|未知|未填|未报|未定|待.*")
_YES = re.compile(
    r"是|有|对|√|✓|✔|☑|y|yes|true|t|1|均有|已.{0,8}"
    r"|(?:全部|均|经)?.{0,4}(?:完成|达标|合格|通过|符合|签订|签约|开工|移交|交付|配建)(?:验收|标准|要求|改造|协议)?"
)
_NO = re.compile(r"否|无|×|✗|✘|☐|x|n|no|false|f|0|(?:未|没|无|不|尚未|正在|拟).{0,10}")
_BOTH = re.compile(
    r"(?:公建|公办)(?:.{0,2}(?:民营|民办)|.{0,4}(?:社会|企业).{0,4}(?:运营|经营))|public.?private"
)
_PUBLIC = re.compile(r"公办|公建|公有|公营|国有|国资|国企|政府|民政|事业单位|^public$")
_PRIVATE = re.compile(r"民办|民营|民建|私|企业|社会|个人|个体|^private$")
_FUNCTIONS = (
    re.compile("日间照料|日托|日间|daycare"),
    re.compile("文化|娱乐|文娱|活动|culture|recreation"),
    re.compile("康复|护理|rehabilitation|nursing"),
)
"""日间照料、文化娱乐、康复护理: what 综合服务功能 names."""

_UNTIL = re.compile(r"^(?:到|截至|截止)|(?:之前|以前|前|底|末|止)$")


def yes_no(cell: object) -> float:
    """Return 1.0 or 0.0 for a cell that says yes or no, such as `√`, `无`, `已完成`; NaN for any other."""
    written = folded(cell)
    if _UNKNOWN.fullmatch(written):
        return math.nan
    if _NO.fullmatch(written):
        return 0.0
    return 1.0 if _YES.fullmatch(written) else math.nan


def operator_type(written: str) -> str:
    """Return `public`, `private` or `public_private` (公建民营); "" where words tell none, as 村集体."""
    plain = folded(written)
    if _BOTH.search(plain):
        return "public_private"
    return owner_type(written)


def owner_type(written: str) -> str:
    """Return `public` or `private` for words such as 公建民营 or 社会力量举办; "" where they tell neither."""
    plain = folded(written)
    if _PUBLIC.search(plain):
        return "public"
    return "private" if _PRIVATE.search(plain) else ""


def has_functions(written: str) -> float:
    """Tell whether a text names day care, culture and rehabilitation; NaN where there is no text."""
    plain = folded(written)
    return float(all(function.search(plain) for function in _FUNCTIONS)) if plain else math.nan


def first_day(written: str) -> str:
    """Return the first day of a date such as `2021`, `2021年5月` or `2021-05-01`; "" for what is none."""
    parts = _parts(written)
    return "-".join([*parts, "01", "01"][:3]) if parts else ""


def last_day(written: str) -> str:
    """Return the last day of a date such as `2025年底`, `2021年5月` or `2021-05-01`; "" for what is none."""
    parts = _parts(_UNTIL.sub("", _UNTIL.sub("", folded(written))))
    if not parts:
        return ""
    year, month = int(parts[0]), int(parts[1]) if len(parts) > 1 else 12
    last = calendar.monthrange(year, month)[1]
    return f"{year}-{month:02}-{parts[2] if len(parts) > 2 else last}"


def _parts(written: str) -> list[str]:
    iso = day(written)[:10]
    if not re.fullmatch(r"\d{4}(-\d{2}){0,2}", iso):
        return []
    parts = iso.split("-")
    try:
        dt.date(*(int(part) for part in [*parts, "1", "1"][:3]))
    except ValueError:
        return []
    return parts
