"""Streets that an earlier run has read: the same as read anew, and never those of other files or options."""

import os
import pickle
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import pytest
import shapely
from pandas.testing import assert_frame_equal

import servicecircle as sc
from servicecircle import pipeline
from servicecircle.checks import kept_streets
from servicecircle.checks import streets as streets_checks
from servicecircle.checks.inputs import check_inputs
from servicecircle.checks.kept_streets import key_of, take
from servicecircle.checks.streets import check_streets
from servicecircle.network.build import build_network
from servicecircle.sample import sample_folder
from unit.small_town import LAT, LON, STEP, SmallTown, osm

BROKEN = {
    1: ((1, 2, 99), {"highway": "residential", "name": "=北街 &lt;b&gt; &#9;"}),
    2: ((4, 5, 6), {"highway": "trunk"}),
    3: ((7,), {"highway": "path"}),
    4: ((2, 5), {"highway": "service", "bridge": "yes", "layer": "1"}),
    5: ((5, 8), {"highway": "footway", "military": "base", "name": "秘密"}),
    6: ((4, 7), {"waterway": "river"}),
    7: ((6, 9), {"highway": "motorway"}),
}
ROAD = shapely.LineString([(LON + STEP, LAT), (LON + STEP, LAT - STEP / 2)])
RIVER = shapely.LineString([(LON - STEP, LAT + STEP / 2), (LON + 3 * STEP, LAT + STEP / 2)])


def graph():
    made = nx.MultiDiGraph(crs="epsg:4326")
    for node, (x, y) in {1: (LON, LAT), 2: (LON + STEP, LAT), 3: (LON + STEP, LAT + STEP)}.items():
        made.add_node(node, x=x, y=y)
    made.add_edge(1, 2, osmid=5, highway="residential", name="街", length=1.5, tunnel="yes")
    made.add_edge(2, 3, highway="trunk", length=float("nan"), oneway=True)
    return made


def town(folder, **given):
    """Return the study of a town with a road layer and a river of its own."""
    given.setdefault("keys", {"streets": 'extra = ["road.gpkg"]\nbarriers = "river.geojson"\n'})
    made = SmallTown(folder).write(**given)
    gpd.GeoDataFrame({"name": ["村道"]}, geometry=[ROAD], crs=4326).to_file(folder / "road.gpkg")
    gpd.GeoDataFrame(geometry=[RIVER], crs=4326).to_file(folder / "river.geojson")
    return sc.Study.from_file(made.study)


def main_source(study):
    return study.locate(study.streets.source)


def checked(study):
    """Return the streets read anew, as they are kept and as they are taken."""
    kept = study.path.parent / "kept"
    anew = check_streets(study, main_source(study))
    written = check_streets(study, main_source(study), kept=kept)
    return anew, written, take(kept, key_of(study, main_source(study)))


def assert_same(one, other):
    for field in fields(one.raw):
        here, there = getattr(one.raw, field.name), getattr(other.raw, field.name)
        if isinstance(here, np.ndarray):
            assert here.dtype == there.dtype, field.name
            assert here.shape == there.shape
            assert here.tolist() == there.tolist() or here.tobytes() == there.tobytes(), field.name
        elif field.name == "attributes":
            assert repr(here) == repr(there)  # NaN differs from itself
        else:
            assert here == there, field.name
            assert type(here) is type(there)
    assert list(one.raw.counts) == list(other.raw.counts)
    assert [c.to_wkt() for c in (one.crs, one.raw.crs)] == [c.to_wkt() for c in (other.crs, other.raw.crs)]
    assert (one.crs.srs, one.raw.crs.srs) == (other.crs.srs, other.raw.crs.srs)
    assert [repr(f) for f in one.findings] == [repr(f) for f in other.findings]
    assert (one.barriers is None) == (other.barriers is None)
    if one.barriers is not None:
        assert one.barriers.dtype == other.barriers.dtype
        assert shapely.to_wkb(one.barriers).tolist() == shapely.to_wkb(other.barriers).tolist()


# ---------------------------------------------------------------- the same with it as without


