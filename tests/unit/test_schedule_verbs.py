"""The commands: what they print, how they end, and the files for a system's own timer."""

import json
import shlex
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from servicecircle import cli
from servicecircle.errors import InputError
from servicecircle.schedule import job
from servicecircle.schedule.timers import timer_file
from servicecircle.study import Study
from unit.scheduled_town import MORE_PEOPLE
from unit.small_town import SmallTown, command

NAMESPACE = {"t": "http://schemas.microsoft.com/windows/2004/02/mit/task"}
ODD = "养老 100%d $HOME 'q' \"x\" \\n & <b>"


def held(desk):
    command("schedule", desk.town.study, "--once", "-q")
    desk.change(people=MORE_PEOPLE)
    desk.changes = {"people": 145.0}
    return command("schedule", desk.town.study, "--once", "-q")


def test_published_is_0_and_says_where(desk):
    done = command("schedule", desk.town.study, "--once")
    assert done.code == 0
    assert "已发布送审稿 0001-" in done.out
    assert str(desk.reports.latest) in done.out
    assert "读取道路" in done.err
    again = command("schedule", desk.town.study, "--once")
    assert (again.code, "均无变化，未重新运行" in again.out) == (0, True)


def test_refused_is_4_and_says_why_and_how_to_go_on(desk):
    done = held(desk)
    assert done.code == 4
    assert "总人口由 45 人变为 145 人" in done.out
    assert "servicecircle approve study.toml --run 0002-" in done.out
    assert command("schedule", desk.town.study, "--once", "-q").code == 4  # still


def test_failed_is_2_or_3(desk):
    desk.faults = [InputError("files.empty", where="people.csv", what="people")]
    failed = command("schedule", desk.town.study, "--once", "-q")
    assert (failed.code, "文件是空的" in failed.err) == (2, True)
    desk.faults = [ZeroDivisionError("ours")]
    assert command("schedule", desk.town.study, "--once", "-q").code == 3
    desk.town.put("study.toml", desk.town.study.read_text("utf-8").replace('"0 6 * * *"', '"0 6 * *"'))
    wrong = command("schedule", desk.town.study, "--once", "-q")
    assert (wrong.code, "应有 5 段，实为 4 段" in wrong.err) == (2, True)


def test_a_timer_that_calls_each_quarter_of_an_hour_mails_nothing_while_nothing_is_due(desk):
    assert command("schedule", desk.town.study, "--if-due", "-q").code == 0
    done = command("schedule", desk.town.study, "--if-due", "-q")
    assert (done.code, done.out, done.err) == (0, "", "")
    spoken = command("schedule", desk.town.study, "--if-due")
    assert "尚未到运行时间；下次：" in spoken.out


def test_approve_and_status(desk):
    held(desk)
    several = command("approve", desk.town.study, "--by", "养老服务科")
    assert (several.code, "0002-" in several.err and "0001-" in several.err) == (2, True)
    done = command("approve", desk.town.study, "--by", "养老服务科", "--run", "0002")
    assert (done.code, "已批准为正式稿（养老服务科，" in done.out) == (0, True)
    assert command("approve", desk.town.study, "--by", "x").code == 2
    shown = command("status", desk.town.study)
    assert (shown.code, shown.err) == (0, "")
    assert "正式稿（养老服务科 于 " in shown.out
    assert "已被较新报告取代" in shown.out
    told = json.loads(command("status", desk.town.study, "--json").out)
    assert told["latest"] == told["runs"][0]["run_id"]
    assert told["runs"][0]["approved_by"] == "养老服务科"
    assert set(told["runs"][1]) == {
        "run_id", "status", "as_of", "started_at", "seconds", "headlines", "why", "error", "approved_by",
        "approved_on",
    }  # fmt: skip


def test_in_the_foreground_it_says_until_when_it_waits(desk, monkeypatch):
    def stop(_seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(
        job.Conduct, "__init__", _patched(job.Conduct.__init__, wait=stop, now=lambda: desk.clock)
    )
    done = command("schedule", desk.town.study)
    assert done.code == cli.STOPPED
    assert "已发布送审稿" in done.out
    assert "等待下次运行：2026-11-23 06:00（Asia/Shanghai）" in done.out


def _patched(init, **fixed):
    return lambda self, **given: init(self, **{**given, **fixed})


# ---------------------------------------------------------------- timers


@pytest.fixture
def odd(tmp_path):
    town = SmallTown(tmp_path / ODD.replace("/", "")).write()
    return Study.from_file(town.study)


def words(study):
    return [sys.executable, "-m", "servicecircle", "schedule", str(study.path), "--if-due", "--quiet"]


def test_a_crontab_line_gives_the_shell_the_very_path(odd):
    line = timer_file(odd, "cron").splitlines()[1]
    when, told = line[:12], line[13:]
    assert when == "*/15 * * * *"
    assert "%" not in told.replace("\\%", "")  # a bare % is a line break to cron
    assert shlex.split(told.replace("\\%", "%")) == words(odd)
    shell = told.replace("\\%", "%").replace(shlex.quote(sys.executable), "printf '%s\\n'", 1)
    printed = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True).stdout
    assert printed.splitlines() == words(odd)[1:]


def test_a_unit_file_gives_systemd_the_very_path(odd):
    text = timer_file(odd, "systemd")
    line = next(line for line in text.splitlines() if line.startswith("ExecStart="))
    assert _by_systemd(line.removeprefix("ExecStart=")) == words(odd)
    assert "Persistent=true" in text
    assert "OnCalendar=*:0/15" in text


def _by_systemd(line):
    """Take a command line apart as systemd.service(5) says."""
    found, word, inside, i = [], "", False, 0
    while i < len(line):
        sign = line[i]
        if inside and sign == "\\":
            i += 1
            word += line[i]
        elif sign == '"':
            inside = not inside
            if not inside:
                found.append(word.replace("%%", "%").replace("$$", "$"))
                word = ""
        elif inside:
            word += sign
        i += 1
    return found


def test_a_task_is_plain_xml_that_any_encoding_holds(odd):
    text = timer_file(odd, "windows")
    assert text.isascii()
    task = ET.fromstring(text)
    arguments = task.findtext(".//t:Arguments", namespaces=NAMESPACE)
    assert arguments == subprocess.list2cmdline(words(odd)[1:])
    assert task.findtext(".//t:WorkingDirectory", namespaces=NAMESPACE) == str(odd.path.parent)
    assert task.findtext(".//t:Interval", namespaces=NAMESPACE) == "PT15M"
    assert task.findtext(".//t:StartWhenAvailable", namespaces=NAMESPACE) == "true"


def test_a_path_that_no_timetable_can_hold_is_refused(odd):
    study = odd.model_copy(update={"path": Path("/a\nb/study.toml")})
    for system in ("systemd", "cron", "windows"):
        with pytest.raises(InputError) as wrong:
            timer_file(study, system)
        assert wrong.value.code == "schedule.path"


def test_print_writes_nothing(desk):
    before = {p for p in desk.town.folder.rglob("*") if p.is_file()}
    for system in ("systemd", "cron", "windows"):
        done = command("schedule", desk.town.study, "--print", system)
        assert (done.code, str(desk.town.study) in done.out) == (0, True)
    assert {p for p in desk.town.folder.rglob("*") if p.is_file()} == before
