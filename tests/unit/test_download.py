import datetime as dt
import hashlib
import json
import socket
import time

import geopandas as gpd
import networkx as nx
import pytest
from shapely.geometry import LineString, box

from servicecircle.errors import InputError, OutputError
from servicecircle.sources import download
from servicecircle.sources.columns import match_columns
from servicecircle.sources.download import fetch, fetched_streets, streets_of_place
from servicecircle.sources.tables import read_table
from unit.fake_osm_servers import (
    SOUTH,
    STEP,
    TIMESTAMP,
    WEST,
    Answer,
    fake_osm_servers,
    node,
    nominatim,
    overpass,
    place,
    town,
)

TODAY = dt.date(2026, 6, 30)
OVERPASS, SEARCH = "/api/interpreter", "/search"


@pytest.fixture
def servers(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with fake_osm_servers() as fake:
        fake.says(SEARCH, nominatim(place("示例县")))
        fake.says(OVERPASS, overpass(town()))
        yield fake


@pytest.fixture
def slept(monkeypatch):
    waits = []
    monkeypatch.setattr(time, "sleep", waits.append)
    return waits


@pytest.fixture
def boundary(tmp_path):
    path = tmp_path / "boundary.gpkg"
    area = box(WEST - STEP, SOUTH - 2 * STEP, WEST + 7 * STEP, SOUTH + 7 * STEP)
    gpd.GeoDataFrame(geometry=[area], crs="EPSG:4490").to_file(path)
    return path


def get(servers, folder, *, place=None, boundary=None, facilities=False, **more):
    urls = {"overpass_url": f"{servers.url}/api", "nominatim_url": servers.url}
    return fetch(place, boundary, folder, facilities=facilities, today=TODAY, **urls | more)


def refused(servers, folder, **wanted):
    """Fetch, expect a refusal that leaves nothing behind, and return its code."""
    with pytest.raises(InputError) as caught:
        get(servers, folder, **wanted)
    assert not folder.exists()
    assert caught.value.text("zh") != caught.value.text("en")
    return caught.value.code


def edges_by_way(path):
    graph = nx.read_graphml(path, force_multigraph=True)
    found = {}
    for tail, head, data in graph.edges(data=True):
        found.setdefault(data["osmid"], []).append((tail, head, data))
    return found


def test_streets_keep_every_way_and_the_tags_that_decide(servers, boundary, tmp_path):
    got = get(servers, tmp_path / "got", boundary=boundary)
    ways = edges_by_way(got.streets)
    assert set(ways) == {"10", "11", "12", "13", "14"}
    assert {(tail, head) for tail, head, _ in ways["10"]} == {
        ("1", "2"),
        ("2", "1"),
    }  # cars' one-way is not ours
    assert ways["11"][0][2]["access"] == "private"
    assert {"foot": "yes", "bridge": "yes", "layer": "1"}.items() <= ways["12"][0][2].items()
    assert ways["13"][0][2]["oneway:foot"] == "yes"
    assert ways["14"][0][2]["motorroad"] == "yes"
    assert got.counts["segments"] == sum(map(len, ways.values()))


def test_the_query_asks_for_all_highways_beyond_the_border(servers, boundary, tmp_path):
    get(servers, tmp_path / "got", boundary=boundary)
    (asked,) = servers.asked(OVERPASS)
    query = asked["data"][0]
    assert '(way["highway"](poly:' in query
    south = min(float(number) for number in query.split("'")[1].split()[::2])
    assert south < SOUTH - 2 * STEP - 2000 / 111_200


def test_files_are_dated_digested_and_explained(servers, boundary, tmp_path):
    got = get(servers, tmp_path / "got", boundary=boundary)
    sha256 = hashlib.sha256(got.streets.read_bytes()).hexdigest()
    assert got.streets.name == f"streets-2026-06-30-{sha256[:8]}.graphml"
    told = json.loads(got.provenance.read_text("utf-8"))
    assert told["files"] == got.digests == {got.streets.name: sha256}
    assert told["osm_timestamp"] == got.osm_timestamp == TIMESTAMP
    assert (told["fetched"], told["licence"]) == ("2026-06-30", "ODbL 1.0")
    assert told["query"]["ways"] == '["highway"]'
    assert sorted(p.name for p in got.streets.parent.iterdir()) == sorted(
        [got.streets.name, got.provenance.name]
    )


def test_the_same_data_gives_the_same_file(servers, boundary, tmp_path):
    first = get(servers, tmp_path / "a", boundary=boundary)
    second = get(servers, tmp_path / "b", boundary=boundary)
    assert first.streets.read_bytes() == second.streets.read_bytes()


def test_facilities_become_points_with_our_kinds(servers, boundary, tmp_path):
    home = node(
        21, 1, 1, amenity="social_facility", social_facility="nursing_home", name="<script>颐养</script>"
    )
    clinic = node(22, 2, 1, amenity="clinic")
    kitchen = node(23, 2, 2, amenity="social_facility", social_facility="soup_kitchen")
    servers.says(OVERPASS, overpass(town()), overpass([home, clinic, kitchen]))
    got = get(servers, tmp_path / "got", boundary=boundary, facilities=True)
    found = gpd.read_file(got.facilities).set_index("facility_id")
    assert found["kind"].to_dict() == {"node/21": "care_institution", "node/22": "medical", "node/23": ""}
    assert found.loc["node/21", "name"] == "<script>颐养</script>"
    assert found.geometry["node/22"].distance(gpd.points_from_xy([WEST + 2 * STEP], [SOUTH + STEP])[0]) < 1e-6
    assert got.counts["facilities"] == 3
    assert set(got.digests) == {got.streets.name, got.facilities.name}
    fields = ("facility_id", "name", "kind", "beds", "operator", "opened")
    assert list(match_columns(read_table(got.facilities).frame, fields, {})) == list(fields)


def test_a_place_is_found_and_named_in_full(servers, slept, tmp_path):
    steps = []
    got = get(
        servers, tmp_path / "got", place="示例县", on_progress=lambda step, share: steps.append((step, share))
    )
    assert got.area == "示例县, column 0"
    assert servers.asked(SEARCH)[0]["q"] == ["示例县"]
    assert [step for step, _ in steps] == ["area", "streets", "facilities", "files", "files"]
    assert steps[-1][1] == 1.0
    assert all("servicecircle" in agent for *_, agent in servers.seen)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (overpass([], remark='runtime error: Query timed out in "query" at line 1'), "fetch.remark"),
        (overpass(town(), remark="runtime error: Query run out of memory"), "fetch.remark"),
        (Answer(overpass(town()).body[:-200]), "fetch.cut"),
        (Answer(overpass(town()).body, cut=True), "fetch.cut"),
        (Answer(b"<html>Please log in to the proxy</html>"), "fetch.cut"),
        (Answer(b'{"version": 0.6}'), "fetch.cut"),
        (Answer(b"[]"), "fetch.cut"),
        (overpass([]), "fetch.no_streets"),
        (overpass([node(1, 0, 0)]), "fetch.no_streets"),
        (overpass([node(1, 900, 0)]), "fetch.no_streets"),
        (Answer(b"bad query", 400), "fetch.refused"),
        (Answer(b"{}", 500), "fetch.refused"),
    ],
)
def test_an_answer_that_is_not_whole_is_refused(servers, boundary, tmp_path, answer, code):
    servers.says(OVERPASS, answer)
    assert refused(servers, tmp_path / "got", boundary=boundary) == code


