"""Slips in a study file: the line, what is wrong with it, and the mend."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from servicecircle import words
from servicecircle.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import ValidationError


def toml_slip(path: Path, text: str, error: Exception) -> InputError:
    """Return what is wrong with a study file that is no TOML."""
    found = re.search(r"at line (\d+)", str(error))
    line = int(found.group(1)) if found else text.count("\n") + 1
    lines = text.splitlines()
    content = lines[line - 1].strip() if 0 < line <= len(lines) else ""
    return InputError(
        _slip_code(content, str(error)), where=f"{path}:{line}", why=str(error), content=content
    )


def _slip_code(content: str, why: str) -> str:
    if "overwrite" in why or "twice" in why:
        return "study.repeated"
    if re.search(r'"[^"]*\\[^"]*"', content):
        return "study.backslash"
    bare = re.sub(r'"[^"]*"|\'[^\']*\'', "", content)
    return "study.full_width" if re.search("[“”‘’＝［］，]", bare) else "study.not_toml"


def wrong_value(
    path: Path, text: str, error: ValidationError, *, where: list[Any] | None = None
) -> InputError:
    """
    Return which key is wrong, in which line, and what it takes.

    Parameters
    ----------
    where
        Where the key stands in the file, if not where pydantic says.
    """
    first = error.errors(include_url=False)[0]
    if where is None:
        where = [part for part in first["loc"] if not (isinstance(part, str) and part in {"function-after"})]
    key = ".".join(str(part) for part in where)
    place = f"{path}:{line_of(text, where)}"
    if first["type"] == "extra_forbidden":
        return InputError("study.unknown_key", where=place, key=key)
    if first["type"] == "missing":
        return InputError("study.missing_key", where=place, key=key)
    why = {"why": _wanted(first, "en"), "why_zh": _wanted(first, "zh")}
    return InputError("study.wrong_value", where=place, key=key, **why)


def _wanted(slip: Any, language: words.Language) -> str:
    """Say what a key takes; pydantic's own words where the word list has none."""
    sentence = words.label("slip", slip["type"], language)
    return slip["msg"] if sentence == slip["type"] else sentence.format_map(slip.get("ctx", {}))


def line_of(text: str, where: list[Any]) -> int:
    """Return the line of a key: follow table headers, then `key =`; the nearest table's line otherwise."""
    names = [part for part in where if isinstance(part, str)]
    index = next((part for part in where if isinstance(part, int)), 0)
    best, depth, seen, table = 1, -1, -1, []
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[{1,2}([^\]]+)\]", line)
        key = re.match(r"\s*([\w-]+)\s*=", line)
        if header:
            table = [part.strip() for part in header.group(1).split(".")]
            seen += table == names[:1] and line.lstrip().startswith("[[")
            path = table
        elif key:
            path = [*table, key.group(1)]
        else:
            continue
        common = next(
            (i for i, (a, b) in enumerate(zip(path, names, strict=False)) if a != b),
            min(len(path), len(names)),
        )
        if common == len(path) and common > depth and (seen < 0 or seen == index):
            best, depth = number, common
    return best
