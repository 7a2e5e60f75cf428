"""The command: exit codes, what it prints, and that whatever happens no output is half written."""

import errno
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

import servicecircle
import servicecircle as sc
from servicecircle import pipeline
from servicecircle.outputs import folder as folder_module
from unit.small_town import HEADER, LAT, LON, STEP, SmallTown, command

CIRCLE_CLAUSE = """[[clauses]]
id = "one-km"
phrase = "一公里服务圈"
kind = "service-circle-distance"
deadline = 2022-12-31
circle = "1km"
"""
VERBS = ("demo", "run", "check", "init", "fetch", "doctor")


@pytest.fixture
def town(tmp_path):
    return SmallTown(tmp_path / "town").write()


@pytest.fixture(scope="module")
def ran_once(tmp_path_factory):
    """A study that was run once, to copy: its files."""
    town = SmallTown(tmp_path_factory.mktemp("once")).write()
    ran = command("run", town.study)
    assert ran.code == 0
    return town, ran, sc.run(sc.Study.from_file(town.study))


@pytest.fixture
def with_output(town, ran_once):
    """A study with the output of an earlier run."""
    for name, content in ran_once[0].files().items():
        (town.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (town.folder / name).write_bytes(content)
    return town


@pytest.fixture
def computed(with_output, ran_once, monkeypatch):
    """The same, where a run has its figures at once: what follows is writing."""
    monkeypatch.setattr(pipeline, "run", lambda study, **kwargs: ran_once[2])
    return with_output


def python(*arguments, **environment):
    """Run Python in a fresh process."""
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "COV"))}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        env={**keep, "PYTHONUTF8": "0", **environment},
        check=False,
        timeout=60,
    )


# ---------------------------------------------------------------- speaking


def test_version():
    ran = command("--version")
    assert (ran.code, ran.out.strip()) == (0, f"servicecircle {sc.__version__}")


@pytest.mark.parametrize("verb", VERBS)
def test_help_names_every_option_in_both_languages_with_its_default(verb, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    ran = command(verb, "--help")
    assert ran.code == 0
    assert re.search("[一-鿿]", ran.out)
    for name, default in {
        "demo": {"--output": "servicecircle-demo", "--workers": "2"},
        "run": {"--workers": "2", "--output": "default: the study's", "--language": "default: the study's"},
        "check": {"--output": "default: the study's", "--language": "default: the study's"},
        "init": {"--language": "zh"},
        "fetch": {},
        "doctor": {},
    }[verb].items():
        option = ran.out[ran.out.index(name) :]
        assert default in option[: option.find("\n", 400)], (name, default)


def test_help_lists_every_verb():
    ran = command("--help")
    assert ran.code == 0
    assert all(verb in ran.out for verb in VERBS)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--nope",),
        ("nope",),
        ("run",),
        ("run", "--nope", "x"),
        ("run", "x.toml", "--workers", "0"),
        ("run", "x.toml", "--language", "fr"),
        ("run", "x.toml", "y.toml"),
        ("run", "a\0b"),
        ("init",),
    ],
)
def test_wrong_use_is_code_2_without_traceback_or_log(arguments):
    ran = command(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert "Error" in ran.err
    assert "Traceback" not in ran.err
    assert ".log" not in ran.err


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "错误："),
        ({"LANG": "en_GB.UTF-8"}, "Error: "),
        ({"LANG": "en_GB.UTF-8", "LC_ALL": "zh_CN.UTF-8"}, "错误："),
    ],
)
def test_before_a_study_is_read_the_system_decides_the_language(tmp_path, monkeypatch, variables, says):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert command("run", tmp_path / "none.toml").err.startswith(says)
    assert command("run", tmp_path / "none.toml", "-l", "zh").err.startswith("错误：")
    assert command("run", "--language", "en", tmp_path / "none.toml").err.startswith("Error: ")


@pytest.mark.parametrize(("language", "says"), [("zh", "错误："), ("en", "Error: ")])
def test_once_a_study_is_read_its_own_language_is_spoken(tmp_path, language, says):
    town = SmallTown(tmp_path / "town").write(language=language, sources={"streets.osm": "none.osm"})
    assert command("run", town.study, "-q").err.startswith(says)
    assert command("check", town.study).err.startswith(says)


def test_progress_is_plain_lines_where_there_is_no_terminal(ran_once):
    lines = ran_once[1].err.splitlines()
    assert len(lines) == len(pipeline.STAGES)
    assert all(re.fullmatch(r" *\d+% [一-鿿].*", line) for line in lines)
    shares = [int(line.split("%")[0]) for line in lines]
    assert shares == sorted(shares)
    assert "\x1b" not in ran_once[1].err


