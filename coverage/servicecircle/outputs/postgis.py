"""The results in a PostGIS database: one schema, one transaction, all or nothing."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from servicecircle.crs import crs_name, metric_crs
from servicecircle.database import Database
from servicecircle.errors import InputError, OutputError
from servicecircle.outputs.cells import printable
from servicecircle.outputs.geopackage import storable
from servicecircle.outputs.tables import written_tables
from servicecircle.sources.postgis import connected, extension_schema, load_psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator

    import geopandas as gpd
    from psycopg import Connection
    from pyproj import CRS

    from servicecircle.assess.results import Results
    from servicecircle.study import Study

    Column = tuple[str, Any, list[Any]]
    """Name, SQL type and cells."""

LAYERS = ("zones", "gaps", "facilities", "people", "segments", "circles")
TABLES = (*LAYERS, "verdicts", "findings", "run")
_LONGEST_NAME = 63
_MARK = "servicecircle: {}"
"""The comment on each table, with the study's id: only such tables are replaced."""

_OTHERS = """SELECT c.relname FROM pg_class c
WHERE c.relnamespace = to_regnamespace(%s) AND c.relname = ANY(%s)
AND (c.relkind <> 'r' OR obj_description(c.oid, 'pg_class') IS DISTINCT FROM %s) ORDER BY 1"""
_TYPES = {"b": "boolean", "i": "bigint", "u": "bigint", "f": "double precision"}
_POLYGON = 3


def check_sink(study: Study) -> None:
    """
    Refuse a database that the results cannot be written to; cheap, to be asked before the long work.

    Raises
    ------
    InputError
        No server lets us in, PostGIS is missing, the schema's name is too long, or the CRS has no EPSG code.
    OutputError
        The schema holds tables of these names that no run of this study wrote.
    """
    sink = study.output.postgis
    if isinstance(sink, Database):
        if study.study.crs != "auto":
            _srid(metric_crs(study.study.crs, where=str(study.path)), sink)
        with _transaction(sink) as connection:
            _require_ours(connection, study, sink)


def write_postgis(results: Results, manifest: str) -> None:
    """
    Write the results into the schema that the study names, or its id, in place of those of its last run.

    Tables: zones, gaps, facilities, people, segments and circles with a column `geom` in the study CRS, and
    verdicts, findings and run. One transaction: whatever goes wrong, the old tables stay whole. It is
    committed while the new output folder is complete and not yet in its place, so that a failure here keeps
    the old folder too. Should the folder then not get into its place, because a file of the old one is held
    open, the tables are ahead of it; `run.manifest` tells which run they are of.

    Parameters
    ----------
    results
        What a run found.
    manifest
        The text of `run.json`.

    Raises
    ------
    InputError, OutputError
        As `check_sink`; or the database refuses. Nothing is changed in it.
    """
    sink = results.study.output.postgis
    if not isinstance(sink, Database):
        return
    srid = _srid(results.crs, sink)
    with _transaction(sink) as connection:
        schema = _require_ours(connection, results.study, sink)
        home = _clear(connection, schema, sink)
        mark = _MARK.format(results.study.id)
        for name in LAYERS:
            layer = storable(getattr(results, name))
            cells = [
                _column(layer[column], str(column)) for column in layer.columns.drop(layer.geometry.name)
            ]
            _write(connection, schema, name, [*cells, _shapes(layer, home, srid)], mark)
            _index(connection, schema, name)
        tables = written_tables(results)
        for name in ("verdicts", "findings"):
            _write(connection, schema, name, [_column(tables[name][c], str(c)) for c in tables[name]], mark)
        _write(connection, schema, "run", _run(results.study, manifest), mark)


@contextmanager
def _transaction(sink: Database) -> Iterator[Connection[Any]]:
    psycopg = load_psycopg(where=sink)
    try:
        with connected(sink) as connection:
            yield connection
    except (psycopg.Error, UnicodeError) as error:
        raise OutputError("postgis.not_written", where=sink, why=str(error)) from error


def _srid(crs: CRS, sink: Database) -> int:
    srid = crs.to_epsg()
    if srid is None:
        raise InputError("postgis.no_code", where=sink, crs=crs_name(crs))
    return srid


