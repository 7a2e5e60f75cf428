"""Which run `latest` shows, after anything that may happen between two steps."""

import datetime as dt
import json
import os
from pathlib import Path

import pytest

from servicecircle.errors import OutputError
from servicecircle.outputs.manifest import write_manifest
from servicecircle.schedule import publish
from servicecircle.schedule.publish import prune, settle, showing, waiting
from servicecircle.schedule.states import Attempt, Fact, Reports, State

NOW = dt.datetime(2026, 11, 22, 6, tzinfo=dt.UTC)


@pytest.fixture
def reports(tmp_path):
    found = Reports(tmp_path / "reports" / "sample")
    found.runs.mkdir(parents=True)
    return found


@pytest.fixture
def run(reports):
    """Put a run there: its folder, and what is known of it."""

    def of(number, status, *, whole=True, sign_off=None, **more):
        run_id = f"{number:04d}-2026-11-{number:02d}"
        folder = reports.folder(run_id)
        folder.mkdir()
        (folder / "townships").mkdir()
        pages = [folder / "index.html", folder / "townships" / "t.html"]
        for page in pages:
            page.write_text(f"run {number}", "utf-8")
        if whole:
            told = {"run": number, "sign_off": sign_off or {"state": status, "by": "", "on": None}}
            write_manifest(told, pages, folder / "run.json")
        reports.save(State(run_id=run_id, status=status, started_at=NOW, **more))
        return run_id

    return of


def shown(reports):
    return (reports.latest / "townships" / "t.html").read_text("utf-8")


def statuses(reports):
    return [state.status for state in reports.states()][::-1]


def no_links(monkeypatch):
    def refuse(*_args, **_more):
        raise OSError("a required privilege is not held by the client")

    monkeypatch.setattr(Path, "symlink_to", refuse)


# ---------------------------------------------------------------- states


def test_a_state_reads_back_as_it_was(reports):
    state = State(
        run_id="0007-2026-11-22", status="held", started_at=NOW, ended_at=NOW, as_of="2026-06-30", mark="aa",
        why=(Fact(code="drift.people", facts={"before": 1.0, "now": 2.0, "table": "facilities"}),),
        headlines={"met_rate": 0.5}, approved_by="养老服务科", approved_on=dt.date(2026, 11, 22),
    )  # fmt: skip
    reports.save(state)
    assert reports.states() == [state]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff\xfe", b'{"run_id": "0002-2026-11-02"}', b"{}" * 9]
)
def test_a_damaged_state_is_listed_and_never_published(reports, run, content):
    first = run(1, "draft")
    settle(reports, NOW)
    second = run(2, "final")
    (reports.runs / f"{second}.state.json").write_bytes(content)
    settle(reports, NOW)
    assert showing(reports) == first
    assert reports.unknown() == [second]
    assert reports.next_id(NOW.date()) == "0003-2026-11-22"  # its number is not given again


def test_names_that_are_no_runs_are_left_alone(reports, run):
    run(1, "draft")
    (reports.runs / "notes").mkdir()
    (reports.runs / "..state.json").write_text("{}", "utf-8")
    settle(reports, NOW)
    assert reports.unknown() == []
    assert (reports.runs / "notes").is_dir()


def test_a_damaged_attempt_is_none(reports):
    reports.save_attempt(Attempt(done_until=NOW, result="published"))
    assert reports.attempt() == Attempt(done_until=NOW, result="published")
    (reports.root / ".attempt.json").write_text("{", "utf-8")
    assert reports.attempt() is None


# ---------------------------------------------------------------- latest


@pytest.mark.parametrize("links", [True, False])
def test_latest_shows_the_newest_published_run(reports, run, monkeypatch, links):
    if not links:
        no_links(monkeypatch)
    first = run(1, "draft")
    assert settle(reports, NOW).run_id == first
    run(2, "held")
    run(3, "failed")
    assert settle(reports, NOW) is None
    assert (showing(reports), shown(reports)) == (first, "run 1")
    fourth = run(4, "final")
    assert settle(reports, NOW).published_at == NOW
    assert (showing(reports), shown(reports)) == (fourth, "run 4")
    assert statuses(reports) == ["superseded", "superseded", "failed", "final"]
    assert reports.latest.is_symlink() == links
    assert [p.name for p in reports.root.iterdir() if ".latest" in p.name] == []


def test_a_link_is_relative_so_that_the_folder_may_be_moved(reports, run, tmp_path):
    run(1, "draft")
    settle(reports, NOW)
    moved = Reports(reports.root.rename(tmp_path / "elsewhere"))
    assert shown(moved) == "run 1"


def test_links_that_come_or_go_lose_nothing(reports, run, monkeypatch):
    run(1, "draft")
    settle(reports, NOW)
    run(2, "draft")
    with monkeypatch.context() as patch:
        no_links(patch)
        settle(reports, NOW)
        assert (shown(reports), reports.latest.is_symlink()) == ("run 2", False)
    run(3, "draft")
    settle(reports, NOW)
    assert shown(reports) == "run 3"


def test_a_foreign_latest_is_refused(reports, run):
    run(1, "draft")
    reports.latest.mkdir()
    (reports.latest / "own.txt").write_text("mine", "utf-8")
    with pytest.raises(OutputError):
        settle(reports, NOW)
    assert (reports.latest / "own.txt").read_text("utf-8") == "mine"


