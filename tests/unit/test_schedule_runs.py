"""A study that is run by itself: published, held back, left alone, tried again, approved."""

import datetime as dt
import errno
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from servicecircle.errors import InputError, OutputError
from servicecircle.history.store import opened
from servicecircle.schedule import making, notices
from servicecircle.schedule.approve import approve
from servicecircle.schedule.foreground import Told, keep_running
from servicecircle.schedule.job import Conduct
from servicecircle.schedule.log import read_log
from servicecircle.schedule.publish import showing
from servicecircle.schedule.runner import run_once
from servicecircle.schedule.states import Attempt, Reports
from servicecircle.schedule.status import run_rows, status_lines, status_of, waiting_lines
from servicecircle.study import Study
from unit.scheduled_town import MORE_PEOPLE, Desk
from unit.small_town import FACILITIES, LAT, LON, PEOPLE, SmallTown, command


def events(desk):
    return [event for event, _ in desk.told]


def remembered(desk):
    with opened(desk.study) as store:
        return len(store.runs())


# ---------------------------------------------------------------- published or held back


def test_the_first_run_is_published_as_a_draft_and_remembered(desk):
    found = desk.once()
    assert (found.result, found.state.status, found.problems) == ("published", "draft", ())
    assert desk.latest()["sign_off"]["state"] == "draft"
    assert events(desk) == ["published"]
    assert remembered(desk) == 1
    assert [entry["event"] for entry in read_log(desk.reports.log)][:3] == ["begin", "stage", "stage"]


def test_a_study_may_publish_final_reports(desk):
    desk.keys('publish = "final"\n')
    assert desk.once().state.status == "final"
    assert desk.latest()["sign_off"]["state"] == "final"


def test_nothing_changed_is_nothing_done(desk):
    first = desk.once()
    again = desk.once()
    assert (again.result, again.state.run_id, desk.runs) == ("unchanged", first.state.run_id, 1)
    assert desk.reports.attempt().result == "unchanged"
    desk.keys("keep_reports = 3\n")  # the schedule decides no figure
    assert desk.once().result == "unchanged"
    desk.town.put(
        "study.toml",
        desk.town.study.read_text("utf-8").replace("kinds = []", 'kinds = []\nformats = ["html"]'),
    )
    assert desk.once().result == "published"  # how a report looks does


