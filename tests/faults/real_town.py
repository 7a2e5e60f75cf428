"""A small town that is really run by itself, and what must hold of its reports whatever happened."""

import datetime as dt
import hashlib
import json
import shutil
import subprocess
import sys

from servicecircle.history.store import opened
from servicecircle.outputs.lock import try_lock
from servicecircle.schedule.job import Conduct
from servicecircle.schedule.publish import settle
from servicecircle.schedule.runner import ready, remembering, run_once
from servicecircle.schedule.states import Reports
from servicecircle.schedule.status import status_of
from servicecircle.study import Study
from unit.small_town import PEOPLE, SmallTown


class RealTown:
    """A town with a schedule: its runs are real ones."""

    def __init__(self, folder):
        self.town = SmallTown(folder)

    def begin(self, **written):
        self.town.write(**written)
        self.keys("\n[schedule]\nretries = 0\n")
        return self

    def copied(self, folder):
        shutil.copytree(self.town.folder, folder, symlinks=True)
        return RealTown(folder)

    @property
    def study(self):
        return Study.from_file(self.town.study)

    @property
    def reports(self):
        return Reports.of(self.study)

    def keys(self, text):
        self.town.put("study.toml", self.town.study.read_text("utf-8") + text)

    def change(self, number):
        """Change an input, too little for anybody to wonder."""
        self.town.put("people.csv", f"{PEOPLE}115.02,35.70,{1 + number / 100}\n")

    def words(self, verb, *options):
        """Return the words of a command line."""
        return [sys.executable, "-m", "servicecircle", verb, str(self.town.study), *options]

    def command(self, verb, *options):
        """Run a command in a process of its own."""
        return subprocess.run(self.words(verb, *options), capture_output=True, text=True, check=False)

    def once(self, **conduct):
        """Run the study in this process."""
        return run_once(self.study, Conduct(workers=1, **conduct), if_due=False)

    def remembered(self):
        """Return the ids of the runs in the history."""
        with opened(remembering(self.study)) as store:
            return {row["run_id"] for row in store.runs()}


def shown(reports):
    """Return the SHA-256 of each file that `latest` shows, which must be those its `run.json` lists."""
    told = json.loads((reports.latest / "run.json").read_bytes())
    listed = {entry["name"]: entry["sha256"] for entry in told["files"]}
    files = {p.relative_to(reports.latest).as_posix(): p for p in sorted(reports.latest.rglob("*"))}
    found = {name: digest(path) for name, path in files.items() if path.is_file() and name != "run.json"}
    assert found == listed
    return {**found, "run.json": digest(files["run.json"])}


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def settled(town):
    """Bring what a fault left to its end, as the next run does, and return what `status` tells."""
    reports = ready(town.study)
    with try_lock(reports.lock) as alone:
        assert alone
        settle(reports, dt.datetime.now(dt.UTC))
    assert leftovers(reports) == []
    return status_of(town.study, now=dt.datetime.now(dt.UTC))


def leftovers(reports):
    """Return what stopped processes left half written."""
    return [
        p.name
        for p in reports.root.rglob(".*")
        if any(s in p.name for s in (".new-", ".old-", ".tmp-", ".meanwhile"))
    ]
