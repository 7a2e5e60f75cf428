"""Marks that need more than Python: what a machine lacks is left out and listed; under CI it is a failure."""

from __future__ import annotations

import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MUST_HAVE = os.environ.get("SERVICECIRCLE_TESTS_MUST_HAVE", "").split()
"""Markers of what a machine must have: there a lack is a failure. `.ci/run` names all but the real inputs."""


def chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
    return next((path for name in names if (path := shutil.which(name))), None)


def _chinese_fonts() -> bool:
    if shutil.which("fc-list") is None:
        return False
    listed = subprocess.run(["fc-list", ":lang=zh", "family"], capture_output=True, text=True, check=False)
    return bool(listed.stdout.strip())


def postgres_programs() -> Path | None:
    """Return the folder of a PostgreSQL server's programs; Debian keeps them off the path."""
    debian = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: float(p.parent.name), reverse=True
    )
    found = shutil.which("pg_ctl")
    folders = [*debian, *([Path(found).resolve().parent] if found else [])]
    return next(
        (folder for folder in folders if (folder / "initdb").is_file() and _has_postgis(folder)), None
    )


def _has_postgis(programs: Path) -> bool:
    told = subprocess.run([programs / "pg_config", "--sharedir"], capture_output=True, text=True, check=False)
    return told.returncode == 0 and (Path(told.stdout.strip()) / "extension" / "postgis.control").is_file()


def _lacking() -> dict[str, str]:
    """Return the markers whose tests cannot run here, and why."""
    lacks = {}
    if chromium() is None:
        lacks["browser"] = "no Chromium on the path"
    if not _chinese_fonts():
        lacks["fonts"] = "no Chinese font is installed"
    if shutil.which("soffice") is None:
        lacks["office"] = "no LibreOffice on the path"
    if postgres_programs() is None:
        lacks["postgis"] = "no PostgreSQL server with PostGIS"
    elif not all(find_spec(name) for name in ("psycopg", "sqlalchemy", "geoalchemy2")):
        lacks["postgis"] = "the extra [postgis] is not installed"
    if not (ROOT.parent / "shared" / "data").is_dir():
        lacks["shared"] = "the real inputs are not beside the project"
    return lacks


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    lacks = _lacking()
    missing = [f"{marker}: {lacks[marker]}" for marker in MUST_HAVE if marker in lacks]
    if missing:
        raise pytest.UsageError("this machine must have everything the tests need; " + "; ".join(missing))
    for item in items:
        for marker, why in lacks.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=f"{marker}: {why}"))


@pytest.fixture(scope="session")
def browser_path() -> str:
    return str(chromium())


@pytest.fixture(scope="session")
def shared() -> Path:
    return ROOT.parent / "shared"


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test depend on the language or the proxies of the machine it runs on."""
    for name in ("LC_ALL", "LC_MESSAGES", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> object:
    """Return a town with a schedule and its output, made once; who changes it copies it."""
    from unit.scheduled_town import written_town

    return written_town(tmp_path_factory.mktemp("written") / "town")


@pytest.fixture
def desk(written: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """Return such a town with a clock of its own, whose runs take no time."""
    from unit.scheduled_town import desk_of

    return desk_of(written, tmp_path / "town", monkeypatch)
