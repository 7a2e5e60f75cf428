"""The run: wires the stages together. No figure is computed here."""

from __future__ import annotations

import datetime as dt
import os
import time
import uuid
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from servicecircle.assess.area_class import classify_zones
from servicecircle.assess.beside import tables_of_clauses, tables_of_walks
from servicecircle.assess.clauses.facts import Facts
from servicecircle.assess.clauses.judge import judge_clauses as judge
from servicecircle.assess.clauses.remeasure import measure_again
from servicecircle.assess.completeness import say_sparse, say_turned, street_completeness
from servicecircle.assess.coverage import cover
from servicecircle.assess.gaps import Places, find_gaps
from servicecircle.assess.households import as_cells
from servicecircle.assess.nearest import along_streets
from servicecircle.assess.other_datum import if_datum_wrong
from servicecircle.assess.people import measure_people, people_table, place_people
from servicecircle.assess.public import for_public
from servicecircle.assess.results import Results
from servicecircle.assess.scenarios import other_answers, share_when_opened, walks_when_opened
from servicecircle.assess.sites import count_facilities, facility_table, reached_by_each
from servicecircle.assess.streets import say_islets, time_segments, zone_segments
from servicecircle.assess.summary import describe, say_unmapped
from servicecircle.assess.trial import Ground
from servicecircle.assess.verified import mark_verified
from servicecircle.assess.village_class import classify_villages, count_classes
from servicecircle.checks.inputs import Inputs, check_inputs
from servicecircle.checks.people import zones_of
from servicecircle.checks.waiting import say_waiting
from servicecircle.history.places import streets_of
from servicecircle.maps.letters import say_letters
from servicecircle.maps.pages import write_pages
from servicecircle.network.build import build_network
from servicecircle.network.place import Placer
from servicecircle.outputs.folder import atomic_folder
from servicecircle.outputs.geopackage import write_geopackage
from servicecircle.outputs.postgis import check_sink, write_postgis
from servicecircle.outputs.reading import read_run
from servicecircle.outputs.tables import write_tables
from servicecircle.outputs.verify import SHEET, write_verify
from servicecircle.standards.register import load_profile
from servicecircle.travel.circles import circle_table, draw_circles, draw_reach
from servicecircle.travel.field import coordinates

if TYPE_CHECKING:
    from collections.abc import Callable

    import folium
    import geopandas as gpd
    import pandas as pd

    from servicecircle.assess.clauses.judge import Judgement
    from servicecircle.assess.coverage import Coverage
    from servicecircle.assess.walks import Walks
    from servicecircle.network.network import Network
    from servicecircle.network.place import Placements
    from servicecircle.report.material import SignOff
    from servicecircle.standards.clause import Profile
    from servicecircle.study import Study
    from servicecircle.units import Floats

    OnProgress = Callable[[str, float], None]

STAGES = (
    "read_streets", "read_zones", "read_people", "read_facilities", "build_network", "measure_walks",
    "reach_each", "draw_circles", "time_streets", "find_gaps", "judge", "write_tables", "write_geopackage",
    "draw_pictures", "write_pages", "write_reports",
)  # fmt: skip
"""The stages of a run, in order; their names are in the word lists."""


@dataclass(slots=True)
class _Clock:
    """Tells the caller which stage begins, and remembers how long each took."""

    on_progress: OnProgress | None
    timings: dict[str, float] = field(default_factory=dict)
    _stage: str = ""
    _since: float = 0.0

    def begin(self, stage: str) -> None:
        self.end()
        self._stage, self._since = stage, time.perf_counter()
        if self.on_progress:
            self.on_progress(stage, STAGES.index(stage) / len(STAGES))

    def end(self) -> None:
        if self._stage:
            self.timings[self._stage] = round(time.perf_counter() - self._since, 3)
        self._stage = ""


