"""Tables of a PostgreSQL database with PostGIS: all that a study names of one are read in one snapshot."""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from servicecircle.database import Database, Rows
from servicecircle.errors import InputError
from servicecircle.sources.named import named_sources, replaced

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from psycopg import Connection
    from psycopg.sql import Composable, Composed

    from servicecircle.study import Study

_WAIT_S = 10
_NAME = r'(?:"(?:[^"]|"")+"|[^".]+)'
_NUMBERS = {"int2", "int4", "int8", "float4", "float8"}
_SHAPES = {"geometry", "geography"}
_EXTENSION = """SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname = 'postgis'"""
_COLUMNS = """SELECT a.attname, t.typname, coalesce(a.attnum = ANY(i.indkey), false)
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary
WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"""


def hold_tables(study: Study) -> Study:
    """
    Return a study with every database table it names read, those of one database in one snapshot.

    Raises
    ------
    InputError
        No server answers, or a table is missing, empty, without PostGIS, without SRID or refused.
    """
    sources = [source for _, source in named_sources(study) if isinstance(source, Database)]
    if not sources:
        return study
    held: dict[tuple[str, str], Database] = {}
    for url in dict.fromkeys(source.url for source in sources):
        rows = _read([source for source in sources if source.url == url], url)
        held |= {(url, source.layer): Database(url, source.layer, read) for source, read in rows.items()}

    def hold(_role: str, source: Any) -> Any:
        return held[source.url, source.layer] if isinstance(source, Database) else source

    return replaced(study, hold)


def read_rows(source: Database) -> pd.DataFrame:
    """
    Return the rows of a table, by its primary key, else by geometry and values.

    Whole and floating numbers stay numbers; anything else is text, as the database writes it.

    Parameters
    ----------
    source
        The table; one that is held is not read again.

    Raises
    ------
    InputError
        As `hold_tables`.
    """
    held = source.rows or _read([source], source.url)[source]
    return held.frame


@contextmanager
def connected(database: Database) -> Iterator[Connection[Any]]:
    """
    Give a connection with one transaction: committed where the block ends well, else undone.

    The password comes from the address, from PGPASSWORD or from .pgpass, as libpq has it.

    Raises
    ------
    InputError
        psycopg is not installed, the address is none, or no server lets us in.
    """
    psycopg = load_psycopg(where=database)
    try:
        given = psycopg.conninfo.conninfo_to_dict(re.sub(r"^\s*(\w+)\+\w+:", r"\1:", database.url).strip())
    except (psycopg.Error, ValueError):
        raise InputError("postgis.address", where=database) from None  # it quotes the address
    parameters = {"connect_timeout": _WAIT_S, "application_name": "servicecircle"} | given
    try:
        connection = psycopg.connect(**parameters | {"client_encoding": "UTF8"})
    except (psycopg.Error, ValueError) as error:
        raise InputError("postgis.no_server", where=database, why=str(error)) from None
    with connection:
        yield connection


def load_psycopg(*, where: str) -> Any:
    """Return psycopg; where it is not installed, say how to mend that."""
    try:
        import psycopg
    except ImportError as error:
        raise InputError("postgis.not_installed", where=where) from error
    return psycopg


def extension_schema(connection: Connection[Any], *, where: str) -> str:
    """Return the schema that PostGIS is installed in; refuse a database without it."""
    found = connection.execute(_EXTENSION).fetchone()
    if found is None:
        raise InputError("postgis.no_extension", where=where)
    return str(found[0])


def _read(sources: Iterable[Database], url: str) -> dict[Database, Rows]:
    psycopg = load_psycopg(where=Database(url))
    with connected(Database(url)) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        held = {}
        for source in sources:
            try:
                held[source] = _read_one(connection, source)
            except (psycopg.Error, UnicodeDecodeError) as error:
                raise InputError("postgis.refused", where=source, why=str(error)) from error
        return held