def test_an_unchanged_study_is_known_without_pandas(desk):
    desk.once()
    code = f"""
import sys
from pathlib import Path
from servicecircle.schedule.job import Conduct
from servicecircle.schedule.marks import mark_of
from servicecircle.schedule.runner import run_once
from servicecircle.schedule.states import Reports
from servicecircle.study import Study
study = Study.from_file(Path({str(desk.town.study)!r}))
reports = Reports.of(study)
reports.save(reports.states()[0].model_copy(update={{"mark": mark_of(study)}}))
result = run_once(study, Conduct(), if_due=False).result
heavy = [m for m in ("pandas", "geopandas", "sqlalchemy", "pyproj", "shapely") if m in sys.modules]
print(result, heavy)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split("\n")[0] == "unchanged []"


def test_a_jump_is_held_back_and_the_old_report_stays(desk):
    first = desk.once()
    desk.change(people=MORE_PEOPLE)
    desk.changes = {"people": 145.0}
    desk.pass_days(1)
    held = desk.once()
    assert (held.result, held.refused) == ("held", True)
    assert [fact.code for fact in held.state.why] == ["drift.people"]
    assert showing(desk.reports) == first.state.run_id
    assert events(desk) == ["published", "refused"]
    assert desk.told[-1][1]["why"][0].startswith("总人口由 45 人变为 145 人")
    assert remembered(desk) == 1  # nonsense is no part of the history
    again = desk.once()
    assert (again.result, again.refused, desk.runs) == ("unchanged", True, 2)


def test_mended_inputs_replace_what_was_held_back(desk):
    desk.once()
    desk.change(people=MORE_PEOPLE)
    desk.changes = {"people": 145.0}
    desk.once()
    desk.change()
    found = desk.once()
    assert found.result == "published"
    assert [s.status for s in desk.reports.states()] == ["draft", "superseded", "superseded"]
    with pytest.raises(InputError) as wrong:
        approve(desk.study, desk.conduct, by="x", run_id="0002")
    assert wrong.value.code == "schedule.not_waiting"


def test_old_inputs_put_back_are_what_is_published_already(desk):
    desk.once()
    desk.change(people=MORE_PEOPLE)
    desk.changes = {"people": 145.0}
    desk.once()
    desk.change(people=PEOPLE)
    found = desk.once()
    assert (found.result, found.refused, found.state.run_id[:4]) == ("unchanged", False, "0001")
    with pytest.raises(InputError) as wrong:  # nobody may approve the wrong data any more
        approve(desk.study, desk.conduct, by="x", run_id="0002")
    assert wrong.value.code == "schedule.not_waiting"


def test_older_data_are_held_back(desk):
    desk.once()
    desk.change()
    desk.changes = {"as_of": "2026-05-31"}
    assert [fact.code for fact in desk.once().state.why] == ["drift.older"]


def test_a_report_that_cannot_be_read_lets_nothing_pass(desk):
    desk.once()
    (desk.reports.latest / "zones.csv").unlink()
    desk.change()
    found = desk.once()
    assert [fact.code for fact in found.state.why] == ["drift.unreadable"]


def test_a_held_final_report_is_a_draft_meanwhile(desk):
    desk.keys('publish = "final"\n')
    desk.once()
    desk.change(people=MORE_PEOPLE)
    desk.changes = {"people": 145.0}
    held = desk.once()
    told = json.loads((desk.reports.folder(held.state.run_id) / "run.json").read_text("utf-8"))
    assert told["sign_off"]["state"] == "draft"


def test_an_input_that_changes_meanwhile_is_not_taken_for_known(desk, monkeypatch):
    def run(study, *, on_progress, workers):
        desk.town.put("people.csv", PEOPLE + "115.02,35.70,1\n")
        return Desk.run(desk, study, on_progress=on_progress, workers=workers)

    with monkeypatch.context() as patch:
        patch.setattr(making, "run", run)
        found = desk.once()
    assert found.state.mark == ""
    assert not found.state.recorded
    assert "未记入历史" in found.problems[0]
    assert desk.once().result == "published"


# ---------------------------------------------------------------- approve


def test_a_draft_becomes_final_by_a_name(desk):
    first = desk.once().state
    state, problems = approve(desk.study, desk.conduct, by="  养老服务科 <b>{x}</b>  ")
    assert (state.run_id, state.status, problems) == (first.run_id, "final", [])
    assert desk.latest()["sign_off"] == {"state": "final", "by": "养老服务科 <b>{x}</b>", "on": "2026-11-22"}
    assert events(desk) == ["published", "published"]
    assert desk.once().result == "unchanged"
    with pytest.raises(InputError) as wrong:
        approve(desk.study, desk.conduct, by="x")
    assert wrong.value.code == "schedule.nothing_waits"


def test_a_held_run_is_released_and_remembered(desk):
    desk.once()
    desk.change(people=MORE_PEOPLE)
    desk.changes = {"people": 145.0}
    desk.pass_days(1)
    held = desk.once().state
    with pytest.raises(InputError) as wrong:
        approve(desk.study, desk.conduct, by="x")
    assert wrong.value.code == "schedule.which"
    assert "0002-2026-11-23, 0001-2026-11-22" in wrong.value.text("zh")
    state, problems = approve(desk.study, desk.conduct, by="x", run_id="0002")
    assert (state.run_id, problems) == (held.run_id, [])
    assert showing(desk.reports) == held.run_id
    assert events(desk) == ["published", "refused", "published"]
    assert remembered(desk) == 2
    assert [s.status for s in desk.reports.states()] == ["final", "superseded"]


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, "a\nb", "a\x1b[2J", "\u202egnp"])
def test_a_name_must_be_one(desk, name):
    desk.once()
    with pytest.raises(InputError) as wrong:
        approve(desk.study, desk.conduct, by=name)
    assert wrong.value.code == "schedule.approver"
    assert desk.latest()["sign_off"]["state"] == "draft"


def test_an_approval_that_fails_leaves_the_draft(desk, monkeypatch):
    desk.once()

    def full(*_args, **_more):
        raise OutputError("output.cannot_write", path="x", why="disk full")

    monkeypatch.setattr(sys.modules["servicecircle.report.renew"], "renew_reports", full)
    with pytest.raises(OutputError):
        approve(desk.study, desk.conduct, by="x")
    assert (desk.latest()["sign_off"]["state"], desk.reports.states()[0].status) == ("draft", "draft")


# ---------------------------------------------------------------- faults


def test_a_passing_fault_is_tried_again_with_growing_pauses(desk):
    desk.faults = [OSError(errno.EAGAIN, "busy"), InputError("postgis.no_server", where="x", why="y")]
    assert desk.once().result == "published"
    assert desk.waits == [60, 120]


def test_a_passing_fault_that_stays_fails_and_the_old_report_is_whole(desk):
    first = desk.once().state.run_id
    desk.change()
    desk.faults = [OSError(errno.ENOSPC, "No space left on device")] * 3
    found = desk.once()
    assert (found.result, type(found.error), found.error.code) == ("failed", OutputError, "schedule.system")
    assert (showing(desk.reports), found.state.status) == (first, "failed")
    assert "No space left" in found.state.error["zh"]
    assert events(desk) == ["published", "failed"]
    assert not desk.reports.folder(found.state.run_id).exists()
    assert desk.once().result == "published"


@pytest.mark.parametrize("error", [InputError("files.empty", where="x", what="y"), ZeroDivisionError("bug")])
def test_what_does_not_pass_is_not_tried_again(desk, error):
    desk.faults = [error]
    found = desk.once()
    assert (found.result, found.error, desk.waits) == ("failed", error, [])
    assert desk.once().result == "published"


def test_a_bug_is_logged_with_its_trace(desk):
    desk.faults = [ZeroDivisionError("ours")]
    desk.once()
    [entry] = [e for e in read_log(desk.reports.log) if e["event"] == "error"]
    assert "ZeroDivisionError: ours" in entry["facts"]["traceback"]


def test_a_history_that_cannot_be_written_stops_no_report(desk, monkeypatch):
    def locked(*_args):
        raise OutputError("history.locked", where="x", seconds="15")

    monkeypatch.setattr(making, "record", locked)
    found = desk.once()
    assert (found.result, found.state.recorded) == ("published", False)
    assert desk.waits == [60, 120]
    assert "历史数据库被其他程序占用" in found.problems[0]


def full(*_args):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_leaves_the_old_report_whole(desk, monkeypatch):
    first = desk.once().state.run_id
    desk.change()
    with monkeypatch.context() as patch:
        patch.setattr("servicecircle.schedule.states.os.fsync", full)
        found = desk.once()
    assert (found.result, found.error.code) == ("failed", "schedule.system")
    assert (showing(desk.reports), desk.latest()["sign_off"]["state"]) == (first, "draft")
    assert [path for path in desk.reports.root.rglob("*") if ".tmp-" in path.name] == []
    assert desk.once().result == "published"


def test_the_foreground_does_not_run_for_ever_on_a_full_disk(desk, monkeypatch):
    monkeypatch.setattr("servicecircle.schedule.states.os.fsync", full)
    results, _ = foreground(desk, 6)
    assert results == ["failed"]


def test_a_notice_that_cannot_be_sent_is_told(desk, monkeypatch):
    monkeypatch.setattr(notices, "notify", lambda *_: ["邮件没有发出"])
    assert desk.once().problems == ("邮件没有发出",)


def test_a_killed_run_is_made_again(desk):
    desk.faults = [KeyboardInterrupt()]
    with pytest.raises(KeyboardInterrupt):
        desk.once()
    assert desk.reports.states()[0].status == "running"
    found = desk.once(if_due=True)
    assert found.result == "published"
    assert [s.status for s in desk.reports.states()] == ["draft", "failed"]


def test_a_study_too_large_for_the_machine_does_not_run_for_ever(desk):
    desk.faults = [KeyboardInterrupt() for _ in range(3)]
    for _ in range(3):
        desk.clock += dt.timedelta(minutes=15)
        with pytest.raises(KeyboardInterrupt):
            desk.once(if_due=True)
    desk.clock += dt.timedelta(minutes=15)
    found = desk.once(if_due=True)
    assert (found.result, found.error.code) == ("failed", "schedule.interrupted")
    assert desk.once(if_due=True).result == "not_due"
    desk.pass_days(1)
    assert desk.once(if_due=True).result == "published"


def test_a_run_killed_before_its_reports_are_shown_is_shown_and_told_of_next_time(desk, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("servicecircle.schedule.publish._show", lambda *_: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            desk.once()
    assert showing(desk.reports) is None
    assert desk.once().result == "unchanged"
    assert showing(desk.reports) == "0001-2026-11-22"
    assert events(desk) == ["published"]


def test_the_reports_of_another_study_are_left_alone(desk):
    desk.once()
    desk.town.put(
        "study.toml",
        desk.town.study.read_text("utf-8").replace('name = "小镇"', 'name = "小镇"\nid = "other"')
        + 'folder = "reports/study"\n',
    )
    with pytest.raises(OutputError) as wrong:
        desk.once()
    assert wrong.value.code == "schedule.other_study"


# ---------------------------------------------------------------- one at a time

HOLD = """
import sys
from pathlib import Path
from servicecircle.outputs.lock import try_lock
with try_lock(Path(sys.argv[1])) as alone:
    print(alone, flush=True)
    sys.stdin.read()
