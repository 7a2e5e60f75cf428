"""Rivers, railways and motorways: no access walk crosses one."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
import shapely.ops
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import servicecircle as sc
from properties.networks import cases, points
from servicecircle import travel_field
from servicecircle.errors import InputError
from servicecircle.network.place import Placer
from servicecircle.sources.barriers import is_barrier
from towns.drawing import Town

RIVER_TOWN = """
A----B----C
          |
          |
          |
          |
          |
          |
          |
          |
          |
D----E----G
"""


def river_town(**given):
    """
    Draw a town of 500 by 500 m with a river 30 m north of its lower street, crossed by the street C-G only.

    Seven people live 60 m north of the lower street: 440 m from the upper one, 400 m from C-G.
    """
    return Town(
        RIVER_TOWN, scale=50, people={"D 100E 60N": 7, "E 20S": 2}, facilities={"F": "E"},
        rules={"snap_m": 500, **given},
    )  # fmt: skip


def with_river(town, folder, *, away=30.0):
    """Write the study with a river that far north of the lower street."""
    study = town.write(folder)
    x, y = town.xy("D")
    river = shapely.LineString([(x - 300, y + away), (x + 900, y + away)])
    gpd.GeoDataFrame({"name": ["大河"]}, geometry=[river], crs="EPSG:4547").to_file(folder / "rivers.gpkg")
    text = study.read_text("utf-8").replace("[[fac", 'barriers = "rivers.gpkg"\n[[fac', 1)
    study.write_text(text, "utf-8")
    return sc.Study.from_file(study)


def test_people_are_placed_on_the_street_on_their_side(tmp_path):
    town = river_town()
    dry = town.run(tmp_path / "dry")
    # straight down to the lower street, 60 m, then 150 m along it
    assert dry.person("D 100E 60N").metres == pytest.approx(60 + 150)
    run = sc.run(with_river(town, tmp_path / "wet"))
    person = run.people.loc[run.people["people"] == 7].iloc[0]
    # 400 m east to C-G, over the bridge 60 m down to G, 250 m west to E
    assert person.metres == pytest.approx(400 + 60 + 250)
    assert person.snap_m == pytest.approx(60)  # still the distance to the nearest street, whichever side
    assert run.people.loc[run.people["people"] == 2, "metres"].iloc[0] == pytest.approx(20)
    assert run.people["people"].sum() == 9
    said = {f.code: f for f in run.findings}
    assert said["barriers.turned"].people_touched == 7
    assert "barriers.cut_off" not in said
    assert said["barriers.read"].facts["km"] == "1.20"


def test_who_has_streets_only_across_the_river_is_off_the_streets(tmp_path):
    run = sc.run(with_river(river_town(snap_m=300), tmp_path))
    person = run.people.loc[run.people["people"] == 7].iloc[0]
    assert person.reason == "off_streets"
    assert not person.within
    assert next(f for f in run.findings if f.code == "barriers.cut_off").people_touched == 7
    assert run.people["people"].sum() == 9


def test_a_line_layer_has_no_barriers_unless_a_layer_names_them(tmp_path):
    path = with_river(river_town(), tmp_path / "off").path
    path.write_text(path.read_text("utf-8").replace('barriers = "rivers.gpkg"\n', ""), "utf-8")
    refused = with_river(river_town(barriers=False), tmp_path / "refused")
    for off in (sc.run(sc.Study.from_file(path)), sc.run(refused)):
        assert off.people.set_index("people").loc[7, "metres"] == pytest.approx(60 + 150)
        assert not {f.code for f in off.findings} & {"barriers.read", "barriers.turned", "barriers.cut_off"}
    alone = river_town(barriers=True).write(tmp_path / "alone")
    with pytest.raises(InputError, match=r"barriers.*OSM extract"):
        sc.check(sc.Study.from_file(alone))


@pytest.mark.parametrize(
    ("tags", "crossed"),
    [
        ({"waterway": "river"}, False),
        ({"waterway": "canal"}, False),
        ({"railway": "rail"}, False),
        ({"highway": "motorway"}, False),
        ({"waterway": "stream"}, True),
        ({"railway": "tram"}, True),
        ({"railway": "abandoned"}, True),
        ({"railway": "rail", "bridge": "viaduct"}, True),
        ({"waterway": "canal", "tunnel": "culvert"}, True),
        ({"highway": "motorway", "tunnel": "no"}, False),
        ({"waterway": "ditch"}, True),
        ({"waterway": "drain"}, True),
        ({"waterway": "river", "covered": "yes"}, True),
        ({"waterway": "river", "layer": "-1"}, False),
        ({"railway": "rail", "layer": "0"}, False),
        ({"railway": "subway", "layer": "-2"}, True),
        ({"railway": "subway", "location": "underground"}, True),
        ({"highway": "motorway", "layer": "1"}, True),
        ({"railway": "disused"}, True),
        ({"railway": "rail", "disused": "yes"}, True),
        ({"railway": "light_rail", "embedded_rails": "yes"}, True),
        ({"railway": "light_rail"}, False),
        ({"highway": "trunk"}, True),
    ],
)
def test_what_is_a_barrier(tags, crossed):
    assert is_barrier(tags) is not crossed


BY_THE_BRIDGE, STRAIGHT_OVER = 400 + 60 + 250, 60 + 150


def extract_town(tags, *, kind="osm.pbf", facilities=None, **rules):
    way = {((-300.0, -470.0), (900.0, -470.0)): {"highway": None, **tags}}
    return Town(
        RIVER_TOWN, scale=50, people={"D 100E 60N": 7}, facilities=facilities or {"F": "E"}, ways=way,
        streets=kind, rules={"snap_m": 500, **rules},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "tags", "rules", "metres"),
    [
        ("osm", {"waterway": "river"}, {}, BY_THE_BRIDGE),
        ("osm.pbf", {"railway": "rail", "name": "铁路"}, {"barriers": True}, BY_THE_BRIDGE),
        ("osm.pbf", {"waterway": "river"}, {"barriers": False}, STRAIGHT_OVER),
        ("osm.pbf", {"railway": "rail", "bridge": "viaduct"}, {}, STRAIGHT_OVER),
        ("osm.pbf", {"waterway": "canal", "tunnel": "culvert"}, {}, STRAIGHT_OVER),
        ("osm.pbf", {"waterway": "ditch"}, {}, STRAIGHT_OVER),
    ],
)
def test_barriers_of_an_extract(tmp_path, kind, tags, rules, metres):
    answer = extract_town(tags, kind=kind, **rules).run(tmp_path)
    person = answer.person("D 100E 60N")
    assert person.metres == pytest.approx(metres, abs=0.1)
    assert person.straight_m == pytest.approx(np.hypot(60, 150))  # whatever lies between
    assert ("barriers.read" in answer.codes) == (metres == BY_THE_BRIDGE)
    assert ("barriers.turned" in answer.codes) == (metres == BY_THE_BRIDGE)


def test_a_facility_is_entered_from_its_own_side_of_the_river(tmp_path):
    # People and centre stand 60 m north of the lower street; the river flows 30 m north of it.
    door = {"F": "D 300E 60N"}
    dry = extract_town({"waterway": "river"}, facilities=door, barriers=False).run(tmp_path / "dry")
    wet = extract_town({"waterway": "river"}, facilities=door).run(tmp_path / "wet")
    assert dry.person("D 100E 60N").metres == pytest.approx(60 + 200 + 60, abs=0.1)
    # both on the north bank: 400 m and 200 m east to the street C-G, which they reach at one point
    assert wet.person("D 100E 60N").metres == pytest.approx(400 + 200, abs=0.1)
    assert dry.person("D 100E 60N").straight_m == wet.person("D 100E 60N").straight_m
    assert wet.facility("F").snap_m == pytest.approx(60, abs=0.01)


def test_streets_whose_file_ends_in_capitals_have_their_barriers_read(tmp_path):
    path = extract_town({"waterway": "river"}).write(tmp_path)
    (tmp_path / "streets.osm.pbf").rename(tmp_path / "STREETS.OSM.PBF")
    path.write_text(path.read_text("utf-8").replace("streets.osm.pbf", "STREETS.OSM.PBF"), "utf-8")
    assert "barriers.turned" in {f.code for f in sc.run(sc.Study.from_file(path)).findings}


def test_a_bridge_is_reached_on_ones_own_side_of_the_river():
    # A street of one straight part over a river that bends: its nearest point lies beyond the water.
    import networkx as nx

    graph = nx.MultiDiGraph(crs="EPSG:4547")
    for number, (e, n) in enumerate([(0, 0), (0, 1000)]):
        graph.add_node(number, x=500_000 + e, y=3_950_000 + n)
    graph.add_edge(0, 1, highway="residential")
    network = sc.Network.from_graph(graph, crs="EPSG:4547", islet_m=0)
    river = np.array([shapely.LineString([(499_900, 3_950_400), (500_100, 3_950_600)])])
    # 60 m east of the street at 520 m north: the foot (0, 520) is across the river, which passes (0, 500)
    home = np.array([[500_060.0, 3_950_520.0]])
    placed = Placer.of(network, barriers=river).place(home, snap_m=300.0)
    assert placed.offset_m[0, 0] == pytest.approx(500)  # where the river passes under the bridge
    assert placed.access_m[0, 0] == pytest.approx(np.hypot(60, 20))
    assert placed.snap_m[0] == pytest.approx(60)


def test_the_street_is_seen_past_the_end_of_a_barrier():
    import networkx as nx

    graph = nx.MultiDiGraph(crs="EPSG:4547")
    for number, east in enumerate([0, 1000]):
        graph.add_node(number, x=500_000 + east, y=3_950_000)
    graph.add_edge(0, 1, highway="residential")
    network = sc.Network.from_graph(graph, crs="EPSG:4547", islet_m=0)
    # 100 m north of the street, behind a wall of 20 m half-way that bends away from it to the west
    wall = shapely.LineString([(500_300, 3_950_080), (500_390, 3_950_050), (500_420, 3_950_050)])
    home = np.array([[500_400.0, 3_950_100.0]])
    placed = Placer.of(network, barriers=np.array([wall])).place(home, snap_m=300.0)
    assert placed.offset_m[0, 0] == pytest.approx(440, abs=1e-3)  # past the eastern end, 20 m aside half-way
    assert placed.access_m[0, 0] == pytest.approx(np.hypot(40, 100), abs=1e-3)
    assert placed.snap_m[0] == pytest.approx(100)


barriers = st.lists(
    st.tuples(st.integers(-60, 960), st.integers(-60, 720), st.integers(-60, 960), st.integers(-60, 720)),
    min_size=1, max_size=5,
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(cases(), barriers)
def test_no_access_walk_crosses_a_barrier(case, drawn):
    drawn = [(a, b, c, d) for a, b, c, d in drawn if (a, b) != (c, d)]
    assume(drawn)
    ends = np.array(drawn, dtype=float).reshape(-1, 2, 2) + np.array([500_000, 3_950_000])
    lines = shapely.linestrings(ends)
    homes = np.array(case.people)
    free = Placer.of(case.network).place(homes, snap_m=case.snap_m)
    kept = Placer.of(case.network, barriers=lines).place(homes, snap_m=case.snap_m)
    streets = case.network.lines()
    assert (kept.snap_m == free.snap_m).all()
    assert (kept.access_m[:, 0] >= free.access_m[:, 0] - 1e-6).all()
    for i, home in enumerate(homes):
        found = np.isfinite(kept.access_m[i])
        for slot in np.flatnonzero(found):
            place = streets[kept.segment[i, slot]].interpolate(kept.offset_m[i, slot])
            walk = shapely.LineString([home, place.coords[0]])
            assert walk.length == pytest.approx(kept.access_m[i, slot], abs=1e-6)
            assert not _crosses(walk, lines)
        # nothing nearer on this side, tried every few metres of every street
        best = kept.access_m[i, 0] if found[0] else case.snap_m
        along = [shapely.line_interpolate_point(s, np.arange(0.0, s.length, 6.0)) for s in streets]
        spots = shapely.get_coordinates(np.concatenate(along))
        walks = shapely.linestrings(np.stack([np.broadcast_to(home, spots.shape), spots], axis=1))
        nearer = walks[shapely.length(walks) < best - 0.05]  # a walk may end 1 cm beyond a barrier
        assert all(_crosses(walk, lines) for walk in nearer)


def _crosses(walk, lines):
    if walk.length <= 0.02:
        return False
    inner = shapely.ops.substring(walk, 0.01, walk.length - 0.01)
    return bool(shapely.intersects(inner, lines).any())


@settings(max_examples=40, deadline=None)
@given(cases())
def test_a_barrier_that_nobody_crosses_changes_nothing(case):
    far = np.array([shapely.LineString([(0, 0), (10, 10)])])
    doors, homes = points(case.facilities), points(case.people)
    fields = [travel_field(placer, doors, snap_m=case.snap_m) for placer in
              (Placer.of(case.network), Placer.of(case.network, barriers=far))]  # fmt: skip
    dry, wet = (field.to_points(homes, snap_m=case.snap_m)["metres"].tolist() for field in fields)
    assert dry == wet
