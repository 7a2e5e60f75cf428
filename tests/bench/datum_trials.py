"""
Seeded trials of the datum detective: facilities strewn over real and drawn streets, written in each datum.

    cd tests && python -m bench.datum_trials [--layouts sample sz poa] [--evidence streets bounds names]
        [--tables single mixed few astray swapped projected] [--trials 200] [--seed 0]

Facilities stand 0-60 m off a street, one in twelve 60-120 m, one in twenty anywhere in the fields.
Evidence: the streets alone; with the boundaries of the zones; with the zone that each row names besides.
`few` are tables of 3 to 10 rows, `astray` tables of 400 of which one row is in another datum. `swapped` and
`projected` are whole files: right if every row is placed within a metre of where it is. Other tables are
weighed as they are: right if the datum, or the pair and its share within 0.1, is named.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from servicecircle.checks.datum import SHIFTED
from servicecircle.checks.detect import DATUMS, SHARE_ERROR, weigh_datums
from servicecircle.checks.evidence import Ground
from servicecircle.checks.facilities import check_facilities
from servicecircle.crs import lonlat_box, transform
from servicecircle.errors import InputError
from servicecircle.findings import Findings
from servicecircle.sources.reading import read_ways
from servicecircle.study import Study

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"
METRIC = CRS("EPSG:4547")
IN_HENAN = np.array([530_000.0, 3_820_000.0])
FACILITIES, MOST = 100, 0.7
LAYOUTS, EVIDENCE = ("sample", "sz", "poa"), ("streets", "bounds", "names")
TABLES = ("single", "mixed", "few", "astray", "swapped", "projected")
GRIDS = (4547, 4526, 4508, 4497, 2435, 32649)
"""CGCS2000 by 3 degrees without and with zone, by 6 degrees likewise, Beijing 54, UTM."""

Floats = NDArray[np.float64]
Names = NDArray[np.object_]
Tally = Counter[str]


@dataclass(frozen=True)
class Layout:
    """Streets and zones to strew facilities over, in Henan or Shenzhen."""

    ground: Ground

    @classmethod
    def of(cls, name: str) -> Layout:
        """Return the sample county, Futian in Shenzhen with squares of a kilometre, or Porto Alegre moved."""
        if name == "sample":
            folder = ROOT / "data" / "sample"
            villages = gpd.read_file(folder / "villages.gpkg").to_crs(METRIC).geometry.to_numpy()
            return cls(_ground(folder / "streets.osm.pbf", METRIC, np.zeros(2), villages))
        if name == "sz":
            bare = _ground(SHARED / "shenzhen" / "G.graphml", METRIC, np.zeros(2), np.empty(0, dtype=object))
            low, high = bare.starts.min(axis=0), bare.starts.max(axis=0)
            corners = [
                (x, y) for x in np.arange(low[0], high[0], 1e3) for y in np.arange(low[1], high[1], 1e3)
            ]
            return cls(_with_zones(bare, np.array([shapely.box(x, y, x + 1e3, y + 1e3) for x, y in corners])))
        folder, utm = SHARED / "studies" / "porto_alegre", CRS("EPSG:32722")
        cells = gpd.read_file(folder / "cells.gpkg").to_crs(utm).geometry
        move = IN_HENAN - np.array(cells.union_all().centroid.coords[0])
        return cls(
            _ground(folder / "streets.osm.pbf", utm, move, shapely.transform(cells.to_numpy(), move.__add__))
        )

    def strew(self, rng: np.random.Generator, count: int) -> tuple[Floats, NDArray[np.intp]]:
        """Return places in metres (n, 2) within the zones, and the zone of each."""
        zones = shapely.STRtree(self.ground.zones.geometry.to_numpy())
        places, named = np.empty((0, 2)), np.empty(0, dtype=np.intp)
        while len(places) < count:
            spots = self._spots(rng, count)
            spot, zone = zones.query(shapely.points(spots), predicate="intersects")
            spot, first = np.unique(spot, return_index=True)
            places, named = np.concatenate([places, spots[spot]]), np.concatenate([named, zone[first]])
        return places[:count], named[:count]

    def _spots(self, rng: np.random.Generator, count: int) -> Floats:
        starts, along = self.ground.starts, self.ground.ends - self.ground.starts
        lengths = np.hypot(*along.T)
        which = rng.choice(len(lengths), count, p=lengths / lengths.sum())
        aside = rng.uniform(0, 60, count)
        far = rng.random(count) < 1 / 12
        aside[far] = rng.uniform(60, 120, far.sum())
        across = along[which][:, ::-1] * (-1, 1) / np.maximum(lengths[which], 1e-9)[:, None]
        spots = starts[which] + along[which] * rng.random((count, 1))
        spots += across * (aside * rng.choice([-1, 1], count))[:, None]
        astray = rng.random(count) < 0.05
        spots[astray] = rng.uniform(starts.min(axis=0), starts.max(axis=0), (astray.sum(), 2))
        return np.asarray(spots)

    def knowing(self, evidence: str) -> Ground:
        """Return the ground with its zones, or, of the streets alone, without."""
        return _with_zones(self.ground, np.empty(0, dtype=object)) if evidence == "streets" else self.ground


def _ground(streets: Path, crs: CRS, move: Floats, zones: Names) -> Ground:
    raw = read_ways(streets)
    xy = transform(raw.xy, raw.crs, crs) + move
    known = np.asarray(np.isfinite(xy).all(axis=1))
    step = known[:-1] & known[1:]
    step[raw.first[1:-1] - 1] = False
    lonlat = np.column_stack(_to_degrees().transform(*xy[known].T))
    return Ground(METRIC, lonlat_box(lonlat, CRS(4326)), xy[:-1][step], xy[1:][step], _zones(zones))


def _with_zones(ground: Ground, zones: Names) -> Ground:
    return Ground(ground.crs, ground.box, ground.starts, ground.ends, _zones(zones))


def _zones(shapes: Names) -> gpd.GeoDataFrame:
    names = [f"第{i}村" for i in range(len(shapes))]
    columns = {"code": names, "name": names, "level": "village", "parent_code": "", "unit": True}
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs=METRIC, index=range(len(shapes)))


def _to_degrees() -> Transformer:
    return Transformer.from_crs(METRIC, 4326, always_xy=True)


def written(places: Floats, datums: Names) -> Floats:
    """Return the degrees of places, each in its datum."""
    lonlat = np.column_stack(_to_degrees().transform(*places.T))
    for datum, shift in SHIFTED.items():
        lonlat[datums == datum] = shift(lonlat[datums == datum])
    return lonlat


def weigh(
    layout: Layout, evidence: str, case: str, rng: np.random.Generator, *, rows: int, less: float
) -> Tally:
    """
    Weigh one table and return what came of it.

    Parameters
    ----------
    case
        A datum, or two joined by `+`.
    less
        The share of rows in the second of them; below one row in all, it is one row.
    """
    places, zones = layout.strew(rng, rows)
    first, _, second = case.partition("+")
    others = rng.permutation(rows) < max(round(less * rows), 1) if second else np.zeros(rows, dtype=bool)
    datums = np.where(others, second, first).astype(object)
    named = zones if evidence == "names" else np.full(rows, -1, dtype=np.intp)
    found = weigh_datums(written(places, datums), lambda wanted: named[wanted], layout.knowing(evidence))
    if found is None or not found.datum:
        return Counter({"cannot tell": 1})
    doubted = found.row_doubt != ""
    if not found.other:
        right = found.datum == first and (found.alone <= (others.sum() <= 1))
        rows_told = {
            "strays found": int((doubted & others).sum()),
            "rows doubted": int((doubted & ~others).sum()),
        }
        return Counter({("named" if found.alone else "mostly") if right else "WRONG": 1, **rows_told})
    if {found.datum, found.other} != {first, second}:
        return Counter({"WRONG": 1})
    share = found.share if found.datum == first else 1.0 - found.share
    off = abs(share - (~others).mean()) > 0.1
    wrong = int((found.row_sure & (found.row_datum != datums)).sum())
    told = "named" if found.share_error <= SHARE_ERROR else "pair"
    return Counter(
        {told: 1, f"{told} >0.1 off": int(off), "rows sure": int(found.row_sure.sum()), "rows wrong": wrong}
    )


def read_file(layout: Layout, case: str, rng: np.random.Generator, *, rows: int) -> Tally:
    """Write a file of exchanged degrees (a datum), or of metres (`EPSG:… x,y`), and see where it is read."""
    places, zones = layout.strew(rng, rows)
    if case in DATUMS:
        columns = written(places, np.full(rows, case, dtype=object))[:, ::-1].round(6)
    else:
        grid, order = case.split()
        columns = np.column_stack(
            Transformer.from_crs(METRIC, grid, always_xy=True).transform(*places.T)
        ).round(2)
        columns = columns if order == "x,y" else columns[:, ::-1]
    with tempfile.TemporaryDirectory() as folder:
        study = _study(Path(folder), columns, [layout.ground.zones["name"][zone] for zone in zones])
        findings, box = Findings(), layout.ground.box
        try:
            read = check_facilities(
                study, crs=METRIC, streets_box=box, ground=layout.ground, findings=findings
            )
        except InputError:
            return Counter({"refused": 1})
    codes = {finding.code for finding in findings}
    at = read.set_index("row").geometry.loc[np.arange(rows) + 2]
    off = np.hypot(at.x.to_numpy() - places[:, 0], at.y.to_numpy() - places[:, 1])
    if codes & {"detect.cannot_tell", "detect.grid_doubt"}:
        return Counter({"cannot tell": 1, "rows >150 m off": int((off > 150.0).sum())})
    return Counter({"named" if (off < 1.0).all() else "WRONG": 1})


def _study(folder: Path, columns: Floats, villages: list[str]) -> Study:
    with (folder / "facilities.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["名称", "类型", "X", "Y", "所属村"])
        rows.writerows([f"第{i}所", "农村幸福院", *xy, villages[i]] for i, xy in enumerate(columns.tolist()))
    text = '[streets]\nsource = "x.gpkg"\n[[facilities]]\nsource = "facilities.csv"\n'
    text += '[[zones]]\nlevel = "village"\nsource = "x.gpkg"\n[people]\nsource = "x.csv"\n'
    (folder / "study.toml").write_text(text, "utf-8")
    return Study.from_file(folder / "study.toml")


def cases(table: str) -> list[str]:
    """Return the cases of a kind of table."""
    if table in {"mixed", "astray"}:
        return [f"{first}+{second}" for first in DATUMS for second in DATUMS if first != second]
    if table == "projected":
        return [f"EPSG:{code} {order}" for code in GRIDS for order in ("x,y", "y,x")]
    return list(DATUMS)


def trials(layout: Layout, evidence: str, table: str, case: str, *, count: int, seed: int) -> Tally:
    """Run the trials of one case and return what came of them."""
    total: Tally = Counter()
    for i in range(count):
        rng = np.random.default_rng([seed + i, len(case), TABLES.index(table)])
        if table in {"swapped", "projected"}:
            total += read_file(layout, case, rng, rows=FACILITIES)
            continue
        rows = {"few": 3 + i % 8, "astray": 4 * FACILITIES}.get(table, FACILITIES)
        total += weigh(layout, evidence, case, rng, rows=rows, less=0.0 if table == "astray" else 1.0 - MOST)
    return total


def lines(asked: argparse.Namespace) -> Iterator[str]:
    """Run what is asked for and return a line for each case."""
    for name in asked.layouts:
        layout = Layout.of(name)
        for table in asked.tables:
            for evidence in ("names",) if table in {"swapped", "projected"} else asked.evidence:
                for case in cases(table):
                    began = time.perf_counter()
                    told = trials(layout, evidence, table, case, count=asked.trials, seed=asked.seed)
                    pace = (time.perf_counter() - began) / asked.trials * 1e3
                    held = "  ".join(f"{key} {told[key]}" for key in sorted(told))
                    yield f"{name:6} {evidence:7} {table:9} {case:14} {held}  ({pace:.0f} ms each)"


def main() -> None:
    """Run the trials and print a line for each case."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--layouts", nargs="+", choices=LAYOUTS, default=LAYOUTS)
    parser.add_argument("--evidence", nargs="+", choices=EVIDENCE, default=EVIDENCE)
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=TABLES[:2])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    for line in lines(parser.parse_args()):
        print(line, flush=True)


if __name__ == "__main__":
    main()
