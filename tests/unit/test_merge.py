"""Roads of one's own: what the streets lack is added and joined, what they have is not doubled."""

from itertools import combinations, permutations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pyproj import CRS
from scipy.sparse.csgraph import dijkstra

from servicecircle.network.build import build_network
from servicecircle.sources.lines import TOUCH_M, node_lines
from servicecircle.sources.merge import merge_streets
from servicecircle.sources.streets import from_ways, level_of
from towns.drawing import Town

METRIC = CRS.from_epsg(4547)
EAST, NORTH = 500_000.0, 3_950_000.0


def streets(*lines, level=()):
    """Return lines of (east, north) from the origin as ways that meet where they cross."""
    lines = [np.array(line, dtype=float) + np.array([EAST, NORTH]) for line in lines]
    levels = list(level) or [""] * len(lines)
    drawn, refs = node_lines(lines, levels)
    ways = [
        (xy, ref, i + 1, f"road {i}", (True, True), False)
        for i, (xy, ref) in enumerate(zip(drawn, refs, strict=True))
    ]
    return from_ways(ways, crs=METRIC, from_osm=False, counts={}, levels=levels)


def merged(main, *extras):
    raw, brought = merge_streets(main, extras, crs=METRIC)
    return build_network(raw, crs=METRIC), brought


def metres(network, start, end):
    """Return the way along the streets between the junctions nearest to two places."""
    nodes = [np.hypot(*(network.node_xy - (EAST, NORTH) - place).T).argmin() for place in (start, end)]
    return float(dijkstra(network.towards(), indices=nodes[1])[nodes[0]])


def test_a_layer_merged_with_itself_adds_nothing():
    main = streets([(0, 0), (900, 0)], [(300, -200), (300, 400), (700, 500)], [(0, 300), (800, 310)])
    raw, (brought,) = merge_streets(main, [main], crs=METRIC)
    assert raw is main
    assert (brought.added_m, brought.joints, brought.links_m) == (0, 0, 0)
    assert brought.same_m == pytest.approx(build_network(main, crs=METRIC).length_m.sum())


def test_a_road_that_leaves_a_street_is_added_from_there():
    #  The street runs 600 m east. The road runs beside it at 8 m for 300 m, then 400 m north.
    main = streets([(0, 0), (600, 0)])
    road = streets([(0, 8), (300, 8), (300, 408)])
    network, (brought,) = merged(main, road)
    # Dropped: the 300 m, which are within 20 m of the street. Added: the 400 m north, linked by 8 m.
    assert (brought.same_m, brought.added_m, brought.joints) == (300, 400, 1)
    assert brought.links_m == pytest.approx(8)
    assert network.length_m.sum() == pytest.approx(600 + 400 + 8)
    assert metres(network, (0, 0), (300, 408)) == pytest.approx(300 + 8 + 400)
    assert len(network.piece_m) == 1


@pytest.mark.parametrize(("gap_m", "joints"), [(0.0, 1), (0.004, 1), (14.9, 1), (15.1, 0)])
def test_an_end_near_a_street_is_joined(gap_m, joints):
    network, (brought,) = merged(streets([(0, 0), (600, 0)]), streets([(200, gap_m), (200, 300)]))
    assert brought.joints == joints
    assert brought.added_m == pytest.approx(300 - gap_m)
    assert len(network.piece_m) == 2 - joints
    assert metres(network, (0, 0), (200, 300)) == pytest.approx(500 if joints else np.inf, abs=0.01)


def test_a_dead_end_of_a_street_is_joined_to_a_road_that_passes():
    # The lane stops 12 m short of the county road, which the main streets lack.
    network, (brought,) = merged(streets([(200, 300), (200, 12)]), streets([(0, 0), (600, 0)]))
    assert (brought.added_m, brought.joints, brought.links_m) == (600, 1, 12)
    assert metres(network, (600, 0), (200, 300)) == pytest.approx(400 + 12 + 288)


def test_a_road_past_a_dead_end_goes_on_and_fills_the_gap():
    # The same road in two mapped pieces with 30 m between them; the county's line runs through at 5 m.
    network, (brought,) = merged(
        streets([(0, 0), (400, 0)], [(430, 0), (900, 0)]), streets([(0, 5), (900, 5)])
    )
    assert len(network.piece_m) == 1
    assert brought.added_m <= 30
    assert 900 <= metres(network, (0, 0), (900, 0)) <= 912


@pytest.mark.parametrize("tags", [{}, {"bridge": "yes"}, {"layer": "1"}, {"layer": "0"}, {"tunnel": "no"}])
def test_a_road_meets_what_it_crosses_on_its_level_only(tags):
    level = level_of(tags)
    road = streets([(300, -200), (300, 200)], level=[level])
    network, (brought,) = merged(streets([(0, 0), (600, 0)]), road)
    assert brought.joints == (level == "")
    assert len(network.piece_m) == (1 if level == "" else 2)


def test_a_short_drift_is_the_same_road_and_a_long_one_is_not():
    main = streets([(0, 0), (900, 0)])
    drift = [(0, 15), (380, 17), (400, 24), (420, 17), (900, 15)]
    away = [(0, 0), (300, 0), (350, 60), (600, 60), (650, 0), (900, 0)]
    assert merged(main, streets(drift))[1][0].added_m == 0
    network, (brought,) = merged(main, streets(away))
    assert 250 < brought.added_m < 410
    assert len(network.piece_m) == 1