def test_a_remark_on_the_facilities_discards_the_streets_too(servers, boundary, tmp_path):
    servers.says(OVERPASS, overpass(town()), overpass([], remark="runtime error: timeout"))
    assert refused(servers, tmp_path / "got", boundary=boundary, facilities=True) == "fetch.remark"
    servers.says(OVERPASS, overpass(town()), overpass([]))
    assert refused(servers, tmp_path / "got", boundary=boundary, facilities=True) == "fetch.no_facilities"


def test_a_busy_server_is_asked_again_later_and_later(servers, slept, boundary, tmp_path):
    servers.says(OVERPASS, Answer(b"busy", 504), Answer(b"slow down", 429), overpass(town()))
    got = get(servers, tmp_path / "got", boundary=boundary)
    assert got.counts["segments"] > 0
    assert len(servers.asked(OVERPASS)) == 3
    waits = [wait for wait in slept if wait]
    assert len(waits) == 2
    assert waits[0] < waits[1]


def test_a_server_that_stays_busy_is_given_up(servers, slept, boundary, tmp_path):
    servers.says(OVERPASS, Answer(b"busy", 504))
    assert refused(servers, tmp_path / "got", boundary=boundary) == "fetch.busy"
    assert len(servers.asked(OVERPASS)) == 1 + 3


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (nominatim(), "fetch.place_not_found"),
        (nominatim(place("示例县", shape="Point")), "fetch.place_no_area"),
        (nominatim(place("新华区"), place("新华区", column=500, importance=0.4)), "fetch.place_ambiguous"),
        (Answer(b'[{"place_id": 1, "impor'), "fetch.cut"),
        (Answer(b'{"error": "no"}'), "fetch.cut"),
        (Answer(b"[1]"), "fetch.cut"),
        (Answer(b"[{}]"), "fetch.place_not_found"),
    ],
)
def test_a_place_that_is_no_one_area_is_refused(servers, slept, tmp_path, answer, code):
    servers.says(SEARCH, answer)
    assert refused(servers, tmp_path / "got", place="某地") == code
    assert not servers.asked(OVERPASS)


