"""Roads of one's own beside the main streets, and barriers, as a study names them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import shapely

from servicecircle.database import Database, place_of
from servicecircle.errors import InputError
from servicecircle.sources.barriers import OSM_SUFFIXES, read_barriers
from servicecircle.sources.merge import SAME_M, merge_streets
from servicecircle.sources.reading import read_ways

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from pyproj import CRS

    from servicecircle.findings import Findings
    from servicecircle.sources.streets import RawStreets
    from servicecircle.study import Study


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