def test_the_order_of_the_layers_does_not_matter():
    main = streets([(0, 0), (600, 0)])
    layers = [
        streets([(100, 5), (100, 500)]), streets([(100, 490), (700, 500)]),
        streets([(112, 3), (112, 495), (300, 600)]), streets([(0, 250), (600, 260)]),
    ]  # fmt: skip
    found = []
    for order in permutations(range(4)):
        network, brought = merged(main, *(layers[i] for i in order))
        found.append((network.vertices.tolist(), [brought[order.index(i)] for i in range(4)]))
    assert all(one == found[0] for one in found)
    assert sum(a.added_m + a.same_m for a in found[0][1]) == pytest.approx(
        sum(build_network(layer, crs=METRIC).length_m.sum() for layer in layers)
    )


lines = st.lists(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=2, max_size=5, unique=True),
    min_size=1,
    max_size=6,
).map(
    lambda all_: [[(10.0 * x + 0.3 * i, 10.0 * y - 0.2 * i) for x, y in line] for i, line in enumerate(all_)]
)


def told_apart(*drawn):
    """Tell whether whatever meets does so exactly: a few millimetres apart may be one place or two."""
    shapes = [shapely.LineString(line) for line in drawn]
    meetings = [shapely.intersection(a, b) for a, b in combinations(shapes, 2)]
    places = shapely.points(np.vstack([shapely.get_coordinates(part) for part in (*shapes, *meetings)]))
    apart_m = shapely.distance(places[:, None], np.array(shapes)[None, :])
    return not ((apart_m > 1e-6) & (apart_m < 5 * TOUCH_M)).any()


@settings(max_examples=60, deadline=None)
@given(lines, lines)
def test_an_extra_never_lengthens_a_way_along_the_streets_and_loses_no_metre(ours, theirs):
    assume(told_apart(*ours, *theirs))
    main, extra = streets(*ours), streets(*theirs)
    before = build_network(main, crs=METRIC)
    after, (brought,) = merged(main, extra)
    length_m = build_network(extra, crs=METRIC).length_m.sum()
    assert brought.added_m + brought.same_m == pytest.approx(length_m)
    assert after.length_m.sum() == pytest.approx(before.length_m.sum() + brought.added_m + brought.links_m)
    then = dijkstra(before.towards())
    at = [int(np.hypot(*(after.node_xy - xy).T).argmin()) for xy in before.node_xy]
    now = dijkstra(after.towards())[np.ix_(at, at)]
    assert (now <= then + 1e-6).all()
    _, (again,) = merged(merge_streets(main, [extra], crs=METRIC)[0], extra)
    assert again.added_m == 0  # the second time there is nothing to add


def test_a_town_whose_village_road_stands_in_a_second_layer(tmp_path):
    # Streets: A to B, 1000 m. The village C lies 400 m north of B, along a road that only the county has.
    town = Town(
        "A---------B",
        people={"A": 3, (1000.0, 400.0): 5},
        facilities={"F": "A"},
        rules={"rural_metres": 1450},
    )
    lone = town.run(tmp_path / "lone")
    study = town.write(tmp_path / "both")
    x, y = town.xy("B")
    road = shapely.LineString([(x, y + 6), (x, y + 400)])
    doubled = shapely.LineString([(x - 900, y + 7), (x - 100, y + 7)])
    gpd.GeoDataFrame({"name": ["村道", "县道"]}, geometry=[road, doubled], crs="EPSG:4547").to_file(
        tmp_path / "both" / "roads.shp", encoding="utf-8"
    )
    study.write_text(study.read_text("utf-8").replace("[[fac", 'extra = ["roads.shp"]\n[[fac', 1), "utf-8")
    import servicecircle as sc

    run = sc.run(sc.Study.from_file(study))
    counts = run.manifest["counts"]
    assert (counts["roads_added_m"], counts["roads_same_m"], counts["roads_joints"]) == (394, 800, 1)
    said = next(f for f in run.findings if f.code == "merge.added").said("en")[0]
    assert "0.39 km of roads were added" in said
    assert "0.80 km run within 20 m" in said
    far = run.people.loc[run.people["people"] == 5].iloc[0]
    assert lone.person((1000.0, 400.0)).reason == "off_streets"
    assert far.metres == pytest.approx(1000 + 6 + 394)
    assert run.people["people"].sum() == lone.run.people["people"].sum() == 8
    assert "村道" in set(run.segments["name"])
    # Without it three of eight people live within 100 m of the 1000 m of street: 12,500 m per 100 people
    sparse = [f for f in lone.run.findings if f.code == "coverage.streets_sparse"]
    assert [(f.people_touched, f.facts["share"], f.facts["per_100"]) for f in sparse] == [(8, 37.5, "12,500")]
    assert "coverage.streets_sparse" not in {f.code for f in run.findings}
    assert {"role": "streets.extra", "name": "roads.shp"}.items() <= run.manifest["inputs"][1].items()


def test_a_layer_far_from_all_streets_is_doubted(tmp_path):
    town = Town("A--B", people={"A": 1}, facilities={"F": "B"})
    study = town.write(tmp_path)
    line = shapely.LineString([(EAST + 700, NORTH), (EAST + 900, NORTH)])
    gpd.GeoDataFrame({"a": [1]}, geometry=[line], crs="EPSG:4547").to_file(tmp_path / "roads.gpkg")
    study.write_text(study.read_text("utf-8").replace("[[fac", 'extra = ["roads.gpkg"]\n[[fac', 1), "utf-8")
    import servicecircle as sc

    assert "merge.apart" in {f.code for f in sc.check(sc.Study.from_file(study)).findings}
