"""
The slow, obvious reference: brute-force placement and a plain Dijkstra search per person.

It shares no code with the travel field, so that either can convict the other. For small networks.
"""

from __future__ import annotations

import heapq
import math
from typing import TYPE_CHECKING

import shapely

if TYPE_CHECKING:
    from collections.abc import Iterable

    from servicecircle.network.network import Network

_TIE_M = 1e-6

Place = tuple[int, float, float]  # segment, way along it from its start, access walk


def places_of(network: Network, x: float, y: float, *, snap_m: float) -> list[Place]:
    """Return the places of a point by measuring its distance to every segment."""
    point = shapely.Point(x, y)
    lines = network.lines()
    distance = [float(line.distance(point)) for line in lines]
    nearest = _first_nearest(distance, range(len(lines)))
    chosen = [nearest]
    if network.islet[nearest]:
        mainland = [s for s in range(len(lines)) if not network.islet[s]]
        chosen += [_first_nearest(distance, mainland)] if mainland else []
    return [
        (s, float(lines[s].project(point)), distance[s]) for s in chosen if distance[s] <= snap_m + _TIE_M
    ]


def _first_nearest(distance: list[float], segments: Iterable[int]) -> int:
    candidates = list(segments)
    least = min(distance[s] for s in candidates)
    return next(s for s in candidates if distance[s] <= least + _TIE_M)


def metres_between(network: Network, people: list[Place], facility: list[Place]) -> float:
    """Return the least walk from any place of a person to any place of a facility."""
    return min((p[2] + _along(network, p, f) + f[2] for p in people for f in facility), default=math.inf)


def _along(network: Network, start: Place, end: Place) -> float:
    """Return the shortest way along the streets from one place to another."""
    (s, here, _), (t, there, _) = start, end
    best = math.inf
    if s == t and (network.forward[s] if there > here else network.backward[s] or there == here):
        best = abs(there - here)
    reached = _search(network, s, here)
    beyond = float(network.length_m[t]) - there
    if network.forward[t] or there <= _TIE_M:  # at its end one stands on the junction
        best = min(best, reached.get(int(network.u[t]), math.inf) + there)
    if network.backward[t] or beyond <= _TIE_M:
        best = min(best, reached.get(int(network.v[t]), math.inf) + beyond)
    return best


def _search(network: Network, segment: int, offset: float) -> dict[int, float]:
    """Return the walk from a place to every junction, by a plain search."""
    steps: dict[int, list[tuple[int, float]]] = {}
    for s in range(len(network.u)):
        u, v, metres = int(network.u[s]), int(network.v[s]), float(network.length_m[s])
        if network.forward[s]:
            steps.setdefault(u, []).append((v, metres))
        if network.backward[s]:
            steps.setdefault(v, []).append((u, metres))
    queue: list[tuple[float, int]] = []
    beyond = float(network.length_m[segment]) - offset
    if network.backward[segment] or offset <= _TIE_M:
        queue.append((offset, int(network.u[segment])))
    if network.forward[segment] or beyond <= _TIE_M:
        queue.append((beyond, int(network.v[segment])))
    heapq.heapify(queue)
    reached: dict[int, float] = {}
    while queue:
        metres, node = heapq.heappop(queue)
        if node in reached:
            continue
        reached[node] = metres
        for onward, step in steps.get(node, ()):
            if onward not in reached:
                heapq.heappush(queue, (metres + step, onward))
    return reached
