"""A history that is locked, damaged, older or newer: the report is published all the same."""

import random
import sqlite3
from contextlib import closing

import pytest

from faults.real_town import shown
from servicecircle.history import store
from servicecircle.history.record import gaps_of, record
from servicecircle.history.schema import VERSION
from servicecircle.history.store import opened
from servicecircle.schedule.runner import remembering

PAGE = 4096


@pytest.fixture
def town(town):
    town.keys('[report]\nkinds = ["full"]\nformats = ["html"]\n')
    town.change(1)
    return town


def database(town):
    return town.town.folder / "history" / "study.sqlite"


def half(content):
    return content[: len(content) // 2]


def no_header(content):
    return b"\xff" * 100 + content[100:]


def zeros(content):
    return bytes(len(content))


def no_json(content):
    """Damage cells, but no page: only who reads them notices."""
    assert b'"made_by"' in content
    return content.replace(b'{"', b"{{")


@pytest.mark.parametrize("damage", [half, no_header, zeros, no_json])
def test_a_damaged_history_is_set_aside_and_the_report_published(town, damage):
    damaged = damage(database(town).read_bytes())
    database(town).write_bytes(damaged)
    found = town.once()
    assert (found.result, found.state.recorded) == ("published", True)
    shown(town.reports)
    assert [("已改名为" in problem) for problem in found.problems] == [True]
    [aside] = database(town).parent.glob("*.corrupt-*")
    assert aside.read_bytes() == damaged
    assert len(town.remembered()) == 1
    town.change(2)
    assert town.once().problems == ()


def test_a_damaged_name_costs_no_report(town):
    """Pages and rows are sound, and nobody needs the name: it is noticed where the runs are compared."""
    whole = database(town).read_bytes()
    damaged = whole.replace("西村".encode(), b"\xff" * 6)
    assert damaged != whole
    database(town).write_bytes(damaged)
    found = town.once()
    assert (found.result, found.state.recorded) == ("published", True)
    shown(town.reports)
    town.change(2)
    found = town.once()
    assert (found.result, found.problems) == ("published", ())


def test_any_page_may_be_damaged(town):
    """Each page in turn: what is recorded then can be read, and nothing but our own errors comes up."""
    chance, whole = random.Random(20261122), database(town).read_bytes()
    folder = town.reports.latest
    study = remembering(town.study)
    for page in chance.sample(range(len(whole) // PAGE), 16):
        at = page * PAGE + chance.choice((0, PAGE // 4, PAGE // 2))
        database(town).write_bytes(whole[:at] + chance.randbytes(PAGE // 2) + whole[at + PAGE // 2 :])
        found = record(folder, study)
        assert found.run_id in town.remembered()
        with opened(study) as history:
            gaps_of(history, found.run_id)


def test_an_empty_file_is_no_history_yet(town):
    database(town).write_bytes(b"")
    found = town.once()
    assert (found.result, found.problems) == ("published", ())
    assert len(town.remembered()) == 1


def test_a_locked_history_is_caught_up_with(town, monkeypatch):
    monkeypatch.setattr(store, "WAIT_S", 0.1)
    with closing(sqlite3.connect(database(town), isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        found = town.once()
    assert (found.result, found.state.recorded) == ("published", False)
    assert "历史数据库被其他程序占用" in found.problems[0]
    shown(town.reports)
    assert len(town.remembered()) == 1
    later = town.once()
    assert (later.result, later.state.recorded, later.problems) == ("unchanged", True, ())
    assert len(town.remembered()) == 2
    assert town.once().problems == ()


def test_a_newer_history_is_left_alone_and_the_report_published(town):
    with closing(sqlite3.connect(database(town))) as connection:
        connection.execute("UPDATE history_schema SET version = 99")
        connection.commit()
    before = database(town).read_bytes()
    found = town.once()
    assert (found.result, found.state.recorded) == ("published", False)
    assert "较新版本" in found.problems[0]
    assert database(town).read_bytes() == before
    shown(town.reports)


def test_a_history_of_the_first_version_is_brought_up_to_date(town):
    """Version 1 had neither facilities nor ids of gaps that last."""
    before = town.remembered()
    with closing(sqlite3.connect(database(town))) as connection:
        connection.executescript(
            "DROP TABLE history_facilities;"
            "ALTER TABLE history_gaps DROP COLUMN stable_id; ALTER TABLE history_gaps DROP COLUMN change;"
            "ALTER TABLE history_gaps DROP COLUMN places; UPDATE history_schema SET version = 1;"
        )
    found = town.once()
    assert (found.result, found.state.recorded, found.problems) == ("published", True, ())
    assert before < town.remembered()
    with opened(remembering(town.study)) as history:
        assert history.connection.exec_driver_sql("SELECT version FROM history_schema").scalar() == VERSION
        [old] = before
        assert gaps_of(history, old)[0]["stable_id"].str.endswith("@2026-06-30").all()
    shown(town.reports)


def test_a_history_that_is_no_file_costs_no_report(town):
    database(town).unlink()
    database(town).mkdir()
    found = town.once()
    assert (found.result, found.state.recorded, len(found.problems)) == ("published", False, 1)
    shown(town.reports)
