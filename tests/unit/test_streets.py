"""Streets from every source to a network: the same street is the same length wherever it comes from."""

import bz2
import gzip

import geopandas as gpd
import networkx as nx
import numpy as np
import osmium
import pytest
import shapely
from pyproj import CRS, Geod
from shapely.geometry import LineString

import servicecircle as sc
from servicecircle.crs import choose_crs, crs_name, lonlat_box, metric_crs, stretch_at, transform
from servicecircle.network.build import build_network
from servicecircle.sources.graphs import ways_of_graph
from servicecircle.sources.osm import read_osm
from servicecircle.sources.reading import read_ways
from unit.small_town import LAT, LON, STEP, osm

METRIC = "EPSG:4547"
X, Y = 500_000.0, 3_950_000.0


def put(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def as_pbf(source, target):
    with osmium.SimpleWriter(str(target), overwrite=True) as writer:
        for thing in osmium.FileProcessor(str(source)):
            writer.add(thing)
    return target


def figures(network):
    order = np.lexsort((network.length_m, network.way_id))
    return network.way_id[order].tolist(), network.length_m[order].tolist(), len(network.node_ref)


# ---------------------------------------------------------------- sources


def test_every_kind_of_extract_gives_the_same_network(tmp_path):
    plain = put(tmp_path / "s.osm", osm())
    others = [
        put(tmp_path / "s.osm.gz", gzip.compress(osm().encode())),
        put(tmp_path / "s.osm.bz2", bz2.compress(osm().encode())),
        as_pbf(plain, tmp_path / "s.osm.pbf"),
        put(tmp_path / "T.OSM", osm()),
    ]
    others.append(put(tmp_path / "S.OSM.PBF", others[-2].read_bytes()))
    expected = figures(sc.read_streets(plain))
    assert len(expected[0]) == 8  # three rows and the street across them, cut where they meet
    for path in others:
        assert figures(sc.read_streets(path)) == expected


def test_lengths_are_those_of_the_ground(tmp_path):
    """The projection may differ from the geodesic by what a 3-degree zone allows: 3 in 10,000."""
    network = sc.read_streets(put(tmp_path / "s.osm", osm()))
    geod = Geod(ellps="WGS84")
    east = geod.inv(LON, LAT, LON + STEP, LAT)[2]
    assert crs_name(network.crs) == "EPSG:4547"
    assert network.length_m[network.way_id == 1] == pytest.approx([east, east], rel=3e-4)


def test_the_order_of_ways_in_a_file_never_shows(tmp_path):
    ways = {row: ((3 * row - 2, 3 * row - 1, 3 * row), {"highway": "path"}) for row in (1, 2, 3)}
    ways[4] = ((2, 5, 8), {"highway": "path"})
    one = sc.read_streets(put(tmp_path / "a.osm", osm(ways)))
    two = sc.read_streets(put(tmp_path / "b.osm", osm(dict(reversed(ways.items())))))
    for name in ("u", "v", "length_m", "way_id", "node_ref", "node_xy"):
        assert np.array_equal(getattr(one, name), getattr(two, name)), name


def test_what_an_extract_holds_is_counted_and_its_tags_are_read(tmp_path):
    ways = {
        1: ((1, 2, 3), {"highway": "trunk", "name": "国道"}),
        2: ((4, 5, 6), {"highway": "motorway"}),
        3: ((7, 8), {"highway": "footway", "oneway:foot": "yes"}),
        4: ((8, 9), {"building": "yes"}),
        5: ((5, 5), {"highway": "path"}),
        6: ((5,), {"highway": "path"}),
    }
    raw = read_osm(put(tmp_path / "s.osm", osm(ways)))
    assert raw.counts == {"ways_read": 5, "ways_refused": 1}
    assert raw.way_id.tolist() == [1, 3, 5, 6]
    assert (raw.name[0], raw.trunk.tolist()[0]) == ("国道", True)
    assert (raw.forward.tolist()[1], raw.backward.tolist()[1]) == (True, False)
    network = build_network(raw)
    assert set(network.way_id.tolist()) == {1, 3}
    assert read_osm(tmp_path / "s.osm", walk_trunk=False).way_id.tolist() == [3, 5, 6]


def test_a_node_outside_the_extract_breaks_its_way(tmp_path):
    text = osm({1: ((1, 2, 99, 3, 6), {"highway": "path"}), 2: ((98, 9), {"highway": "path"})})
    raw = read_osm(put(tmp_path / "s.osm", text))
    assert np.isnan(raw.xy[[2, 5]]).all()
    network = build_network(raw)
    assert sorted(network.node_ref.tolist()) == [1, 2, 3, 6]
    assert len(network.piece_m) == 2


def drawn(*lines, **columns):
    return gpd.GeoDataFrame(columns, geometry=[LineString(line) for line in lines], crs=METRIC)


@pytest.mark.parametrize("suffix", [".gpkg", ".shp", ".geojson", ".parquet"])
def test_every_kind_of_line_layer_gives_the_same_network(tmp_path, suffix):
    frame = drawn([(X, Y), (X + 300, Y)], [(X + 100, Y - 50), (X + 100, Y + 50)], name=["东街", "南路"])
    if suffix == ".geojson":
        frame = frame.to_crs(4326)
    path = tmp_path / f"roads{suffix}"
    frame.to_parquet(path) if suffix == ".parquet" else frame.to_file(path, encoding="utf-8")
    network = sc.read_streets(path, crs=METRIC)
    assert sorted(np.round(network.length_m, 3)) == [50, 50, 100, 200]
    assert set(network.name) == {"东街", "南路"}
    assert len(network.piece_m) == 1


def test_lines_that_meet_at_an_end_within_a_centimetre_are_joined(tmp_path):
    frame = drawn([(X, Y), (X + 100, Y)], [(X + 100.004, Y), (X + 200, Y)], [(X + 200.5, Y), (X + 300, Y)])
    frame.to_file(tmp_path / "r.gpkg")
    network = sc.read_streets(tmp_path / "r.gpkg", crs=METRIC)
    assert sorted(np.round(network.piece_m)) == [100, 200]


def test_a_multiline_is_its_parts_and_heights_are_ignored(tmp_path):
    parts = shapely.MultiLineString([[(X, Y, 1), (X + 50, Y, 9)], [(X, Y + 9, 3), (X + 70, Y + 9, 7)]])
    gpd.GeoDataFrame(geometry=[parts], crs=METRIC).to_file(tmp_path / "r.gpkg")
    network = sc.read_streets(tmp_path / "r.gpkg", crs=METRIC)
    assert sorted(np.round(network.length_m, 6)) == [50, 70]


# ---------------------------------------------------------------- graphs


def graph_of(*edges, crs=METRIC, **nodes):
    graph = nx.MultiDiGraph(crs=crs)
    for name, (x, y) in nodes.items():
        graph.add_node(name, x=X + x, y=Y + y)
    for tail, head, *data in edges:
        graph.add_edge(tail, head, **(data[0] if data else {}))
    return graph


def test_both_directions_of_a_street_are_one_segment():
    graph = graph_of(("a", "b"), ("b", "a"), ("b", "c"), a=(0, 0), b=(300, 400), c=(300, 500))
    network = sc.Network.from_graph(graph, crs=METRIC)
    assert sorted(network.length_m) == pytest.approx([100, 500])
    assert network.forward.all()
    assert network.backward.all()


def test_parallel_streets_and_loops_stay_apart():
    bow = LineString([(X, Y), (X + 50, Y + 50), (X + 100, Y)])
    ring = LineString([(X, Y), (X - 30, Y), (X - 30, Y + 40), (X, Y)])
    graph = graph_of(
        ("a", "b"), ("a", "b", {"geometry": bow}), ("a", "a", {"geometry": ring}), a=(0, 0), b=(100, 0)
    )  # fmt: skip
    network = sc.Network.from_graph(graph, crs=METRIC)
    assert sorted(network.length_m) == pytest.approx([100, 120, 2 * 50 * 2**0.5])


def test_an_imported_length_is_kept_and_not_used():
    graph = graph_of(("a", "b", {"length": 9999.0, "osmid": [7, 8], "highway": "path"}), a=(0, 0), b=(60, 80))
    network = sc.Network.from_graph(graph, crs=METRIC)
    assert network.length_m.tolist() == pytest.approx([100])
    assert network.way_id.tolist() == [7]
    edges = list(network.to_graph().edges(data=True))
    assert {edge[2]["length"] for edge in edges} == {9999.0}
    assert {round(edge[2]["length_m"], 6) for edge in edges} == {100.0}


def test_edges_that_merge_ways_of_several_kinds_count_only_if_all_do():
    kinds = ["footway", ["footway", "motorway"], "['path', 'steps']", "motorway", None]
    nodes = {f"n{i}": (100 * i, 0) for i in range(len(kinds) + 1)}
    edges = [(f"n{i}", f"n{i + 1}", {"highway": kind} if kind else {}) for i, kind in enumerate(kinds)]
    raw = ways_of_graph(graph_of(*edges, **nodes))
    assert raw.counts == {"ways_read": 5, "ways_refused": 2}
    assert len(build_network(raw, crs=METRIC).u) == 3


def test_a_network_becomes_a_graph_and_comes_back(tmp_path):
    ways = {1: ((1, 2, 5), {"highway": "path", "oneway:foot": "yes"}), 2: ((5, 6, 9), {"highway": "path"})}
    network = sc.read_streets(put(tmp_path / "s.osm", osm(ways)))
    graph = network.to_graph()
    assert graph.graph["crs"] == "epsg:4326"
    assert graph.number_of_edges() == 3
    again = sc.Network.from_graph(graph)
    assert figures(again)[0] == figures(network)[0]
    assert figures(again)[1] == pytest.approx(figures(network)[1], abs=1e-3)
    one_way = again.way_id == 1
    assert (again.forward != again.backward).tolist() == one_way.tolist()
    nx.write_graphml(nx.parse_graphml("\n".join(nx.generate_graphml(_plain(graph)))), tmp_path / "g.graphml")
    saved = build_network(read_ways(tmp_path / "g.graphml"))
    assert figures(saved)[1] == pytest.approx(figures(network)[1], abs=1e-3)


def _plain(graph):
    """Return a graph as OSMnx saves it: every value as text."""
    plain = nx.MultiDiGraph(**{key: str(value) for key, value in graph.graph.items()})
    plain.add_nodes_from((n, {k: str(v) for k, v in data.items()}) for n, data in graph.nodes(data=True))
    for tail, head, data in graph.edges(data=True):
        plain.add_edge(tail, head, **{k: str(v) for k, v in data.items()})
    return plain


# ---------------------------------------------------------------- networks


def test_pieces_and_islets(tmp_path):
    frame = drawn(
        [(X, Y), (X + 1500, Y)], [(X, Y + 50), (X + 400, Y + 50)], [(X, Y + 99), (X + 1000, Y + 99)]
    )
    frame.to_file(tmp_path / "r.gpkg")
    network = sc.read_streets(tmp_path / "r.gpkg", crs=METRIC)
    by_length = dict(zip(np.round(network.length_m).tolist(), network.islet.tolist(), strict=True))
    assert by_length == {1500: False, 400: True, 1000: False}
    assert not sc.read_streets(tmp_path / "r.gpkg", crs=METRIC, islet_m=0).islet.any()


def test_a_street_is_cut_where_it_meets_itself(tmp_path):
    ways = {1: ((1, 2, 5, 4, 1, 7), {"highway": "path"})}
    network = sc.read_streets(put(tmp_path / "s.osm", osm(ways)))
    assert len(network.u) == 2
    assert (network.u[0] == network.v[0]) != (network.u[1] == network.v[1])


def test_segments_are_in_the_crs_and_add_up(tmp_path):
    network = sc.read_streets(put(tmp_path / "s.osm", osm()))
    frame = network.segments()
    assert frame.crs == network.crs
    assert frame.length.to_numpy() == pytest.approx(network.length_m, abs=1e-9)
    assert network.piece_m.sum() == pytest.approx(network.length_m.sum())
    with pytest.raises(ValueError, match="read-only"):
        network.length_m[0] = 1.0


# ---------------------------------------------------------------- the CRS


@pytest.mark.parametrize(
    ("lon", "lat", "expected"),
    [
        (115.02, 35.7, "EPSG:4547"),
        (113.8, 34.0, "EPSG:4547"),
        (115.49, 35.0, "EPSG:4547"),
        (115.51, 35.0, "EPSG:4548"),
        (75.0, 39.5, "EPSG:4534"),
        (134.0, 48.0, "EPSG:4554"),
        (-51.2, -30.0, "EPSG:32722"),
        (8.5, 47.4, "EPSG:32632"),
        (139.7, 35.7, "EPSG:32654"),
    ],
)
def test_the_crs_is_that_of_the_nearest_meridian(lon, lat, expected):
    chosen = choose_crs((lon - 0.1, lat - 0.1, lon + 0.1, lat + 0.1))
    assert crs_name(chosen) == expected
    assert stretch_at(chosen, lon, lat) < 5e-4


@pytest.mark.parametrize("box", [(500_000, 3_950_000, 500_100, 3_950_100), (10, 89, 11, 90)])
def test_where_no_crs_fits_it_is_said(box):
    with pytest.raises(sc.InputError) as caught:
        choose_crs(box)
    assert caught.value.code == "crs.none_fits"


@pytest.mark.parametrize(
    ("crs", "code"),
    [
        ("EPSG:3857", "crs.web_mercator"),
        ("EPSG:900913", "crs.web_mercator"),
        ("ESRI:102100", "crs.web_mercator"),
        ("+proj=merc +a=6378137 +b=6378137 +units=m", "crs.unfit"),
        ("EPSG:4326", "crs.not_metric"),
        ("EPSG:4490", "crs.not_metric"),
        ("EPSG:4978", "crs.not_metric"),
        ("EPSG:2272", "crs.not_metric"),
        ("EPSG:32601", "crs.unfit"),
        ("nonsense", "crs.unknown"),
        ("", "crs.unknown"),
    ],
)
def test_a_crs_that_would_measure_wrong_is_refused(crs, code):
    with pytest.raises(sc.InputError) as caught:
        choose_crs((115.0, 35.6, 115.1, 35.8), crs, where="study.toml")
    assert caught.value.code == code
    assert caught.value.text("en").startswith("study.toml: ")


def test_metric_crs_of_the_area_are_taken_as_they_are():
    for name in ("EPSG:4547", "EPSG:4548", "EPSG:32650", "EPSG:2380"):
        assert choose_crs((115.0, 35.6, 115.1, 35.8), name) == CRS(name) == metric_crs(CRS(name))


def test_the_stretch_of_web_mercator_is_that_of_the_latitude():
    assert stretch_at(CRS("EPSG:3395"), 115.0, 35.7) == pytest.approx(
        1 / np.cos(np.radians(35.7)) - 1, rel=0.01
    )
    assert np.isnan(stretch_at(CRS("EPSG:4548"), 0.0, 95.0))


def test_boxes_leave_out_what_is_no_place():
    xy = np.array([[115.0, 35.0], [np.nan, np.nan], [115.5, 36.0], [np.inf, 35.0]])
    assert lonlat_box(xy, CRS(4326)) == (115.0, 35.0, 115.5, 36.0)
    assert transform(np.empty((0, 2)), CRS(4326), CRS(4547)).shape == (0, 2)
