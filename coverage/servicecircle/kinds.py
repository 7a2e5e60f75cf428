"""Kinds and statuses of facilities, and which kinds satisfy which circle: data, read from `kinds.toml`."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

COUNTING_STATUS = "operating"
"""The only status that counts; every other one is listed and left out."""


@dataclass(frozen=True, slots=True)
class Kind:
    """
    A facility kind: its names, and the patterns by which a written name is recognised.

    Parameters
    ----------
    level
        The units that it serves, in the documents' words.
    satisfies
        What else it counts as where a clause asks for it.
    """

    code: str
    zh: str
    en: str
    patterns: tuple[str, ...]
    level: tuple[str, ...]
    satisfies: tuple[str, ...]


_REMEMBERED = 4096
"""Written types and statuses of a long table are few."""


def _read() -> dict[str, dict[str, dict[str, object]]]:
    return tomllib.loads(resources.files("servicecircle").joinpath("kinds.toml").read_text("utf-8"))


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


_DATA = _read()
KINDS = {
    code: Kind(
        code, str(entry["zh"]), str(entry["en"]), _texts(entry.get("patterns")), _texts(entry.get("level")),
        _texts(entry.get("satisfies")),
    )
    for code, entry in _DATA["kinds"].items()
}  # fmt: skip
SUBJECTS = {code: _texts(names) for code, names in _DATA["subjects"].items()}
"""What clauses speak of that is no kind of facility in a table: names in Chinese and English."""

URBAN_KINDS = _texts(_DATA["circles"]["urban"]["kinds"])
RURAL_KINDS = _texts(_DATA["circles"]["rural"]["kinds"])
STATUSES = {code: _texts(entry["patterns"]) for code, entry in _DATA["statuses"].items()}


@lru_cache(_REMEMBERED)
def recognise_kind(text: str) -> tuple[str, str] | None:
    """
    Return the kind that a written type or name means, and the pattern that decided; None where none fits.

    A kind's own code counts too. The first pattern in the order of `kinds.toml` wins.
    """
    written = re.sub(r"\s+", "", text)
    if written.lower() in KINDS:
        return written.lower(), written.lower()
    for kind in KINDS.values():
        for pattern in kind.patterns:
            if re.search(pattern, written, re.IGNORECASE):
                return kind.code, pattern
    return None


def satisfying(kinds: Iterable[str]) -> frozenset[str]:
    """
    Return the kinds of facility that satisfy any of some kinds, themselves included.

    "any" is satisfied by every elder-care facility, and by none that is medical, an office or a business.
    """
    return _satisfying(frozenset(kinds))


@lru_cache(_REMEMBERED)
def _satisfying(kinds: frozenset[str]) -> frozenset[str]:
    wanted = set(kinds)
    for _ in KINDS:  # a chain of kinds is no longer than their number
        wanted |= {kind.code for kind in KINDS.values() if wanted.intersection(kind.satisfies)}
    return frozenset(wanted & KINDS.keys())


@lru_cache(_REMEMBERED)
def recognise_status(text: str) -> str | None:
    """Return the status that a written word means; None where none fits. An empty text is `unknown`."""
    written = re.sub(r"\s+", "", text).lower()
    if not written:
        return "unknown"
    if written in STATUSES:
        return written
    for code, patterns in STATUSES.items():
        if any(re.search(pattern, written) for pattern in patterns):
            return code
    return None
