"""A disk that is really full: before a run, while it writes, while it is remembered, while it is approved."""

import gc
import os
import resource
import subprocess

import pytest

from faults.real_town import settled, shown
from servicecircle.errors import OutputError
from servicecircle.schedule.approve import approve
from servicecircle.schedule.job import Conduct

# what openpyxl had half written complains once more as it is thrown away
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

BYTES = 16 << 20
BLOCK = 4096
FILES = 8
"""The largest file of a run takes up more than this part of all."""


class SmallDisk:
    """A disk of a few megabytes; where none may be mounted, each file may have a part of what is left."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        words = ["mount", "-t", "tmpfs", "-o", f"size={BYTES}", "tmpfs", str(folder)]
        self.mounted = subprocess.run(words, capture_output=True, check=False).returncode == 0
        self.limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(self, left):
        if self.mounted:
            about = os.statvfs(self.folder)
            with (self.folder / "ballast").open("wb") as stream:
                os.posix_fallocate(stream.fileno(), 0, max(about.f_bavail * about.f_frsize - left, 1))
        else:
            resource.setrlimit(resource.RLIMIT_FSIZE, (left // FILES, self.limits[1]))

    def clear(self):
        resource.setrlimit(resource.RLIMIT_FSIZE, self.limits)
        (self.folder / "ballast").unlink(missing_ok=True)

    def remove(self):
        self.clear()
        gc.collect()
        if self.mounted:
            subprocess.run(["umount", str(self.folder)], check=True)


@pytest.fixture
def disk(tmp_path):
    found = SmallDisk(tmp_path / "disk")
    yield found
    found.remove()


@pytest.fixture
def town(published, disk):
    return published.copied(disk.folder / "town")


def needed(town):
    """Return the bytes that a run's folder takes up."""
    files = [path for path in town.reports.latest.rglob("*") if path.is_file()]
    return sum(-(-path.stat().st_size // BLOCK) * BLOCK for path in files)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.35, 0.6, 0.9])
def test_a_disk_that_fills_up_leaves_the_old_report_whole(town, disk, share):
    old = shown(town.reports)
    town.change(1)
    disk.fill(int(share * needed(town)))
    found = town.once()
    disk.clear()
    assert found.result == "failed"
    assert isinstance(found.error, OutputError), repr(found.error)
    assert "free space" in found.error.text("en")
    assert shown(town.reports) == old
    assert settled(town)["runs"][-1]["status"] == "draft"
    again = town.once()
    assert (again.result, again.problems) == ("published", ())
    assert len(town.remembered()) == 2
    shown(town.reports)


@pytest.mark.parametrize("more", [2, 6, 20])
def test_a_disk_that_fills_up_while_a_run_is_remembered_costs_no_report(town, disk, more):
    town.change(1)
    disk.fill(needed(town) + more * BLOCK)
    found = town.once()
    disk.clear()
    shown(town.reports)
    settled(town)
    again = town.once()
    assert (again.result, again.problems) == ("unchanged" if found.result == "published" else "published", ())
    assert town.reports.latest.readlink().name == again.state.run_id
    assert len(town.remembered()) == 2  # what could not be remembered then is now


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_an_approval_on_a_full_disk_leaves_the_draft(town, disk, share):
    old = shown(town.reports)
    disk.fill(int(share * needed(town)))
    with pytest.raises(OutputError) as caught:
        approve(town.study, Conduct(workers=1), by="养老服务科")
    assert "free space" in caught.value.text("en")
    disk.clear()
    assert shown(town.reports) == old
    settled(town)
    state, problems = approve(town.study, Conduct(workers=1), by="养老服务科")
    assert (state.status, problems) == ("final", [])
    shown(town.reports)