def test_a_county_inside_its_city_is_not_ambiguous(servers, slept, tmp_path):
    school = place("示例县", column=500, kind="school", importance=0.1)
    servers.says(SEARCH, nominatim(place("示例县"), place("示例县", column=1, importance=0.4), school))
    assert get(servers, tmp_path / "got", place="示例县").area == "示例县, column 0"


def test_a_boundary_that_encloses_nothing_is_refused(servers, tmp_path):
    lines = tmp_path / "lines.geojson"
    gpd.GeoDataFrame(geometry=[LineString([(114, 34), (115, 35)])], crs="EPSG:4326").to_file(lines)
    assert refused(servers, tmp_path / "got", boundary=lines) == "fetch.boundary_no_polygon"
    unplaced = tmp_path / "unplaced.parquet"
    gpd.GeoDataFrame(geometry=[box(0, 0, 1, 1)]).to_parquet(unplaced)
    assert refused(servers, tmp_path / "got", boundary=unplaced) == "tables.no_crs"
    broken = tmp_path / "broken.gpkg"
    broken.write_bytes(b"no geopackage")
    assert refused(servers, tmp_path / "got", boundary=broken) == "tables.unreadable"
    assert refused(servers, tmp_path / "got", boundary=tmp_path / "none.gpkg") == "files.missing"
    assert refused(servers, tmp_path / "got") == "fetch.place_or_boundary"
    assert refused(servers, tmp_path / "got", boundary=lines, place="某地") == "fetch.place_or_boundary"
    assert not servers.seen


def test_no_server_is_one_clear_error(servers, boundary, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{free.getsockname()[1]}/api"
    assert refused(servers, tmp_path / "got", boundary=boundary, overpass_url=closed) == "fetch.unreachable"


def test_osmnx_gets_its_settings_back_and_leaves_no_cache(servers, slept, boundary, tmp_path, monkeypatch):
    import osmnx as ox

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        ox.settings, "overpass_url", f"{servers.url}/api"
    )  # the default server, with its slots
    servers.says("/api/status", Answer(b"a\nb\nc\nd\n2 slots available now.\n"))
    names = [name for name in dir(ox.settings) if name.islower() and not name.startswith("_")]
    before = {name: getattr(ox.settings, name) for name in names}
    resolver = socket.getaddrinfo
    get(servers, tmp_path / "got", boundary=boundary, overpass_url=None)
    assert len(servers.asked("/api/status")) == 1
    servers.says(OVERPASS, overpass([], remark="runtime error"))
    refused(servers, tmp_path / "more", boundary=boundary)
    assert {name: getattr(ox.settings, name) for name in names} == before
    assert socket.getaddrinfo is resolver
    assert not (tmp_path / "cache").exists()


def test_a_folder_that_may_not_be_written_is_one_clear_error(servers, boundary, tmp_path):
    taken = tmp_path / "file"
    taken.write_text("x")
    with pytest.raises(OutputError) as caught:
        get(servers, taken, boundary=boundary)
    assert caught.value.code == "fetch.unwritable"
    assert taken.read_text() == "x"


def test_a_fetched_file_is_found_again_while_it_is_whole(servers, slept, tmp_path, monkeypatch):
    folder = tmp_path / "got"
    assert fetched_streets("示例县", folder) is None
    got = get(servers, folder, place="示例县")
    assert fetched_streets("示例县", folder) == got.streets
    assert fetched_streets("示例县", folder, today=TODAY) == got.streets
    assert fetched_streets("示例县", folder, today=TODAY + dt.timedelta(days=1)) is None
    assert fetched_streets("别处", folder) is None
    monkeypatch.setattr(download, "fetch", None)  # today's file is there: nothing is fetched
    assert streets_of_place("示例县", folder, today=TODAY) == got.streets
    got.streets.write_bytes(got.streets.read_bytes()[:-10])
    assert fetched_streets("示例县", folder) is None
    got.provenance.write_text("{", "utf-8")
    assert fetched_streets("示例县", folder) is None


def test_streets_of_a_place_are_fetched_where_they_are_not_there(servers, slept, tmp_path, monkeypatch):
    import osmnx as ox

    monkeypatch.setattr(ox.settings, "overpass_url", f"{servers.url}/api")
    monkeypatch.setattr(ox.settings, "nominatim_url", servers.url)
    servers.says("/api/status", Answer(b"a\nb\nc\nd\n2 slots available now.\n"))
    path = streets_of_place("示例县", tmp_path / "got", today=TODAY)
    assert path.is_file()
    assert fetched_streets("示例县", tmp_path / "got") == path


def test_the_network_is_built_from_what_was_fetched(servers, boundary, tmp_path):
    from servicecircle.sources.reading import read_ways

    raw = read_ways(get(servers, tmp_path / "got", boundary=boundary).streets)
    assert sorted(set(raw.way_id.tolist())) == [
        10,
        12,
        13,
    ]  # the private drive and the motor road are not walked
    one_way = raw.way_id == 13
    assert (raw.forward[one_way] ^ raw.backward[one_way]).all()
