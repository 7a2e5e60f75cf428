"""A written run, read back: the tables and the manifest of an output folder."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from servicecircle.errors import InputError
from servicecircle.outputs.manifest import MADE_BY, MANIFEST
from servicecircle.outputs.tables import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TABLES = ("zones", "verdicts", "gaps", "facilities", "findings")
"""The tables that every run has."""

_TEXT = {
    "name", "level", "area_class", "area_class_source", "circle", "limit_unit", "state", "certainty",
    "verdict", "reason", "unit", "evidence", "severity", "deadline", "deadline_state", "missing", "class",
    "zone_name", "township_name", "place", "nearest_facility", "advice", "kind", "status", "subject",
    "message", "remedy", "streets_state", "report_unit", "village_class", "verified", "code",
    "item_kind", "item_name", "served_by_name", "build_state", "responsible",
}  # fmt: skip
_TRUTH = {"true": True, "false": False}
_GUARDED = ("'=", "'+", "'-", "'@", "'\t", "'\r")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RunFrames:
    """
    The tables of a run as they were written.

    Parameters
    ----------
    manifest
        What `run.json` holds.
    tables
        Further tables by name, such as `sensitivity`.
    folder
        Where it was read from; None: from a history.
    """

    manifest: dict[str, Any]
    zones: pd.DataFrame
    verdicts: pd.DataFrame
    gaps: pd.DataFrame
    facilities: pd.DataFrame
    findings: pd.DataFrame
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    folder: Path | None = None

    def __repr__(self) -> str:
        study = self.manifest.get("study", {})
        return f"RunFrames({study.get('id')!r}, {study.get('as_of')}, {len(self.zones)} zone rows)"


def read_run(folder: Path) -> RunFrames:
    """
    Read the tables and the manifest of an output folder.

    Text stays text, numbers are float64 (NaN where empty), truth values bool. The `'` that keeps a
    spreadsheet from taking a text for a formula is taken off again.

    Raises
    ------
    InputError
        The folder holds no run of ours, or one of its tables is gone or damaged.
    """
    manifest = read_manifest(folder)
    names = [str(entry["name"]) for entry in manifest["files"]]
    named = [name.removesuffix(".csv") for name in names if name.endswith(".csv") and "/" not in name]
    frames = {name: _read_csv(folder / f"{name}.csv") for name in dict.fromkeys([*TABLES, *named])}
    ours = {name: frames.pop(name) for name in TABLES}
    return RunFrames(manifest=manifest, tables=frames, folder=folder, **ours)


def read_manifest(folder: Path) -> dict[str, Any]:
    """
    Return what the `run.json` of an output folder holds.

    Raises
    ------
    InputError
        There is none, or it is none of ours.
    """
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text("utf-8"))
        ours = manifest["made_by"] == MADE_BY and isinstance(manifest["files"], list)
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise InputError("history.no_run", where=str(folder)) from error
    if not ours:
        raise InputError("history.no_run", where=str(folder))
    return dict(manifest)


def typed(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of texts with numbers as float64 and truth values as bool, by column."""
    return table.apply(lambda cells: _typed(cells, as_text=_is_text(str(cells.name))))


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:  # pandas' parser errors are values too
        raise InputError("history.table_lost", where=str(path)) from error
    name = path.stem
    if not set(COLUMNS.get(name, [])[:4]) <= set(table.columns):
        raise InputError("history.table_lost", where=str(path))
    return typed(table)


def _is_text(column: str) -> bool:
    return column in _TEXT or column.endswith(("_code", "_id"))


def _typed(cells: pd.Series[Any], *, as_text: bool) -> pd.Series[Any]:
    if as_text:
        return cells.map(_unguarded).astype(object)
    filled = cells[cells.ne("")]
    if len(filled) and filled.isin(_TRUTH).all():
        return cells.eq("true")
    numbers = pd.to_numeric(filled, errors="coerce")
    if numbers.isna().any():
        return cells.map(_unguarded).astype(object)
    return numbers.astype("float64").reindex(cells.index)


def _unguarded(text: str) -> str:
    return text[1:] if text.startswith(_GUARDED) else text
