"""Tables and layers of any kind that the study names, as raw cells with their row numbers."""

from __future__ import annotations

import codecs
import gc
import re
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from servicecircle.database import Database
from servicecircle.errors import InputError
from servicecircle.sources.books import Cells, read_workbook
from servicecircle.sources.columns import SPLIT, listed, split_positions
from servicecircle.sources.files import require_file
from servicecircle.sources.sheets import read_delimited, table_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from pyproj import CRS

    from servicecircle.findings import Findings
    from servicecircle.sources.sheets import Sheet

SHEETS = (".xlsx", ".xls", ".csv", ".tsv")
BOOKS = (".xlsx", ".xls")
LAYERS = (".gpkg", ".shp", ".dbf", ".geojson", ".json", ".parquet")
PLACES = (".osm.pbf",)
_LISTED = 20
_WESTERN = {"iso8859-1", "cp1252", "latin-1", "iso8859-15", "ascii"}


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """
    A table as it was read.

    Parameters
    ----------
    frame
        Raw cells under the file's own headers; a GeoDataFrame with a CRS where the file has geometry.
    rows
        Row of each in the source as a spreadsheet counts it: the header of a plain table is row 1.
        Features of a layer are counted as if under a header.
    path
        The file.
    title
        What stands above the header.
    sheet
        The sheet of a workbook.
    blocks, block
        Where the columns stand in a sheet, from 0, in each of the tables that it holds; and which of these
        each row is from. Empty where there are no cells.
    """

    frame: pd.DataFrame
    rows: NDArray[np.int64]
    path: Path | Database
    title: str = ""
    sheet: str = ""
    blocks: tuple[dict[str, int], ...] = ()
    block: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, dtype=np.intp))

    def cells_at(self, i: int, columns: Sequence[str]) -> str:
        """Return the addresses of a row's cells in some columns, such as `机构表!D17`; '' in a layer."""
        if not self.blocks:
            return ""
        places = self.blocks[self.block[i]]
        letters = dict.fromkeys(_letters(places[name]) for name in columns if name in places)
        own = ", ".join(f"{letter}{self.rows[i]}" for letter in letters or ["A"])
        return f"{self.sheet}!{own}" if self.sheet else own


def read_table(
    path: Path | Database,
    *,
    sheet: str | None = None,
    layer: str | None = None,
    crs: CRS | None = None,
    what: str = "a table",
    findings: Findings | None = None,
) -> Table:
    """
    Read a table or a layer.

    Parameters
    ----------
    path
        `.xlsx` `.xls` `.csv` `.tsv` `.dbf` `.geojson` `.json` (GeoJSON) `.gpkg` `.shp` `.parquet`
        `.osm.pbf` (facilities); or a table of a database.
    sheet, layer
        Sheet of a workbook, layer of a GeoPackage; found by itself where only one fits.
    crs
        CRS of a layer whose file names none.
    what
        What the file is for, in messages.
    findings
        Where rows are listed that are left out: sums of others, and blank ones.

    Raises
    ------
    InputError
        The file is missing, damaged, in an unknown encoding or without CRS; the sheet or layer is not clear.
    """
    if isinstance(path, Database):
        return _read_database(path, crs)
    if any(part.lower() in {"postgresql:", "postgres:"} for part in path.parts):
        raise InputError("tables.database", what=what, known=" ".join((*SHEETS, *LAYERS)))
    suffix = require_file(path, suffixes=(*SHEETS, *LAYERS, *PLACES), what=what)
    if suffix in SHEETS:
        return _read_cells(path, suffix, sheet, findings)
    try:
        frame = _read_layer(path, suffix, layer)
    except InputError:
        raise
    except (RuntimeError, ValueError, OSError) as error:  # pyogrio, pyarrow and osmium raise kinds of these
        raise InputError("tables.unreadable", where=str(path), why=str(error)) from error
    if isinstance(frame, gpd.GeoDataFrame):
        frame = _with_crs(frame, crs, path)
    elif suffix == ".dbf":
        frame, _ = split_positions(frame)
    return Table(frame, np.arange(len(frame), dtype=np.int64) + 2, path)


def _read_cells(path: Path, suffix: str, sheet: str | None, findings: Findings | None) -> Table:
    with _uncollected():
        book = read_workbook(path, sheet=sheet) if suffix in BOOKS else Cells(read_delimited(path), [], "")
        found = table_in(book.rows, where=str(path), merges=book.merges)
    if findings is not None:
        _say_how(book, found, path, findings)
    frame, split = split_positions(found.frame)
    blocks = tuple(at | dict.fromkeys(SPLIT, at[split]) if split in at else at for at in found.blocks)
    return Table(frame, found.rows, path, found.title, book.title, blocks, found.block)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Look for no garbage meanwhile: a million new rows are none, and would be looked through many times."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _say_how(book: Cells, found: Sheet, path: Path, findings: Findings) -> None:
    """Say which sheet was read, which rows hold no record, and what merged cells were filled in."""
    if book.others:
        findings.note(
            "tables.sheet_chosen", subject=path.name, sheet=book.title, known=book.known,
            others=listed(book.others),
        )  # fmt: skip
    for code, rows in found.left_out.items():
        written = listed(rows[:_LISTED]) + (" …" if len(rows) > _LISTED else "")
        findings.note(code, subject=path.name, row=rows[0], count=len(rows), rows=written)
    if len(found.blocks) > 1:
        findings.note("tables.several", subject=path.name, count=len(found.blocks))
    for code, cells in (("tables.filled_down", found.filled), ("tables.merged_number", found.left)):
        if cells:
            findings.note(code, subject=path.name, columns=listed(cells), count=sum(cells.values()))