def test_a_run_without_its_manifest_is_not_published(reports, run):
    run(1, "draft")
    run(2, "draft", whole=False)
    settle(reports, NOW)
    assert shown(reports) == "run 1"


def test_a_killed_run_is_a_failed_one_and_leaves_no_folder(reports, run):
    run(1, "draft")
    second = run(2, "running")
    (reports.runs / f".{second}.new-1-ab").mkdir()
    (reports.runs / f".{second}.state.json.tmp-1").write_text("{", "utf-8")
    settle(reports, NOW)
    assert statuses(reports) == ["draft", "failed"]
    assert sorted(p.name for p in reports.runs.iterdir()) == [
        "0001-2026-11-01", "0001-2026-11-01.state.json", "0002-2026-11-02.state.json",
    ]  # fmt: skip


def test_an_approval_that_rewrote_the_reports_is_an_approval(reports, run):
    run(1, "draft")
    settle(reports, NOW)
    signed = {"state": "final", "by": "养老服务科", "on": "2026-11-20"}
    second = run(2, "held", sign_off=signed)
    settle(reports, NOW)
    state = reports.states()[0]
    assert (state.status, state.approved_by, state.approved_on) == (
        "final",
        "养老服务科",
        dt.date(2026, 11, 20),
    )
    assert showing(reports) == second


def test_what_may_be_approved(reports, run):
    run(1, "held")
    second, third = run(2, "draft"), run(3, "held")
    run(4, "failed")
    settle(reports, NOW)
    assert [state.run_id for state in waiting(reports)] == [third, second]


# ---------------------------------------------------------------- crashes


class Stopped(BaseException):
    """A process killed at this moment."""


def publishing(reports, run):
    """Publish two runs and prune: every step that renames or replaces something."""
    if not reports.states():
        run(1, "draft")
    settle(reports, NOW)
    if len(reports.states()) == 1:
        run(2, "final")
    settle(reports, NOW)
    prune(reports, NOW, keep=0)


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("after", [False, True])
def test_killed_between_any_two_steps_the_report_is_whole_and_the_next_run_ends_it(
    tmp_path_factory, monkeypatch, links, after
):
    """Kill before, or after, the n-th rename; whatever n is, `latest` shows one whole run or none yet."""
    if not links:
        no_links(monkeypatch)
    steps = 0
    while True:
        root = Reports(tmp_path_factory.mktemp("killed") / "r")
        root.runs.mkdir(parents=True)
        put = _putter(root)
        left = [steps]
        with monkeypatch.context() as patch:
            for owner, name in ((Path, "replace"), (Path, "rename"), (os, "replace"), (os, "link")):
                patch.setattr(owner, name, _killing(getattr(owner, name), left, after=after))
            try:
                publishing(root, put)
                ended = True
            except Stopped:
                ended = False
        was = showing(root)
        if was is not None:
            assert shown(root) == f"run {int(was[:4])}"
        publishing(root, put)
        assert shown(root) == "run 2"
        assert statuses(root) == ["final"]
        assert [p.name for p in root.root.rglob("*") if ".new-" in p.name or ".tmp-" in p.name] == []
        if ended:
            break
        steps += 1
    assert steps > 5


def _killing(function, left, *, after):
    def wrapped(*args, **more):
        if left[0] == 0:
            left[0] = -1
            if after:
                function(*args, **more)
            raise Stopped
        left[0] -= 1
        return function(*args, **more)

    return wrapped


def _putter(reports):
    def of(number, status):
        run_id = f"{number:04d}-2026-11-{number:02d}"
        folder = reports.folder(run_id)
        if not folder.exists():
            (folder / "townships").mkdir(parents=True)
            page = folder / "townships" / "t.html"
            page.write_text(f"run {number}", "utf-8")
            write_manifest({"run": number}, [page], folder / "run.json")
        reports.save(State(run_id=run_id, status=status, started_at=NOW))

    return of


# ---------------------------------------------------------------- what is kept


def test_the_policy_keeps_the_newest_and_what_waits(reports, run):
    for number in range(1, 6):
        run(number, "final", published_at=NOW)
    settle(reports, NOW)
    old, fresh = run(6, "held", ended_at=NOW - dt.timedelta(days=31)), run(7, "held", ended_at=NOW)
    assert prune(reports, NOW, keep=2) == ["0002-2026-11-02", "0001-2026-11-01", old]
    assert [s.run_id[:4] for s in reports.states()] == ["0007", "0005", "0004", "0003"]
    assert reports.whole(fresh)
    assert shown(reports) == "run 5"
    assert prune(reports, NOW - dt.timedelta(days=400), keep=2) == []  # the clock was set back


def test_a_folder_held_open_is_removed_another_time(reports, run, monkeypatch):
    first = run(1, "final", published_at=NOW)
    run(2, "final", published_at=NOW)
    settle(reports, NOW)
    with monkeypatch.context() as patch:
        patch.setattr(publish.shutil, "rmtree", lambda *_args, **_more: None)
        prune(reports, NOW, keep=0)
    assert first in {state.run_id for state in reports.states()}
    prune(reports, NOW, keep=0)
    assert not reports.folder(first).exists()
    assert json.loads((reports.latest / "run.json").read_text("utf-8"))["run"] == 2
