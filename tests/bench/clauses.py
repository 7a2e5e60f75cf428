"""
Judges the clauses of the documents on a made-up part of a province; CPU seconds of each kind of test.

    cd tests && python -m bench.clauses [--townships 2000] [--villages 49000] [--facilities 30000]

The inputs are drawn once, in memory. Circles are not measured again: their figures stand in the zones' rows.
"""

from __future__ import annotations

import argparse
import datetime as dt
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from servicecircle.assess.clauses.facts import Facts
from servicecircle.assess.clauses.judge import judge_clauses
from servicecircle.assess.coverage import Coverage
from servicecircle.checks.registers import Registers
from servicecircle.kinds import KINDS
from servicecircle.standards.register import PROFILES, load_profile
from servicecircle.study import Rules

if TYPE_CHECKING:
    from servicecircle.assess.clauses.judge import Judgement
    from servicecircle.standards.clause import Profile

AS_OF = dt.date(2025, 6, 30)
CRS = "EPSG:4547"
PREFECTURE = "4109"
STATUSES = np.array(["operating"] * 12 + ["planned", "under_construction", "built_idle", "suspended",
                                          "closed", "unknown"], dtype=object)  # fmt: skip


def draw(*, counties: int, townships: int, villages: int, facilities: int, seed: int = 1) -> Facts:
    """Draw a prefecture: its zones, facilities and registers, some of them doubtful or not known."""
    rng = np.random.default_rng(seed)
    zones = _zones(rng, counties, townships, villages)
    rows = _facilities(rng, zones, facilities)
    registers = _registers(rng, zones, rows)

    def circle_of(circle: str, _kinds: tuple[str, ...]) -> pd.DataFrame:
        return pd.DataFrame(zones[zones["circle"].eq(circle)])

    return Facts.of(
        Coverage(zones, Rules()), rows, registers, circle_of=circle_of, as_of=AS_OF, basis="resident"
    )


def _zones(rng: np.random.Generator, counties: int, townships: int, villages: int) -> gpd.GeoDataFrame:
    """Draw zones: townships dealt out to the counties, and villages to the townships."""
    upper = [f"{PREFECTURE}{2 + i:02}" for i in range(counties)]
    middle = [f"{upper[k % counties]}{_town_number(k // counties):03}" for k in range(townships)]
    lowest = [f"{middle[k % townships]}{201 + k // townships:03}" for k in range(villages)]
    parents = ["", *[f"{PREFECTURE}00000000"] * counties]
    parents += [f"{code[:6]}000000" for code in middle] + [f"{code[:9]}000" for code in lowest]
    codes = [code.ljust(12, "0") for code in (PREFECTURE, *upper, *middle, *lowest)]
    levels = np.repeat(["prefecture", "county", "township", "village"], [1, counties, townships, villages])
    count, village = len(codes), levels == "village"
    urban = np.array([code[6] == "0" for code in codes])
    judged = rng.integers(50, 5000, count).astype(float)
    within = np.floor(judged * rng.random(count))
    share = within / judged
    x, y = rng.random((2, count)) * 1e5
    return gpd.GeoDataFrame({
        "code": codes, "name": [f"第{i}{'镇' if i % 3 else '街道'}" for i in range(count)],
        "level": levels.astype(object), "parent_code": parents,
        "area_class": np.where(village, np.where(urban, "urban", "rural"), "mixed").astype(object),
        "circle": np.where(village, np.where(urban, "15min", "1km"), "own").astype(object),
        "people": judged, "people_judged": judged, "people_within": within, "people_doubtful": 0.0,
        "elderly_people": np.floor(judged / 5), "elderly_judged": np.floor(judged / 5),
        "elderly_within": np.floor(within / 5), "elderly_doubtful": 0.0, "elderly_share_within": share,
        "facilities": 1, "share_within": share, "share_low": share, "share_high": share, "state": "judged",
        "verdict": np.where(share >= 0.9, "met", "not_met"), "certainty": "certain", "reason": "",
    }, geometry=gpd.points_from_xy(x, y), crs=CRS)  # fmt: skip


def _town_number(nth: int) -> int:
    """Return the digits of a township in its county: the first third are subdistricts."""
    return 1 + nth // 3 if nth % 3 == 0 else 100 + nth


def _facilities(rng: np.random.Generator, zones: gpd.GeoDataFrame, count: int) -> gpd.GeoDataFrame:
    villages = zones[zones["level"].eq("village")]
    at = rng.integers(0, len(villages), count)
    unplaced = rng.random(count) < 0.02
    place = villages.geometry.to_numpy()[at]
    place[unplaced] = None
    beds = _some(rng, rng.integers(0, 200, count))
    year, month = rng.integers(2010, 2026, count), rng.integers(1, 13, count)
    opened = [f"{y}-{m:02}-15" if m < 11 else "" for y, m in zip(year, month, strict=True)]

    def yes() -> np.ndarray:
        return _some(rng, rng.integers(0, 2, count))

    return gpd.GeoDataFrame({
        "facility_id": [f"F{i:06}" for i in range(count)], "name": [f"设施{i}" for i in range(count)],
        "kind": rng.choice(np.array(list(KINDS), dtype=object), count), "status": rng.choice(STATUSES, count),
        "reason": np.where(unplaced, "no_coordinates", "").astype(object),
        "zone_code": np.where(unplaced, "", villages["code"].to_numpy()[at]).astype(object),
        "zone_hint": "", "snap_m": np.where(unplaced, np.nan, rng.random(count) * 60),
        "position_error_m": np.where(unplaced, np.nan, 0.0), "beds": beds,
        "nursing_beds": _some(rng, np.floor(beds * 0.6)), "occupied_beds": _some(rng, np.floor(beds / 2)),
        "occupancy": _some(rng, np.full(count, 0.5)),
        "floor_area_m2": _some(rng, rng.integers(50, 4000, count)),
        "site_area_m2": _some(rng, rng.integers(50, 9000, count)),
        "operator_type": rng.choice(np.array(["", "private", "public"], dtype=object), count),
        "owner": rng.choice(np.array(["", "private", "public"], dtype=object), count),
        "accepted": yes(), "transformed": yes(), "geriatric": yes(), "in_house_clinic": yes(),
        "opened": opened, "opened_on": opened, "opened_until": opened,
    }, geometry=place, crs=CRS)  # fmt: skip


