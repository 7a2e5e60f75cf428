"""
Reads big tables: a million facilities, a million people, 50,000 villages; wall, CPU and memory of each.

    cd tests && python -m bench.big_tables [--rows 1000000] [--villages 50000] [--folder FOLDER]

Each check is a process of its own, imports and all: what `servicecircle.check` reads is what counts.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

LON, LAT, SIDE = 114.0, 33.6, 0.5
"""The lower left corner of the county, and its width in degrees."""

KINDS = ("农村幸福院", "社区日间照料中心", "敬老院", "养老服务站", "助餐点")
FACILITIES, PEOPLE, VILLAGES = JOBS = ("facilities", "people", "villages")
_READ = "import sys, servicecircle as sc; print(repr(sc.check(sc.Study.from_file(sys.argv[1]))))"


def write_study(folder: Path, job: str, rows: int) -> Path:
    """Write a study of which one table is big, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    _streets(folder / "streets.gpkg")
    _villages(folder / "zones.gpkg", count=rows if job == VILLAGES else 400)
    _facilities(folder / "facilities.csv", rows if job == FACILITIES else 200)
    _people(folder / "people.csv", rows if job == PEOPLE else 2000)
    study = folder / "study.toml"
    study.write_text(
        '[study]\nas_of = 2026-06-30\n[streets]\nsource = "streets.gpkg"\n'
        '[[facilities]]\nsource = "facilities.csv"\n[[zones]]\nlevel = "village"\nsource = "zones.gpkg"\n'
        '[people]\nsource = "people.csv"\n',
        "utf-8",
    )
    return study


def _streets(path: Path) -> None:
    steps = LON + SIDE * np.linspace(0, 1, 41), LAT + SIDE * np.linspace(0, 1, 41)
    lines = [shapely.LineString([(x, LAT), (x, LAT + SIDE)]) for x in steps[0]]
    lines += [shapely.LineString([(LON, y), (LON + SIDE, y)]) for y in steps[1]]
    gpd.GeoDataFrame({"highway": "residential"}, geometry=lines, crs=4326, index=range(82)).to_file(path)


def _villages(path: Path, *, count: int) -> None:
    side = int(np.ceil(np.sqrt(count)))
    i, j = np.divmod(np.arange(count), side)
    step = SIDE / side
    shapes = shapely.box(LON + j * step, LAT + i * step, LON + (j + 1) * step, LAT + (i + 1) * step)
    codes = [f"4110{2 + k // 19800:02}{1 + k // 198 % 100:03}{201 + k % 198:03}" for k in range(count)]
    names = [f"第{k}村" for k in range(count)]
    gpd.GeoDataFrame({"code": codes, "name": names}, geometry=shapes, crs=4490).to_file(path)


def _facilities(path: Path, count: int) -> None:
    rng = np.random.default_rng(1)
    some = np.arange(count)
    pd.DataFrame({
        "编号": [f"F{i:07}" for i in some], "机构名称": [f"第{i % 400}村{KINDS[i % 5]}{i}" for i in some],
        "机构类型": np.array(KINDS, dtype=object)[some % 5],
        "状态": np.array(["运营中", "正常运营", "建成未运营", "停业"], dtype=object)[some % 4],
        "经度": (LON + SIDE * rng.random(count)).round(6), "纬度": (LAT + SIDE * rng.random(count)).round(6),
        "床位数": some % 90, "建筑面积": (some % 700 * 1.5), "所属村": [f"第{i % 400}村" for i in some],
        "开业时间": [f"20{10 + i % 15}年{1 + i % 12}月" for i in some],
    }).to_csv(path, index=False)  # fmt: skip


def _people(path: Path, count: int) -> None:
    rng = np.random.default_rng(2)
    pd.DataFrame({
        "lon": (LON + SIDE * rng.random(count)).round(6), "lat": (LAT + SIDE * rng.random(count)).round(6),
        "人口": rng.integers(1, 9, count), "60岁及以上": rng.integers(0, 2, count),
    }).to_csv(path, index=False)  # fmt: skip


def measure(study: Path) -> dict[str, float]:
    """Check a study in a process of its own: wall and CPU seconds, and the peak of its memory in MB."""
    began = time.perf_counter()
    with subprocess.Popen([sys.executable, "-c", _READ, str(study)], stdout=subprocess.DEVNULL) as job:
        _, status, used = os.wait4(job.pid, 0)
        job.returncode = os.waitstatus_to_exitcode(status)
    if job.returncode:
        raise subprocess.CalledProcessError(job.returncode, str(study))
    wall = time.perf_counter() - began
    return {"wall_s": wall, "cpu_s": used.ru_utime + used.ru_stime, "peak_mb": used.ru_maxrss / 1024}


def main() -> None:
    """Measure the jobs and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--villages", type=int, default=50_000)
    parser.add_argument("--folder", type=Path, help="where the inputs are kept; default: a new one each time")
    parser.add_argument("--jobs", nargs="+", choices=JOBS, default=JOBS)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as new:
        for job in asked.jobs:
            rows = asked.villages if job == VILLAGES else asked.rows
            folder = (asked.folder or Path(new)) / f"{job}_{rows}"
            study = (
                folder / "study.toml" if (folder / "study.toml").is_file() else write_study(folder, job, rows)
            )
            found = measure(study)
            print(f"{job:10} {rows:9,}  " + "  ".join(f"{name} {value:.1f}" for name, value in found.items()))


if __name__ == "__main__":
    main()
