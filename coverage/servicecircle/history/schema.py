"""The tables of a history, their version, and how an older one becomes the present one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import (
    JSON,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    inspect,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

VERSION = 2
PREFIX = "history_"

metadata = MetaData()


def _run_id() -> Column[str]:
    return Column("run_id", String, ForeignKey(f"{PREFIX}runs.run_id", ondelete="CASCADE"), primary_key=True)


def _rows(name: str, texts: tuple[str, ...], numbers: tuple[str, ...], *more: Column[bytes]) -> Table:
    """Return a table of a run's rows in their order: the columns one asks by, and the others as JSON."""
    return Table(
        PREFIX + name, metadata, _run_id(), Column("position", Integer, primary_key=True),
        *(Column(column, Text) for column in texts), *(Column(column, Float) for column in numbers),
        *more, Column("others", JSON, nullable=False),
    )  # fmt: skip


schema_table = Table(f"{PREFIX}schema", metadata, Column("version", Integer, primary_key=True))
runs = Table(
    f"{PREFIX}runs", metadata,
    Column("run_id", String, primary_key=True),
    Column("study_id", String, nullable=False),
    Column("fingerprint", String, nullable=False),
    Column("started_at", String, nullable=False),
    Column("as_of", String, nullable=False),
    Column("program", String, nullable=False),
    Column("manifest", JSON, nullable=False),
    Index(f"{PREFIX}runs_of_study", "study_id", "started_at"),
)  # fmt: skip
inputs = Table(
    f"{PREFIX}inputs", metadata, _run_id(), Column("position", Integer, primary_key=True),
    Column("role", Text, nullable=False), Column("source", Text, nullable=False),
    Column("part", Text, nullable=False), Column("sha256", String, nullable=False),
    Column("bytes", Integer, nullable=False), Column("kept", Integer, nullable=False),
    UniqueConstraint("run_id", "role", "source", "part"),
)  # fmt: skip
TABLES = {
    "zones": _rows(
        "zones",
        ("code", "name", "level", "parent_code", "circle", "state", "verdict"),
        ("people", "people_judged", "people_within", "people_doubtful", "share_within", "share_high"),
    ),
    "verdicts": _rows(
        "verdicts", ("zone_code", "clause_id", "verdict", "deadline"), ("measured", "threshold")
    ),
    "gaps": _rows(
        "gaps",
        ("gap_id", "stable_id", "change", "class", "zone_code"),
        ("people", "elderly", "lon", "lat"),
        Column("places", LargeBinary),
    ),
    "facilities": _rows("facilities", ("facility_id", "name", "kind", "status"), ("lon", "lat")),
    "findings": _rows("findings", ("code", "severity", "subject"), ("people_touched",)),
}
"""The tables of a run: which columns stand by themselves."""


def prepare(connection: Connection) -> int:
    """
    Make the tables, or bring older ones up to date, and return the version that was found; 0 for none.

    One that is newer than this program is left alone.
    """
    found = version_of(connection)
    if found > VERSION:
        return found
    for version in range(max(found, 1), VERSION):
        if found:
            _STEPS[version](connection)
    metadata.create_all(connection)
    connection.execute(schema_table.delete())
    connection.execute(schema_table.insert().values(version=VERSION))
    return found


def version_of(connection: Connection) -> int:
    """Return the version of the tables that are there; 0 where there are none."""
    if not inspect(connection).has_table(schema_table.name):
        return 0
    return connection.execute(schema_table.select()).scalar() or 0


def _from_1(connection: Connection) -> None:
    """Version 1 had neither facilities (`create_all` adds them) nor ids of gaps that last."""
    table = f"{PREFIX}gaps"
    for column, kind in (("stable_id", "TEXT"), ("change", "TEXT"), ("places", _blob(connection))):
        connection.execute(text(f"ALTER TABLE {table} ADD COLUMN {column} {kind}"))
    dated = f"SELECT as_of FROM {PREFIX}runs WHERE {PREFIX}runs.run_id = {table}.run_id"  # noqa: S608
    connection.execute(text(f"UPDATE {table} SET stable_id = gap_id || '@' || ({dated})"))  # noqa: S608


def _blob(connection: Connection) -> str:
    return "BYTEA" if connection.dialect.name == "postgresql" else "BLOB"


_STEPS: dict[int, Callable[[Connection], None]] = {1: _from_1}
"""From a version to the next."""
