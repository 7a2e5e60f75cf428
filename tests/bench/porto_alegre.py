"""
The whole job, from the street file to the maps, ours beside the usual script.

    cd tests && python -m bench.porto_alegre [--repeats 3] [--study FILE] [--box W S E N]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from statistics import median

from bench.job import in_a_process
from bench.piece import Box, cut

STUDY = Path(__file__).resolve().parents[3] / "shared/data/studies/porto_alegre/study.toml"
NAMES = ("ours", "usual")


def compare(study: Path, *, repeats: int, box: Box | None = None) -> dict[str, list[dict[str, float]]]:
    """Run both by turns, each time in a fresh process, and return what each run measured."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in NAMES}
    with tempfile.TemporaryDirectory() as scratch:
        piece = cut(study, Path(scratch) / "study", box)
        for turn in range(repeats):
            for name in NAMES:
                found[name].append(in_a_process(name, piece, Path(scratch) / f"{name}{turn}"))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="From the street file to the maps, net of imports.")
    parser.add_argument("--study", type=Path, default=STUDY)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--box", type=float, nargs=4, help="only the zones in it, in degrees")
    chosen = parser.parse_args()
    found = compare(chosen.study, repeats=chosen.repeats, box=chosen.box)
    print(
        f"{'':8}{'seconds':>9}{'least':>8}{'most':>8}{'CPU s':>8}{'peak MB':>9}{'within':>9}{'straight':>10}"
    )
    for name, runs in found.items():
        seconds = [run["seconds"] for run in runs]
        print(
            f"{name:8}{median(seconds):9.2f}{min(seconds):8.2f}{max(seconds):8.2f}"
            f"{median(run['cpu_s'] for run in runs):8.2f}"
            f"{max(run['peak_mb'] for run in runs):9.0f}{runs[0]['within']:9.4f}{runs[0]['straight']:10.6f}"
        )
    for unit in ("seconds", "cpu_s"):
        ours, usual = (median(run[unit] for run in found[name]) for name in NAMES)
        print(f"usual / ours, {unit}: {usual / ours:.1f}")


if __name__ == "__main__":
    main()
