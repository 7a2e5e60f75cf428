"""The database of a history: opened, locked, mended and told apart from a broken one; runs in and out."""

from __future__ import annotations

import datetime as dt
import json
import re
import zlib
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, select, text
from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from servicecircle.database import Database
from servicecircle.errors import InputError, OutputError
from servicecircle.history.places import database_of
from servicecircle.history.schema import PREFIX, VERSION, prepare, runs, version_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine, RowMapping

    from servicecircle.study import Study

WAIT_S = 15.0
"""How long another program may hold the database."""

_LOCK = 7_305_810_203
"""Any number: who records a run into a server holds the advisory lock of this name."""

_BROKEN = ("malformed", "not a database", "corrupt", "disk image", "could not decode")
_HELD = ("locked", "busy")


@dataclass(frozen=True, slots=True)
class Store:
    """
    The history of one study within an open transaction.

    Parameters
    ----------
    mended
        Where a broken file was set aside; None: it was sound.
    """

    connection: Connection
    study_id: str
    mended: Path | None = None

    def last_run(self) -> tuple[str, str] | None:
        """Return id and fingerprint of the newest run."""
        newest = self.runs()[:1]
        return (newest[0]["run_id"], newest[0]["fingerprint"]) if newest else None

    def runs(self) -> list[RowMapping]:
        """Return the runs, newest first, without their manifests."""
        columns = [column for column in runs.c if column.name != "manifest"]
        query = select(*columns).where(runs.c.study_id == self.study_id)
        ordered = query.order_by(runs.c.started_at.desc(), runs.c.run_id.desc())
        return list(self.connection.execute(ordered).mappings())


@contextmanager
def opened(study: Study, *, writing: bool = False) -> Iterator[Store]:
    """
    Give a study's history with one transaction: committed where the block ends well, else undone.

    Parameters
    ----------
    writing
        Whether something is to be recorded: the tables are made or brought up to date, others wait, and a
        broken file is set aside as `.corrupt-<date>` and a new one begun.

    Raises
    ------
    InputError
        There is no history, it is broken, or newer than this program.
    OutputError
        Another program holds it, the disk is full, or it may not be written.
    """
    place = database_of(study)
    mended = None
    if isinstance(place, Path):
        if writing:
            mended = _made_ready(place)
        elif not place.is_file():
            raise InputError("history.none", where=str(place))
    shown = str(place)
    engine = _engine(place)
    try:
        with _begun(engine, writing=writing) as connection:
            found = prepare(connection) if writing else version_of(connection)
            if found > VERSION:
                raise InputError("history.newer", where=shown, found=found, known=VERSION)
            if not writing and found == 0:
                raise InputError("history.none", where=shown)
            if not writing and found < VERSION:
                prepare(connection)
            yield Store(connection, study.id, mended)
    except DBAPIError as error:
        raise _explained(error, shown) from error
    except (json.JSONDecodeError, UnicodeDecodeError, zlib.error) as error:  # pages in order, cells not
        raise InputError("history.broken", where=shown, why=str(error)) from error
    finally:
        engine.dispose()


@contextmanager
def _begun(engine: Engine, *, writing: bool) -> Iterator[Connection]:
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            if writing:
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
        yield connection


def _engine(place: Path | Database) -> Engine:
    if isinstance(place, Database):
        return create_engine("postgresql+psycopg://", creator=lambda: _connect(place), poolclass=NullPool)
    engine = create_engine(f"sqlite:///{place}", connect_args={"timeout": WAIT_S}, poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def _own_transactions(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver would begin too late, and commit tables by itself
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")

    return engine


def _connect(place: Database) -> Any:
    from servicecircle.sources.postgis import load_psycopg

    psycopg = load_psycopg(where=place)
    try:
        given = psycopg.conninfo.conninfo_to_dict(re.sub(r"^\s*(\w+)\+\w+:", r"\1:", place.url).strip())
    except psycopg.Error:
        raise InputError("postgis.address", where=place) from None  # it quotes the address
    try:
        return psycopg.connect(**{"connect_timeout": 10, "application_name": "servicecircle"} | given)
    except psycopg.Error as error:
        raise InputError("postgis.no_server", where=place, why=str(error)) from None


def _made_ready(path: Path) -> Path | None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _set_aside_if_broken(path)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        why = error.strerror or str(error)
        raise OutputError("history.not_written", where=str(path), why=why) from error


def _set_aside_if_broken(path: Path) -> Path | None:
    """Rename a file that is no sound database, with what SQLite has beside it; return where it went."""
    if not path.is_file() or path.stat().st_size == 0:
        return None
    engine = _engine(path)
    try:
        with engine.connect() as connection:
            sound = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar() == "ok"
    except DatabaseError as error:
        if not _says(error, _BROKEN):
            raise _explained(error, str(path)) from error
        sound = False
    finally:
        engine.dispose()
    return None if sound else set_aside(path)


def set_aside(path: Path) -> Path:
    """Rename a broken file, with what SQLite has beside it; return where it went."""
    today = dt.datetime.now(dt.UTC).astimezone().date().isoformat()
    aside = path.with_name(f"{path.name}.corrupt-{today}")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.corrupt-{today}-{number}")
    path.rename(aside)
    for tail in ("-journal", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + tail).rename(aside.with_name(aside.name + tail))
    return aside


def _explained(error: DBAPIError, where: str) -> Exception:
    why = str(error.orig)
    if isinstance(error, OperationalError) and _says(error, _HELD):
        return OutputError("history.locked", where=where, seconds=f"{WAIT_S:.0f}")
    if _says(error, _BROKEN):
        return InputError("history.broken", where=where, why=why)
    return OutputError("history.not_written", where=where, why=why)


def _says(error: DBAPIError, signs: tuple[str, ...]) -> bool:
    return any(sign in str(error.orig).lower() for sign in signs)


def table_name(name: str) -> str:
    """Return the name that a table has in the database."""
    return PREFIX + name