def _letters(column: int) -> str:
    """Return the letters of a column from 0: 0, 25, 26 as A, Z, AA."""
    before, last = divmod(column, 26)
    return (_letters(before - 1) if before else "") + chr(65 + last)


def _read_database(source: Database, crs: CRS | None) -> Table:
    from servicecircle.sources.postgis import read_rows

    frame = read_rows(source)
    if isinstance(frame, gpd.GeoDataFrame):
        frame = _with_crs(frame, crs, source)
    return Table(split_positions(frame)[0], np.arange(len(frame), dtype=np.int64) + 2, source)


def _with_crs(frame: gpd.GeoDataFrame, crs: CRS | None, path: Path | Database) -> gpd.GeoDataFrame:
    if frame.crs is None:
        if crs is None:
            code = "postgis.no_srid" if isinstance(path, Database) else "tables.no_crs"
            raise InputError(code, where=str(path))
        frame = frame.set_crs(crs)
    return frame if frame.geometry.name == "geometry" else frame.rename_geometry("geometry")


def _read_layer(path: Path, suffix: str, layer: str | None) -> pd.DataFrame:
    if suffix == ".osm.pbf":
        from servicecircle.sources.osm_places import read_places

        frame: pd.DataFrame = read_places(path)
        return frame
    if suffix == ".parquet":
        return _read_parquet(path)
    if suffix in {".shp", ".dbf"}:
        return _read_shapefile(path)
    return _read_vector(path, layer=_choose_layer(path, layer) if suffix == ".gpkg" else None)


def _read_vector(path: Path, **options: str | None) -> pd.DataFrame:
    import pyogrio

    with warnings.catch_warnings():
        # GDAL on measured coordinates and the order of rings: geometry is checked later
        warnings.simplefilter("ignore")
        frame: pd.DataFrame = pyogrio.read_dataframe(path, **options)
        return frame


def _read_shapefile(path: Path) -> pd.DataFrame:
    """Read texts byte by byte and decode them here: a name cut inside a character must not end the run."""
    if _sidecar(path, ".dbf") is None:
        raise InputError("tables.no_dbf", where=str(path))
    encoding = _dbf_encoding(path)
    frame = _read_vector(path, encoding="ISO-8859-1")  # one byte, one letter
    for column in frame.columns.drop("geometry", errors="ignore"):
        if not pd.api.types.is_numeric_dtype(frame[column]):
            frame[column] = [_recoded(cell, encoding) for cell in frame[column]]
    return frame.rename(columns={column: _recoded(column, encoding) for column in frame.columns})


def _recoded(cell: Any, encoding: str) -> Any:
    return cell.encode("latin-1").decode(encoding, "replace") if isinstance(cell, str) else cell


def _choose_layer(path: Path, name: str | None) -> str:
    import pyogrio

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on a damaged file, which its reader refuses
        layers = [(str(layer), geometry is not None) for layer, geometry in pyogrio.list_layers(path)]
    names = [layer for layer, _ in layers]
    if name is not None:
        if name not in names:
            raise InputError("tables.no_layer", where=str(path), layer=name, layers=listed(names))
        return name
    drawn = [layer for layer, has_geometry in layers if has_geometry] or names
    if len(drawn) != 1:
        raise InputError("tables.which_layer", where=str(path), layers=listed(drawn))
    return drawn[0]


def _read_parquet(path: Path) -> pd.DataFrame:
    import pyarrow.parquet

    described = pyarrow.parquet.read_schema(path).metadata or {}
    frame: pd.DataFrame = gpd.read_parquet(path) if b"geo" in described else pd.read_parquet(path)
    return frame


def _dbf_encoding(path: Path) -> str:
    """Return the encoding of a shapefile's texts: the .cpg's, UTF-8 or GB18030, whichever first fits best."""
    dbf, cpg = (_sidecar(path, suffix) for suffix in (".dbf", ".cpg"))
    if dbf is None:
        return "utf-8"
    raw = dbf.read_bytes()
    texts = raw[32:]  # field names, then records; past the binary header all is text
    named = _codec(cpg.read_text("latin-1").strip()) if cpg else None
    if named in _WESTERN and _in_pairs(texts):  # what some programs label everything with
        named = None
    candidates = [encoding for encoding in (named, "utf-8", "gb18030") if encoding]
    return min(candidates, key=lambda encoding: texts.decode(encoding, "replace").count("\ufffd"))


def _in_pairs(texts: bytes) -> bool:
    """Tell whether most bytes beyond ASCII stand side by side, as in Chinese, not in Western texts."""
    runs = [len(run) for run in re.findall(rb"[\x80-\xff]+", texts)]
    return sum(run for run in runs if run > 1) > sum(runs) / 2


def _sidecar(path: Path, suffix: str) -> Path | None:
    return next(
        (p for p in (path.with_suffix(suffix), path.with_suffix(suffix.upper())) if p.is_file()), None
    )


def _codec(name: str) -> str | None:
    """Return Python's name of an encoding such as `UTF-8`, `GBK`, `936` or `ANSI 936`."""
    digits = "".join(c for c in name if c.isdigit())
    for candidate in (name, {"54936": "gb18030", "65001": "utf-8"}.get(digits, f"cp{digits}")):
        try:
            return codecs.lookup(candidate).name
        except LookupError:
            continue
    return None
