"""The memory of runs: what is kept, for how long, and what happens when the database is not what it was."""

import errno
import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from conftest import postgres_programs
from servicecircle.errors import InputError, OutputError
from servicecircle.history import objects, record, store
from servicecircle.history.fingerprint import unchanged
from servicecircle.history.gaps import cells_of, follow, packed, unpacked, with_stable_ids
from servicecircle.history.places import objects_of
from servicecircle.history.schema import VERSION
from servicecircle.history.sources import digests_of
from servicecircle.history.store import opened
from servicecircle.history.trend import COLUMNS, clause_series, headline_series, write_history
from servicecircle.outputs.reading import read_manifest, read_run
from servicecircle.study import Study
from unit.postgis_server import PASSWORD, running
from unit.small_town import FACILITIES, HOME, SmallTown, command

NAMES = ("zones", "verdicts", "gaps", "facilities", "findings")


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    town = SmallTown(tmp_path_factory.mktemp("history") / "town")
    town.write(facilities=FACILITIES + HOME.replace("F1", "F2").replace("幸福院,", "=1+1,", 1))
    assert command("run", town.study, "-q").code == 0
    return town


@pytest.fixture
def town(ran, tmp_path):
    """A copy of a town that was run once and is not in any history yet."""
    shutil.copytree(ran.folder, tmp_path / "town")
    return SmallTown(tmp_path / "town")


def recorded(town):
    return record.record(town.output, Study.from_file(town.study))


def database(town):
    return town.folder / "history" / "study.sqlite"


def later(town, number=1):
    """Make the written run a later one of other inputs, as if it had been run again."""
    town.put("people.csv", (town.folder / "people.csv").read_text("utf-8") + f"115.02,35.70,{number}\n")
    path = town.output / "run.json"
    told = json.loads(path.read_text("utf-8"))
    told["started_at"] = f"2027-01-{number:02}T00:00:00+00:00"
    known = {role: sha256 for (role, _), sha256 in digests_of(Study.from_file(town.study)).items()}
    told["inputs"] = [
        entry | {"sha256": known.get(entry["role"], entry["sha256"])} for entry in told["inputs"]
    ]
    path.write_text(json.dumps(told), "utf-8")


def rows(town, table):
    with closing(sqlite3.connect(database(town))) as connection:
        return connection.execute(f"SELECT count(*) FROM history_{table}").fetchone()[0]


# ---------------------------------------------------------------- what is kept


def test_a_recorded_run_reads_back_as_it_was_written(town):
    found = recorded(town)
    run = read_run(town.output)
    assert run.facilities["name"].tolist() == ["幸福院", "=1+1"]  # the guard is for spreadsheets only
    with opened(Study.from_file(town.study)) as history:
        for name in NAMES:
            kept = record.frame_of(history, name, found.run_id)
            written = getattr(run, name)
            assert_frame_equal(kept[list(written.columns)], written, obj=name, check_dtype=len(written) > 0)
            assert len(written) or name in {"verdicts", "gaps"}


def test_one_run_is_one_row_however_often_it_is_recorded(town):
    first, again = recorded(town), recorded(town)
    assert first.new
    assert not again.new
    assert again.run_id == first.run_id
    assert rows(town, "runs") == 1


def test_run_records_by_itself_where_the_study_says_so(town):
    town.put("study.toml", town.study.read_text("utf-8") + "\n[history]\nkeep_runs = 3\n")
    done = command("run", town.study, "-q")
    assert done.code == 0
    assert "已记入历史" in done.out
    assert rows(town, "runs") == 1