def test_streets_are_taken_as_they_were_read(tmp_path):
    study = town(tmp_path, streets=osm(BROKEN))
    anew, written, taken = checked(study)
    codes = {f.code for f in taken.findings}
    assert {"streets.broken_ways", "streets.one_node", "merge.added", "barriers.read"} <= codes
    assert taken.raw.hidden == {5}
    assert len(taken.barriers) > 0
    assert_same(anew, written)
    assert_same(anew, taken)


def test_so_are_those_of_graphs_and_layers(tmp_path):
    none = {"keys": {"study": 'crs = "EPSG:4547"', "rules": "barriers = false"}}
    of_graph = town(tmp_path / "graph", sources={"streets.osm": "streets.graphml"}, **none)
    nx.write_graphml(graph(), main_source(of_graph))
    lines = town(tmp_path / "lines", sources={"streets.osm": "streets.gpkg"}, **none)
    albers = "+proj=aea +lat_1=25 +lat_2=47 +lat_0=36 +lon_0=115 +x_0=0 +y_0=0 +datum=WGS84 +units=m"
    frame = gpd.GeoDataFrame({"highway": ["path"], "bridge": ["yes"]}, geometry=[ROAD], crs=4326)
    frame.to_crs(albers).to_file(main_source(lines))
    for study in (of_graph, lines):
        anew, written, taken = checked(study)
        assert taken.barriers is None
        assert_same(anew, written)
        assert_same(anew, taken)
    assert checked(of_graph)[2].raw.attributes[0]["length"] == 1.5


def test_a_run_is_the_same_with_them_as_without(tmp_path, monkeypatch):
    study = town(tmp_path, streets=osm(BROKEN))
    here = sc.run(study)
    check_streets(study, main_source(study), kept=tmp_path / "kept")
    monkeypatch.setattr(pipeline, "streets_of", lambda study: tmp_path / "kept")
    monkeypatch.setattr(streets_checks, "read_ways", None)  # nothing is read a second time
    there = sc.run(study)
    for name in ("zones", "segments", "people", "gaps", "facilities", "verdicts", "circles"):
        assert_frame_equal(getattr(here, name), getattr(there, name), obj=name)
    assert_frame_equal(here.findings.to_frame("zh"), there.findings.to_frame("zh"))
    for run in (here, there):
        del run.manifest["timings"], run.manifest["started_at"]
    assert here.manifest == there.manifest


def test_so_is_the_sample(tmp_path, monkeypatch):
    study = sc.Study.from_file(sample_folder() / "study.toml")
    here = check_inputs(study)
    check_streets(study, main_source(study), kept=tmp_path)
    monkeypatch.setattr(streets_checks, "read_ways", None)
    there = check_inputs(study, kept=tmp_path)
    assert_frame_equal(here.findings.to_frame("zh"), there.findings.to_frame("zh"))
    assert_frame_equal(pipeline.measure(here), pipeline.measure(there))
    segments = [build_network(inputs.streets, crs=inputs.crs).segments() for inputs in (here, there)]
    assert_frame_equal(*segments)
    assert shapely.to_wkb(here.barriers).tolist() == shapely.to_wkb(there.barriers).tolist()


# ---------------------------------------------------------------- when it is used


def test_a_changed_facility_file_reads_no_street_again(tmp_path, monkeypatch):
    study = town(tmp_path)
    check_streets(study, main_source(study), kept=tmp_path / "kept")
    (tmp_path / "facilities.csv").write_text("编号,名称,类型,状态,经度,纬度\n", "utf-8")
    for reader in ("read_ways", "read_barriers", "merge_streets"):
        monkeypatch.setattr(streets_checks, reader, None)
    check_streets(study, main_source(study), kept=tmp_path / "kept")


def test_only_a_study_that_remembers_keeps_them(tmp_path):
    sc.run(town(tmp_path))
    assert not (tmp_path / "history").exists()
    for more in ("[history]", "[schedule]"):
        folder = tmp_path / more
        town(folder)
        with (folder / "study.toml").open("a", encoding="utf-8") as stream:
            stream.write(f"\n{more}\n")
        sc.run(sc.Study.from_file(folder / "study.toml"))
        assert [p.suffix for p in (folder / "history" / "study.streets").iterdir()] == [".npz"]