"""


def test_two_at_once_are_one(desk):
    desk.once()
    desk.change()
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(desk.reports.lock)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with other:
        assert other.stdout.readline() == "True\n"
        found = desk.once()
        assert (found.result, found.pid) == ("busy", str(other.pid))
        assert status_of(desk.study, now=desk.clock)["running"] == str(other.pid)
        with pytest.raises(InputError) as wrong:
            approve(desk.study, desk.conduct, by="x")
        assert wrong.value.code == "schedule.busy"
        other.kill()
    assert desk.reports.lock.exists()  # a stale one blocks nobody
    assert desk.once().result == "published"


# ---------------------------------------------------------------- when due


def test_missed_runs_are_caught_up_once(desk):
    assert desk.once(if_due=True).result == "published"
    assert desk.once(if_due=True).result == "not_due"
    desk.pass_days(10)
    desk.change()
    assert desk.once(if_due=True).result == "published"
    assert desk.once(if_due=True).result == "not_due"
    assert desk.runs == 2


def test_a_clock_set_back_runs_nothing_twice_and_one_set_right_runs_again(desk):
    desk.clock = desk.clock.replace(minute=5)
    desk.once(if_due=True)
    desk.clock -= dt.timedelta(minutes=30)
    desk.change()
    assert desk.once(if_due=True).result == "not_due"
    desk.clock += dt.timedelta(minutes=40)
    assert desk.once(if_due=True).result == "not_due"
    desk.reports.save_attempt(Attempt(done_until=desk.clock + dt.timedelta(days=9999), result="published"))
    assert desk.once(if_due=True).result == "not_due"
    desk.pass_days(1)
    assert desk.once(if_due=True).result == "published"


class Enough(BaseException):
    """Ends a scheduler in the foreground."""


def foreground(desk, steps, each=lambda _step: None):
    """Let the foreground wait a number of times; return results, and the times waited for."""
    results, untils = [], []

    def wait(seconds):
        desk.wait(seconds)
        each(len(desk.waits))
        if len(desk.waits) >= steps:
            raise Enough

    told = Told(
        lambda outcome, _: results.append(outcome.result), lambda due, _: untils.append(f"{due:%d %H:%M}")
    )
    with pytest.raises(Enough):
        keep_running(desk.town.study, Conduct(now=lambda: desk.clock, wait=wait), told)
    return results, untils


def test_the_foreground_runs_at_once_then_waits_in_short_steps(desk):
    desk.clock = desk.clock.replace(hour=5, minute=58)
    results, untils = foreground(desk, 6)
    assert results == ["published", "unchanged"]
    assert untils == ["22 06:00", "23 06:00"]
    assert max(desk.waits) <= 30


def test_the_foreground_survives_a_broken_study_file(desk):
    desk.clock = desk.clock.replace(hour=5, minute=59)
    whole = desk.town.study.read_text("utf-8")

    def each(step):
        if step == 1:
            desk.town.put("study.toml", "[study\n")
        if step == 4:
            desk.town.put("study.toml", whole)
            desk.change()
            desk.clock += dt.timedelta(days=1)

    results, _ = foreground(desk, 6, each)
    assert results == ["published", "failed", "published"]
    assert events(desk) == ["published", "failed", "published"]


def test_the_foreground_takes_a_clock_set_back(desk):
    def each(step):
        if step == 2:
            desk.clock -= dt.timedelta(days=400)

    results, untils = foreground(desk, 5, each)
    assert results == ["published"]
    assert max(desk.waits) <= 30
    assert len(untils) == 2


def test_the_foreground_waits_for_another_process_and_says_so_once(desk):
    desk.reports.runs.mkdir(parents=True)
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(desk.reports.lock)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with other:
        assert other.stdout.readline() == "True\n"
        results, _ = foreground(desk, 3)
        other.stdin.close()
    assert results == ["busy"]
    assert desk.waits == [30.0, 30.0, 30.0]


# ---------------------------------------------------------------- status


def test_status_says_where_it_stands_in_both_languages(desk):
    desk.once()
    desk.change(people=MORE_PEOPLE)
    desk.changes = {"people": 145.0}
    desk.pass_days(1)
    desk.once()
    desk.faults = [InputError("files.empty", where="people.csv", what="people")]
    desk.change(people=PEOPLE + "115.03,35.70,2\n")
    desk.once()
    (desk.reports.runs / "0009-2026-11-30").mkdir()
    told = json.loads(json.dumps(status_of(desk.study, now=desk.clock), allow_nan=False))
    assert told["latest"] == "0001-2026-11-22"
    assert told["next"][0] == "2026-11-24T06:00:00+08:00"
    zh = "\n".join([*status_lines(told, "zh"), *waiting_lines(told, "zh")])
    for words in (
        "已发布：0001-2026-11-22", "最近一次：2026-11-23 06:00，运行失败", "下次运行：2026-11-24 06:00",
        "运行 0009-2026-11-30 的记录缺失或损坏", "待批准：0002-2026-11-23（暂缓发布）",
        "总人口由 45 人变为 145 人",
        "待批准：0001-2026-11-22（送审稿）",
    ):  # fmt: skip
        assert words in zh
    headers, rows = run_rows(told, "zh")
    assert headers[:3] == ["运行", "开始时间", "状态"]
    assert [row[2][:4] for row in rows] == ["运行失败", "暂缓发布", "送审稿"]
    assert "文件是空的" in rows[0][2]
    en = "\n".join([*status_lines(told, "en"), *(cell for row in run_rows(told, "en")[1] for cell in row)])
    assert "Published: 0001-2026-11-22" in en
    assert not any("一" <= c <= "鿿" for c in en.replace("小镇", ""))


def test_status_of_a_study_that_never_ran_changes_nothing(desk):
    told = status_of(desk.study, now=desk.clock)
    assert (told["latest"], told["runs"], told["running"]) == (None, [], "")
    assert "尚未发布报告" in status_lines(told, "zh")
    assert not desk.reports.root.exists()


# ---------------------------------------------------------------- for real


def test_a_real_town_through_the_whole_cycle(written, tmp_path):
    shutil.copytree(written.folder, tmp_path / "town", ignore=shutil.ignore_patterns("maps"))
    town = SmallTown(tmp_path / "town")
    conduct = Conduct(workers=1)
    study = Study.from_file(town.study)
    first = run_once(study, conduct, if_due=True)
    assert (first.result, first.error, first.problems) == ("published", None, ())
    assert run_once(study, conduct, if_due=False).result == "unchanged"
    town.put("facilities.csv", (town.folder / "facilities.csv").read_text("utf-8").splitlines()[0] + "\n")
    emptied = run_once(study, conduct, if_due=False)
    assert emptied.result in {"held", "failed"}  # an empty sheet
    town.put("streets.osm", (town.folder / "streets.osm").read_bytes()[:700])
    assert run_once(study, conduct, if_due=False).result == "failed"  # half a file
    latest = Path(Reports.of(study).latest)
    assert showing(Reports.of(study)) == first.state.run_id
    assert json.loads((latest / "run.json").read_text("utf-8"))["counts"]["facilities"] == 1


def test_a_public_edition_is_scheduled_approved_and_compared_too(written, tmp_path):
    shutil.copytree(written.folder, tmp_path / "town", ignore=shutil.ignore_patterns("maps"))
    town = SmallTown(tmp_path / "town")
    public = '[output]\nedition = "public"\nmap_review = "豫S（2026）1号"'
    text = town.study.read_text("utf-8").replace("[output]", public)
    town.put("study.toml", text.replace("kinds = []", 'kinds = ["full"]\nformats = ["html"]'))
    conduct = Conduct(workers=1)
    first = run_once(Study.from_file(town.study), conduct, if_due=False)
    assert (first.result, first.error, first.problems) == ("published", None, ())
    town.put("facilities.csv", FACILITIES + f"F2,北幸福院,村级幸福院,运营中,{LON:.4f},{LAT:.4f}\n")
    study = Study.from_file(town.study)
    second = run_once(study, conduct, if_due=False)
    assert (second.result, second.error, second.problems) == ("published", None, ())
    state, problems = approve(study, conduct, by="养老科")
    assert (state.status, problems) == ("final", [])
    page = (Reports.of(study).latest / "report.html").read_text("utf-8")
    assert "养老科" in page
    assert "送审稿" not in page
    assert str(tmp_path) not in page
    told = command("compare", first.state.run_id, second.state.run_id, "--study", town.study)
    assert told.code == 0, told.err
    assert "北幸福院" in told.out
