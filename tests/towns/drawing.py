r"""
Towns drawn as text, run through the whole pipeline.

A town is a map whose answers can be worked out by hand. Letters and digits are places, `-`, `|`, `/` and `\`
are the streets between them, a `+` is where two streets pass over each other without a common vertex. One
character is `scale` metres wide and high:

    town = Town(
        '''
        A----B----C
             |
             D    p
        ''',
        people={"A": 10, "p": 5, "D 30E 40S": 1},   # at a letter, or metres away from one
        facilities={"F": "C"},                      # an operating day-care centre at C
    )
    answer = town.run(tmp_path)
    assert answer.person("A").metres == pytest.approx(1000)      # A to B 500 m, B to C 500 m

Each stretch between two letters is a way of its own, until `ways` strings some together or gives them tags.
Everything stands in EPSG:4547 at whole metres, so that drawn lengths are exact; as OpenStreetMap
(`streets="osm"`, `"osm.pbf"`) they are rounded to a centimetre. Without `zones` one village holds it all.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import osmium
import pandas as pd
import shapely
from pyproj import Transformer

import servicecircle as sc

if TYPE_CHECKING:
    from collections.abc import Callable

CRS = "EPSG:4547"
ORIGIN = (500_000.0, 3_950_000.0)
"""The top left character: on the central meridian, in Henan."""

VILLAGE = "410902200201"
"""A village committee (201) in a 乡 (200): rural, so judged by the 1 km circle."""
COMMUNITY = "410902001001"
"""A residents' committee (001) in a 街道 (001): urban, so judged by the 15 min circle."""

_STEPS = {"-": (1, 0), "|": (0, 1), "\\": (1, 1), "/": (-1, 1)}
_PLACE = re.compile(r"(\w)((?: +[\d.]+[NESW])*)")
_COMPASS = {"N": (0, 1), "E": (1, 0), "S": (0, -1), "W": (-1, 0)}

Spot = tuple[float, float]
Place = str | Spot
"""A letter, a letter and metres away from it ("A 30E 40S"), or metres east and north of the origin."""
Lines = list[tuple[tuple[Place, ...], dict[str, Any]]]


