"""Inputs: everything a run needs, read, checked and in one CRS. Only `check_inputs` makes them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from servicecircle.checks.evidence import Ground
from servicecircle.checks.facilities import check_facilities
from servicecircle.checks.people import check_people
from servicecircle.checks.registers import Registers, check_registers
from servicecircle.checks.streets import check_streets
from servicecircle.checks.verified import move_facilities, verified_answers
from servicecircle.checks.zones import check_zones
from servicecircle.crs import lonlat_box
from servicecircle.database import Database, place_of
from servicecircle.errors import InputError
from servicecircle.findings import Findings
from servicecircle.sources.files import digest
from servicecircle.sources.named import named_sources
from servicecircle.sources.postgis import hold_tables

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import geopandas as gpd
    from numpy.typing import NDArray
    from pyproj import CRS

    from servicecircle.checks.people import People
    from servicecircle.checks.verified import Answer
    from servicecircle.sources.streets import RawStreets
    from servicecircle.study import Study

    Report = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Inputs:
    """
    Checked inputs of a study.

    Parameters
    ----------
    study
        The study file.
    crs
        The metric CRS of everything here but the streets.
    streets
        Walkable ways as they were read.
    facilities, zones, people
        As their checks return them.
    findings
        What was mended, doubted or rejected.
    digests
        Role, name and SHA-256 of each input file.
    as_of
        The data date: the study's, or today.
    verified
        What was verified on site.
    barriers
        Lines that no access walk may cross; None where the study does not ask for any.
    registers
        Units, estates, medical institutions and whatever else clauses need.
    """

    study: Study
    crs: CRS
    streets: RawStreets
    facilities: gpd.GeoDataFrame
    zones: gpd.GeoDataFrame
    people: People
    findings: Findings
    digests: list[dict[str, str]]
    as_of: dt.date
    verified: tuple[Answer, ...] = ()
    barriers: NDArray[np.object_] | None = None
    registers: Registers = field(default_factory=Registers.none)

    def __repr__(self) -> str:
        return (
            f"Inputs({self.study.id!r}, {len(self.facilities)} facilities, "
            f"{int(self.zones['unit'].sum())} zones, {self.people.rows['people'].sum():.0f} people, "
            f"{len(self.findings)} findings)"
        )


def check_inputs(
    study: Study, *, report: Report | None = None, streets: Path | None = None, kept: Path | None = None
) -> Inputs:
    """
    Read and check every input of a study.

    Parameters
    ----------
    report
        Called with the name of each stage as it begins.
    streets
        A downloaded street file, where the study names a place instead of a file.
    kept
        Folder of the streets that earlier runs have read, taken from there while nothing about them changes.

    Raises
    ------
    InputError
        An input cannot be used at all. A bad row is a finding, and work goes on.
    """
    begin = report or (lambda _stage: None)
    findings = Findings()
    begin("read_streets")
    named, study = study, hold_tables(study)
    path = streets or _street_file(study)
    ways = check_streets(study, path, kept=kept)
    raw, crs, barriers = ways.raw, ways.crs, ways.barriers
    findings.extend(ways.findings)
    box = lonlat_box(raw.xy[np.isfinite(raw.xy).all(axis=1)], raw.crs)
    begin("read_zones")
    zones = check_zones(study, crs=crs, findings=findings)
    begin("read_people")
    people = check_people(study, zones, crs=crs, findings=findings)
    begin("read_facilities")
    ground = Ground.of(raw, zones, crs=crs, box=box)
    facilities = check_facilities(study, crs=crs, streets_box=box, ground=ground, findings=findings)
    verified = verified_answers(study, findings)
    facilities = move_facilities(facilities, verified, streets_box=box, findings=findings)
    registers = check_registers(
        study, zones, facilities, crs=crs, streets_box=box, ground=ground, findings=findings
    )
    as_of = study.study.as_of or dt.datetime.now(dt.UTC).astimezone().date()
    if study.study.as_of is None:
        findings.note("study.no_as_of", date=as_of.isoformat())
    if "tianditu" in study.output.base_maps:
        findings.note("study.key_shown" if study.output.tianditu_key else "study.no_key")
    digests = _digests(study, path)
    return Inputs(
        named, crs, raw, facilities, zones, people, findings, digests, as_of, verified, barriers, registers
    )


def _street_file(study: Study) -> Path | Database:
    if not study.streets.source:
        raise InputError("study.place_without_source", where=str(study.path), place=study.streets.place)
    return place_of(study.streets.source, study.locate)


def _digests(study: Study, streets: Path | Database) -> list[dict[str, str]]:
    """List each input once per role; by name only, so that a moved study stays the same study."""
    named: list[tuple[str, Path | Database]] = [("streets", streets)]
    named += [
        (role, place_of(source, study.locate))
        for role, source in named_sources(study)
        if role != "streets" and not role.startswith("rules.")
    ]
    digests = [(role, place.name, _digest(place)) for role, place in dict.fromkeys(named)]
    return [{"role": r, "name": n, "sha256": d} for r, n, d in digests if d]


def _digest(place: Path | Database) -> str:
    """Return the SHA-256 of a file, or of a table's rows as they were read; '' of what is no file."""
    if isinstance(place, Database):
        return place.rows.sha256 if place.rows else ""
    return digest(place) if place.is_file() else ""
