"""Cuts a page's piece of the streets out of a run, in whole millimetres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from servicecircle.assess.sites import opened_later
from servicecircle.assess.trial import ELDERLY, MM, judged_states
from servicecircle.assess.trial_graph import NONE, Spots, TrialGraph, feet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import NDArray

    from servicecircle.assess.trial import Ground
    from servicecircle.network.place import Placements
    from servicecircle.units import Floats

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

SLACK_M = 5.0
"""Added to every distance that is cut at: villages are drawn loosely."""

ROUNDING_MM = 3
"""How far whole millimetres may move a place along a street, or its access."""


@dataclass(frozen=True, slots=True, eq=False)
class _Frame:
    """Which segments and junctions a graph holds, and what its coordinates count from."""

    segments: Ints
    nodes: Ints
    origin: Floats

    def mm(self, xy: Floats) -> Ints:
        return np.rint((xy - self.origin) * MM).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Cutter:
    """
    A run's streets and people, indexed once to cut the graphs of many pages.

    Parameters
    ----------
    lines, people
        Trees over the segments and over the demand points.
    """

    ground: Ground
    lines: shapely.STRtree
    people: shapely.STRtree

    @classmethod
    def of(cls, ground: Ground) -> Cutter:
        """Index a run."""
        homes: Any = shapely.points(ground.people[["x_m", "y_m"]].to_numpy(float))
        return cls(ground, shapely.STRtree(ground.placer.network.lines()), shapely.STRtree(homes))

    def cut(self, codes: Sequence[str]) -> TrialGraph:
        """
        Cut the graph of a page.

        Streets and facilities reach as far beyond the villages as a doubted detour, neighbours' people as
        far as the largest limit: so no walk that matters for the villages leaves the graph.

        Parameters
        ----------
        codes
            The villages of the page.
        """
        ground = self.ground
        region = self._region(codes)
        limit_m = max(c.limit_m for c in ground.circles) + SLACK_M
        around_m = limit_m * max(ground.rules.doubt_detour, 2.0)
        rows = self._people(codes, region, limit_m)
        points = ground.facilities.geometry.to_numpy()
        may = (_counts(ground) | _later(ground)).any(axis=1)
        chosen = np.flatnonzero(shapely.dwithin(points, region, around_m) & may)
        homes, posts = ground.places.take(rows), ground.facility_places.take(chosen)
        frame = self._frame(region, around_m, homes, posts)
        shaped = self.lines.query(region, "dwithin", limit_m + ground.rules.snap_m.facilities)
        streets, pieces = _streets(ground, frame, np.isin(frame.segments, shaped))
        people = ground.people.iloc[rows]
        return TrialGraph(
            origin_mm=(int(frame.origin[0] * MM), int(frame.origin[1] * MM)),
            **streets,
            facility_ids=tuple(ground.facilities["facility_id"].iloc[chosen].astype(str)),
            facilities=_spots(shapely.get_coordinates(points[chosen]), posts, frame, streets),
            counts=_counts(ground)[chosen], later=_later(ground)[chosen],
            error=_errors(ground)[chosen],
            people=_spots(people[["x_m", "y_m"]].to_numpy(float), homes, frame, streets),
            **self._weights(people, codes),
            state=self._states(rows),
            circle_kinds=tuple(tuple(c.kinds) for c in ground.circles),
            limits=np.array([c.limit_m * MM for c in ground.circles]),
            codes=tuple(codes), judged=np.array(judged_states(ground, codes), dtype=bool),
            served_outside=_served_outside(ground, chosen, pieces),
            walls=_walls(ground.barriers, region, around_m, frame),
            snap=ground.rules.snap_m.facilities * MM, doubt_detour=ground.rules.doubt_detour,
            straight=ground.rules.measure == "straight", required=ground.rules.share_required,
        )  # fmt: skip

    def _region(self, codes: Sequence[str]) -> shapely.Geometry:
        """Return where the villages lie: their areas, and their people where they are points only."""
        zones, people = self.ground.zones, self.ground.people
        shapes = zones.loc[zones["unit"] & zones["code"].isin(codes)].geometry.dropna().to_numpy()
        areas = shapes[shapely.get_dimensions(shapes) == 2]
        homes = people.loc[people["zone_code"].isin(codes), ["x_m", "y_m"]].to_numpy(float)
        rest = [] if len(areas) == len(codes) else [shapely.multipoints(homes)]
        region = shapely.union_all([*areas, *rest])
        shapely.prepare(region)
        return region

    def _people(self, codes: Sequence[str], region: shapely.Geometry, limit_m: float) -> Ints:
        """Return the judged people of the villages, and their neighbours inside a limit."""
        people = self.ground.people
        if self.ground.household:
            return np.empty(0, np.int64)
        near = np.zeros(len(people), dtype=bool)
        near[self.people.query(region, "dwithin", limit_m)] = True
        living = people["people"].gt(0)
        if ELDERLY in people:
            living |= people[ELDERLY].gt(0)
        known = people["circle"].isin([c.id for c in self.ground.circles])
        chosen = people["judged"] & known & living & (near | people["zone_code"].isin(codes))
        return np.flatnonzero(chosen)

    def _frame(self, region: shapely.Geometry, around_m: float, *held: Placements) -> _Frame:
        network = self.ground.placer.network
        near = self.lines.query(region, "dwithin", around_m)
        stood_on = [p.segment[np.isfinite(p.access_m)] for p in held]
        segments = np.unique(np.concatenate([near, *stood_on]).astype(np.int64))
        nodes = np.unique([network.u[segments], network.v[segments]])
        nodes = nodes[np.argsort(_curve(network.node_xy[nodes]), kind="stable")]
        corner = network.node_xy[nodes].min(axis=0) if len(nodes) else np.zeros(2)
        return _Frame(segments, nodes, np.floor(corner))

    def _weights(self, people: pd.DataFrame, codes: Sequence[str]) -> dict[str, Any]:
        ids = [c.id for c in self.ground.circles]
        elderly = people[ELDERLY].to_numpy(float) if ELDERLY in people else np.zeros(len(people))
        return {
            "village": pd.Index(codes).get_indexer(pd.Index(people["zone_code"])).astype(np.int64),
            "circle": pd.Index(ids).get_indexer(pd.Index(people["circle"])).astype(np.int64),
            "weight": np.rint(people["people"].to_numpy(float) * 1000).astype(np.int64),
            "elderly": np.rint(np.nan_to_num(elderly) * 1000).astype(np.int64),
        }

    def _states(self, rows: Ints) -> Ints:
        """Return what the run found of each person under their own circle, as bits."""
        found = np.zeros(len(self.ground.people), np.int64)
        rule = self.ground.people["circle"].to_numpy()
        for walk in self.ground.walks:
            own = rule[walk.row] == walk.circle.id
            bits = walk.within + 2 * walk.doubtful + 4 * walk.by_streets
            found[walk.row[own]] = bits[own]
        return np.asarray(found[rows])


def _counts(ground: Ground) -> Bools:
    """Return for which circles each facility counts."""
    return np.asarray(ground.facilities[[f"counts_{c.id}" for c in ground.circles]], dtype=bool)


def _later(ground: Ground) -> Bools:
    """Return for which circles each facility would count once it opened."""
    later = opened_later(ground.facilities) & ground.facilities.geometry.notna().to_numpy()
    kind = ground.facilities["kind"]
    return np.column_stack([later & kind.isin(c.kinds).to_numpy() for c in ground.circles])


def _errors(ground: Ground) -> Ints:
    if "position_error_m" not in ground.facilities:
        return np.zeros(len(ground.facilities), np.int64)
    errors = ground.facilities["position_error_m"].fillna(0.0).to_numpy(float)
    return np.asarray(np.rint(errors * MM), dtype=np.int64)


def _streets(ground: Ground, frame: _Frame, shaped: Bools) -> tuple[dict[str, Any], Ints]:
    """Return the streets' part of a graph, and the run's numbers of its pieces."""
    network, segments = ground.placer.network, frame.segments
    local = np.zeros(len(network.node_ref), np.int64)
    local[frame.nodes] = np.arange(len(frame.nodes))
    pieces, piece = np.unique(network.segment_piece[segments], return_inverse=True)
    written = [str(n) if isinstance(n, str) else "" for n in network.name[segments]]
    names = sorted(set(written) | {""})
    number = {name: i for i, name in enumerate(names)}
    counts = np.where(shaped, np.diff(network.first)[segments], 0)
    at = np.concatenate([
        np.arange(network.first[s], network.first[s + 1]) for s in segments[shaped]
    ] or [np.empty(0, np.int64)])  # fmt: skip
    return {
        "node_xy": frame.mm(network.node_xy[frame.nodes]),
        "u": local[network.u[segments]], "v": local[network.v[segments]],
        "length": np.maximum(np.rint(network.length_m[segments] * MM), 1).astype(np.int64),
        "forward": network.forward[segments], "backward": network.backward[segments],
        "islet": network.islet[segments], "piece": piece.ravel(),
        "piece_m": network.piece_m[pieces],
        "name": np.array([number[name] for name in written], dtype=np.int64), "names": tuple(names),
        "first": np.concatenate([[0], np.cumsum(counts)]), "vertices": frame.mm(network.vertices[at]),
    }, pieces  # fmt: skip


def _spots(xy: Floats, places: Placements, frame: _Frame, streets: dict[str, Any]) -> Spots:
    """Return points with their places; those a page can find by itself as it finds them."""
    at, there = frame.mm(xy), np.isfinite(places.access_m)
    segment = np.where(there, np.searchsorted(frame.segments, np.where(there, places.segment, 0)), 0)
    offset = np.rint(np.where(there, places.offset_m, 0.0) * MM).astype(np.int64)
    offset = np.minimum(offset, streets["length"][segment])
    access = np.rint(np.where(there, places.access_m, 0.0) * MM).astype(np.int64)
    given = np.zeros(there.shape, dtype=bool)
    for slot in (0, 1):
        along, away, _ = feet(streets["first"], streets["vertices"], streets["length"], at, segment[:, slot])
        known = np.isfinite(away)
        walk = np.floor(np.where(known, away, 0.0) + 0.5).astype(np.int64)
        same = (
            known
            & (abs(along - offset[:, slot]) <= ROUNDING_MM)
            & (abs(walk - access[:, slot]) <= ROUNDING_MM)
        )
        offset[same, slot], access[same, slot] = along[same], walk[same]
        given[:, slot] = there[:, slot] & ~same
    return Spots(at, segment, offset, np.where(there, access, NONE), given)


def _served_outside(ground: Ground, chosen: Ints, pieces: Ints) -> Bools:
    """Tell on which pieces a facility that the page does not hold counts, circle by circle."""
    there = np.isfinite(ground.facility_places.access_m)
    there[chosen] = False
    on = ground.placer.network.segment_piece[ground.facility_places.segment]
    counts = _counts(ground)
    return np.column_stack([
        np.isin(pieces, on[there & counts[:, [c]]]) for c in range(counts.shape[1])
    ])  # fmt: skip


def _walls(
    barriers: NDArray[np.object_] | None, region: shapely.Geometry, around_m: float, frame: _Frame
) -> Ints:
    """Return the straight parts of the barriers around a page."""
    if barriers is None or len(barriers) == 0:
        return np.empty((0, 2, 2), np.int64)
    xy, line = shapely.get_coordinates(barriers, return_index=True)
    at = np.flatnonzero(line[1:] == line[:-1])
    parts = np.stack([xy[at], xy[at + 1]], axis=1)
    near = shapely.dwithin(shapely.linestrings(parts), region, around_m)
    return frame.mm(parts[near].reshape(-1, 2)).reshape(-1, 2, 2)


def _curve(xy: Floats) -> Ints:
    """Return each point's place on a curve through the plane: neighbours get near numbers."""
    low = xy.min(axis=0, initial=0.0) if len(xy) == 0 else xy.min(axis=0)
    cells = np.clip((xy - low) / 20.0, 0, 65_535).astype(np.uint64)
    key = np.zeros(len(xy), np.uint64)
    for bit in range(16):
        for axis in (0, 1):
            key |= ((cells[:, axis] >> np.uint64(bit)) & np.uint64(1)) << np.uint64(2 * bit + axis)
    return key.astype(np.int64)