@dataclass(frozen=True)
class Town:
    """
    A drawn town.

    Parameters
    ----------
    drawing
        The map.
    ways
        Tags of ways: "ABC" is one way along the drawn streets from A over B to C; a tuple of places is a
        further street that is not drawn.
    people
        People at places: a number, or a dict of `people` and groups; or a layer of one's own.
    facilities
        Id -> place, or a dict of `at`, `kind`, `status`, `name`.
    zones
        Code -> the `box` between two places (its opposite corners), a polygon or point `at` a place, or a
        dict of these and further columns such as `name`, `area_class`, `circle`, `report_unit`.
    townships
        Like `zones`, one level up.
    rules, study_people
        Keys of `[rules]` and of `[people]`.
    streets
        `gpkg`, `osm` or `osm.pbf`.
    origin
        Coordinates of the top left character.
    clipped, gates
        Letters whose OSM nodes lie outside the extract (ways name them, the file lacks them), and letters
        with a closed gate on them.
    """

    drawing: str
    scale: float = 100.0
    ways: dict[str | tuple[Place, ...], dict[str, Any]] = field(default_factory=dict)
    people: dict[Place, float | dict[str, float]] | gpd.GeoDataFrame = field(default_factory=dict)
    facilities: dict[str, Place | dict[str, Any]] = field(default_factory=dict)
    zones: dict[str, Any] = field(default_factory=dict)
    townships: dict[str, Any] = field(default_factory=dict)
    rules: dict[str, Any] = field(default_factory=dict)
    study_people: dict[str, Any] = field(default_factory=dict)
    streets: str = "gpkg"
    origin: tuple[float, float] = ORIGIN
    clipped: str = ""
    gates: str = ""

    def run(self, folder: Path) -> Answer:
        """Write the study and run it."""
        return Answer(self, sc.run(sc.Study.from_file(self.write(folder))))

    def xy(self, place: Place) -> tuple[float, float]:
        """Return the coordinates of a place in metres of the study CRS."""
        if not isinstance(place, str):
            return self.origin[0] + place[0], self.origin[1] + place[1]
        found = _PLACE.fullmatch(place)
        if found is None or found[1] not in self._letters:
            raise ValueError(f"no place {place!r} in the drawing")
        column, row = self._letters[found[1]]
        x, y = self.origin[0] + column * self.scale, self.origin[1] - row * self.scale
        for away in found[2].split():
            east, north = _COMPASS[away[-1]]
            x, y = x + east * float(away[:-1]), y + north * float(away[:-1])
        return x, y

    @property
    def _rows(self) -> list[str]:
        return [row.rstrip() for row in dedent(self.drawing).strip("\n").splitlines()]

    @property
    def _letters(self) -> dict[str, tuple[int, int]]:
        places = [
            (mark, (i, j)) for j, row in enumerate(self._rows) for i, mark in enumerate(row) if mark.isalnum()
        ]
        if len(dict(places)) < len(places):
            raise ValueError("a letter is drawn twice")
        return dict(places)

    def stretches(self) -> list[tuple[str, str]]:
        """Return the drawn streets as pairs of letters."""
        marks = {(i, j): mark for j, row in enumerate(self._rows) for i, mark in enumerate(row)}
        found = []
        for letter, (column, row) in self._letters.items():
            for mark, (right, down) in _STEPS.items():
                at, drawn = (column + right, row + down), 0
                while marks.get(at) in {mark, "+"}:
                    at, drawn = (at[0] + right, at[1] + down), drawn + 1
                if drawn and marks.get(at, " ").isalnum():
                    found.append((letter, marks[at]))
        return found

    def lines(self) -> Lines:
        """Return every way: its places, and its tags."""
        drawn = {frozenset(pair): pair for pair in self.stretches()}
        for way in self.ways:
            for pair in pairwise(way) if isinstance(way, str) else ():
                drawn.pop(frozenset(pair))  # a KeyError here: no such stretch is drawn
        return [
            *((pair, {}) for pair in drawn.values()),
            *((tuple(way), tags) for way, tags in self.ways.items()),
        ]

    def write(self, folder: Path) -> Path:
        """Write the study file and its inputs; return the path of the study file."""
        folder.mkdir(parents=True, exist_ok=True)
        self._write_streets(folder / f"streets.{self.streets}")
        zones = self.zones or {VILLAGE: (self._corner(-1), self._corner(1))}
        self._write_zones(folder / "villages.gpkg", zones)
        levels = [("village", "villages.gpkg")]
        if self.townships:
            self._write_zones(folder / "townships.gpkg", self.townships)
            levels.append(("township", "townships.gpkg"))
        self._write_facilities(folder / "facilities.csv")
        people = {"source": "people.gpkg", "column": "people"}
        if "source" not in self.study_people:
            self._people().to_file(folder / "people.gpkg")
        text = [
            '[study]\nid = "town"\nlanguage = "en"\nas_of = 2026-06-30\ncrs = "EPSG:4547"',
            f'[streets]\nsource = "streets.{self.streets}"',
            f'[[facilities]]\nsource = "facilities.csv"\ndatum = "{CRS}"',
            *(f'[[zones]]\nlevel = "{level}"\nsource = "{source}"' for level, source in levels),
            "[people]\n" + _toml({**people, **self.study_people}),
            "[rules]\n" + _toml({key: value for key, value in self.rules.items() if key != "circles"}),
            *("[[rules.circles]]\n" + _toml(circle) for circle in self.rules.get("circles", ())),
        ]
        study = folder / "study.toml"
        study.write_text("\n".join(text), "utf-8")
        return study

    def _corner(self, side: int) -> tuple[float, float]:
        size = max([len(self._rows), *map(len, self._rows)]) * self.scale
        return (size + 9_000.0) * side, -(size + 9_000.0) * side

    def _write_streets(self, path: Path) -> None:
        lines = self.lines()
        if path.suffix == ".gpkg":
            shapes = [shapely.LineString([self.xy(p) for p in places]) for places, _ in lines]
            tags = pd.DataFrame([{"highway": "residential", **tags} for _, tags in lines])
            gpd.GeoDataFrame(tags, geometry=shapes, crs=CRS).to_file(path)
            return
        _write_osm(path, lines, self.xy, missing=self.clipped, gates=self.gates)

    def _write_zones(self, path: Path, zones: dict[str, Any]) -> None:
        rows = []
        for code, given in zones.items():
            zone = dict(given) if isinstance(given, dict) else {"box": given}
            shape = self._shape(zone.pop("box", None), zone.pop("at", None))
            rows.append({"code": code, "name": f"zone {code}", **zone, "geometry": shape})
        gpd.GeoDataFrame(rows, geometry="geometry", crs=CRS).to_file(path)

    def _shape(self, box: Any, at: Any) -> Any:
        if isinstance(at, shapely.Geometry):
            return at
        if at is not None:
            return shapely.Point(self.xy(at))
        (x, y), (u, v) = (self.xy(corner) for corner in box)
        return shapely.box(min(x, u), min(y, v), max(x, u), max(y, v))

    def _write_facilities(self, path: Path) -> None:
        rows = []
        for name, given in self.facilities.items():
            facility = dict(given) if isinstance(given, dict) else {"at": given}
            x, y = self.xy(facility.pop("at"))
            common = {
                "id": name,
                "name": f"facility {name}",
                "kind": "community_daycare",
                "status": "operating",
            }
            rows.append({**common, **facility, "x": repr(x), "y": repr(y)})
        pd.DataFrame(rows).dropna(axis="columns", how="all").to_csv(path, index=False)

    def _people(self) -> gpd.GeoDataFrame:
        if isinstance(self.people, gpd.GeoDataFrame):
            return self.people
        counts = [n if isinstance(n, dict) else {"people": n} for n in self.people.values()]
        shapes = [shapely.Point(self.xy(place)) for place in self.people]
        return gpd.GeoDataFrame(pd.DataFrame(counts), geometry=shapes, crs=CRS)


