import builtins
import math
import subprocess
import sys
from pathlib import Path

import pytest

from servicecircle import doctor, words

OURS = Path(doctor.__file__).parent


def krueger(lon, lat, central):
    """Gauss-Krüger on the CGCS2000 ellipsoid, by the series: easting and northing in metres."""
    flattening = 1 / 298.257222101
    n = flattening / (2 - flattening)
    radius = 6_378_137.0 / (1 + n) * (1 + n**2 / 4 + n**4 / 64)
    terms = [
        n / 2 - 2 * n**2 / 3 + 5 * n**3 / 16,
        13 * n**2 / 48 - 3 * n**3 / 5,
        61 * n**3 / 240,
    ]
    e = math.sqrt(flattening * (2 - flattening))
    sine = math.sin(math.radians(lat))
    t = math.sinh(math.atanh(sine) - e * math.atanh(e * sine))
    turn = math.radians(lon - central)
    xi, eta = math.atan2(t, math.cos(turn)), math.atanh(math.sin(turn) / math.hypot(1, t))
    north = xi + sum(a * math.sin(2 * j * xi) * math.cosh(2 * j * eta) for j, a in enumerate(terms, 1))
    east = eta + sum(a * math.cos(2 * j * xi) * math.sinh(2 * j * eta) for j, a in enumerate(terms, 1))
    return 500_000 + radius * east, radius * north


def test_the_known_point_is_where_the_series_puts_it():
    degrees, metres = doctor._POINT
    assert krueger(*degrees, central=114) == pytest.approx(metres, abs=0.001)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_check_speaks_and_a_trouble_comes_with_its_mend(language, tmp_path):
    checks = doctor.examine(language=language, folder=tmp_path)
    assert [check.code for check in checks] == list(words.table("doctor"))
    for check in checks:
        assert check.state in {"ok", "warn", "fail"}
        assert check.name
        assert check.detail
        assert bool(check.mend) == (check.state != "ok")
    needed = {"python", "packages", "proj", "gdal", "osmium", "folder"}
    assert {check.code for check in checks if check.state == "ok"} >= needed
    assert list(tmp_path.iterdir()) == []


def test_every_state_has_its_words():
    for code, said in words.table("doctor").items():
        assert {"name", "ok", "mend"} < set(said), code
        assert all(len(texts) == 2 and all(texts) for texts in said.values()), code


def test_an_old_python_fails():
    assert doctor.python((3, 10, 14))[0] == "fail"
    assert doctor.python((3, 11, 0)) == ("ok", {"version": "3.11.0", "needed": "3.11"})


def test_missing_and_old_packages_are_named_and_foreign_ones_are_not_asked_for():
    which, facts = doctor.packages(
        ["numpy>=1.26", "pandas>=999.1", "no-such-thing-here>=2", "pytest>=999; extra == 'x'"]
    )
    assert which == "fail"
    assert "no-such-thing-here (>= 2)" in facts["trouble"]
    assert "pandas" in facts["trouble"]
    assert "numpy" not in facts["trouble"]
    assert "pytest" not in facts["trouble"]
    assert doctor.packages(["numpy"])[0] == "ok"


def test_a_point_that_drifts_is_told(monkeypatch):
    assert float(doctor.proj()[1]["millimetres"]) < 10
    degrees, (east, north) = doctor._POINT
    monkeypatch.setattr(doctor, "_POINT", (degrees, (east + 0.02, north)))
    which, facts = doctor.proj()
    assert which == "fail"
    assert "0.02" in facts["why"]


def without(monkeypatch, *names):
    real = builtins.__import__

    def lame(name, *args, **kwargs):
        if name.split(".")[0] in names:
            raise ImportError(f"DLL load failed while importing {name}")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", lame)


