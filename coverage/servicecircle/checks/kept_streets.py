"""
Streets that an earlier run read and checked, kept beside the study for as long as nothing about them changes.

An entry is named by the content of every street file, each option that decides what is read, this program's
source and the libraries that read. It holds the findings too, so a run tells the same with it as without.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import time
import uuid
import zlib
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from servicecircle.database import Database, place_of
from servicecircle.findings import Finding
from servicecircle.program import code_version
from servicecircle.sources.files import digest
from servicecircle.sources.streets import RawStreets

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from servicecircle.study import Study

_ENTRIES, _DAYS = 3, 90
"""Entries that are kept, and the age beyond which one is read anew: no key names all that might differ."""

_LIBRARIES = (
    "numpy",
    "scipy",
    "shapely",
    "pyproj",
    "osmium",
    "networkx",
    "pandas",
    "geopandas",
    "pyogrio",
    "pyarrow",
)
_ARRAYS = ("xy", "ref", "first", "way_id", "forward", "backward", "trunk")
_DAMAGE = (
    OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, MemoryError, BadZipFile, zlib.error,
    CRSError,
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class CheckedStreets:
    """
    The streets of a study as its checks leave them.

    Parameters
    ----------
    raw
        All walkable ways, the study's own roads among them.
    crs
        The metric CRS of the study.
    barriers
        Lines that no access walk may cross; None where there is nothing to read them from.
    findings
        What was doubted or noted about them.
    """

    raw: RawStreets
    crs: CRS
    barriers: NDArray[np.object_] | None
    findings: tuple[Finding, ...]


def key_of(study: Study, streets: Path | Database) -> str | None:
    """Return the name of an entry for the streets of a study; None where they cannot be known by content."""
    named = [streets, *(place_of(source, study.locate) for source in study.streets.extra)]
    if study.streets.barriers:
        named.append(place_of(study.streets.barriers, study.locate))
    files = [place for place in named if not isinstance(place, Database)]
    if len(files) < len(named) or any(not path.is_file() or _is_written_to(path) for path in files):
        return None
    try:
        said = {
            "files": [(path.name, digest(path)) for path in files],
            "streets": study.streets.model_dump(mode="json", exclude={"credit"}),
            "crs": study.study.crs,
            "rules": study.rules.model_dump(mode="json", include={"walk_trunk", "barriers"}),
            "program": code_version(),
            "libraries": {name: metadata.version(name) for name in _LIBRARIES},
        }
    except (OSError, metadata.PackageNotFoundError):  # a file held open is told of by its reader
        return None
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def take(folder: Path, key: str) -> CheckedStreets | None:
    """Return an entry; None where there is none, or it is damaged or old."""
    path = folder / f"{key}.npz"
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as held:
            arrays = {name: held[name] for name in held.files}
        told = json.loads(arrays.pop("told").tobytes())
        age = dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(told["made_at"])
        if told["key"] != key or not dt.timedelta() <= age <= dt.timedelta(days=_DAYS):
            return None
        streets = _unpacked(arrays, told)
    except _DAMAGE:
        return None
    with suppress(OSError):  # a folder that may only be read
        os.utime(path)
    return streets


def keep(streets: CheckedStreets, folder: Path, key: str) -> None:
    """Write an entry, unless the disk is full or the folder may not be written, and remove the oldest."""
    new = folder / f".new-{uuid.uuid4().hex}"
    try:
        arrays = _packed(streets, key)
        folder.mkdir(parents=True, exist_ok=True)
        with new.open("wb") as stream:
            np.savez(stream, **arrays)  # type: ignore[arg-type]  # not of the option allow_pickle
        new.replace(folder / f"{key}.npz")
    except (OSError, TypeError, ValueError, CRSError):  # the last three: values that JSON does not know
        return
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)
    _prune(folder)


def _is_written_to(path: Path) -> bool:
    """Tell whether a GeoPackage holds rows that stand in its journal only."""
    journal = path.with_name(f"{path.name}-wal")
    return journal.is_file() and journal.stat().st_size > 0


def _packed(streets: CheckedStreets, key: str) -> dict[str, NDArray[Any]]:
    raw = streets.raw
    told = {
        "key": key,
        "made_at": dt.datetime.now(dt.UTC).isoformat(),
        "crs": [_written(raw.crs), _written(streets.crs)],
        "from_osm": raw.from_osm,
        "counts": raw.counts,
        "name": raw.name.tolist(),
        "level": None if raw.level is None else raw.level.tolist(),
        "attributes": raw.attributes,
        "hidden": sorted(raw.hidden),
        "findings": [(f.code, f.subject, f.row, f.people_touched, f.facts) for f in streets.findings],
    }
    arrays = {name: getattr(raw, name) for name in _ARRAYS}
    if streets.barriers is not None:
        ends = shapely.get_coordinates(streets.barriers)
        arrays["barriers"] = ends.reshape(len(streets.barriers), 2, 2)  # straight parts, all of them
    arrays["told"] = np.frombuffer(json.dumps(told).encode(), dtype=np.uint8)
    return arrays


def _unpacked(arrays: Mapping[str, NDArray[Any]], told: Mapping[str, Any]) -> CheckedStreets:
    crs, metric = (CRS.from_user_input(name) for name in told["crs"])
    raw = RawStreets(
        **{name: arrays[name] for name in _ARRAYS},
        name=np.array(told["name"], dtype=object),
        crs=crs,
        from_osm=told["from_osm"],
        counts=told["counts"],
        attributes=told["attributes"],
        level=None if told["level"] is None else np.array(told["level"], dtype=object),
        hidden=frozenset(told["hidden"]),
    )
    ends = arrays.get("barriers")
    barriers = None if ends is None else np.asarray(shapely.linestrings(ends), dtype=object)
    return CheckedStreets(raw, metric, barriers, tuple(Finding(*given) for given in told["findings"]))


def _written(crs: CRS) -> str:
    if CRS.from_user_input(crs.srs) != crs:
        raise CRSError(crs.srs)
    return crs.srs


def _prune(folder: Path) -> None:
    """Remove all but the entries used last, and what killed runs left half written a day ago or before."""
    with suppress(OSError):  # another run removes them at the same time
        used = sorted((path.stat().st_mtime, path) for path in folder.glob("*.npz"))
        torn = [p for p in folder.glob(".new-*") if p.stat().st_mtime < time.time() - 86400]
        for path in (*(path for _, path in used[:-_ENTRIES]), *torn):
            path.unlink(missing_ok=True)