@dataclass(frozen=True)
class Answer:
    """What a run says of a drawn town."""

    town: Town
    run: sc.Run

    def person(self, place: Place) -> pd.Series:
        """Return the row of the people at a place."""
        at = shapely.Point(self.town.xy(place))
        return _only(self.run.people[self.run.people.distance(at) < 1e-6])

    def facility(self, name: str) -> pd.Series:
        """Return the row of a facility."""
        return _only(self.run.facilities[self.run.facilities["facility_id"] == name])

    def zone(self, code: str = VILLAGE, circle: str = "") -> pd.Series:
        """Return the row of a zone, under one of its circles where it has several."""
        rows = self.run.zones[self.run.zones["code"] == code]
        return _only(rows[rows["circle"] == circle] if circle else rows)

    def segment(self, start: Place, end: Place) -> pd.Series:
        """Return the row of the segment that runs straight between two places."""
        line = shapely.LineString([self.town.xy(start), self.town.xy(end)])
        return _only(self.run.segments[self.run.segments.geometry.hausdorff_distance(line) < 0.05])

    def circle(self, facility: str, cutoff: float | None = None) -> pd.Series:
        """Return a facility's circle."""
        rows = self.run.circles[self.run.circles["facility_id"] == facility]
        return _only(rows if cutoff is None else rows[rows["cutoff"] == cutoff])

    @property
    def codes(self) -> set[str]:
        """The codes of all findings."""
        return {finding.code for finding in self.run.findings}


def _write_osm(path: Path, lines: Lines, xy: Callable[[Place], Spot], *, missing: str, gates: str) -> None:
    """Write ways, and their nodes: one for each place, whatever it is called."""
    places = {xy(place): place for way, _ in lines for place in way}
    numbers = {spot: number for number, spot in enumerate(places, 1)}
    to_degrees = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
    path.unlink(missing_ok=True)
    with osmium.SimpleWriter(str(path)) as writer:
        for spot, place in places.items():
            if place not in tuple(missing):
                at = to_degrees.transform(*spot)
                tags = {"barrier": "gate", "access": "no"} if place in tuple(gates) else {}
                node = osmium.osm.mutable.Node(id=numbers[spot], version=1, location=at, tags=tags)
                writer.add_node(node)
        for number, (way, tags) in enumerate(lines, 1):
            given = {
                key: value for key, value in {"highway": "residential", **tags}.items() if value is not None
            }
            nodes = [numbers[xy(place)] for place in way]
            writer.add_way(osmium.osm.mutable.Way(id=number, version=1, nodes=nodes, tags=given))


def _only(rows: pd.DataFrame) -> pd.Series:
    if len(rows) != 1:
        raise LookupError(f"{len(rows)} rows instead of one:\n{rows}")
    return rows.iloc[0]


def _toml(table: dict[str, Any]) -> str:
    return "\n".join(f"{key} = {_value(value)}" for key, value in table.items())


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(v)}" for key, v in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)