def _require_ours(connection: Connection[Any], study: Study, sink: Database) -> str:
    """Return the schema to write; refuse one that holds other tables of our names. One run at a time."""
    from psycopg import sql

    schema = study.output.schema_ or study.id
    if len(schema.encode()) > _LONGEST_NAME:  # the server would cut it, and two studies might meet
        raise InputError("postgis.schema_name", where=sink, schema=schema)
    extension_schema(connection, where=sink)
    connection.execute("SET LOCAL lock_timeout = '30s'")
    connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"servicecircle {schema}"])
    quoted = sql.Identifier(schema).as_string(connection)
    found = connection.execute(_OTHERS, [quoted, list(TABLES), _MARK.format(study.id)]).fetchall()
    if found:
        others = ", ".join(name for (name,) in found)
        raise OutputError("postgis.taken", where=sink, schema=schema, tables=others)
    return schema


def _clear(connection: Connection[Any], schema: str, sink: Database) -> str:
    """Make the schema, drop the tables of the last run, and return the schema that PostGIS is in."""
    from psycopg import sql

    named = sql.Identifier(schema)
    known = connection.execute("SELECT to_regnamespace(%s)", [named.as_string(connection)]).fetchone()
    if known is None or known[0] is None:  # a user who may not make schemas may write to one that is there
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(named))
    tables = sql.SQL(", ").join(sql.Identifier(schema, name) for name in TABLES)
    connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(tables))
    return extension_schema(connection, where=sink)


def _column(cells: pd.Series[Any], name: str) -> Column:
    """Return a column with null for what is missing, NaN or infinite, and texts as they are."""
    kind = _TYPES.get(cells.dtype.kind)
    known = cells.notna()
    if kind is None:
        return name, "text", [printable(str(c)) if k else None for c, k in zip(cells, known, strict=True)]
    if kind == "double precision":
        known &= np.isfinite(cells.to_numpy(np.float64, na_value=np.nan))
    return name, kind, cells.astype(object).where(known, None).tolist()


def _shapes(layer: gpd.GeoDataFrame, home: str, srid: int) -> Column:
    """Return the geometries as EWKB; polygons and multipolygons all as the latter."""
    from psycopg import sql

    shapes = np.asarray(layer.geometry.array, dtype=object)
    kinds = set(layer.geom_type.dropna())
    if kinds == {"Polygon", "MultiPolygon"}:
        for i in np.flatnonzero(shapely.get_type_id(shapes) == _POLYGON):
            shapes[i] = shapely.MultiPolygon([shapes[i]])
        kinds = {"MultiPolygon"}
    kind = kinds.pop() if len(kinds) == 1 else "Geometry"
    column = sql.SQL("{}({}, {})").format(sql.Identifier(home, "geometry"), sql.SQL(kind), sql.Literal(srid))
    cells = shapely.to_wkb(shapely.set_srid(shapes, srid), hex=True, include_srid=True)
    return "geom", column, cells.tolist()


def _run(study: Study, manifest: str) -> list[Column]:
    """Return the one row that says what the other tables are of."""
    facts = json.loads(manifest)
    # jsonb cannot hold the character that an escape of 0 stands for
    text = re.sub(r"(?<!\\)((?:\\\\)*)\\u0000", r"\1", manifest)
    return [
        ("study_id", "text", [study.id]),
        ("as_of", "date", [facts.get("study", {}).get("as_of")]),
        ("started_at", "timestamptz", [facts.get("started_at")]),
        ("version", "text", [facts.get("version")]),
        ("manifest", "jsonb", [text]),
    ]


def _write(connection: Connection[Any], schema: str, name: str, columns: list[Column], mark: str) -> None:
    from psycopg import sql

    table = sql.Identifier(schema, name)
    typed = [
        sql.SQL("{} {}").format(
            sql.Identifier(column), kind if isinstance(kind, sql.Composed) else sql.SQL(kind)
        )
        for column, kind, _ in columns
    ]
    # QGIS and its like want a number of their own for each row
    create = "CREATE TABLE {} (row_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, {})"
    connection.execute(sql.SQL(create).format(table, sql.SQL(", ").join(typed)))
    connection.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(table, sql.Literal(mark)))
    names = sql.SQL(", ").join(sql.Identifier(column) for column, _, _ in columns)
    command = sql.SQL("COPY {} ({}) FROM STDIN").format(table, names)
    with connection.cursor() as cursor, cursor.copy(command) as copy:
        for row in zip(*(cells for _, _, cells in columns), strict=True):
            copy.write_row(row)


def _index(connection: Connection[Any], schema: str, name: str) -> None:
    from psycopg import sql

    table = sql.Identifier(schema, name)
    connection.execute(sql.SQL("CREATE INDEX ON {} USING gist (geom)").format(table))
