"""A town whose reports are published, made once by a process of its own; each test copies it."""

import time

import pytest

from faults.real_town import RealTown


@pytest.fixture(scope="session")
def published(tmp_path_factory):
    """A town that was run once: every fault finds an old report."""
    town = RealTown(tmp_path_factory.mktemp("published") / "town").begin()
    town.began = time.time()
    assert town.command("schedule", "--once", "-q").returncode == 0
    return town


@pytest.fixture
def town(published, tmp_path):
    return published.copied(tmp_path / "town")