def test_libraries_that_do_not_load_are_troubles_not_crashes(monkeypatch):
    without(monkeypatch, "pyproj", "pyogrio", "rasterio", "pyarrow", "osmium")
    assert doctor.proj()[0] == "fail"
    assert doctor.osmium_files()[0] == "fail"
    which, facts = doctor.gdal()
    assert which == "fail"
    assert all(name in facts["missing"] for name in ("pyogrio", "rasterio", "Parquet"))


def test_little_memory_warns_and_an_unknown_one_says_so():
    assert doctor.memory(16e9)[0] == "ok"
    assert doctor.memory(2e9) == ("warn", {"gigabytes": "2.0", "wanted": "4"})
    assert doctor._say("memory", lambda: doctor.memory(math.nan), "en").state == "warn"
    assert doctor.installed_bytes() > 1e8


def test_a_full_disk_warns_and_a_folder_to_come_is_measured_too(tmp_path, monkeypatch):
    assert doctor.disk(tmp_path / "not" / "there" / "yet")[0] in {"ok", "warn"}
    monkeypatch.setattr(doctor, "_DISK_GB", 1e9)
    assert doctor.disk(tmp_path)[0] == "warn"


@pytest.mark.parametrize(
    "name",
    ["msyh.ttc", "simhei.ttf", "NotoSansCJK-Regular.ttc", "SourceHanSansSC-Normal.otf", "wqy-microhei.ttc"],
)
def test_chinese_fonts_are_found_by_their_files(tmp_path, name):
    folder = tmp_path / "truetype" / "some"
    folder.mkdir(parents=True)
    (folder / "DejaVuSans.ttf").touch()
    (folder / "msyh.txt").touch()
    assert doctor.fonts([tmp_path / "none", tmp_path])[0] == "warn"
    (folder / name).touch()
    assert doctor.fonts([tmp_path / "none", tmp_path]) == ("ok", {"font": name})


def test_no_browser_is_only_a_warning(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    for key in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"):
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setattr(doctor, "_APPLICATIONS", ())
    assert doctor.browser()[0] == "warn"
    monkeypatch.setenv("PROGRAMFILES", str(tmp_path))
    edge = tmp_path / "Microsoft/Edge/Application/msedge.exe"
    edge.parent.mkdir(parents=True)
    edge.touch()
    assert doctor.browser() == ("ok", {"browser": str(edge)})


def test_missing_time_zones_warn(monkeypatch):
    import zoneinfo

    def missing(key):
        raise zoneinfo.ZoneInfoNotFoundError(key)

    monkeypatch.setattr(zoneinfo, "ZoneInfo", missing)
    assert doctor.timezone()[0] == "warn"


@pytest.mark.parametrize(
    ("encoding", "state"),
    [
        ("utf-8", "ok"),
        ("cp936", "ok"),
        ("gbk", "ok"),
        (None, "ok"),
        ("cp1252", "warn"),
        ("ascii", "warn"),
        ("x", "warn"),
    ],
)
def test_the_console_must_show_chinese(encoding, state):
    assert doctor.console(encoding)[0] == state


def test_a_folder_that_cannot_be_written_warns(tmp_path):
    assert doctor.writing(tmp_path)[0] == "ok"
    which, facts = doctor.writing(tmp_path / "none")
    assert which == "warn"
    assert facts["why"]


def test_a_bare_coverage_folder_that_stands_for_the_module_warns(tmp_path, monkeypatch):
    assert doctor.coverage_name()[0] == "ok"
    clash = tmp_path / "coverage" / "servicecircle"
    clash.mkdir(parents=True)
    kept = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "coverage"}
    for name in kept:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    which, facts = doctor.coverage_name()
    assert which == "warn"
    assert str(tmp_path / "coverage") in facts["folder"]
    (tmp_path / "coverage" / "__init__.py").touch()
    assert doctor.coverage_name()[0] == "warn"


def test_looking_up_versions_imports_nothing_heavy():
    code = (
        "import sys; from servicecircle import doctor; from importlib import metadata;"
        "doctor.packages(metadata.requires('servicecircle'));"
        "print([m for m in ('geopandas', 'rasterio', 'osmnx', 'pyproj') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
