"""`doctor`: what this machine has of what a run needs."""

from __future__ import annotations

import ctypes
import math
import os
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from servicecircle import words
from servicecircle.maps.fonts import chinese_fonts, font_folders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from servicecircle.words import Language

State = Literal["ok", "warn", "fail"]
Found = tuple[str, dict[str, Any]]

_PYTHON = (3, 11)
_POINT = ((115.029133, 35.761829), (593070.2320, 3959604.4967))
"""A place in Puyang in degrees and, by the Gauss-Krüger series, in EPSG:4547 (east, north)."""
_POINT_M = 0.01
_MEMORY_GB, _DISK_GB = 4.0, 2.0
_GB = 1e9
_CHINESE = "养老服务圈"
_BROWSERS = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge",
    "msedge", "firefox", "qaxbrowser", "360browser",
)  # fmt: skip
_BROWSER_FILES = (
    "Microsoft/Edge/Application/msedge.exe",
    "Google/Chrome/Application/chrome.exe",
    "Mozilla Firefox/firefox.exe",
)
_APPLICATIONS = ("Safari.app", "Google Chrome.app", "Firefox.app")
_TROUBLE = (ImportError, OSError, RuntimeError, ValueError, AttributeError)


@dataclass(frozen=True, slots=True)
class Check:
    """
    One thing that was looked at.

    Parameters
    ----------
    code
        What it is, for machines: `python`, `packages`, `proj` …
    state
        `ok`; `warn`: a run works, with a drawback; `fail`: a run will not work.
    name, detail, mend
        What it is, what was found, and what to do about it (empty where all is well), in words.
    """

    code: str
    state: State
    name: str
    detail: str
    mend: str


def examine(*, language: Language = "en", folder: Path | None = None) -> list[Check]:
    """
    Look at everything that a run needs, and change nothing.

    Parameters
    ----------
    folder
        Where a run would write; the current folder where none is given.
    """
    folder = Path.cwd() if folder is None else folder
    looks: dict[str, Callable[[], Found]] = {
        "python": lambda: python(sys.version_info[:3]),
        "packages": lambda: packages(metadata.requires("servicecircle") or []),
        "proj": proj,
        "gdal": gdal,
        "osmium": osmium_files,
        "memory": lambda: memory(installed_bytes()),
        "disk": lambda: disk(folder),
        "fonts": lambda: fonts(font_folders()),
        "browser": browser,
        "timezone": timezone,
        "console": lambda: console(getattr(sys.stdout, "encoding", None)),
        "folder": lambda: writing(folder),
        "coverage": coverage_name,
    }
    return [_say(code, look, language) for code, look in looks.items()]


def _say(code: str, look: Callable[[], Found], language: Language) -> Check:
    which, facts = look()
    said = {key: texts[0 if language == "zh" else 1] for key, texts in words.table("doctor")[code].items()}
    state: State = "ok" if which == "ok" else "fail" if which == "fail" else "warn"
    mend = "" if state == "ok" else said["mend"]
    return Check(code, state, said["name"], said[which].format_map(facts), mend)


def python(version: tuple[int, ...]) -> Found:
    """Look at Python's version."""
    facts = {"version": ".".join(map(str, version)), "needed": ".".join(map(str, _PYTHON))}
    return "ok" if version >= _PYTHON else "fail", facts


def packages(requirements: Iterable[str]) -> Found:
    """Look at the installed versions of what this package requires, without importing any of it."""
    versions: list[str] = []
    trouble: list[str] = []
    for requirement in requirements:
        name, least = _parts(requirement)
        if not name:
            continue
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            trouble.append(f"{name} (>= {least})" if least else name)
            continue
        too_old = _numbers(version) < _numbers(least)
        (trouble if too_old else versions).append(f"{name} {version}" + (f" (>= {least})" if too_old else ""))
    return ("fail", {"trouble": ", ".join(trouble)}) if trouble else ("ok", {"versions": ", ".join(versions)})


def _parts(requirement: str) -> tuple[str, str]:
    """Return name and least version; of extras and other systems' needs, nothing."""
    found = re.match(r"\s*([\w.-]+)\s*(?:>=\s*([\d.]+))?[^;]*(;.*)?$", requirement)
    return (found[1], found[2] or "") if found and not found[3] else ("", "")


def _numbers(version: str) -> tuple[int, ...]:
    release = re.match(r"\d+(\.\d+)*", version)
    return tuple(map(int, release[0].split("."))) if release else ()


def proj() -> Found:
    """Convert a known place; a foreign PROJ database makes this fail or drift."""
    try:
        import pyproj

        degrees, metres = _POINT
        to_metres = pyproj.Transformer.from_crs("EPSG:4490", "EPSG:4547", always_xy=True)
        off_m = math.dist(to_metres.transform(*degrees), metres)
    except _TROUBLE as error:
        return "fail", {"why": error}
    if not off_m <= _POINT_M:
        return "fail", {"why": f"{off_m:.3f} m, {pyproj.datadir.get_data_dir()}"}
    return "ok", {"version": pyproj.proj_version_str, "millimetres": f"{off_m * 1000:.1f}"}


