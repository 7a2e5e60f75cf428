"""The page's piece of the streets, packed: why a place is not covered, and what a site would change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from servicecircle import words
from servicecircle.assess.trial import MM
from servicecircle.assess.walks import limits_for
from servicecircle.crs import WGS84, transform
from servicecircle.kinds import COUNTING_STATUS
from servicecircle.maps.pack import island, varints, zigzag
from servicecircle.maps.text import unturned

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray
    from pyproj import CRS

    from servicecircle.assess.trial import Ground
    from servicecircle.assess.trial_graph import Spots, TrialGraph
    from servicecircle.maps.scene import Scene
    from servicecircle.units import Floats

    Ints = NDArray[np.int64]

DEGREE = 6
"""Of the polynomials that stand for the projection in the page."""

MOST_PROJECTION_ERROR_MM = 1.0

VERDICTS = ("met", "not_met", "to_verify", "not_judged")
_WORDS = ("why_", "trial_", "side_")


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A page's graph with the words and names that go with it."""

    spec: dict[str, Any]
    body: bytes

    def island(self) -> str:
        """Return the element that holds the numbers."""
        return island("graph", self.body)


def plan_of(scene: Scene, units: pd.DataFrame) -> Plan | None:
    """
    Return the graph of a page with some villages; None where the results hold no streets to search.

    A public edition has none: it would hold the people of every place.

    Parameters
    ----------
    units
        The villages of the page, in the order of its layer.
    """
    if scene.cutter is None or scene.public or units.empty:
        return None
    graph, ground = scene.cutter.cut(list(units["code"])), scene.cutter.ground
    if len(graph.u) == 0:
        return None
    return Plan({**_names(scene, ground, graph, units), **_head(graph, ground)}, pack(graph))


def pack(graph: TrialGraph) -> bytes:
    """Return a graph's arrays as variable-length whole numbers, in the order of graph.js."""
    inner = np.diff(graph.first) > 0
    parts = [
        *_moves(graph.node_xy),
        zigzag(graph.u - np.concatenate([[0], graph.v[:-1]])),
        zigzag(graph.v - graph.u),
        _bits(graph.forward, graph.backward, graph.islet, inner),
        graph.piece,
        graph.name,
        zigzag(graph.length - np.where(inner, polyline_lengths(graph), 0)),
        np.maximum(np.diff(graph.first)[inner] - 2, 0),
        *_inner_vertices(graph),
        *_spots(graph.facilities),
        _bits(*graph.counts.T),
        _bits(*graph.later.T),
        graph.error,
        *_spots(graph.people),
        graph.village + 1,
        graph.circle,
        graph.weight,
        graph.elderly,
        graph.state,
        _bits(*graph.served_outside.T),
        *_moves(graph.walls.reshape(-1, 2)),
    ]
    return b"".join(varints(part.astype(np.int64)) for part in parts)


def polyline_lengths(graph: TrialGraph) -> Ints:
    """Return the length of each segment's geometry, rounded; 0 without one. The page adds up the same way."""
    owner = np.repeat(np.arange(len(graph.u)), np.diff(graph.first))
    step = np.diff(graph.vertices.astype(float), axis=0)
    along = owner[:-1] == owner[1:]
    parts = np.sqrt(step[:, 0] * step[:, 0] + step[:, 1] * step[:, 1])[along]
    lengths = np.bincount(owner[:-1][along], weights=parts, minlength=len(graph.u))
    return np.asarray(np.floor(lengths + 0.5), dtype=np.int64)


def _moves(xy: Ints) -> list[Ints]:
    """Return the steps from each point to the next, along x and along y."""
    steps = zigzag(np.diff(xy, axis=0, prepend=np.zeros((1, 2), np.int64)))
    return [steps[:, 0], steps[:, 1]]


def _inner_vertices(graph: TrialGraph) -> list[Ints]:
    """Return the steps along each geometry, from its start junction to the vertex before its end."""
    steps = np.diff(graph.vertices, axis=0, prepend=np.zeros((1, 2), np.int64))
    ends = np.concatenate([graph.first[:-1], graph.first[1:] - 1])[np.tile(np.diff(graph.first) > 0, 2)]
    kept = np.ones(len(graph.vertices), dtype=bool)
    kept[ends] = False
    steps = zigzag(steps[kept])
    return [steps[:, 0], steps[:, 1]]


def _bits(*flags: NDArray[np.bool_]) -> Ints:
    return np.asarray(np.sum([flag.astype(np.int64) << bit for bit, flag in enumerate(flags)], axis=0))


def _spots(spots: Spots) -> list[Ints]:
    """Return points and the segments of their places; more only of those that the page cannot find."""
    there, given = spots.access >= 0, spots.given
    first = np.where(there[:, 0], spots.segment[:, 0], 0)
    return [
        *_moves(spots.xy),
        _bits(*there.T, *given.T),
        zigzag(np.diff(first, prepend=0)),
        spots.segment[:, 1][there[:, 1]],
        *(values[:, slot][given[:, slot]] for slot in (0, 1) for values in (spots.offset, spots.access)),
    ]


# ---------------------------------------------------------------- what stands beside the numbers