class Run(Results):
    """What a run found, with the means to show and to write it."""

    __slots__ = ()

    def map(self, zone: str | None = None) -> folium.Map:
        """
        Return a folium map for a notebook.

        Parameters
        ----------
        zone
            Code of a township: its villages and road segments. None: the overview.
        """
        from servicecircle.maps.notebook import folium_map

        return folium_map(self, zone)

    def write(
        self,
        folder: str | Path | None = None,
        *,
        on_progress: OnProgress | None = None,
        workers: int = 1,
        sign_off: SignOff | None = None,
    ) -> Path:
        """
        Write pages, tables, GeoPackage, reports, manifest and the study's database, if any, all or nothing.

        Parameters
        ----------
        folder
            The folder to write; None: the study's. One that holds anything but an earlier run is refused.
        workers
            Processes that make pages, where there are many; a script that asks for several needs
            `if __name__ == "__main__"`.
        sign_off
            Where the reports stand: as a draft they are stamped so.

        Raises
        ------
        OutputError
            It cannot be written; what stood there is kept.
        """
        return _write(self, Path(folder or self.study.folder), on_progress, workers, sign_off)


def check(study: Study) -> Inputs:
    """Read and check every input of a study, tell what clauses wait for, and change nothing."""
    inputs = check_inputs(study)
    say_waiting(study, inputs.registers.given, inputs.findings)
    return inputs


def run(
    study: Study, *, on_progress: OnProgress | None = None, streets: Path | None = None, workers: int = 1
) -> Run:
    """
    Do the main job: who reaches a facility on foot, zone by zone, and where the gaps are.

    Parameters
    ----------
    study
        The study file, read.
    on_progress
        Called with the name of each stage (`STAGES`) as it begins, and the share of stages that are done.
    streets
        A downloaded street file, where the study names a place instead of a file.
    workers
        Threads that draw circles; the figures do not depend on it.

    Raises
    ------
    InputError
        An input cannot be used.
    """
    clock = _Clock(on_progress)
    started = dt.datetime.now(dt.UTC)
    check_sink(study)
    inputs = check_inputs(study, report=clock.begin, streets=streets, kept=streets_of(study))
    results = _assess(inputs, clock, workers)
    clock.end()
    results.manifest["started_at"] = started.isoformat(timespec="seconds")
    results.manifest["timings"] = clock.timings
    return results


def measure(inputs: Inputs) -> gpd.GeoDataFrame:
    """Return the table of zones as `run` finds it, without clauses, circles, gaps or anything drawn."""
    return _measure(inputs, _Clock(None)).coverage.zones


@dataclass(frozen=True, slots=True, eq=False)
class _Measured:
    """What was measured on the streets, for the stages that follow."""

    network: Network
    placer: Placer
    zones: gpd.GeoDataFrame
    facilities: gpd.GeoDataFrame
    facility_xy: Floats
    facility_places: Placements
    people: pd.DataFrame
    people_places: Placements
    walks: list[Walks]
    segments: gpd.GeoDataFrame
    streets: pd.DataFrame
    coverage: Coverage