OPTIONS = [
    ({"streets": {"layer": "x"}}, True),
    ({"streets": {"extra": ()}}, True),
    ({"streets": {"barriers": None}}, True),
    ({"streets": {"source": "other.osm"}}, True),
    ({"streets": {"place": "x"}}, True),
    ({"streets": {"credit": "x"}}, False),
    ({"study": {"crs": "EPSG:4547"}}, True),
    ({"rules": {"walk_trunk": False}}, True),
    ({"rules": {"barriers": True}}, True),
    ({"rules": {"urban_minutes": 10.0}}, False),
    ({"study": {"name": "x", "language": "en"}}, False),
]


@pytest.mark.parametrize(("change", "matters"), OPTIONS, ids=str)
def test_each_option_that_decides_what_is_read_is_in_the_key(tmp_path, change, matters):
    study = town(tmp_path)
    shutil.copy(tmp_path / "streets.osm", tmp_path / "other.osm")  # one content under two names
    update = {name: getattr(study, name).model_copy(update=keys) for name, keys in change.items()}
    other = study.model_copy(update=update)
    assert (key_of(study, main_source(study)) != key_of(other, main_source(other))) is matters


def test_every_option_of_the_streets_is_told_of_above():
    told = {key for change, _ in OPTIONS for key in change.get("streets", {})}
    assert told == set(sc.Study.model_fields["streets"].annotation.model_fields)


@pytest.mark.parametrize("name", ["streets.osm", "road.gpkg", "river.geojson"])
def test_each_file_is_in_the_key_by_its_content(tmp_path, name):
    study = town(tmp_path)
    before = key_of(study, main_source(study))
    os.utime(tmp_path / name, (1, 1))
    assert key_of(study, main_source(study)) == before
    with (tmp_path / name).open("ab") as stream:
        stream.write(b" ")
    assert key_of(study, main_source(study)) != before


def test_program_and_libraries_are_in_the_key(tmp_path, monkeypatch):
    study = town(tmp_path)
    keys = {key_of(study, main_source(study))}
    monkeypatch.setattr(kept_streets, "code_version", lambda: "0")
    keys.add(key_of(study, main_source(study)))
    monkeypatch.setattr(kept_streets.metadata, "version", lambda name: "0")
    keys.add(key_of(study, main_source(study)))
    assert len(keys) == 3