def test_the_policy_forgets_old_runs_and_their_inputs(town):
    town.put("study.toml", town.study.read_text("utf-8") + "\n[history]\nkeep_runs = 3\nkeep_inputs = 2\n")
    study = Study.from_file(town.study)
    sizes = [recorded(town).bytes_kept]
    for number in range(1, 5):
        later(town, number)
        sizes.append(recorded(town).bytes_kept)
    assert rows(town, "runs") == 3
    with closing(sqlite3.connect(database(town))) as connection:
        kept = connection.execute(
            "SELECT count(DISTINCT run_id) FROM history_inputs WHERE kept = 1"
        ).fetchone()
    assert kept == (2,)
    # the one file that changed is there twice, all others once
    assert len([p for p in objects_of(study).glob("*/*") if p.is_file()]) == 5
    assert sum(p.stat().st_size for p in objects_of(study).glob("*/*")) == sizes[-1]


def test_copies_do_not_change_with_the_file(town):
    study = Study.from_file(town.study)
    kept = objects.keep(town.folder / "people.csv", objects_of(study))
    before = objects.place_of(kept, objects_of(study)).read_bytes()
    with (town.folder / "people.csv").open("a") as stream:
        stream.write("edited in place")
    assert objects.place_of(kept, objects_of(study)).read_bytes() == before


def test_a_damaged_copy_is_not_given_out(town, tmp_path):
    study = Study.from_file(town.study)
    kept = objects.keep(town.folder / "people.csv", objects_of(study))
    objects.place_of(kept, objects_of(study)).write_text("other")
    assert not objects.put_back(kept, objects_of(study), tmp_path / "back.csv")


def test_inputs_that_changed_since_the_run_are_not_kept_as_its_own(town):
    town.put("people.csv", "lon,lat,人口\n115.02,35.70,3\n")
    recorded(town)
    with closing(sqlite3.connect(database(town))) as connection:
        kept = dict(connection.execute("SELECT role, kept FROM history_inputs").fetchall())
    assert kept == {"facilities": 1, "people": 0, "streets": 1, "zones.village": 1}


# ---------------------------------------------------------------- known from digests


def test_an_unchanged_study_is_known_and_a_changed_one_too(town):
    assert unchanged(Study.from_file(town.study)) is None
    run_id = recorded(town).run_id
    town.put("study.toml", "# a remark\n" + town.study.read_text("utf-8"))
    assert unchanged(Study.from_file(town.study)) == run_id
    for name in ("facilities.csv", "people.csv", "streets.osm", "zones.gpkg"):
        before = (town.folder / name).read_bytes()
        town.put(name, before + b"\n")
        assert unchanged(Study.from_file(town.study)) is None, name
        town.put(name, before)
    town.put("study.toml", town.study.read_text("utf-8").replace("[rules]", "[rules]\nwalk_kmh = 3.2"))
    assert unchanged(Study.from_file(town.study)) is None


def test_a_profile_of_ones_own_is_an_input(town):
    town.put("own.toml", 'extends = "puyang"\ntitle = "一"\n')
    town.put("study.toml", town.study.read_text("utf-8").replace("[rules]", '[rules]\nprofile = "own.toml"'))
    run_id = recorded(town).run_id
    assert unchanged(Study.from_file(town.study)) == run_id
    town.put("own.toml", 'extends = "puyang"\ntitle = "二"\n')
    assert unchanged(Study.from_file(town.study)) is None


def test_it_is_known_without_heavy_libraries(town):
    run_id = recorded(town).run_id
    code = (
        "import sys; from servicecircle.study import Study\n"
        "from servicecircle.history.fingerprint import unchanged\n"
        "print(unchanged(Study.from_file(sys.argv[1])))\n"
        "print({'pandas', 'geopandas', 'shapely', 'sqlalchemy'} & set(sys.modules))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, str(town.study)], capture_output=True, text=True, check=True
    )
    assert told.stdout.split("\n")[:2] == [run_id, "set()"]


# ---------------------------------------------------------------- faults


def test_a_broken_database_is_set_aside_and_a_new_one_begins(town):
    recorded(town)
    output = {path: path.read_bytes() for path in town.output.rglob("*") if path.is_file()}
    whole = database(town).read_bytes()
    broken = whole[:100] + b"\xff" * (len(whole) - 100)
    database(town).write_bytes(broken)
    with pytest.raises(InputError, match="damaged"), opened(Study.from_file(town.study)) as history:
        history.runs()
    again = recorded(town)
    assert again.new
    assert again.mended is not None
    assert again.mended.name.startswith("study.sqlite.corrupt-")
    assert again.mended.read_bytes() == broken
    assert rows(town, "runs") == 1
    assert output == {path: path.read_bytes() for path in output}


