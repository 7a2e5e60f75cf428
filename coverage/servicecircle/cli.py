"""The command `servicecircle`: parses, calls the pipeline, prints. Everything else is elsewhere."""

from __future__ import annotations

import shutil
import sys
import tempfile
import traceback
import webbrowser
from dataclasses import dataclass
from filecmp import cmp
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from servicecircle import __version__, compare_verb, report_verb, schedule_verbs, standards_verb, words
from servicecircle.errors import InputError, OutputError, ServiceCircleError
from servicecircle.terminal import InLanguage, Language, headline, locale_language, progress, waiting_lines

if TYPE_CHECKING:
    from servicecircle.pipeline import Run
    from servicecircle.study import Study
    from servicecircle.terminal import Report

DONE, UNMET, WRONG, OUR_BUG = 0, 1, 2, 3
STOPPED = 130  # what shells report for Ctrl-C

app = typer.Typer(
    help="Tests the 15-minute and 1-kilometre service circles of elder-care facilities and maps the gaps. "
    "检验养老服务设施“一刻钟”“一公里”服务圈，绘制覆盖缺口图。",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(standards_verb.app, name="standards")
app.command()(compare_verb.compare)
app.command()(report_verb.report)
for verb in (schedule_verbs.schedule, schedule_verbs.status, schedule_verbs.approve):
    app.command()(verb)


@dataclass(slots=True)
class _Speech:
    """The language of what goes wrong: the one asked for or the system's, then the study's."""

    language: words.Language


StudyFile = Annotated[Path, typer.Argument(metavar="STUDY", help="Study file (TOML). 研究文件。")]
OutputFolder = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", help="Folder to write; default: the study's. 输出文件夹。", show_default=False
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on the screen. 不显示进度。")]
Workers = Annotated[
    int, typer.Option("--workers", "-w", min=1, help="Threads that draw circles and pages. 并行线程数。")
]
Online = Annotated[bool, typer.Option("--online", help="Allow downloads. 允许联网下载。")]


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version. 显示版本。")] = False,
) -> None:
    if version:
        typer.echo(f"servicecircle {__version__}")
        raise typer.Exit


@app.command()
def demo(
    context: typer.Context,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder to copy the sample study to. 示例存放的文件夹。")
    ] = Path("servicecircle-demo"),
    open_: Annotated[
        bool, typer.Option("--open", help="Open the map in a browser. 用浏览器打开地图。")
    ] = False,
    language: InLanguage = None,
    quiet: Quiet = False,
    workers: Workers = 2,
) -> None:
    """Copy the sample study of a fictional county, run it and print its headline. 运行示例。"""
    try:
        study_file = _copy_sample(output)
    except OSError as error:
        raise OutputError("output.read_only", path=str(output), why=error.strerror or str(error)) from error
    folder = _run_study(context, study_file, None, language, workers, quiet=quiet)[1]
    if open_:
        webbrowser.open((folder / "index.html").resolve().as_uri())


@app.command()
def run(
    context: typer.Context,
    study: StudyFile,
    output: OutputFolder = None,
    language: InLanguage = None,
    workers: Workers = 2,
    quiet: Quiet = False,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Exit with 1 if a clause that must be met is not. 未达标时返回 1。"),
    ] = False,
    online: Online = False,
) -> None:
    """Run a study: maps, tables, GeoPackage, reports. 运行研究，输出地图、表格和报告。"""
    results, _ = _run_study(context, study, output, language, workers, quiet=quiet, online=online)
    if strict and _unmet(results):
        raise typer.Exit(UNMET)


@app.command()
def check(
    context: typer.Context,
    study: StudyFile,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder to write; default: the study's own.", show_default=False),
    ] = None,
    language: InLanguage = None,
) -> None:  # fmt: skip
    """Read and check every input, write check.html and rejects.xlsx, change nothing. 检查输入数据。"""
    from servicecircle.outputs.check import write_check
    from servicecircle.pipeline import check as check_study

    loaded = _load(context, study, language)
    inputs = check_study(loaded)
    folder = output or loaded.path.parent
    counts = {s: sum(f.severity == s for f in inputs.findings) for s in ("error", "warning", "info")}
    typer.echo(words.label("cli", "checked", loaded.language).format_map(counts))
    for line in waiting_lines(inputs, loaded.language):
        typer.echo(line)
    for path in write_check(inputs, folder):
        typer.echo(str(path))


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder to make. 新文件夹。")],
    language: Annotated[
        Language, typer.Option("--language", "-l", help="Of the templates. 模板语言。")
    ] = Language.zh,
) -> None:
    """Write a study file and Excel templates to fill in. 新建研究文件和填报模板。"""
    from servicecircle.scaffold import init as scaffold

    for path in scaffold(folder, language=language.value):
        typer.echo(str(path))


@app.command()
def fetch(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder for the files. 存放文件夹。")],
    place: Annotated[
        str | None, typer.Option("--place", help="Place by name. 地名。", show_default=False)
    ] = None,
    boundary: Annotated[
        Path | None,
        typer.Option("--boundary", help="File of a boundary polygon. 边界文件。", show_default=False),
    ] = None,
    facilities: Annotated[
        bool, typer.Option("--facilities", help="Fetch facilities too. 同时下载设施。")
    ] = False,
    online: Online = False,
    quiet: Quiet = False,
) -> None:
    """Download the streets of a place from OpenStreetMap into dated files. 下载道路。"""
    import datetime as dt

    from servicecircle.sources.download import fetch as download

    if not online:
        raise InputError("cli.offline")
    if (place is None) == (boundary is None):
        raise InputError("cli.place_or_boundary")
    today = dt.datetime.now(dt.UTC).astimezone().date()
    with progress(locale_language(), quiet=quiet) as report:
        found = download(place, boundary, folder, facilities=facilities, today=today, on_progress=report)
    for path in (found.streets, found.facilities, found.provenance):
        if path is not None:
            typer.echo(str(path))


