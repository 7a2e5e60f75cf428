"""Registers beside the facilities, which clauses need: every row used or listed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from servicecircle.checks.attributes import first_day, last_day, yes_no
from servicecircle.checks.estates import ESTATE_COLUMNS, ESTATE_FIELDS, read_estates
from servicecircle.checks.medical import MEDICAL_COLUMNS, MEDICAL_FIELDS, join_medical
from servicecircle.checks.placing import Surroundings
from servicecircle.checks.register_rows import UNIT, RegisterRows, UnitFinder
from servicecircle.checks.units_table import UNIT_COLUMNS, UNIT_FIELDS, read_units
from servicecircle.kinds import KINDS, recognise_kind, satisfying
from servicecircle.sources.cells import is_blank, number, unspaced

if TYPE_CHECKING:
    from pyproj import CRS

    from servicecircle.checks.evidence import Box, Ground
    from servicecircle.findings import Findings
    from servicecircle.study import Study

FIELDS = {
    "units": UNIT_FIELDS,
    "estates": ESTATE_FIELDS,
    "medical": MEDICAL_FIELDS,
    "family_beds": (*UNIT, "family_beds", "beds", "opened"),
    "assigned": ("facility_id", "facility", *UNIT),
    "indicators": ("clause_id", *UNIT, "value"),
    "tasks": ("task", "code", "zone", "unit", "kind", "target", "start", "deadline", "responsible"),
}
"""The fields of each register, in the order in which columns are given to them."""

COLUMNS = {
    "units": UNIT_COLUMNS,
    "estates": ESTATE_COLUMNS,
    "medical": MEDICAL_COLUMNS,
    "family_beds": ("code", "level", "beds", "opened", "opened_on", "row", "source"),
    "assigned": ("code", "facility_id", "row", "source"),
    "indicators": ("clause_id", "code", "value", "written", "row", "source"),
    "tasks": (
        "task", "code", "kind", "written_kind", "target", "start", "deadline", "responsible", "row",
        "source",
    ),
}  # fmt: skip
"""The columns of each frame."""

HOME_RETROFIT, _RETROFIT = "home_retrofit", "适老化"
"""What tasks are set for besides facilities, and the word it is known by."""

_TEXTS = {
    "code", "name", "level", "source", "estate_id", "zone_code", "stage", "built", "medical_id", "status",
    "opened", "opened_on", "origin", "facility_id", "clause_id", "written", "task", "kind", "written_kind",
    "start", "deadline", "responsible",
}  # fmt: skip
_DATA = {"row", "source", "name", "level", "code", "origin", "written", "written_kind"}
"""Columns that are there by themselves: they give no clause anything."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Registers:
    """
    What the study says beside facilities, zones and people.

    Numbers are NaN, texts "" where unknown; yes and no are 1.0 and 0.0; dates are ISO texts.

    Parameters
    ----------
    units
        Indexed by zone code, of any level, each once; the other frames have a row per row of their source.
    given
        What there is a value of: "estates", "estates.stage", "facilities.nursing_beds",
        "facilities.hospital" (of a kind), "indicators.<clause id>". Where the study itself models people or
        elderly, "units.people" and "units.elderly" too.
    """

    units: pd.DataFrame
    estates: pd.DataFrame
    medical: gpd.GeoDataFrame
    family_beds: pd.DataFrame
    assigned: pd.DataFrame
    indicators: pd.DataFrame
    tasks: pd.DataFrame
    given: frozenset[str]

    @classmethod
    def none(cls) -> Registers:
        """Return no register at all."""
        frames: dict[str, Any] = {
            name: pd.DataFrame({column: pd.Series(dtype=_dtype(column)) for column in columns})
            for name, columns in COLUMNS.items()
        }
        frames["units"] = frames["units"].rename_axis("code")
        frames["medical"] = gpd.GeoDataFrame(frames["medical"], geometry=gpd.GeoSeries([], dtype="geometry"))
        return cls(**frames, given=frozenset())


