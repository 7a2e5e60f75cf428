"""SIGKILL at moments of all of a run: the old report stays whole, and the next run works."""

import datetime as dt
import random
import subprocess
import time

import pytest

from faults.real_town import settled, shown
from servicecircle.schedule.log import read_log

PARTS = 4
"""The moments are shared out, so that they may be tried at the same time."""

ALL, WRITING, PUBLISHING = 14, 3, 3
"""Moments over the whole run, more of them while reports are written, and while the run is published."""


def moments(timeline):
    """Return 20 moments, each as the line of the log after which, and the seconds from then on."""
    chance = random.Random(20261122)
    ends = [at for _, at in timeline]
    last = len(timeline) - 1
    writing = next(i for i, (name, _) in enumerate(timeline) if name == "write_reports")
    spans = [(ends[-1] * k / ALL, ends[-1] * (k + 1) / ALL) for k in range(ALL)]
    spans += [(ends[writing - 1], ends[writing])] * WRITING + [(ends[writing], ends[last])] * PUBLISHING
    for span in spans:
        at = chance.uniform(*span)
        after = max((i for i, end in enumerate(ends) if end <= at), default=0)
        yield after, at - ends[after]


def timeline_of(town):
    """Return the lines of the log of the first run, each with the seconds since its process began."""
    lines = [
        (entry.get("stage", entry["event"]), dt.datetime.fromisoformat(entry["time"]).timestamp())
        for entry in read_log(town.reports.log)
    ]
    assert lines[-1][0] == "published"
    return [("start", 0.0), *((name, at - town.began) for name, at in lines)]


def kill(town, after, seconds):
    """Start a run and kill it some seconds after a line of its log; return whether it had ended by itself."""
    log = town.reports.log / "schedule.log"
    before = len(log.read_bytes().splitlines())
    with subprocess.Popen(town.words("schedule", "--once", "-q"), stdout=subprocess.DEVNULL) as running:
        while len(log.read_bytes().splitlines()) - before < after and running.poll() is None:
            time.sleep(0.005)
        time.sleep(seconds)
        running.kill()
    return running.returncode == 0


@pytest.mark.parametrize("part", range(PARTS))
def test_killed_at_any_moment_the_old_report_is_whole_and_the_next_run_works(town, published, part):
    timeline = timeline_of(published)
    killed = 0
    for number, (after, seconds) in list(enumerate(moments(timeline)))[part::PARTS]:
        old, run_id, remembered = shown(town.reports), town.reports.latest.readlink(), town.remembered()
        town.change(number)
        killed += not kill(town, after, seconds)
        found = shown(town.reports)
        assert found == old or town.reports.latest.readlink() != run_id
        told = settled(town)
        assert told["latest"] == town.reports.latest.readlink().name
        assert told["runs"][0]["status"] in {"draft", "failed"}
        assert (told["running"], told["unknown"]) == ("", [])
        shown(town.reports)
        assert remembered <= town.remembered()
    assert killed >= 3  # the others had ended
    town.change(50)
    assert town.command("schedule", "--once", "-q").returncode == 0
    assert settled(town)["runs"][0]["run_id"] == town.reports.latest.readlink().name
    assert len(town.remembered()) >= 2
    shown(town.reports)