@app.command()
def doctor(language: InLanguage = None) -> None:
    """Tell what is installed, and what is missing. 检查运行环境。"""
    from servicecircle.doctor import examine

    checks = examine(language=language.value if language else locale_language())
    for found in checks:
        mark = {"ok": "[ok]", "warn": "[!]", "fail": "[x]"}[found.state]
        typer.echo(f"{mark:5}{found.name}: {found.detail}" + (f"\n     {found.mend}" if found.mend else ""))
    if any(found.state == "fail" for found in checks):
        raise typer.Exit(WRONG)


def _copy_sample(folder: Path) -> Path:
    """Copy the sample study; a folder that holds anything else of these names, or no study, is refused."""
    from servicecircle.sample import sample_folder

    items = [item for item in sorted(sample_folder().iterdir()) if item.is_file() and item.suffix != ".py"]
    folder.mkdir(parents=True, exist_ok=True)
    there = [item for item in items if (folder / item.name).exists()]
    if any(not cmp(item, folder / item.name, shallow=False) for item in there) or (
        any(folder.iterdir()) and not there
    ):
        raise InputError("cli.demo_taken", where=str(folder))
    for item in items:
        shutil.copyfile(item, folder / item.name)
    return folder / "study.toml"


def _load(context: typer.Context, path: Path, language: Language | None) -> Study:
    from servicecircle.study import Study

    study = Study.from_file(path)
    study = study.in_language(language.value) if language else study
    context.obj.language = study.language
    return study


def _run_study(
    context: typer.Context,
    path: Path,
    output: Path | None,
    language: Language | None,
    workers: int,
    *,
    quiet: bool,
    online: bool = False,
) -> tuple[Run, Path]:
    from servicecircle.outputs.folder import recover, refuse_foreign
    from servicecircle.pipeline import run as run_study

    study = _load(context, path, language)
    study = study.going_online() if online else study
    folder = output or study.folder
    recover(folder)
    refuse_foreign(folder)
    with progress(study.language, quiet=quiet) as report:
        streets = _download_streets(study, report) if online and not study.streets.source else None
        results = run_study(study, on_progress=report, streets=streets, workers=workers)
        written = results.write(folder, on_progress=report, workers=workers)
    for line in headline(results.manifest, study.language):
        typer.echo(line)
    typer.echo(f"{words.label('cli', 'map', study.language)}{written / 'index.html'}")
    reports = [written / name for name in ("report.docx", "report.html") if (written / name).is_file()]
    if reports:
        typer.echo(f"{words.label('cli', 'report', study.language)}{reports[0]}")
    if study.history is not None:
        for line in compare_verb.remember(written, study):
            typer.echo(line)
    return results, written


def _download_streets(study: Study, report: Report) -> Path:
    import datetime as dt

    from servicecircle.sources.download import streets_of_place

    today = dt.datetime.now(dt.UTC).astimezone().date()
    folder = study.path.parent / "downloads"
    return streets_of_place(str(study.streets.place), folder, today=today, on_progress=report)


def _unmet(results: Run) -> bool:
    """Tell whether a clause that must be met by now, and is no draft's, is not met somewhere."""
    judged = results.verdicts
    return bool((judged["severity"].eq("fail") & judged["verdict"].eq("not_met")).any())


def _language_of(arguments: list[str]) -> words.Language:
    """Return the language to speak before a study is read: the one asked for, else the system's."""
    for flag, value in pairwise(arguments):
        if flag in {"-l", "--language"} and value in {"zh", "en"}:
            return "zh" if value == "zh" else "en"
    return locale_language()


def _bug(error: Exception, language: words.Language) -> None:
    """Keep the traceback in a file, and say one line."""
    text = "".join(traceback.format_exception(error))
    with tempfile.NamedTemporaryFile(
        "w", prefix="servicecircle-", suffix=".log", delete=False, encoding="utf-8"
    ) as log:
        log.write(text)
    what = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    typer.echo(words.label("cli", "bug", language).format_map({"what": what, "log": log.name}), err=True)


def main() -> NoReturn:
    """Run the command and exit: 0 done, 1 unmet with --strict, 2 wrong use or input, 3 our bug."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a cp936 console lacks some characters of a name
    speech = _Speech(_language_of(sys.argv))
    try:
        code = app(prog_name="servicecircle", standalone_mode=False, obj=speech)
    except ServiceCircleError as error:
        typer.echo(f"{words.label('cli', 'error', speech.language)}{error.text(speech.language)}", err=True)
        code = WRONG
    except typer.Exit as leave:
        code = leave.exit_code
    except (typer.Abort, KeyboardInterrupt):
        code = STOPPED
    except Exception as error:  # noqa: BLE001  whatever it is, it is ours to explain
        code = _other(error, speech.language)
    if code == STOPPED:
        typer.echo(words.label("cli", "stopped", speech.language), err=True)
    sys.exit(code if isinstance(code, int) else DONE)


def _other(error: Exception, language: words.Language) -> int:
    """Show wrong use as typer words it; its errors are click's, or those of a copy of click of its own."""
    show = getattr(error, "show", None)
    if show is not None:
        show()
        return WRONG
    _bug(error, language)
    return OUR_BUG