def check_registers(
    study: Study,
    zones: gpd.GeoDataFrame,
    facilities: gpd.GeoDataFrame,
    *,
    crs: CRS,
    streets_box: Box | None = None,
    ground: Ground | None = None,
    findings: Findings,
) -> Registers:
    """
    Read the registers that a study names.

    Parameters
    ----------
    zones, facilities
        As their checks return them.
    streets_box, ground
        By which undeclared coordinates are read, as those of facilities are.

    Raises
    ------
    InputError
        A table cannot be read, or lacks a column that it is no register without.
    """
    finder = UnitFinder.of(zones)
    named = study.registers
    none = Registers.none()
    frames: dict[str, Any] = {name: getattr(none, name) for name in FIELDS}
    around = Surroundings.of(streets_box, ground)
    if "units" in named:
        frames["units"] = read_units(study, finder, findings)
    if "estates" in named:
        frames["estates"] = read_estates(study, finder, crs=crs, around=around, findings=findings)
    if "family_beds" in named:
        frames["family_beds"] = _family_beds(study, finder, findings)
        frames["units"] = _with_family_beds(frames["units"], frames["family_beds"], zones)
    if "assigned" in named:
        frames["assigned"] = _assigned(study, finder, facilities, findings)
    if "indicators" in named:
        frames["indicators"] = _indicators(study, finder, findings)
    if "tasks" in named:
        frames["tasks"] = _tasks(study, finder, findings)
    frames["medical"] = join_medical(study, finder, facilities, crs=crs, around=around, findings=findings)
    return Registers(**frames, given=_given(study, frames, facilities))


def _dtype(column: str) -> str:
    return "object" if column in _TEXTS else "int64" if column == "row" else "float64"


def _family_beds(study: Study, finder: UnitFinder, findings: Findings) -> pd.DataFrame:
    needed = (UNIT, ("family_beds", "beds"))
    rows = RegisterRows.read(study, "family_beds", FIELDS["family_beds"], needed=needed, findings=findings)
    at = np.array(finder.of_rows(rows), dtype=np.intp)
    field = "family_beds" if "family_beds" in rows.columns else "beds"
    beds = rows.numbers(field)
    _say_blank(rows, field)
    frame = pd.DataFrame({
        "code": [finder.code(k) for k in at], "level": [finder.level(k) for k in at], "beds": beds,
        "opened": rows.texts("opened"), "opened_on": rows.days("opened"), "row": rows.table.rows,
        "source": rows.source,
    })  # fmt: skip
    return frame[(at >= 0) & ~np.isnan(beds)].reset_index(drop=True)


def _say_blank(rows: RegisterRows, field: str) -> None:
    """List the rows without the figure that they are for."""
    for i, cell in enumerate(rows.cells(field)):
        if is_blank(cell):
            rows.bad(i, field)


