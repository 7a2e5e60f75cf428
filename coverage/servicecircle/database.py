"""Databases that a study names: told from files, and never shown with their password."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd
    from pydantic import ValidationInfo

# a path has lost one of the slashes
_SCHEME = re.compile(r"\s*postgres(?:ql)?(?:\+\w+)?:/{1,2}", re.IGNORECASE)
# the last @ before a slash, space or quote ends a password; one further on only where no port is meant
_PASSWORD = re.compile(
    rf"({_SCHEME.pattern}[^\s:/@\"']*):(?:[^/\n]*|[^\s\"']*|(?!\d+(?:[,/?\"'\s]|$))[^\n]*)@", re.IGNORECASE
)
_PARAMETER = re.compile(r"(?i)([?&](?:ssl)?password=)[^&\s\"'#]*")


def redacted(text: str) -> str:
    """Return a text with the passwords of database addresses struck out."""
    return _PARAMETER.sub(r"\1***", _PASSWORD.sub(r"\1:***@", text))


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """
    The rows of a database table.

    Parameters
    ----------
    frame
        Cells under the table's own columns; a GeoDataFrame with a column `geometry` where it has geometry.
    sha256
        Digest of the rows as they were read.
    """

    frame: pd.DataFrame
    sha256: str


class Database(str):
    """
    A database, or a table of one. As text: address and table, without password and parameters.

    Parameters
    ----------
    url
        `postgresql://user@host/name`, as libpq takes it.
    layer
        The table, `schema.table`; '' for the database as a whole.
    rows
        The table's rows, where they are read already.
    """

    __slots__ = ("layer", "rows", "url")
    url: str
    layer: str
    rows: Rows | None

    def __new__(cls, url: str, layer: str = "", rows: Rows | None = None) -> Database:  # noqa: D102
        address = redacted(url).partition("?")[0].strip()
        self = super().__new__(cls, f"{address} ({layer})" if layer else address)
        self.url, self.layer, self.rows = url, layer, rows
        return self

    def __getnewargs__(self) -> tuple[str, str, Rows | None]:  # type: ignore[override]
        return self.url, self.layer, self.rows

    @property
    def name(self) -> str:
        """What follows the last slash, as of a path."""
        return self.rpartition("/")[2]


def is_database(source: str) -> bool:
    """Tell whether a source is the address of a PostgreSQL database."""
    return _SCHEME.match(source) is not None


def as_source(source: str, info: ValidationInfo) -> str:
    """Return the source of a study's table; that of a database knows the table, which `layer` names."""
    if not is_database(source):
        return source
    if not info.data.get("layer"):
        from pydantic_core import PydanticCustomError  # errors come here before any study is read

        raise PydanticCustomError("no_table", "a database source needs a `layer`")
    return Database(source, info.data["layer"])


def as_part(source: str) -> str:
    """Return a source in a list, of which a database names its table behind a `#`."""
    if not is_database(source):
        return source
    url, _, table = source.rpartition("#")
    if not url or not table:
        from pydantic_core import PydanticCustomError

        raise PydanticCustomError("no_part", "a database source here ends in #schema.table")
    return Database(url, table)


def as_sink(address: str) -> str:
    """Return the database that a study's results are written to."""
    if not is_database(address):
        from pydantic_core import PydanticCustomError

        raise PydanticCustomError("no_database", "an address postgresql://… is wanted")
    return Database(address)


def place_of(source: str, locate: Callable[[str], Path]) -> Path | Database:
    """Return where a source is read from: its database, or the path that `locate` gives."""
    return source if isinstance(source, Database) else locate(source)
