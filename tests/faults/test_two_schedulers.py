"""Two processes at once: one of them runs the study."""

import json
import subprocess
import time

from faults.real_town import settled, shown


def started(town, verb, *options):
    return subprocess.Popen(
        town.words(verb, *options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_of_two_schedulers_at_once_one_runs_the_study(town):
    town.change(1)
    both = [started(town, "schedule", "--once", "--language", "en") for _ in range(2)]
    while not town.reports.lock.exists() and both[0].poll() is None:
        time.sleep(0.01)
    old = shown(town.reports)
    signing = town.command("approve", "--by", "养老服务科", "--language", "en")
    told = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum("Published as a draft" in text for text in told) == 1, told
    # the other one found it being run, or done
    assert sum("under way" in text or "not run again" in text for text in told) == 1, told
    assert signing.returncode == 2, signing.stderr
    assert shown(town.reports) != old
    status = json.loads(town.command("status", "--json").stdout)
    assert [run["run_id"][:4] for run in status["runs"]] == ["0002", "0001"]
    assert len(town.remembered()) == 2
    settled(town)


def test_a_foreground_scheduler_and_a_timer_do_not_meet(town):
    town.change(1)
    with started(town, "schedule", "--quiet") as foreground:
        try:
            timer = town.command("schedule", "--if-due", "--language", "en")
            assert timer.returncode == 0, timer.stderr
            assert "Not due" in timer.stdout or "under way" in timer.stdout
            assert foreground.poll() is None
        finally:
            foreground.kill()
    settled(town)
    shown(town.reports)
    assert town.command("schedule", "--once", "-q").returncode == 0
    assert len(town.remembered()) == 2
