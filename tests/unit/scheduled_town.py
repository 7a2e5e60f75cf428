"""A small town that is run by itself: a clock of its own, and runs that take no time."""

import datetime as dt
import json
import shutil
import sys
import types
from zoneinfo import ZoneInfo

from servicecircle.outputs.folder import atomic_folder
from servicecircle.outputs.manifest import write_manifest
from servicecircle.schedule import making, notices
from servicecircle.schedule.job import Conduct
from servicecircle.schedule.runner import run_once
from servicecircle.schedule.states import Reports
from servicecircle.study import Study
from unit.small_town import PEOPLE, SmallTown, command

SCHEDULE = '\n[report]\nkinds = []\n[schedule]\ncron = "0 6 * * *"\nretry_wait_s = 60\n'
MORE_PEOPLE = PEOPLE + "115.02,35.70,100\n"


def written_town(folder):
    """Return a town and its output, made once: the runs of a desk copy it."""
    town = SmallTown(folder).write()
    town.put("study.toml", town.study.read_text("utf-8") + SCHEDULE)
    assert command("run", town.study, "-q").code == 0
    return town


class Desk:
    """A town with a schedule, a clock of its own, and a run that takes no time."""

    def __init__(self, town, source):
        self.town, self.source = town, source
        self.clock = dt.datetime(2026, 11, 22, 6, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
        self.waits, self.runs, self.told, self.faults, self.changes = [], 0, [], [], {}
        self.conduct = Conduct(now=lambda: self.clock, wait=self.wait)

    @property
    def study(self):
        return Study.from_file(self.town.study)

    @property
    def reports(self):
        return Reports.of(self.study)

    def wait(self, seconds):
        self.waits.append(seconds)
        self.clock += dt.timedelta(seconds=seconds)

    def pass_days(self, days):
        self.clock += dt.timedelta(days=days)

    def once(self, *, if_due=False):
        return run_once(self.study, self.conduct, if_due=if_due)

    def change(self, people=PEOPLE + "115.02,35.70,1\n", **counts):
        """Change an input, and what the next run finds."""
        self.town.put("people.csv", people)
        self.changes = counts

    def keys(self, text):
        self.town.put("study.toml", self.town.study.read_text("utf-8") + text)

    def latest(self):
        return json.loads((self.reports.latest / "run.json").read_text("utf-8"))

    # what stands in for the pipeline

    def run(self, study, *, on_progress, workers):
        self.runs += 1
        on_progress("read_streets", 0.0)
        if self.faults:
            raise self.faults.pop(0)
        return types.SimpleNamespace(write=self.write)

    def write(self, folder, *, on_progress, workers, sign_off):
        on_progress("write_tables", 0.5)
        told = json.loads((self.source.output / "run.json").read_text("utf-8"))
        told["started_at"] = self.clock.astimezone(dt.UTC).isoformat(timespec="seconds")
        told["study"]["as_of"] = str(self.changes.get("as_of", told["study"]["as_of"]))
        told["totals"]["scaled"] = self.changes.get("people", told["totals"]["scaled"])
        self._put(folder, self.source.output, told, sign_off)

    def renew(self, folder, study, *, sign_off, measure):
        self._put(folder, folder, json.loads((folder / "run.json").read_text("utf-8")), sign_off)

    def _put(self, folder, source, told, sign_off):
        told["sign_off"] = {"state": sign_off.state, "by": sign_off.by, "on": sign_off.on}
        with atomic_folder(folder, run_id="test") as new:
            shutil.copytree(source, new, dirs_exist_ok=True)
            files = [p for p in new.rglob("*") if p.is_file() and p.name != "run.json"]
            write_manifest(told, files, new / "run.json")


def desk_of(written, folder, patch):
    """Return a desk with a copy of a town; runs, rewritten reports and notices are the desk's."""
    shutil.copytree(written.folder, folder, ignore=shutil.ignore_patterns("maps"))
    found = Desk(SmallTown(folder), written)
    patch.setattr(making, "run", found.run)
    renewing = types.ModuleType("servicecircle.report.renew")
    renewing.renew_reports = found.renew
    patch.setitem(sys.modules, "servicecircle.report.renew", renewing)
    patch.setattr(notices, "notify", lambda _study, event, facts: found.told.append((event, facts)) or [])
    return found