def test_progress_is_a_bar_on_a_terminal(town, monkeypatch):
    class Terminal:
        encoding = "utf-8"

        def __init__(self):
            self.text = ""

        def write(self, text):
            self.text += text
            return len(text)

        def flush(self):
            pass

        def isatty(self):
            return True

    from servicecircle.terminal import progress

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress("en", quiet=False) as report:
        report("read_streets", 0.5)
    assert "Reading streets" in terminal.text
    assert "50%" in terminal.text


def test_quiet_says_nothing_on_stderr_and_the_figures_on_stdout(town, ran_once):
    ran = command("run", town.study, "--quiet")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.replace(str(town.folder), "") == ran_once[1].out.replace(str(ran_once[0].folder), "")
    assert str(town.output / "index.html") in ran.out
    assert "64.4%" in ran.out


def test_strict_is_code_1_where_a_standard_that_is_due_is_not_met(town):
    assert command("run", town.study, "-q", "--strict").code == 1
    assert (town.output / "index.html").is_file()
    rows = "".join(
        f"{i},院{i},村级幸福院,运营中,{LON + i % 3 * STEP:.4f},{LAT + i // 3 * STEP:.4f}\n" for i in range(9)
    )
    town.put("facilities.csv", HEADER + rows)
    assert command("run", town.study, "-q", "--strict").code == 1  # the county has no support facility
    town.put("study.toml", town.study.read_text("utf-8").replace("[rules]", '[rules]\nprofile = "own.toml"'))
    town.put("own.toml", CIRCLE_CLAUSE)
    assert command("run", town.study, "-q", "--strict", "-o", town.folder / "own").code == 0


def test_without_a_data_date_today_is_taken_and_said_even_without_time_zones(town):
    text = town.study.read_text("utf-8").replace("as_of = 2026-06-30\n", "")
    town.put("study.toml", text)
    code = "import sys; sys.modules['tzdata'] = None; from servicecircle import cli; cli.main()"
    ran = python("-c", code, "check", town.study, PYTHONTZPATH="")
    assert ran.returncode == 0, ran.stderr
    assert "as_of" in (town.folder / "check.html").read_text("utf-8")


# ---------------------------------------------------------------- the other verbs


def test_check_writes_its_two_files_and_changes_nothing(town):
    before = town.files()
    ran = command("check", town.study)
    assert (ran.code, ran.err) == (0, "")
    after = town.files()
    assert after.keys() - before.keys() == {"check.html", "rejects.xlsx"}
    assert all(after[name] == content for name, content in before.items())


@pytest.mark.parametrize("verb", ["demo", "check", "run", "init"])
def test_a_file_in_place_of_a_folder_is_one_clear_line(town, verb):
    taken = town.put("taken", "mine")
    before = town.files()
    for place in (taken, taken / "below"):
        arguments = {
            "demo": ("demo", "-q", "-o", place), "check": ("check", town.study, "-o", place),
            "run": ("run", town.study, "-q", "-o", place), "init": ("init", place),
        }[verb]  # fmt: skip
        ran = command(*arguments)
        assert (ran.code, len(ran.err.splitlines())) == (2, 1), ran.err
        assert "taken" in ran.err
        assert town.files() == before


def test_the_demo_leaves_a_folder_of_ones_own_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    ran = command("demo", "-q", "-o", tmp_path)
    assert (ran.code, [p.name for p in tmp_path.iterdir()]) == (2, ["mine.txt"])
    town = SmallTown(tmp_path / "town").write()
    before = town.files()
    assert command("demo", "-q", "-o", town.folder).code == 2
    assert town.files() == before


def test_nothing_is_fetched_unless_allowed(tmp_path):
    for arguments in (("--place", "x"), ("--online",), ("--online", "--place", "x", "--boundary", "y.gpkg")):
        ran = command("fetch", tmp_path / "streets", *arguments)
        assert (ran.code, len(ran.err.splitlines())) == (2, 1)
    assert not (tmp_path / "streets").exists()


# ---------------------------------------------------------------- mishaps


def leftovers(town):
    return sorted(p.name for p in (town.folder / "maps").iterdir() if p.name != "study")


@pytest.mark.parametrize("stage", ["read_streets", "reach_each", "write_tables", "write_pages"])
def test_ctrl_c_at_any_stage_keeps_the_old_output(with_output, monkeypatch, stage):
    def interrupted(clock, name):
        if name == stage:
            raise KeyboardInterrupt
        begin(clock, name)

    begin = pipeline._Clock.begin
    monkeypatch.setattr(pipeline._Clock, "begin", interrupted)
    before = with_output.files()
    ran = command("run", with_output.study, "-q")
    assert (ran.code, ran.out) == (130, "")
    assert ran.err.strip() == "已中断，未写入任何结果。"
    assert with_output.files() == before
    assert leftovers(with_output) == []