def test_what_is_no_database_at_all_is_set_aside_under_a_free_name(town):
    database(town).parent.mkdir()
    for text in ("no database, but quite long" * 10, "another" * 100):
        database(town).write_text(text)
        assert recorded(town).mended is not None
    assert len(list(database(town).parent.glob("*.corrupt-*"))) == 2


def test_a_database_held_by_another_is_one_clear_error(town, monkeypatch):
    recorded(town)
    later(town)
    monkeypatch.setattr(store, "WAIT_S", 0.1)
    with closing(sqlite3.connect(database(town), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OutputError, match="held the history"):
            recorded(town)
        other.execute("ROLLBACK")
    assert rows(town, "runs") == 1
    assert recorded(town).new


@pytest.mark.parametrize("step", ["copy", "rows"])
def test_a_full_disk_leaves_the_history_as_it_was(town, monkeypatch, step):
    recorded(town)
    later(town)
    full = OSError(errno.ENOSPC, "No space left on device")

    def fail(*_args, **_more):
        if step == "copy":
            raise full
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        if step == "copy":
            patch.setattr(objects.shutil, "copyfile", fail)
        else:
            patch.setattr(record, "_keep_inputs", lambda *_: _raise_through(fail))
        with pytest.raises(OutputError, match=r"No space|full"):
            recorded(town)
    assert rows(town, "runs") == 1
    assert rows(town, "zones") == len(read_run(town.output).zones)
    assert not list(objects_of(Study.from_file(town.study)).glob(".new-*"))
    assert recorded(town).new


def _raise_through(fail):
    from sqlalchemy.exc import OperationalError

    try:
        fail()
    except sqlite3.OperationalError as error:
        raise OperationalError("INSERT", {}, error) from error


def test_a_folder_that_may_not_be_made_is_one_clear_error(town):
    town.put("history", "a file of that name")
    with pytest.raises(OutputError, match="cannot be written"):
        recorded(town)
    assert (town.output / "run.json").is_file()


def test_a_killed_recorder_leaves_nothing_half(town, monkeypatch):
    recorded(town)
    later(town)
    with monkeypatch.context() as patch:
        patch.setattr(record, "_forget", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            recorded(town)
    assert [rows(town, name) for name in ("runs", "inputs")] == [1, 4]


VERSION_1 = """
CREATE TABLE history_schema (version INTEGER PRIMARY KEY);
INSERT INTO history_schema VALUES (1);
CREATE TABLE history_runs (run_id VARCHAR PRIMARY KEY, study_id VARCHAR NOT NULL,
  fingerprint VARCHAR NOT NULL, started_at VARCHAR NOT NULL, as_of VARCHAR NOT NULL,
  program VARCHAR NOT NULL, manifest JSON NOT NULL);
CREATE TABLE history_gaps (run_id VARCHAR, position INTEGER, gap_id TEXT, class TEXT, zone_code TEXT,
  people FLOAT, elderly FLOAT, lon FLOAT, lat FLOAT, others JSON NOT NULL, PRIMARY KEY (run_id, position));
INSERT INTO history_runs VALUES ('20250101T000000Z-abcd', 'study', 'abcd', '2025-01-01T00:00:00+00:00',
  '2024-12-31', '0.0.1', '{"study": {"as_of": "2024-12-31"}}');
INSERT INTO history_gaps VALUES ('20250101T000000Z-abcd', 0, '410902200202-1', 'certain', '410902200202',
  5.0, NULL, 115.0281, 35.7041, '{"zone_name": "东村"}');
"""


def test_a_history_of_the_first_version_is_brought_up_to_date(town):
    database(town).parent.mkdir()
    with closing(sqlite3.connect(database(town))) as connection:
        connection.executescript(VERSION_1)
    recorded(town)
    assert rows(town, "runs") == 2
    with opened(Study.from_file(town.study)) as history:
        old, cells = record.gaps_of(history, "20250101T000000Z-abcd")
        assert history.connection.exec_driver_sql("SELECT version FROM history_schema").scalar() == VERSION
    assert old["stable_id"].tolist() == ["410902200202-1@2024-12-31"]
    assert [len(c) for c in cells] == [1]


def test_a_newer_history_is_left_alone(town):
    recorded(town)
    with closing(sqlite3.connect(database(town))) as connection:
        connection.execute("UPDATE history_schema SET version = 99")
        connection.commit()
    before = database(town).read_bytes()
    with pytest.raises(InputError, match="newer version"):
        recorded(town)
    assert database(town).read_bytes() == before


def test_a_folder_without_a_run_says_so(tmp_path):
    with pytest.raises(InputError, match=r"no run\.json of ours"):
        read_manifest(tmp_path)
    (tmp_path / "run.json").write_text('{"made_by": "somebody"}')
    with pytest.raises(InputError, match=r"no run\.json of ours"):
        read_run(tmp_path)


def test_a_table_that_is_gone_or_cut_off_is_named(town):
    (town.output / "zones.csv").write_text("nothing\n1\n")
    with pytest.raises(InputError, match=r"zones\.csv"):
        read_run(town.output)
    (town.output / "zones.csv").unlink()
    with pytest.raises(InputError, match=r"zones\.csv"):
        read_run(town.output)


# ---------------------------------------------------------------- gaps through runs


def gaps(*people, at=0.0):
    """Return gaps of one village, the n-th 5 km north of the one before, each of four cells."""
    lat = [35.0 + 0.05 * i for i in range(len(people))]
    frame = pd.DataFrame({
        "gap_id": [f"V-{i + 1}" for i in range(len(people))], "class": "certain", "zone_code": "V",
        "zone_name": "村", "township_name": "镇", "place": "", "people": people, "elderly": np.nan,
        "lon": 115.0 + at, "lat": lat,
    })  # fmt: skip
    cells = [cells_of(115.0 + at + 0.001 * np.arange(4), np.full(4, y)) for y in lat]
    return frame, cells


def test_gaps_keep_their_ids_as_they_grow_and_shrink():
    old, cells = gaps(10.0, 20.0, 30.0, 40.0)
    first = with_stable_ids(
        old, follow(old.iloc[:0].assign(stable_id=""), [], old, cells), as_of="2026-01-01"
    )
    assert first["stable_id"].tolist() == [f"V-{i}@2026-01-01" for i in (1, 2, 3, 4)]
    new, new_cells = gaps(10.4, 25.0, 12.0, 40.0)
    # the numbers of a run go by rank: the gap of most people is now the first
    order = [3, 1, 2, 0]
    new = new.iloc[order].assign(gap_id=[f"V-{i + 1}" for i in range(4)]).reset_index(drop=True)
    followed = follow(first, cells, new, [new_cells[i] for i in order])
    assert dict(zip(followed["stable_id"], followed["change"], strict=True)) == {
        "V-1@2026-01-01": "same", "V-2@2026-01-01": "grown", "V-3@2026-01-01": "shrunk",
        "V-4@2026-01-01": "same",
    }  # fmt: skip
    second = with_stable_ids(new, followed, as_of="2026-02-01")
    assert second["stable_id"].tolist() == [f"V-{i}@2026-01-01" for i in (4, 2, 3, 1)]


def test_gaps_open_close_and_move():
    old, cells = gaps(10.0, 20.0)
    old = old.assign(stable_id=["a", "b"])
    moved, moved_cells = gaps(10.0, at=-0.0012)  # no shared cell at the label's side, 110 m off
    moved_cells = [cells_of(np.array([114.9988]), np.array([35.0]))]
    far, far_cells = gaps(7.0, at=0.5)
    new = pd.concat([moved, far.assign(gap_id="V-9")], ignore_index=True)
    followed = follow(old, cells, new, [*moved_cells, *far_cells])
    told = {(row.old_gap_id, row.gap_id): row.change for row in followed.itertuples()}
    assert told == {("V-1", "V-1"): "moved", ("V-2", ""): "closed", ("", "V-9"): "opened"}


def test_a_gap_that_fell_apart_lives_on_in_its_larger_part():
    old, cells = gaps(40.0)
    new, _ = gaps(30.0, 10.0)
    parts = [cells[0][:3], cells[0][3:]]
    followed = follow(old.assign(stable_id="a"), cells, new, parts)
    assert followed.set_index("gap_id")["change"].to_dict() == {"V-1": "shrunk", "V-2": "opened"}


def test_an_id_is_never_given_twice():
    old, cells = gaps(10.0)
    old = old.assign(stable_id="V-1@2026-01-01")
    new, new_cells = gaps(5.0, at=0.5)
    ids = with_stable_ids(new, follow(old, cells, new, new_cells), as_of="2026-01-01")["stable_id"]
    assert ids.tolist() == ["V-1@2026-01-01.2"]


def test_cells_survive_packing():
    cells = cells_of(np.array([-179.9995, 0.0, 179.9995]), np.array([-89.9995, 0.0, 89.9995]))
    assert unpacked(packed(cells)).tolist() == cells.tolist()
    assert unpacked(packed(cells[:0])).tolist() == []


# ---------------------------------------------------------------- trend


def test_the_trend_has_a_row_per_run_zone_and_clause(town, tmp_path):
    first = recorded(town).run_id
    later(town)
    second = recorded(town).run_id
    study = Study.from_file(town.study)
    series = clause_series(study)
    assert tuple(series.columns) == COLUMNS
    assert series["run_id"].unique().tolist() == [first, second]
    written = read_run(town.output).verdicts
    assert len(series) == 2 * len(written)
    path = write_history(clause_series(study), tmp_path / "history.csv")
    assert len(pd.read_csv(path, dtype=str)) == len(series)
    one = clause_series(study, zone_codes=(written["zone_code"].iloc[0],))
    assert one["zone_code"].unique().tolist() == [written["zone_code"].iloc[0]]
    shares = headline_series(study)
    assert shares.loc[shares["zone_code"].eq(""), "headline"].tolist()[:1] == ["met_rate"]
    assert shares["share"].between(0, 1).all()


# ---------------------------------------------------------------- PostgreSQL


@pytest.mark.postgis
def test_a_server_keeps_the_history_of_several_machines(town, monkeypatch, tmp_path):
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "none"))
    with running(postgres_programs()) as server:
        text = town.study.read_text("utf-8")
        town.put("study.toml", f'{text}\n[history]\ndatabase = "{server.url()}"\n')
        first = recorded(town)
        other = SmallTown(tmp_path / "other machine")
        shutil.copytree(town.folder, other.folder)
        assert not recorded(other).new
        later(other)
        second = recorded(other)
        study = Study.from_file(town.study)
        assert unchanged(Study.from_file(other.study)) == second.run_id
        with opened(study) as history:
            assert [row["run_id"] for row in history.runs()] == [second.run_id, first.run_id]
            run = read_run(town.output)
            for name in NAMES:
                kept = record.frame_of(history, name, first.run_id)
                written = getattr(run, name)
                assert_frame_equal(kept[list(written.columns)], written, check_dtype=len(written) > 0)
        assert len(clause_series(study)["run_id"].unique()) == 2
        server.execute("UPDATE history_schema SET version = 99")
        with pytest.raises(InputError, match="newer version") as caught:
            recorded(town)
        assert PASSWORD not in str(caught.value)
        wrong = text + '\n[history]\ndatabase = "postgresql://boss:s3cret@127.0.0.1:1/geo"\n'
        town.put("study.toml", wrong)
        with pytest.raises(InputError, match="does not let us in") as caught:
            recorded(town)
        assert "s3cret" not in str(caught.value)
