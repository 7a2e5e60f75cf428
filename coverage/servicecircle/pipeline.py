"""The run: wires the stages together. No figure is computed here."""

from __future__ import annotations

import datetime as dt
import os
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from servicecircle.assess.area_class import classify_zones
from servicecircle.assess.completeness import say_sparse, say_turned, street_completeness
from servicecircle.assess.coverage import cover
from servicecircle.assess.gaps import Places, find_gaps
from servicecircle.assess.households import as_cells
from servicecircle.assess.people import measure_people, people_table, place_people
from servicecircle.assess.results import Results
from servicecircle.assess.scenarios import other_answers
from servicecircle.assess.sites import count_facilities, facility_table, reached_by_each
from servicecircle.assess.standards import judge, load_profile
from servicecircle.assess.streets import say_islets, time_segments
from servicecircle.assess.summary import describe, say_unmapped
from servicecircle.assess.verified import mark_verified
from servicecircle.checks.inputs import Inputs, check_inputs
from servicecircle.checks.people import zones_of
from servicecircle.maps.pages import write_pages
from servicecircle.network.build import build_network
from servicecircle.network.place import Placer
from servicecircle.outputs.folder import atomic_folder
from servicecircle.outputs.geopackage import write_geopackage
from servicecircle.outputs.manifest import write_manifest
from servicecircle.outputs.postgis import check_sink, write_postgis
from servicecircle.outputs.tables import write_tables
from servicecircle.outputs.verify import SHEET, write_verify
from servicecircle.travel.circles import circle_table, draw_circles, draw_reach
from servicecircle.travel.field import coordinates

if TYPE_CHECKING:
    from collections.abc import Callable

    import folium

    from servicecircle.study import Study

    OnProgress = Callable[[str, float], None]

STAGES = (
    "read_streets", "read_zones", "read_people", "read_facilities", "build_network", "measure_walks",
    "reach_each", "draw_circles", "time_streets", "find_gaps", "judge", "write_tables", "write_geopackage",
    "write_pages",
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

    def write(self, folder: str | Path | None = None, *, on_progress: OnProgress | None = None) -> Path:
        """
        Write pages, tables, GeoPackage, manifest and the study's database, if any, all or nothing.

        Parameters
        ----------
        folder
            The folder to write; None: the study's. One that holds anything but an earlier run is refused.

        Raises
        ------
        OutputError
            It cannot be written; what stood there is kept.
        """
        return _write(self, folder, on_progress)


def check(study: Study) -> Inputs:
    """Read and check every input of a study, and change nothing."""
    return check_inputs(study)


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
    inputs = check_inputs(study, report=clock.begin, streets=streets)
    results = _assess(inputs, clock, workers)
    clock.end()
    results.manifest["started_at"] = started.isoformat(timespec="seconds")
    results.manifest["timings"] = clock.timings
    return results


def _assess(inputs: Inputs, clock: _Clock, workers: int) -> Run:
    study, findings, rules, circles = inputs.study, inputs.findings, inputs.study.rules, inputs.study.circles
    profile = load_profile(rules.profile, folder=study.path.parent)
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
    coverage = cover(zones, people, facilities, walks, groups=groups, rules=rules)
    answers = other_answers(inputs, facilities, people, people_places, placer, walks)
    clock.begin("reach_each")
    served, reached = reached_by_each(
        placer, facilities, facility_places, facility_xy, people, people_places, circles
    )
    clock.begin("draw_circles")
    counts = {c.id: facilities[f"counts_{c.id}"].to_numpy(bool) for c in circles}
    limits_m = {c.id: c.limit_m for c in circles}
    ids, buffer_m = facilities["facility_id"].to_numpy(), rules.circle_buffer_m
    shapes = draw_circles(network, reached, buffer_m=buffer_m, workers=workers)
    drawn = circle_table(reached, shapes, ids, crs=inputs.crs)
    reach = draw_reach(reached, shapes, counts, limits_m, crs=inputs.crs)
    clock.begin("time_streets")
    segments = time_segments(network, zones, walks, walk_kmh=rules.walk_kmh)
    clock.begin("find_gaps")
    names = Places.of(network, zones, study.language)
    shown = as_cells(people, groups) if study.people.household else people
    gaps = find_gaps(shown, zones, facilities, names, join_m=rules.gap_join_m, crs=inputs.crs)
    clock.begin("judge")
    verdicts = judge(coverage, profile)
    say_unmapped(coverage, findings)
    say_sparse(street_completeness(zones, segments, people), findings)
    say_turned(people, people_places, rules, findings)
    marked = mark_verified(gaps, facility_table(facilities, served), inputs, findings)
    return Run(
        study=study, crs=inputs.crs, zones=coverage.zones, verdicts=verdicts, gaps=marked.gaps,
        facilities=marked.facilities, people=people_table(shown, groups, inputs.crs),
        segments=segments, circles=drawn, reach=reach, findings=findings,
        manifest=describe(inputs, network, coverage, people, facilities, gaps, answers) | marked.counts,
    )  # fmt: skip


def _write(results: Run, folder: str | Path | None, on_progress: OnProgress | None) -> Path:
    target = Path(folder) if folder else results.study.folder
    clock = _Clock(on_progress)
    with atomic_folder(target, run_id=f"{os.getpid()}-{uuid.uuid4().hex[:8]}") as new:
        clock.begin("write_tables")
        written = write_tables(results, new)
        written.append(write_verify(results, new / SHEET, earlier=target / SHEET))
        clock.begin("write_geopackage")
        written += write_geopackage(results, new / "coverage.gpkg")
        clock.begin("write_pages")
        written += write_pages(results, new)
        clock.end()
        manifest = {**results.manifest, "timings": {**results.manifest.get("timings", {}), **clock.timings}}
        described = write_manifest(manifest, written, new / "run.json")
        write_postgis(results, described.read_text("utf-8"))
    return target
