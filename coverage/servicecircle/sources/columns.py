"""Which column of a table is which field: as the study says, else by the headers in `words/fields.toml`."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING, Any

import pandas as pd

from servicecircle import words
from servicecircle.errors import InputError
from servicecircle.sources.cells import pair, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_BRACKETS = re.compile(r"[(\[【<].*?[)\]】>]")
_FURNITURE = re.compile(r"[\s_*:：.·/\-]")
_UNITS = re.compile(r"(m2|平方米|平米|公顷|亩|万人|万户|千人)$")


def plain(header: object) -> str:
    """Return a header without case, spaces, brackets, full-width forms and units of area."""
    folded = unicodedata.normalize("NFKC", text(header)).lower()
    bare = _FURNITURE.sub("", _BRACKETS.sub("", folded))
    return _UNITS.sub("", bare) or bare


_WHEN = re.compile(r"^(?:(?:19|20)\d{2})?年?(?:末|底|期末)?")
_SHARE = re.compile(
    r"(?:占(?:总|全部)?(?:人口)?数?)?[的所]?(?:占比|比例|比重|百分比|比率|率|percent|percentage|share|%)%?$"
)


def stem(header: object) -> str:
    """Return what a header of a census table counts: without its year, its basis and `占比`."""
    bare = _WHEN.sub("", plain(header)).replace("户籍", "").replace("常住", "")
    return _SHARE.sub("", bare) or bare


@cache
def _synonyms() -> dict[str, tuple[str, ...]]:
    return {
        field: tuple(dict.fromkeys(plain(header) for header in (field, *headers)))
        for field, headers in words.table("fields").items()
    }


def headers_of(field: str) -> tuple[str, ...]:
    """Return the plain headers by which a field is recognised, the likelier first."""
    return _synonyms().get(field, (plain(field),))


@cache
def _known() -> frozenset[str]:
    return frozenset(header for headers in _synonyms().values() for header in headers)


def is_known(header: object) -> bool:
    """Tell whether a cell reads like the header of some field."""
    return plain(header) in _known() or stem(header) in _known()


def match_columns(
    frame: pd.DataFrame, wanted: Iterable[str], given: Mapping[str, str], *, where: str = ""
) -> dict[str, str]:
    """
    Return the columns that hold some fields: ours -> theirs; a field without a column is left out.

    Parameters
    ----------
    frame
        A table as it was read.
    wanted
        The fields; of two that fit one column, the earlier gets it.
    given
        What the study says itself, ours -> theirs; it goes before any guess.
    where
        The file, for the error.

    Raises
    ------
    InputError
        `given` names a field that is not wanted or a column that is not there.
    """
    wanted = tuple(wanted)
    columns = [str(column) for column in frame.columns if column != "geometry"]
    matched = {ours: _given(ours, theirs, wanted, columns, where) for ours, theirs in given.items()}
    plains: dict[str, list[str]] = {}
    for column in columns:
        plains.setdefault(plain(column), []).append(column)
    for field in wanted:
        if field in matched:
            continue
        taken = set(matched.values())
        fitting = [c for header in headers_of(field) for c in plains.get(header, ()) if c not in taken]
        if fitting:
            matched[field] = fitting[0]
    return matched


def more_columns(frame: pd.DataFrame, field: str, matched: Mapping[str, str]) -> tuple[str, ...]:
    """Return the further columns that a field may stand in besides the one matched, the likelier first."""
    left = [str(column) for column in frame.columns if column not in {"geometry", *matched.values()}]
    headers = headers_of(field)
    return tuple(sorted((c for c in left if plain(c) in headers), key=lambda c: headers.index(plain(c))))


SPLIT = ("经度", "纬度")
"""What the two parts of a column of places are called."""


def split_positions(frame: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """
    Return a table whose one column of places, such as `经纬度`, is parted into `SPLIT`, and that column.

    '' where there is none, or the parts are there already.
    """
    found = match_columns(frame, ("lon", "lat", "lonlat"), {})
    if "lonlat" not in found or found.keys() & {"lon", "lat"}:
        return frame, ""
    pairs = [pair(cell) for cell in frame[found["lonlat"]]]
    parts = zip(*pairs, strict=True) if pairs else ((), ())
    split = {
        name: pd.Series(cells, frame.index, dtype=object) for name, cells in zip(SPLIT, parts, strict=True)
    }
    return frame.assign(**split), found["lonlat"]


def _given(ours: str, theirs: str, wanted: tuple[str, ...], columns: list[str], where: str) -> str:
    if ours not in wanted:
        raise InputError("tables.unknown_field", where=where, field=ours, known=", ".join(wanted))
    alike = [c for c in columns if c == theirs] or [c for c in columns if plain(c) == plain(theirs)]
    if not alike:
        raise InputError("tables.no_column", where=where, column=theirs, field=ours, columns=listed(columns))
    return alike[0]


def listed(columns: Iterable[Any]) -> str:
    """Return the names of columns, sheets or layers for a message."""
    return ", ".join(str(column) for column in columns) or "—"