def test_what_content_does_not_tell_is_not_kept(tmp_path):
    database = {"streets.osm": "postgresql://nobody@127.0.0.1:1/none"}
    study = town(tmp_path / "a", sources=database, keys={"streets": 'layer = "public.roads"'})
    assert key_of(study, study.streets.source) is None
    study = town(tmp_path / "b")
    (tmp_path / "b" / "road.gpkg-wal").write_bytes(b"rows that the file itself does not hold yet")
    assert key_of(study, main_source(study)) is None
    check_streets(study, main_source(study), kept=tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_a_file_that_is_held_open_is_told_of_by_its_reader(tmp_path, monkeypatch):
    study = town(tmp_path)

    def held(path):
        raise PermissionError(13, "held open", str(path))

    monkeypatch.setattr(kept_streets, "digest", held)
    assert key_of(study, main_source(study)) is None
    assert len(check_streets(study, main_source(study), kept=tmp_path / "kept").raw.way_id) > 0
    assert not (tmp_path / "kept").exists()


def test_a_file_replaced_while_it_is_read_is_not_kept(tmp_path, monkeypatch):
    study = town(tmp_path)
    read = streets_checks.read_ways

    def replaced(path, **options):
        raw = read(path, **options)
        (tmp_path / "streets.osm").write_text(osm(BROKEN), "utf-8")
        return raw

    monkeypatch.setattr(streets_checks, "read_ways", replaced)
    check_streets(study, main_source(study), kept=tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


# ---------------------------------------------------------------- what may happen to it


def flipped(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:-1],
        lambda content: content[: len(content) // 2],
        lambda content: bytes(len(content)),
        flipped,
        lambda content: pickle.dumps([1]),
        lambda content: b"\x93NUMPY" + content,
    ],
)
def test_a_damaged_entry_is_read_anew_and_mended(tmp_path, damage):
    study, kept = town(tmp_path), tmp_path / "kept"
    key = key_of(study, main_source(study))
    anew = check_streets(study, main_source(study), kept=kept)
    path = kept / f"{key}.npz"
    path.write_bytes(damage(path.read_bytes()))
    assert take(kept, key) is None
    assert_same(anew, check_streets(study, main_source(study), kept=kept))
    assert_same(anew, take(kept, key))


def test_an_entry_under_the_name_of_another_is_not_taken(tmp_path):
    study, kept = town(tmp_path), tmp_path / "kept"
    check_streets(study, main_source(study), kept=kept)
    shutil.copy(next(kept.iterdir()), kept / f"{'0' * 64}.npz")
    assert take(kept, "0" * 64) is None


def test_no_entry_holds_anything_but_numbers(tmp_path):
    study, kept = town(tmp_path, streets=osm(BROKEN)), tmp_path / "kept"
    check_streets(study, main_source(study), kept=kept)
    with np.load(next(kept.iterdir()), allow_pickle=False) as held:
        assert {held[name].dtype.kind for name in held.files} <= {"f", "i", "u", "b"}


@pytest.mark.parametrize(("days", "used"), [(0, True), (89, True), (91, False), (-1, False)])
def test_an_old_entry_is_not_taken_nor_one_of_tomorrow(tmp_path, monkeypatch, days, used):
    study, kept = town(tmp_path), tmp_path / "kept"
    check_streets(study, main_source(study), kept=kept)

    class Later(kept_streets.dt.datetime):
        @classmethod
        def now(cls, tz=None):
            return super().now(tz) + kept_streets.dt.timedelta(days=days)

    monkeypatch.setattr(kept_streets.dt, "datetime", Later)
    assert (take(kept, key_of(study, main_source(study))) is not None) is used


def test_the_three_used_last_are_kept(tmp_path):
    kept, keys = tmp_path / "kept", []
    for number in range(5):
        study = town(tmp_path, streets=osm() + f"<!-- {number} -->")
        keys.append(key_of(study, main_source(study)))
        check_streets(study, main_source(study), kept=kept)
        os.utime(kept / f"{keys[-1]}.npz", (number + 1, number + 1))
        if number == 3:
            assert take(kept, keys[1]) is not None
    assert {path.stem for path in kept.iterdir()} == {keys[1], keys[3], keys[4]}


def test_what_a_killed_run_left_is_removed_after_a_day(tmp_path):
    study, kept = town(tmp_path), tmp_path / "kept"
    kept.mkdir()
    for name, age_s in ((".new-old", 90_000), (".new-fresh", 0)):
        (kept / name).write_bytes(b"half")
        now = (kept / name).stat().st_mtime
        os.utime(kept / name, (now - age_s, now - age_s))
    check_streets(study, main_source(study), kept=kept)
    assert {p.name for p in kept.glob(".new-*")} == {".new-fresh"}


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path):
    study = town(tmp_path)
    (tmp_path / "kept").write_text("a file")
    assert len(check_streets(study, main_source(study), kept=tmp_path / "kept").raw.way_id) > 0


def test_a_full_disk_stops_nothing_and_leaves_nothing(tmp_path, monkeypatch):
    study, kept = town(tmp_path), tmp_path / "kept"

    def full(stream, **arrays):
        stream.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    assert len(check_streets(study, main_source(study), kept=kept).raw.way_id) > 0
    assert list(kept.iterdir()) == []


def test_several_at_once_all_get_the_same(tmp_path):
    study, kept = town(tmp_path), tmp_path / "kept"
    anew = check_streets(study, main_source(study))
    together = threading.Barrier(4)

    def one(_):
        together.wait()
        return [check_streets(study, main_source(study), kept=kept) for _ in range(3)]

    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(one, range(4)):
            for streets in found:
                assert_same(anew, streets)
    assert [Path(p).suffix for p in kept.iterdir()] == [".npz"]