def gdal() -> Found:
    """Look for the drivers of the formats that are read and written."""
    missing = []
    try:
        import pyogrio

        drivers = pyogrio.list_drivers()
        missing += [
            name for name in ("GPKG", "GeoJSON", "ESRI Shapefile") if not {*"rw"} <= {*drivers.get(name, "")}
        ]
    except _TROUBLE as error:
        missing.append(f"pyogrio ({error})")
    try:
        from rasterio.drivers import raster_driver_extensions

        missing += [] if "GTiff" in raster_driver_extensions().values() else ["GTiff"]
    except _TROUBLE as error:
        missing.append(f"rasterio ({error})")
    try:
        import pyarrow.parquet  # noqa: F401
    except _TROUBLE as error:
        missing.append(f"Parquet ({error})")
    formats = "GPKG, GeoJSON, ESRI Shapefile, GTiff, Parquet"
    return ("fail", {"missing": ", ".join(missing)}) if missing else ("ok", {"formats": formats})


def osmium_files() -> Found:
    """Write a street file of one node and read it back."""
    try:
        import osmium

        with tempfile.TemporaryDirectory() as draft:
            path = str(Path(draft, "one.osm.pbf"))
            with osmium.SimpleWriter(path) as writer:
                writer.add_node(osmium.osm.mutable.Node(id=1, location=(115.0, 35.0)))
            ids = [node.id for node in osmium.FileProcessor(path)]
    except _TROUBLE as error:
        return "fail", {"why": error}
    return ("ok", {}) if ids == [1] else ("fail", {"why": ids})


def memory(size_bytes: float) -> Found:
    """Look at the memory installed."""
    if math.isnan(size_bytes):
        return "unknown", {}
    gigabytes = size_bytes / _GB
    facts = {"gigabytes": f"{gigabytes:.1f}", "wanted": f"{_MEMORY_GB:.0f}"}
    return "ok" if gigabytes >= _MEMORY_GB else "warn", facts


def installed_bytes() -> float:
    """Return the memory installed; NaN where the system does not tell."""
    if sys.platform == "win32":
        return _windows_bytes()
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (OSError, ValueError, AttributeError):
        return math.nan


def _windows_bytes() -> float:
    kilobytes = ctypes.c_ulonglong()
    told = ctypes.windll.kernel32.GetPhysicallyInstalledSystemMemory(ctypes.byref(kilobytes))  # type: ignore[attr-defined,unused-ignore]
    return kilobytes.value * 1024.0 if told else math.nan


def disk(folder: Path) -> Found:
    """Look at the free space where a run would write."""
    there = next((path for path in (folder, *folder.absolute().parents) if path.exists()), folder)
    try:
        gigabytes = shutil.disk_usage(there).free / _GB
    except OSError as error:
        return "fail", {"why": error.strerror or error}
    return "ok" if gigabytes >= _DISK_GB else "warn", {"gigabytes": f"{gigabytes:.1f}"}


def fonts(folders: Iterable[Path]) -> Found:
    """Look for a font file whose name is that of a Chinese font."""
    found = chinese_fonts(folders)
    return ("ok", {"font": found[0].name}) if found else ("warn", {})


def browser() -> Found:
    """Look for a browser."""
    on_path = (found for name in _BROWSERS if (found := shutil.which(name)))
    programs = (os.environ.get(key) for key in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"))
    places = [Path(folder, file) for folder in programs if folder for file in _BROWSER_FILES]
    places += [Path("/Applications", name) for name in _APPLICATIONS]
    found = next(on_path, None) or next((str(place) for place in places if place.exists()), None)
    return ("ok", {"browser": found}) if found else ("warn", {})


def timezone() -> Found:
    """Look for the time zones, which Windows lacks."""
    import zoneinfo

    try:
        zoneinfo.ZoneInfo("Asia/Shanghai")
    except (zoneinfo.ZoneInfoNotFoundError, OSError):
        return "warn", {}
    return "ok", {}


def console(encoding: str | None) -> Found:
    """Look whether the console can show Chinese; cp936 can."""
    try:
        _CHINESE.encode(encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return "warn", {"encoding": encoding}
    return "ok", {"encoding": encoding or "—"}


def writing(folder: Path) -> Found:
    """Try to write in a folder."""
    try:
        with tempfile.TemporaryFile(dir=folder) as stream:
            stream.write(b"1")
    except OSError as error:
        return "warn", {"folder": folder, "why": error.strerror or error}
    return "ok", {"folder": folder}


def coverage_name() -> Found:
    """Look whether a bare folder, such as this project's own, stands for the module coverage."""
    spec = util.find_spec("coverage")
    places = list(spec.submodule_search_locations or []) if spec else []
    theirs = spec is None or (
        spec.origin is not None and not Path(spec.origin).with_name("servicecircle").is_dir()
    )
    return ("ok", {}) if theirs else ("warn", {"folder": ", ".join(places)})