def _some(rng: np.random.Generator, values: Any) -> np.ndarray:
    """Leave out a tenth of some figures."""
    return np.where(rng.random(len(values)) < 0.1, np.nan, values)


def _registers(rng: np.random.Generator, zones: gpd.GeoDataFrame, rows: gpd.GeoDataFrame) -> Registers:
    blank = Registers.none()
    code = zones["code"].to_numpy(object)
    figures = [c for c in blank.units if c not in {"name", "level", "row", "source", "county_town"}]
    units = pd.DataFrame(
        {column: _some(rng, rng.integers(1, 9000, len(code))) for column in figures}, index=code
    ).rename_axis("code")
    units["county_town"] = np.where(zones["level"].eq("township") & (rng.random(len(code)) < 0.02), 1.0, 0.0)
    villages = zones.loc[zones["level"].eq("village"), "code"].to_numpy(object)
    some = len(rows) // 10
    estates = pd.DataFrame({
        "estate_id": [f"E{i:05}" for i in range(some)], "name": [f"小区{i}" for i in range(some)],
        "zone_code": rng.choice(villages, some), "households": _some(rng, rng.integers(50, 3000, some)),
        "floor_area_m2": _some(rng, rng.integers(0, 900, some)),
        "stage": rng.choice(np.array(["new", "existing", ""], dtype=object), some),
    })  # fmt: skip
    medical = gpd.GeoDataFrame({
        "medical_id": [f"M{i:05}" for i in range(some)], "name": [f"医院{i}" for i in range(some)],
        "kind": rng.choice(np.array(["hospital", "village_clinic"], dtype=object), some),
        "status": "operating", "opened_on": "", "geriatric": _some(rng, rng.integers(0, 2, some)),
        "x_m": rng.random(some) * 1e5, "y_m": rng.random(some) * 1e5,
        "zone_code": rng.choice(villages, some),
    }, geometry=[None] * some, crs=CRS)  # fmt: skip
    assigned = pd.DataFrame({
        "code": rng.choice(zones.loc[zones["level"].eq("township"), "code"].to_numpy(object), some),
        "facility_id": rng.choice(rows["facility_id"].to_numpy(object), some),
    })  # fmt: skip
    given = {"facilities", "units", "estates", "medical", "assigned", *(f"units.{c}" for c in units)}
    given |= {f"facilities.{c}" for c in (*rows.columns, *KINDS)} | {f"estates.{c}" for c in estates}
    return Registers(
        units=units, estates=estates, medical=medical, family_beds=blank.family_beds, assigned=assigned,
        indicators=blank.indicators, tasks=blank.tasks, given=frozenset(given),
    )  # fmt: skip


def seconds_of(facts: Facts, profile: Profile) -> tuple[dict[str, float], dict[str, int]]:
    """Judge clause by clause: CPU seconds, and rows of verdicts, of each kind of test."""
    seconds: defaultdict[str, float] = defaultdict(float)
    rows: defaultdict[str, int] = defaultdict(int)
    for clause in profile.clauses:
        measure: str = "none" if clause.test is None else clause.test.measure
        measure += f" {clause.test.figure}" if clause.test and clause.test.measure == "report" else ""
        judged, spent = _timed(facts, profile.model_copy(update={"clauses": (clause,)}))
        seconds[measure] += spent
        rows[measure] += len(judged.verdicts)
    return dict(seconds), dict(rows)


def _timed(facts: Facts, profile: Profile) -> tuple[Judgement, float]:
    began = time.process_time()
    judged = judge_clauses(facts, profile)
    return judged, time.process_time() - began


def main() -> None:
    """Measure every profile, and print a line for each kind of test."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    for name, count in (("counties", 47), ("townships", 2000), ("villages", 49000), ("facilities", 30000)):
        parser.add_argument(f"--{name}", type=int, default=count)
    parser.add_argument("--profiles", nargs="+", default=PROFILES)
    asked = vars(parser.parse_args())
    profiles = [load_profile(name) for name in asked.pop("profiles")]
    began = time.process_time()
    facts = draw(**asked)
    print(f"{'drawn and joined':34}{time.process_time() - began:8.2f} s")
    for profile in profiles:
        judged, spent = _timed(facts, profile)
        told = f"{len(judged.verdicts):,} verdicts, {len(judged.evidence):,} items"
        print(f"{profile.id:34}{spent:8.2f} s  {told}")
        seconds, rows = seconds_of(facts, profile)
        for measure in sorted(seconds, key=seconds.__getitem__, reverse=True):
            print(f"  {measure:32}{seconds[measure]:8.2f} s  {rows[measure]:8,} verdicts")


if __name__ == "__main__":
    main()