def test_ctrl_c_while_the_folders_are_switched(computed, monkeypatch):
    rename = Path.rename

    def interrupted(path, target):
        if ".new-" in path.name:
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    before = computed.files()
    assert command("run", computed.study, "-q").code == 130
    assert computed.files() == before
    assert leftovers(computed) == []


KILLED = """
import os, signal, sys
stage = sys.argv.pop()
from servicecircle import cli, pipeline
begin = pipeline._Clock.begin
def killed(clock, name):
    if name == stage:
        os.kill(os.getpid(), signal.SIGKILL)
    begin(clock, name)
pipeline._Clock.begin = killed
if stage == "switch":
    import pathlib
    rename = pathlib.Path.rename
    def half(path, target):
        if ".new-" in path.name:
            os.kill(os.getpid(), signal.SIGKILL)
        return rename(path, target)
    pathlib.Path.rename = half
cli.main()
"""


@pytest.mark.parametrize("stage", ["write_geopackage", "switch"])
def test_killed_at_any_stage_the_old_output_is_whole_and_the_next_run_works(with_output, stage):
    before = with_output.files()
    ran = python("-c", KILLED, "run", with_output.study, "-q", stage)
    assert ran.returncode == -signal.SIGKILL
    kept = with_output.output
    if stage == "switch":  # the old one had stepped aside: whole, and put back by the next start
        kept = next(p for p in kept.parent.iterdir() if ".old-" in p.name)
    old = {n.removeprefix("maps/study/"): c for n, c in before.items() if n.startswith("maps/study/")}
    assert {p.relative_to(kept).as_posix(): p.read_bytes() for p in kept.rglob("*") if p.is_file()} == old
    assert command("run", with_output.study, "-q").code == 0
    assert leftovers(with_output) == []
    assert before.keys() == with_output.files().keys()


