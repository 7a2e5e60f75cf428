"""Streets as a study names them: the main source, roads of one's own, and barriers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import shapely

from servicecircle.checks.kept_streets import CheckedStreets, keep, key_of, take
from servicecircle.crs import (
    STRAINED_SHARE,
    WIDE_DEGREES,
    choose_crs,
    crs_name,
    lonlat_box,
    metric_crs,
    stretch_at,
)
from servicecircle.database import Database, place_of
from servicecircle.errors import InputError
from servicecircle.findings import Findings
from servicecircle.sources.barriers import OSM_SUFFIXES, read_barriers
from servicecircle.sources.merge import SAME_M, merge_streets
from servicecircle.sources.reading import read_ways

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from pyproj import CRS

    from servicecircle.sources.streets import RawStreets
    from servicecircle.study import Study


def check_streets(study: Study, path: Path | Database, *, kept: Path | None = None) -> CheckedStreets:
    """
    Read and check the streets of a study, unless an earlier run did and nothing about them has changed.

    Parameters
    ----------
    path
        The main source.
    kept
        Folder of the streets that earlier runs have read; None: they are read in any case, and not kept.

    Raises
    ------
    InputError
        A source cannot be read, holds no walkable street, or the study's CRS does not fit it.
    """
    key = key_of(study, path) if kept else None
    if kept is None or key is None:
        return _read(study, path)
    streets = take(kept, key)
    if streets is None:
        streets = _read(study, path)
        if key_of(study, path) == key:  # no file was replaced meanwhile
            keep(streets, kept, key)
    return streets


def _read(study: Study, path: Path | Database) -> CheckedStreets:
    findings = Findings()
    if study.study.crs != "auto":
        metric_crs(study.study.crs, where=str(study.path))
    raw = read_ways(path, layer=study.streets.layer, walk_trunk=study.rules.walk_trunk, crs=study.study.crs)
    located = np.asarray(np.isfinite(raw.xy).all(axis=1))
    if not located.any():
        raise InputError("streets.none_walkable", where=str(path), read=raw.counts.get("ways_read", 0))
    box = lonlat_box(raw.xy[located], raw.crs)
    crs = choose_crs(box, study.study.crs, where=str(study.path))
    say_ways(raw, findings, path.name)
    _say_crs(crs, box, findings, path.name)
    raw = add_roads(study, raw, crs=crs, findings=findings)
    barriers = find_barriers(study, path, crs=crs, findings=findings)
    return CheckedStreets(raw, crs, barriers, tuple(findings))


def _say_crs(crs: CRS, box: tuple[float, float, float, float], findings: Findings, subject: str) -> None:
    west, south, east, north = box
    if east - west > WIDE_DEGREES:
        findings.note("crs.wide", subject=subject, degrees=f"{east - west:.1f}")
    stretch = stretch_at(crs, (west + east) / 2, (south + north) / 2)
    if stretch > STRAINED_SHARE:
        findings.note("crs.strained", subject=crs_name(crs), percent=100 * stretch)


def add_roads(study: Study, streets: RawStreets, *, crs: CRS, findings: Findings) -> RawStreets:
    """
    Add the study's own road layers to its streets, and say what each brought.

    Raises
    ------
    InputError
        A layer cannot be read.
    """
    paths = [place_of(source, study.locate) for source in study.streets.extra]
    if not paths:
        return streets
    layers = []
    for path in paths:
        layers.append(read_ways(path, walk_trunk=study.rules.walk_trunk, crs=study.study.crs))
        say_ways(layers[-1], findings, path.name)
    merged, additions = merge_streets(streets, layers, crs=crs)
    for path, brought in zip(paths, additions, strict=True):
        findings.note(
            "merge.added", subject=path.name, near_m=f"{SAME_M:.0f}", joints=brought.joints,
            added_km=f"{brought.added_m / 1000:.2f}", same_km=f"{brought.same_m / 1000:.2f}",
        )  # fmt: skip
        if brought.joints == 0 and brought.same_m == 0:
            findings.note("merge.apart", subject=path.name)
    counts = {
        "roads_added_m": round(sum(a.added_m for a in additions)),
        "roads_same_m": round(sum(a.same_m for a in additions)),
        "roads_links_m": round(sum(a.links_m for a in additions)),
        "roads_joints": sum(a.joints for a in additions),
        "roads_ways": len(merged.way_id) - len(streets.way_id),  # they come last
    }
    return replace(merged, counts={**streets.counts, **counts})


def say_ways(raw: RawStreets, findings: Findings, subject: str) -> None:
    """List what of a street source could not be used."""
    located = np.isfinite(raw.xy).all(axis=1)
    if not located.all():
        findings.note("streets.broken_ways", subject=subject, count=int((~located).sum()))
    short = int((np.diff(raw.first) < 2).sum())
    if short:
        findings.note("streets.one_node", subject=subject, count=short)
    for code, key in (("streets.unplaced", "ways_unplaced"), ("streets.not_drawn", "no_lines")):
        if raw.counts.get(key):
            findings.note(code, subject=subject, count=raw.counts[key])


def find_barriers(
    study: Study, streets: Path | Database, *, crs: CRS, findings: Findings
) -> NDArray[np.object_] | None:
    """
    Return the lines that no access walk may cross; None where there is nothing to read them from.

    Those of the OSM extract, and those of the layer that the study names, unless `barriers = false`.

    Raises
    ------
    InputError
        Barriers are asked for and there is nothing to read them from, or it cannot be read.
    """
    layer, wanted = study.streets.barriers, study.rules.barriers
    if wanted is False:
        return None
    sources = [place_of(layer, study.locate)] if layer else []
    if not isinstance(streets, Database) and streets.name.lower().endswith(OSM_SUFFIXES):
        sources.append(streets)
    if wanted and not sources:
        raise InputError("barriers.no_source", where=str(study.path))
    if not sources:
        return None
    found = []
    for path in sources:
        found.append(read_barriers(path, crs=crs))
        if wanted or len(found[-1]):
            km = f"{shapely.length(found[-1]).sum() / 1000:.2f}"
            findings.note("barriers.read", subject=path.name, km=km)
    return np.concatenate(found)