def _with_family_beds(units: pd.DataFrame, beds: pd.DataFrame, zones: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the units with the beds of the register where their own table gives none."""
    sums = beds.groupby("code")["beds"].sum()
    lacking = sums.index.difference(units.index)
    first = beds.drop_duplicates("code").set_index("code").loc[lacking, ["row", "source"]]
    known = zones.set_index("code").loc[lacking, ["name", "level"]]
    added = pd.concat([pd.DataFrame(known), first], axis=1).reindex(columns=list(UNIT_COLUMNS))
    filled = pd.concat([frame for frame in (units, added) if len(frame)]) if len(added) else units.copy()
    figures = [column for column in UNIT_COLUMNS if column not in _DATA]
    filled[figures] = filled[figures].astype(np.float64)
    filled["family_beds"] = filled["family_beds"].fillna(sums)
    return filled.rename_axis("code")


def _assigned(
    study: Study, finder: UnitFinder, facilities: gpd.GeoDataFrame, findings: Findings
) -> pd.DataFrame:
    """Return which facility serves which township; a cell may name several townships."""
    needed = (UNIT, ("facility_id", "facility"))
    rows = RegisterRows.read(study, "assigned", FIELDS["assigned"], needed=needed, findings=findings)
    ids = set(facilities["facility_id"])
    called: defaultdict[str, list[str]] = defaultdict(list)
    for name, own in zip(facilities["name"], facilities["facility_id"], strict=True):
        called[unspaced(name)].append(own)
    found: dict[tuple[str, str], int] = {}
    for i, row in enumerate(rows.table.rows.tolist()):
        units = finder.of_several(rows, i)
        written = [rows.text_at(i, field) for field in ("facility_id", "facility")]
        own = next((text for text in written if text in ids), "")
        alike = [called[plain] for plain in map(unspaced, written) if plain in called]
        which = [own] if own else next(iter(alike), [])
        if len(which) != 1:
            code = "registers.unclear_facility" if which else "registers.unknown_facility"
            rows.note(code, i, written=" ".join(filter(None, written)), count=len(which))
            continue
        for k in units:
            pair = finder.code(k), which[0]
            if pair in found:
                rows.note("registers.repeated", i, written=str(finder.zones["name"].iloc[k]))
            found.setdefault(pair, row)
    kept = [(*pair, row, rows.source) for pair, row in found.items()]
    return pd.DataFrame(kept, columns=list(COLUMNS["assigned"])).astype({"row": np.int64})


def _indicators(study: Study, finder: UnitFinder, findings: Findings) -> pd.DataFrame:
    needed = (("clause_id",), ("value",))
    rows = RegisterRows.read(study, "indicators", FIELDS["indicators"], needed=needed, findings=findings)
    at = np.array(finder.of_rows(rows, required=False), dtype=np.intp)
    written, clauses = rows.texts("value"), [text.lower() for text in rows.texts("clause_id")]
    values = np.array([_figure(cell) for cell in rows.cells("value")], dtype=np.float64)
    named = np.array([bool(cells) for cells in rows.unit_cells()], dtype=bool)
    kept = ~np.isnan(values) & ((at >= 0) | ~named)
    seen: set[tuple[str, str]] = set()
    codes = [finder.code(k) if k >= 0 else "" for k in at]
    for i in range(len(rows)):
        if not clauses[i]:
            rows.note("registers.no_clause", i)
        if np.isnan(values[i]):
            rows.bad(i, "value")
        if kept[i] and clauses[i] and (clauses[i], codes[i]) in seen:
            rows.note("registers.repeated", i, written=clauses[i])
            kept[i] = False
        kept[i] &= bool(clauses[i])
        seen |= {(clauses[i], codes[i])} if kept[i] else set()
    frame = pd.DataFrame({
        "clause_id": clauses, "code": codes, "value": values, "written": written, "row": rows.table.rows,
        "source": rows.source,
    })  # fmt: skip
    used: pd.DataFrame = frame[kept].reset_index(drop=True)
    return used


def _figure(cell: object) -> float:
    figure = number(cell)
    return yes_no(cell) if np.isnan(figure) else figure


def _tasks(study: Study, finder: UnitFinder, findings: Findings) -> pd.DataFrame:
    needed = (("task", "kind"), ("target",))
    rows = RegisterRows.read(study, "tasks", FIELDS["tasks"], needed=needed, findings=findings)
    at = np.array(finder.of_rows(rows, required=False), dtype=np.intp)
    named = np.array([bool(cells) for cells in rows.unit_cells()], dtype=bool)
    _say_blank(rows, "target")
    targets, deadlines = rows.numbers("target"), [last_day(text) for text in rows.texts("deadline")]
    kinds = [_kind_of(text) for text in rows.texts("kind", "task")]
    for i in range(len(rows)):
        if not kinds[i]:
            rows.note("registers.unknown_kind", i, written=rows.text_at(i, "kind", "task"))
        if not deadlines[i] and rows.text_at(i, "deadline"):
            rows.bad(i, "deadline")
    frame = pd.DataFrame({
        "task": rows.texts("task", "kind"), "code": [finder.code(k) if k >= 0 else "" for k in at],
        "kind": kinds, "written_kind": rows.texts("kind"),
        "target": targets, "start": [first_day(text) for text in rows.texts("start")],
        "deadline": deadlines, "responsible": rows.texts("responsible"),
        "row": rows.table.rows, "source": rows.source,
    })  # fmt: skip
    used: pd.DataFrame = frame[~np.isnan(targets) & ((at >= 0) | ~named)].reset_index(drop=True)
    return used


def _kind_of(written: str) -> str:
    """Return the kind that a task is about; homes fitted for the old are no facility, but are counted too."""
    found = recognise_kind(written)
    if found is None:
        return HOME_RETROFIT if _RETROFIT in written else ""
    return found[0]


def _given(study: Study, frames: dict[str, pd.DataFrame], facilities: gpd.GeoDataFrame) -> frozenset[str]:
    given = {"facilities", "units.people"}
    if "elderly" in study.people.groups:
        given.add("units.elderly")
    for name, frame in (*frames.items(), ("facilities", facilities)):
        if len(frame) or name in study.registers:
            given.add(name)
        columns = [column for column in frame.columns if column not in _DATA and column != "geometry"]
        given |= {f"{name}.{column}" for column in columns if _any_known(frame[column])}
    given |= {f"indicators.{clause}" for clause in frames["indicators"]["clause_id"]}
    if frames["medical"]["geriatric"].notna().any():  # they are hospitals
        given |= {"facilities.hospital", "facilities.geriatric"}
    kinds = set(facilities["kind"])
    given |= {f"facilities.{kind}" for kind in KINDS if not kinds.isdisjoint(satisfying([kind]))}
    return frozenset(given)


def _any_known(column: pd.Series[Any]) -> bool:
    return bool((column.notna() & (column.astype(object) != "")).any())
