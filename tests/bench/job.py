"""
One job in a process of its own, so that its memory is its own: prints time and memory as JSON.

    python -m bench.job ours|usual STUDY OUT
"""

from __future__ import annotations

import importlib
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORKERS = 2
IMPORTED = {
    "ours": (
        "servicecircle.pipeline", "osmium", "scipy.sparse.csgraph", "scipy.spatial", "pyogrio", "openpyxl",
        "folium", "exactextract", "rasterio", "pyarrow",
    ),
    "usual": ("bench.usual_way", "openpyxl", "pyogrio", "scipy.spatial"),
}  # fmt: skip


def ours(study: Path, out: Path) -> dict[str, float]:
    import servicecircle as sc

    found = sc.run(sc.Study.from_file(study), workers=WORKERS)
    found.write(out)
    people = found.people[found.people["reason"] != "outside_zones"]
    total = people["people"].sum()
    inside = people["straight_m"] <= 1000.0 + 1e-6
    return {
        "people": float(total),
        "within": float(people["people"][people["within"].astype(bool)].sum() / total),
        "straight": float(people["people"][inside].sum() / total),
    }


def usual(study: Path, out: Path) -> dict[str, float]:
    from bench import usual_way

    return usual_way.run(study.parent, out, crs="EPSG:32722")


def in_a_process(name: str, study: Path, out: Path) -> dict[str, float]:
    """Return `seconds` and `cpu_s` net of imports, `peak_mb` with everything, and the figures of a job."""
    command = [sys.executable, "-W", "ignore", "-m", "bench.job", name, str(study), str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def main(name: str, study: str, out: str) -> None:
    for module in IMPORTED[name]:
        importlib.import_module(module)
    begun, worked = time.perf_counter(), time.process_time()
    figures = {"ours": ours, "usual": usual}[name](Path(study), Path(out))
    seconds, cpu_s = time.perf_counter() - begun, time.process_time() - worked
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10  # ru_maxrss is in bytes there, else in kilobytes
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    print(json.dumps({"seconds": seconds, "cpu_s": cpu_s, "peak_mb": peak, **figures}))


if __name__ == "__main__":
    main(*sys.argv[1:])
