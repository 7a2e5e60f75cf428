"""The tables: CSV files for machines, one workbook for people."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import pandas as pd

from servicecircle.assess.results import EVIDENCE_COLUMNS
from servicecircle.assess.scenarios import OPENED
from servicecircle.assess.village_class import COLUMNS as VILLAGE_COLUMNS
from servicecircle.findings import COLUMNS as FINDING_COLUMNS
from servicecircle.outputs.cells import harmless, plain_value
from servicecircle.outputs.workbook import write_workbook
from servicecircle.standards.register import load_profile

if TYPE_CHECKING:
    from pathlib import Path

    from servicecircle.assess.results import Results

GROUP_PARTS = ("people", "judged", "within", "doubtful", "share_within")
"""What the zones table says of each group, in columns `<group>_<part>`."""

COLUMNS = {
    "zones": [
        "code", "name", "level", "parent_code", "report_unit", "area_class", "area_class_source", "circle",
        "limit", "limit_unit", "people", "people_judged", "people_within", "people_doubtful",
        "share_within", "share_low", "share_high", "share_straight", "median_seconds", "p90_seconds",
        "facilities", "units", "units_judged", "units_met", "units_not_met", "units_to_verify",
        "units_with_facility", "gap_people", "state", "certainty", "verdict", "reason", "people_by_connector",
        "street_km", "street_km_per_km2", "street_m_per_person", "share_near_street", "people_off_streets",
        "streets_state",
    ],
    "verdicts": [
        "zone_code", "clause_id", "verdict", "measured", "threshold", "unit", "margin", "certainty",
        "reason", "evidence", "low", "high", "level", "severity", "deadline", "deadline_state", "missing",
    ],
    "evidence": list(EVIDENCE_COLUMNS),
    "gaps": [
        "gap_id", "class", "zone_code", "zone_name", "township_name", "place", "people", "elderly", "lon",
        "lat", "seconds", "metres", "straight_m", "nearest_facility", "reason", "advice",
    ],
    "facilities": [
        "facility_id", "name", "kind", "status", "lon", "lat", "snap_m", "used", "reason", "people_within",
    ],
    "findings": list(FINDING_COLUMNS),
}  # fmt: skip
"""The columns of each table; those of groups follow in `zones`."""

VERIFIED = "verified"
"""The last column of gaps and facilities: who verified what on site, and when."""


def write_tables(results: Results, folder: Path) -> list[Path]:
    """
    Write zones, verdicts, evidence, gaps, facilities, findings and further tables: as CSV, and as a workbook.

    Unknown, unreachable and infinite values are empty; numbers keep every digit they have.

    Parameters
    ----------
    results
        What a run found; the language of findings and workbook is its study's.
    folder
        An existing folder.
    """
    tables = written_tables(results)
    paths = [write_csv(table, folder / f"{name}.csv") for name, table in tables.items()]
    told = tables | {"verdicts": _in_words(tables["verdicts"], results)}
    return [*paths, write_workbook(told, folder / "tables.xlsx", study=results.study)]


def _in_words(verdicts: pd.DataFrame, results: Results) -> pd.DataFrame:
    """Add the zone's name and the clause's words, which the codes stand for."""
    study = results.study
    clauses = load_profile(study.rules.profile, folder=study.path.parent).clauses
    zh = study.language == "zh"
    phrases = {clause.id: clause.phrase if zh else clause.en or clause.phrase for clause in clauses}
    names = dict(zip(results.zones["code"], results.zones["name"], strict=True))
    return verdicts.assign(
        unit_name=verdicts["zone_code"].map(names), phrase=verdicts["clause_id"].map(phrases)
    )


def written_tables(results: Results) -> dict[str, pd.DataFrame]:
    """Return the tables by name, with exactly the columns that are written."""
    frames = {
        "zones": results.zones,
        "verdicts": results.verdicts,
        "evidence": results.evidence,
        "gaps": results.gaps,
        "facilities": results.facilities,
        "findings": results.findings.to_frame(results.study.language),
    }
    groups = [f"{group}_{part}" for group in results.study.people.groups for part in GROUP_PARTS]
    classed = [c for c in (*VILLAGE_COLUMNS, OPENED) if c in results.zones]
    wanted = COLUMNS | {"zones": COLUMNS["zones"] + groups + classed}
    for name in ("gaps", "facilities"):
        wanted[name] = COLUMNS[name] + [c for c in frames[name] if c == VERIFIED]
    written = {name: pd.DataFrame(frame[wanted[name]]) for name, frame in frames.items()}
    return {**written, **results.tables}


def write_csv(table: pd.DataFrame, path: Path) -> Path:
    """Write a table: UTF-8 with a BOM, every digit, nothing that a spreadsheet takes for a formula."""
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(table.columns)
        writer.writerows([_field(value) for value in row] for row in table.astype(object).to_numpy())
    return path


def _field(value: Any) -> str:
    """Return a value as CSV has it: of a number the shortest text that reads back as the same."""
    plain = plain_value(value)
    if plain is None:
        return ""
    if isinstance(plain, bool):
        return str(plain).lower()
    if isinstance(plain, float):
        return str(int(plain)) if plain.is_integer() and abs(plain) < 1e15 else repr(plain)
    return str(plain) if isinstance(plain, int) else harmless(plain)