def _read_one(connection: Connection[Any], source: Database) -> Rows:
    from psycopg import sql

    names = re.fullmatch(rf"({_NAME})(?:\.({_NAME}))?", source.layer)
    if names is None:
        raise InputError("postgis.layer_name", where=source, layer=source.layer)
    table = sql.Identifier(*(_unquoted(name) for name in names.groups() if name))
    columns = connection.execute(_COLUMNS, [table.as_string(connection)]).fetchall()
    if not columns:
        raise InputError("postgis.no_table", where=source, layer=source.layer)
    shapes = [name for name, kind, _ in columns if kind in _SHAPES]
    if len(shapes) > 1:
        raise InputError("postgis.two_geometries", where=source, columns=", ".join(shapes))
    found = connection.execute(_query(table, columns, shapes)).fetchall()
    if not found:
        raise InputError("postgis.empty", where=source)
    frame = pd.DataFrame({
        name if name != "geometry" or name in shapes else "geometry_": _cells(cells, kind)
        for (name, kind, _), cells in zip(columns, zip(*found, strict=True), strict=True)
    })  # fmt: skip
    if shapes:
        frame = _with_shapes(frame, shapes[0], connection, source)
    return Rows(frame, _digest([name for name, _, _ in columns], found))


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def _query(table: Any, columns: list[Any], shapes: list[str]) -> Composed:
    """Return the query of all rows, in an order that does not depend on how they are stored."""
    from psycopg import sql

    cells = [
        sql.SQL("{}" if kind in _NUMBERS else "{}::text").format(sql.Identifier(name))
        for name, kind, _ in columns
    ]
    keys = [sql.Identifier(name) for name, _, is_key in columns if is_key]
    content = [name for name, _, _ in columns if name not in shapes]
    order: Sequence[Composable] = keys or [
        sql.SQL('{}::text COLLATE "C"').format(sql.Identifier(n)) for n in [*shapes, *content]
    ]
    parts = sql.SQL(", ").join(cells), table, sql.SQL(", ").join(order)
    return sql.SQL("SELECT {} FROM {} ORDER BY {}").format(*parts)


def _cells(cells: tuple[Any, ...], kind: str) -> pd.Series[Any]:
    if kind.startswith("float") or (kind.startswith("int") and None not in cells):
        return pd.Series(cells, dtype=np.float64 if kind.startswith("float") else np.int64)
    return pd.Series(cells, dtype=object)


def _with_shapes(
    frame: pd.DataFrame, column: str, connection: Connection[Any], source: Database
) -> gpd.GeoDataFrame:
    try:
        shapes = np.asarray(shapely.from_wkb(frame[column].to_numpy(object)), dtype=object)
    except (shapely.errors.ShapelyError, ValueError) as error:
        raise InputError("postgis.shapes", where=source, why=str(error)) from error
    srids = set(shapely.get_srid(shapes[~shapely.is_missing(shapes)]).tolist())
    if len(srids) > 1:
        raise InputError("postgis.mixed_srid", where=source, srids=", ".join(map(str, sorted(srids))))
    crs = _crs(srids.pop() if srids else 4326, connection, source)  # without any shape all fit
    cells = frame.drop(columns=column)
    return gpd.GeoDataFrame(cells, geometry=shapely.set_srid(shapes, 0), crs=crs)


def _crs(srid: int, connection: Connection[Any], source: Database) -> CRS | None:
    """Return the CRS of an SRID as the database has it; None for 0, which names none."""
    from psycopg import sql

    if srid == 0:
        return None
    home = extension_schema(connection, where=source)
    query = sql.SQL("SELECT auth_name, auth_srid, srtext FROM {} WHERE srid = %s")
    known = connection.execute(query.format(sql.Identifier(home, "spatial_ref_sys")), [srid]).fetchone()
    for read, written in ((CRS.from_authority, (known or ())[:2]), (CRS.from_wkt, (known or ())[2:])):
        try:
            return read(*written)
        except (CRSError, TypeError):  # no such authority, no text
            continue
    raise InputError("postgis.unknown_srid", where=source, srid=srid)


def _digest(columns: list[str], rows: list[Any]) -> str:
    """Return the SHA-256 of columns and rows, a JSON list a line, geometry as EWKB in hexadecimal."""
    total = hashlib.sha256(json.dumps(columns).encode())
    for row in rows:
        total.update(b"\n" + json.dumps(row).encode())
    return total.hexdigest()