def _measure(inputs: Inputs, clock: _Clock) -> _Measured:
    study, findings, rules, circles = inputs.study, inputs.findings, inputs.study.rules, inputs.study.circles
    clock.begin("build_network")
    where = study.streets.source or str(study.streets.place)
    network = build_network(inputs.streets, crs=inputs.crs, islet_m=rules.islet_m, where=where)
    say_islets(network, findings)
    placer = Placer.of(network, barriers=inputs.barriers)
    zones = classify_zones(
        inputs.zones,
        default_class=rules.default_class,
        circles_ids=[c.id for c in circles],
        findings=findings,
    )
    clock.begin("measure_walks")
    facility_xy = coordinates(inputs.facilities, network)
    facility_places = placer.place(facility_xy, snap_m=rules.snap_m.facilities)
    facilities = count_facilities(inputs.facilities, facility_places, circles, findings)
    facilities["zone_code"] = zones_of(facility_xy, zones)
    located, people_places = place_people(inputs.people.rows, zones, placer, rules)
    people, walks = measure_people(
        located, people_places, facilities, zones, placer, circles=circles, rules=rules
    )
    groups = inputs.people.groups
    segments = zone_segments(network, zones)
    streets = street_completeness(zones, segments, people)
    coverage = cover(zones, people, facilities, walks, streets=streets, groups=groups, rules=rules)
    classed = classify_villages(
        coverage.zones, zones, people, facilities, circles=circles, class_share=rules.class_share
    )
    return _Measured(
        network, placer, zones, facilities, facility_xy, facility_places, people, people_places, walks,
        segments, streets, replace(coverage, zones=classed),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _Judged:
    """The verdicts, what stands beside them, and what the summary says of both."""

    facts: Facts
    judgement: Judgement
    tables: dict[str, pd.DataFrame]
    summary: dict[str, Any]


def _judge(inputs: Inputs, at: _Measured, profile: Profile, other: Profile | None) -> _Judged:
    study, groups = inputs.study, inputs.people.groups
    again = measure_again(
        at.coverage, at.zones, at.people, at.facilities, at.walks,
        placer=at.placer, places=at.people_places, streets=at.streets, groups=groups,
    )  # fmt: skip
    facts = Facts.of(
        at.coverage, at.facilities, inputs.registers,
        circle_of=again, walk_to=along_streets(at.placer), as_of=inputs.as_of, basis=study.people.basis,
    )  # fmt: skip
    judged = judge(facts, profile)
    tables, said = tables_of_clauses(facts, profile, judged, other=other)
    walked, told = tables_of_walks(
        facts, at.people, at.people_places, at.facilities, at.facility_places, at.facility_xy,
        walks=at.walks, groups=groups, placer=at.placer, circles=study.circles,
    )  # fmt: skip
    standards = {"profile": profile.id, "draft": profile.draft, **judged.counts()}
    summary = {"standards": standards, **count_classes(at.coverage.zones), **said, **told}
    return _Judged(facts, judged, {**walked, **tables}, summary)


def _assess(inputs: Inputs, clock: _Clock, workers: int) -> Run:
    study, findings, rules, circles = inputs.study, inputs.findings, inputs.study.rules, inputs.study.circles
    profile = load_profile(rules.profile, folder=study.path.parent)
    other = load_profile(rules.compare, folder=study.path.parent) if rules.compare else None
    at = _measure(inputs, clock)
    network, people, facilities, groups = at.network, at.people, at.facilities, inputs.people.groups
    opened = walks_when_opened(facilities, people, at.people_places, at.placer, at.walks, rules)
    answers = other_answers(inputs, facilities, people, at.people_places, at.placer, at.walks, opened)
    misread = if_datum_wrong(inputs, facilities, people, at.people_places, at.placer, at.walks)
    clock.begin("reach_each")
    served, reached = reached_by_each(
        at.placer, facilities, at.facility_places, at.facility_xy, people, at.people_places, circles
    )
    clock.begin("draw_circles")
    counts = {c.id: facilities[f"counts_{c.id}"].to_numpy(bool) for c in circles}
    limits_m = {c.id: c.limit_m for c in circles}
    ids, buffer_m = facilities["facility_id"].to_numpy(), rules.circle_buffer_m
    shapes = draw_circles(network, reached, buffer_m=buffer_m, workers=workers)
    drawn = circle_table(reached, shapes, ids, crs=inputs.crs)
    reach = draw_reach(reached, shapes, counts, limits_m, crs=inputs.crs)
    clock.begin("time_streets")
    segments = time_segments(network, at.segments, at.zones, at.walks, walk_kmh=rules.walk_kmh)
    segments = segments[~segments["osm_way"].isin(inputs.streets.hidden)].reset_index(drop=True)
    clock.begin("find_gaps")
    names = Places.of(network, at.zones, study.language)
    shown = as_cells(people, groups) if study.people.household else people
    gaps = find_gaps(shown, at.zones, facilities, names, join_m=rules.gap_join_m, crs=inputs.crs)
    clock.begin("judge")
    judged = _judge(inputs, at, profile, other)
    say_unmapped(at.coverage, findings)
    say_sparse(at.coverage.zones, findings)
    say_turned(people, at.people_places, rules, findings)
    say_letters(study, at.coverage.zones, facilities, findings)
    marked = mark_verified(gaps, facility_table(facilities, served), inputs, findings)
    described = describe(inputs, network, at.coverage, people, facilities, gaps, answers) | marked.counts
    described["summary"] |= judged.summary | {"datum_if_wrong": misread}
    return Run(
        study=study, crs=inputs.crs,
        zones=share_when_opened(at.coverage.zones, at.zones, people, opened),
        verdicts=judged.judgement.verdicts,
        gaps=marked.gaps, facilities=marked.facilities, people=people_table(shown, groups, inputs.crs),
        segments=segments, circles=drawn, reach=reach, findings=findings, manifest=described,
        evidence=judged.judgement.evidence, facts=judged.facts, tables=judged.tables,
        ground=_ground(inputs, at),
    )  # fmt: skip


def _ground(inputs: Inputs, at: _Measured) -> Ground:
    return Ground(
        at.placer, at.zones, at.people, at.people_places, at.facilities, at.facility_places, at.walks,
        inputs.study.circles, inputs.study.rules, inputs.barriers, inputs.study.people.household,
    )  # fmt: skip


def _write(
    results: Run, target: Path, on_progress: OnProgress | None, workers: int, sign_off: SignOff | None
) -> Path:
    from servicecircle.maps.pictures import write_pictures

    public = results.study.output.public
    if public:
        results = for_public(results)
    clock = _Clock(on_progress)
    with atomic_folder(target, run_id=f"{os.getpid()}-{uuid.uuid4().hex[:8]}") as new:
        clock.begin("write_tables")
        written = write_tables(results, new)
        if not public:
            written.append(write_verify(results, new / SHEET, earlier=target / SHEET))
        clock.begin("write_geopackage")
        written += write_geopackage(results, new / "coverage.gpkg")
        clock.begin("draw_pictures")
        drawn = write_pictures(results, new, earlier=target, workers=workers)
        clock.begin("write_pages")
        pages = write_pages(results, new, pictures=drawn.of_pages, earlier=target, workers=workers)
        written += [*drawn.files, *pages]
        manifest = dict(results.manifest)
        for what, files in (("pages", pages), ("pictures", drawn.files)):
            manifest[what] = {path.relative_to(new).as_posix(): of for path, of in files.items()}
        clock.begin("write_reports")
        described = _report(results.study, manifest, written, new, clock, sign_off)
        write_postgis(results, described.read_text("utf-8"))
    return target


def _report(
    study: Study,
    manifest: dict[str, Any],
    written: list[Path],
    folder: Path,
    clock: _Clock,
    sign_off: SignOff | None,
) -> Path:
    """Write the reports from what was written so far, and the manifest of all; return the manifest."""
    from servicecircle.report.manifest import write_described
    from servicecircle.report.material import SignOff

    signed = sign_off or SignOff()
    reports: list[Path] = []
    if study.report.kinds:
        from servicecircle.report.remembered import material_of
        from servicecircle.report.write import write_reports

        write_described(manifest, written, [], folder, sign_off=signed)  # a report reads a whole run
        material = material_of(study, read_run(folder), sign_off=signed, measure=measure)
        reports = write_reports(material, folder)
    clock.end()
    timings = {**manifest.get("timings", {}), **clock.timings}
    return write_described({**manifest, "timings": timings}, written, reports, folder, sign_off=signed)