def refused(town, *, names=()):
    before = town.files()
    ran = command("run", town.study, "-q")
    assert (ran.code, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 1, ran.err
    assert ran.err.startswith("错误：")
    assert "Traceback" not in ran.err
    for name in names:
        assert name in ran.err
    assert town.files() == before
    return ran.err


def test_a_file_held_open_in_excel_keeps_the_old_output_and_is_named(computed, monkeypatch):
    """Windows refuses to rename a folder while a file in it is open."""
    rename, opened = Path.rename, Path.open

    def held(path, target):
        if path == computed.output:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return rename(path, target)

    def locked(path, mode="r", *args, **kwargs):
        if path.name == "tables.xlsx" and mode == "r+b":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return opened(path, mode, *args, **kwargs)

    monkeypatch.setattr(folder_module.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(Path, "rename", held)
    monkeypatch.setattr(Path, "open", locked)
    refused(computed, names=("tables.xlsx", "Excel"))
    assert leftovers(computed) == []


@pytest.mark.parametrize(
    "name",
    [
        "pipeline.write_tables", "pipeline.write_geopackage", "pipeline.write_pages",
        "report.write.full_report", "report.write.write_zip", "report.manifest.write_manifest",
    ],
)  # fmt: skip
def test_a_full_disk_is_one_clear_line(computed, monkeypatch, name):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(f"servicecircle.{name}", full)
    refused(computed, names=(os.strerror(errno.ENOSPC), "磁盘"))
    assert leftovers(computed) == []


def test_a_disk_that_fills_up_under_gdal(computed, monkeypatch):
    import pyogrio

    def full(*args, **kwargs):
        raise pyogrio.errors.DataSourceError("disk I/O error: database or disk is full")

    monkeypatch.setattr(pyogrio, "write_dataframe", full)
    refused(computed, names=("coverage.gpkg", "full"))
    assert leftovers(computed) == []


def test_a_folder_that_may_not_be_written(with_output, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    refused(with_output, names=(str(with_output.output),))


def test_a_foreign_folder_is_refused_before_any_work(town, monkeypatch):
    monkeypatch.setattr(pipeline, "check_inputs", None)
    town.output.mkdir(parents=True)
    (town.output / "thesis.docx").write_text("mine")
    refused(town, names=(str(town.output), "--output"))


def test_what_the_user_put_into_the_output_stays(computed):
    (computed.output / "我的批注.docx").write_text("mine")
    assert command("run", computed.study, "-q").code == 0
    assert (computed.output / "我的批注.docx").read_text() == "mine"


def test_the_manifest_lists_what_is_there_and_knows_no_place_of_this_machine(with_output):
    text = (with_output.output / "run.json").read_text("utf-8")
    listed = {entry["name"] for entry in json.loads(text)["files"]}
    there = {name.removeprefix("maps/study/") for name in with_output.files() if name.startswith("maps/")}
    assert listed | {"run.json"} == there
    assert "/tmp" not in text


@pytest.mark.parametrize(("language", "says"), [("zh", "程序出错"), ("en", "fault of ours")])
def test_our_own_fault_is_code_3_one_line_and_a_log(with_output, monkeypatch, language, says):
    def broken(*args, **kwargs):
        raise ZeroDivisionError("something\nlong")

    monkeypatch.setattr(pipeline, "judge", broken)
    before = with_output.files()
    ran = command("run", with_output.study, "-q", "-l", language)
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (3, "", 1)
    assert says in ran.err
    assert "ZeroDivisionError: something" in ran.err
    log = Path(re.search(r"/\S*servicecircle-\w+\.log", ran.err).group())
    try:
        assert "Traceback (most recent call last)" in log.read_text("utf-8")
        assert "in broken" in log.read_text("utf-8")
    finally:
        log.unlink()
    assert with_output.files() == before


# ---------------------------------------------------------------- Windows and fresh processes


def test_a_chinese_windows_console_prints_what_it_can(tmp_path):
    """cp936 has no emoji: a name that holds one must not end the run."""
    town = SmallTown(tmp_path / "有 空格 的 文件夹").write(language="zh")
    town.put("study.toml", town.study.read_text("utf-8").replace("小镇", "👵小镇é"))
    ran = python("-m", "servicecircle", "run", town.study, PYTHONIOENCODING="cp936")
    assert ran.returncode == 0, ran.stderr
    assert "小镇" in ran.stdout.decode("cp936")
    assert "读取道路" in ran.stderr.decode("cp936")
    ran = python("-m", "servicecircle", "run", tmp_path / "👵.toml", "-l", "zh", PYTHONIOENCODING="cp936")
    assert ran.returncode == 2
    assert "找不到研究文件" in ran.stderr.decode("cp936")
    assert b"Traceback" not in ran.stderr


HEAVY = (
    "geopandas", "pandas", "osmnx", "folium", "scipy", "shapely", "rasterio", "pyproj", "networkx",
    "pydantic",
)  # fmt: skip


def loaded(statement):
    code = f"import sys; {statement}; print([m for m in {HEAVY!r} if m in sys.modules])"
    ran = python("-W", "error", "-c", code)
    assert (ran.returncode, ran.stderr) == (0, b"")
    return ran.stdout.decode().splitlines()[-1]


def test_importing_is_light_and_quiet():
    assert loaded("import servicecircle") == "[]"
    assert loaded("import servicecircle; servicecircle.within(1.0, 2.0)") == "[]"
    assert loaded("from servicecircle import InputError, Findings") == "[]"


def test_help_starts_without_the_heavy_libraries():
    code = """
        import atexit, runpy, sys
        atexit.register(lambda: print([m for m in %r if m in sys.modules]))
        sys.argv = ["servicecircle", "--help"]
        runpy.run_module("servicecircle", run_name="__main__")
    """
    ran = python("-c", dedent(code) % (HEAVY,), PYTHONIOENCODING="utf-8")
    assert ran.stdout.decode().splitlines()[-1] == "[]"


PUBLIC = [
    "Coverage", "Finding", "Findings", "InputError", "Inputs", "Network", "OutputError", "Run",
    "ServiceCircleError", "Study", "TravelField", "check", "isochrones", "judge", "read_streets", "run",
    "sample_folder", "travel_field", "within",
]  # fmt: skip


def test_the_public_names_are_these():
    assert servicecircle.__all__ == PUBLIC
    assert dir(servicecircle) == sorted([*PUBLIC, "__version__"])
    everything = {}
    exec("from servicecircle import *", everything)
    assert set(PUBLIC) <= everything.keys()
    for name in PUBLIC:
        assert getattr(servicecircle, name).__module__.startswith("servicecircle")
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = servicecircle.nothing_like_it


def test_errors_are_what_python_code_expects():
    assert issubclass(sc.InputError, ValueError)
    assert issubclass(sc.OutputError, OSError)
    error = sc.InputError("study.missing", where="a.toml", path="a.toml")
    assert "a.toml" in str(error)
    assert error.remedy in str(error)
