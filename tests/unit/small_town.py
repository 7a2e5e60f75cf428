"""
A whole study in a folder: three streets, two villages, one facility, nine people; runs in a moment.

Each input may be replaced by what a test wants to go wrong:

    town = SmallTown(tmp_path)
    town.write(people="lon,lat,人口\n115.02,35.70,-3\n")
"""

from __future__ import annotations

import csv
import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import geopandas as gpd
import pytest
from shapely.geometry import box

from servicecircle import cli

WEST, EAST = "410902200201", "410902200202"
LON, LAT = 115.02, 35.70
"""The lower left corner."""

STEP = 0.004
"""Degrees between the streets: about 360 m from west to east, 440 m from south to north."""

OSM = """<?xml version='1.0' encoding='UTF-8'?>
<osm version="0.6" generator="hand">
{nodes}{ways}</osm>
"""


def osm(ways: dict[int, tuple[tuple[int, ...], dict[str, str]]] | None = None) -> str:
    """Return OSM XML of a grid of 3 x 3 nodes (1..9, row by row from the south-west) and its ways."""
    if ways is None:
        ways = {row: ((3 * row - 2, 3 * row - 1, 3 * row), {"highway": "residential"}) for row in (1, 2, 3)}
        ways[4] = ((2, 5, 8), {"highway": "residential", "name": "中街"})
    nodes = "".join(
        f'<node id="{i + 1}" version="1" lon="{LON + i % 3 * STEP:.7f}" lat="{LAT + i // 3 * STEP:.7f}"/>\n'
        for i in range(9)
    )
    text = ""
    for way, (refs, tags) in ways.items():
        inner = "".join(f'<nd ref="{ref}"/>' for ref in refs)
        inner += "".join(f'<tag k="{key}" v="{value}"/>' for key, value in tags.items())
        text += f'<way id="{way}" version="1">{inner}</way>\n'
    return OSM.format(nodes=nodes, ways=text)


HEADER = "编号,名称,类型,状态,经度,纬度\n"
HOME = f"F1,幸福院,村级幸福院,运营中,{LON + STEP:.4f},{LAT + 0.0002:.4f}\n"
FACILITIES = HEADER + HOME
PEOPLE = "lon,lat,人口\n" + "".join(
    f"{LON + i % 3 * STEP + 0.0001:.4f},{LAT + i // 3 * STEP + 0.0001:.4f},{i + 1}\n" for i in range(9)
)
STUDY = """[study]
name = "小镇"
as_of = 2026-06-30
language = "{language}"
{study}
[streets]
source = "streets.osm"
{streets}
[[facilities]]
source = "facilities.csv"
{facilities}
[[zones]]
level = "village"
source = "zones.gpkg"

[people]
source = "people.csv"
{people}
[rules]
{rules}
"""


def zones(**columns: list[object]) -> gpd.GeoDataFrame:
    """Return the two villages, west and east; columns may be added or replaced."""
    middle = LON + 1.5 * STEP
    south, north = LAT - STEP, LAT + 3 * STEP
    shapes = [box(LON - STEP, south, middle, north), box(middle, south, LON + 3 * STEP, north)]
    data = {"code": [WEST, EAST], "name": ["西村", "东村"], **columns}
    return gpd.GeoDataFrame(data, geometry=shapes, crs=4326)


@dataclass(frozen=True)
class SmallTown:
    """The study's folder."""

    folder: Path

    @property
    def study(self) -> Path:
        return self.folder / "study.toml"

    @property
    def output(self) -> Path:
        return self.folder / "maps" / "study"

    def write(
        self,
        *,
        language: str = "zh",
        facilities: str | bytes = FACILITIES,
        people: str | bytes = PEOPLE,
        streets: str | bytes | None = None,
        villages: gpd.GeoDataFrame | None = None,
        keys: dict[str, str] | None = None,
        sources: dict[str, str] | None = None,
    ) -> SmallTown:
        """
        Write all files.

        Parameters
        ----------
        facilities, people, streets
            Texts, or bytes, of their files.
        villages
            The zones.
        keys
            Lines to add to the tables `study`, `streets`, `facilities`, `people` and `rules`.
        sources
            Other file names: "streets.osm" -> "streets.osm.pbf".
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        tables = dict.fromkeys(("study", "streets", "facilities", "people", "rules"), "") | (keys or {})
        text = STUDY.format(language=language, **tables)
        for name, other in (sources or {}).items():
            text = text.replace(f'"{name}"', f'"{other}"')
        if "[output]" not in text:
            text += "\n[output]\npictures = false\n"  # they take longer than all else
        self.put("study.toml", text)
        self.put("streets.osm", osm() if streets is None else streets)
        self.put("facilities.csv", facilities)
        self.put("people.csv", people)
        (zones() if villages is None else villages).to_file(self.folder / "zones.gpkg")
        return self

    def put(self, name: str, content: str | bytes) -> Path:
        """Write one file."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def files(self) -> dict[str, bytes]:
        """Return everything in the folder, hidden leftovers included."""
        found = [path for path in self.folder.rglob("*") if path.is_file()]
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in found}


def command(*arguments: object) -> SimpleNamespace:
    """Run the command in this process: its exit code, and what it prints."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["servicecircle", *map(str, arguments)])
        with pytest.raises(SystemExit) as leave:
            cli.main()
    return SimpleNamespace(code=leave.value.code, out=out.getvalue(), err=err.getvalue())


def findings_of(town: SmallTown) -> list[dict[str, str]]:
    """Return what the run's findings.csv lists, without what every study here has."""
    with (town.output / "findings.csv").open(encoding="utf-8-sig", newline="") as stream:
        return [row for row in csv.DictReader(stream) if row["code"] != "facilities.datum_assumed"]


def summary_of(town: SmallTown) -> dict[str, Any]:
    """Return what run.json says of everybody."""
    everybody: dict[str, Any] = json.loads((town.output / "run.json").read_text("utf-8"))["summary"]["all"]
    return everybody