def _head(graph: TrialGraph, ground: Ground) -> dict[str, Any]:
    """Return what is needed to read the numbers, and the rules."""
    return {
        "nodes": len(graph.node_xy), "segments": len(graph.u), "vertices": len(graph.vertices),
        "facilities": len(graph.facility_ids), "people": len(graph.weight), "pieces": len(graph.piece_m),
        "walls": len(graph.walls), "origin": list(graph.origin_mm), "names": list(map(unturned, graph.names)),
        "piece_m": np.rint(graph.piece_m).astype(int).tolist(),
        "limits": graph.limits.tolist(), "snap": graph.snap, "doubt": graph.doubt_detour,
        "straight": graph.straight, "required": graph.required,
        "around_m": round(max(c.limit_m for c in ground.circles) * max(graph.doubt_detour, 2.0)),
        "try": len(graph.weight) > 0, "degree": DEGREE, **projection(graph, ground.placer.network.crs),
    }  # fmt: skip


def _names(scene: Scene, ground: Ground, graph: TrialGraph, units: pd.DataFrame) -> dict[str, Any]:
    text = scene.text
    held = (
        scene.facilities.drop_duplicates("facility_id").set_index("facility_id").loc[list(graph.facility_ids)]
    )
    ids = [c.id for c in ground.circles]
    kinds = {
        kind: sum(1 << i for i, c in enumerate(ground.circles) if kind in c.kinds)
        for kind in dict.fromkeys(k for c in ground.circles for k in c.kinds)
    }
    snaps = limits_for(units["area_class"], ground.rules)
    status = text.label("status", COUNTING_STATUS)
    return {
        "words": _words(text.language),
        "circles": [[c.id, text.circle(c), round(c.limit_m)] for c in ground.circles],
        "kinds": sorted(([code, text.kind(code), mask] for code, mask in kinds.items()), key=_both_first),
        "stations": [
            [code, text.written(row.name_), text.kind(row.kind), text.label("status", row.status)]
            for code, row in zip(
                graph.facility_ids, held.rename(columns={"name": "name_"}).itertuples(), strict=True
            )
        ],
        "villages": [
            [code, text.written(name), ids.index(circle) if circle in ids else -1, float(snap) * MM, judged]
            for code, name, circle, snap, judged in zip(
                units["code"], units["name"], units["circle"], snaps, graph.judged.tolist(), strict=True
            )
        ],
        "verdicts": {key: text.label("verdict", key) for key in VERDICTS},
        "operating": status,
        "elderly": scene.elderly,
        "modelled": text.modelled,
    }  # fmt: skip


def _both_first(kind: list[Any]) -> int:
    """Sort the kinds that count for most circles to the front; the first is what a new site begins as."""
    return -int(kind[2]).bit_count()


def _words(language: words.Language) -> dict[str, str]:
    """Return the sentences of why and what-if; the page fills in their facts."""
    table = words.table("pages")
    column = 0 if language == "zh" else 1
    return {key: entry[column] for key, entry in table.items() if key.startswith(_WORDS)}


# ---------------------------------------------------------------- projection


def projection(graph: TrialGraph, crs: CRS) -> dict[str, Any]:
    """
    Return polynomials from degrees to the graph's millimetres and back, and the largest error measured.

    Fitted where the page lies: over tens of kilometres a projection is as smooth as its sixth power.
    """
    low = graph.node_xy.min(axis=0) - 5_000_000
    high = graph.node_xy.max(axis=0) + 5_000_000
    knots = (1 - np.cos(np.linspace(0, np.pi, 2 * DEGREE + 2))) / 2
    xy = low + np.stack(np.meshgrid(knots, knots), axis=-1).reshape(-1, 2) * (high - low)
    lonlat = _degrees(graph, crs, xy)
    forward, back = _fit(lonlat, xy), _fit(xy, lonlat)
    tried = low + np.random.default_rng(0).uniform(size=(2000, 2)) * (high - low)
    error = np.abs(evaluate(forward, _degrees(graph, crs, tried)) - tried).max()
    if error > MOST_PROJECTION_ERROR_MM:
        msg = f"the projection of the page is off by {error:.3f} mm"
        raise ValueError(msg)
    return {"forward": forward, "back": back, "error_mm": round(float(error), 6)}


def _degrees(graph: TrialGraph, crs: CRS, xy: Floats) -> Floats:
    return transform((xy + np.array(graph.origin_mm)) / MM, crs, WGS84)


def _fit(source: Floats, target: Floats) -> dict[str, Any]:
    low, high = source.min(axis=0), source.max(axis=0)
    middle, half = (low + high) / 2, (high - low) / 2
    centre = target.mean(axis=0)
    found, *_ = np.linalg.lstsq(_powers((source - middle) / half), target - centre, rcond=None)
    return {
        "middle": middle.tolist(), "half": half.tolist(), "centre": centre.tolist(),
        "x": found[:, 0].tolist(), "y": found[:, 1].tolist(),
    }  # fmt: skip


def evaluate(fitted: dict[str, Any], xy: Floats) -> Floats:
    """Return a fitted polynomial's values."""
    powers = _powers((xy - np.array(fitted["middle"])) / np.array(fitted["half"]))
    return np.asarray(powers @ np.column_stack([fitted["x"], fitted["y"]]) + np.array(fitted["centre"]))


def _powers(uv: Floats) -> Floats:
    """Return the products of powers up to the degree, those of the first falling with those of the second."""
    u, v = uv.T
    return np.column_stack([u**i * v**j for j in range(DEGREE + 1) for i in range(DEGREE + 1 - j)])
