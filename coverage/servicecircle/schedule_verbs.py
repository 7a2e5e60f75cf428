"""The commands `schedule`, `status` and `approve`: reports by themselves, where they stand, who signs."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from servicecircle import words
from servicecircle.terminal import InLanguage, Language, progress, show_rows, show_text

if TYPE_CHECKING:
    import datetime as dt

    from servicecircle.schedule.job import Conduct
    from servicecircle.schedule.runner import Outcome
    from servicecircle.study import Study

REFUSED = 4


class System(StrEnum):
    """The timers of operating systems."""

    systemd = "systemd"
    cron = "cron"
    windows = "windows"


StudyFile = Annotated[Path, typer.Argument(metavar="STUDY", help="Study file (TOML). 研究文件。")]


def schedule(
    context: typer.Context,
    study: StudyFile,
    workers: Annotated[
        int, typer.Option("--workers", "-w", min=1, help="Threads that draw circles and pages. 并行线程数。")
    ] = 2,
    language: InLanguage = None,
    print_: Annotated[
        System | None,
        typer.Option(
            "--print",
            help="Print a file for a system's own timer. 输出系统定时任务文件。",
            show_default=False,
        ),
    ] = None,
    *,
    once: Annotated[bool, typer.Option("--once", help="Run now, and end. 立即运行一次后退出。")] = False,
    if_due: Annotated[
        bool, typer.Option("--if-due", help="Run now if due, and end. 到时间才运行，然后退出。")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress on the screen. 不显示进度。")
    ] = False,
) -> None:
    """Run a study when due; publish its reports, or hold them back (exit code 4). 定时运行并发布报告。"""
    from servicecircle.schedule.job import Conduct
    from servicecircle.schedule.runner import run_once

    read = _read(context, study, language)
    if print_ is not None:
        from servicecircle.schedule.timers import timer_file

        show_text(timer_file(read, print_.value).rstrip("\n"))
        return
    if not once and not if_due:
        _keep_running(study, Conduct(workers=workers), language)
        return
    with progress(read.language, quiet=quiet) as report:
        outcome = run_once(read, Conduct(workers=workers, on_progress=report), if_due=if_due)
    if not quiet or outcome.result not in {"not_due", "busy"}:  # a timer's mail tells what happened only
        _show(outcome, read)
    if outcome.error:
        raise outcome.error
    if outcome.refused:
        raise typer.Exit(REFUSED)


def status(
    context: typer.Context,
    study: StudyFile,
    language: InLanguage = None,
    *,
    json_: Annotated[bool, typer.Option("--json", help="All facts, as JSON. 以 JSON 输出。")] = False,
) -> None:
    """Show the last and the next runs, and what is held back and why. 查看运行状态。"""
    from servicecircle.schedule import status as told_by
    from servicecircle.schedule.job import utc_now

    read = _read(context, study, language)
    told = told_by.status_of(read, now=utc_now())
    if json_:
        show_text(json.dumps(told, ensure_ascii=False, indent=1))
        return
    for line in told_by.status_lines(told, read.language):
        show_text(line)
    if told["runs"]:
        show_rows(*told_by.run_rows(told, read.language))
    for line in told_by.waiting_lines(told, read.language):
        show_text(line)


def approve(
    context: typer.Context,
    study: StudyFile,
    by: Annotated[
        str,
        typer.Option(
            "--by", help="Who approves: a person or an office. 批准人（单位）。", show_default=False
        ),
    ],
    run: Annotated[
        str | None,
        typer.Option(
            "--run", help="Which run; default: the only one that waits. 运行编号。", show_default=False
        ),
    ] = None,
    language: InLanguage = None,
) -> None:
    """Release a held report, or make a draft final: it says who approved it. 批准报告。"""
    from servicecircle.schedule.approve import approve as approve_run
    from servicecircle.schedule.job import Conduct
    from servicecircle.schedule.states import Reports

    read = _read(context, study, language)
    state, problems = approve_run(read, Conduct(), by=by, run_id=run)
    latest = Reports.of(read).latest
    facts = {"run": state.run_id, "by": state.approved_by, "on": state.approved_on, "latest": latest}
    show_text(_said("is_approved", read, **facts))
    for problem in problems:
        show_text(_said("problem", read, what=problem))


def _read(context: typer.Context, path: Path, language: Language | None) -> Study:
    from servicecircle.study import Study

    study = Study.from_file(path)
    study = study.in_language(language.value) if language else study
    context.obj.language = study.language
    return study


def _keep_running(path: Path, conduct: Conduct, language: Language | None) -> None:
    from servicecircle.schedule.foreground import Told, keep_running

    def spoken(study: Study) -> Study:
        return study.in_language(language.value) if language else study

    def until(due: dt.datetime | None, study: Study) -> None:
        study = spoken(study)
        if due is None:
            show_text(_said("waits_never", study))
        else:
            show_text(_said("waits", study, at=f"{due:%Y-%m-%d %H:%M}", zone=due.tzinfo))

    def outcome(found: Outcome, study: Study) -> None:
        _show(found, spoken(study))

    keep_running(path, conduct, Told(outcome, until))


def _show(outcome: Outcome, study: Study) -> None:
    """Say what became of a run."""
    from servicecircle.schedule.faults import said_by
    from servicecircle.schedule.states import Reports

    state, latest = outcome.state, Reports.of(study).latest
    if outcome.result == "busy":
        show_text(_said("busy", study, pid=outcome.pid))
    elif outcome.result == "not_due":
        show_text(_said("not_due", study, at=_next(study)))
    elif outcome.error:
        show_text(_said("failed_now", study, why=said_by(outcome.error)[study.language]))
    elif state and outcome.result == "published":
        show_text(_said(f"published_{state.status}", study, run=state.run_id, latest=latest))
    elif state:
        if outcome.result == "unchanged":
            show_text(_said("unchanged", study, run=state.run_id))
        if outcome.refused:
            _show_reasons(outcome, study)
    for problem in outcome.problems:
        show_text(_said("problem", study, what=problem))


def _next(study: Study) -> str:
    from servicecircle.schedule.job import utc_now
    from servicecircle.schedule.timing import Timetable

    following = Timetable.of(study).after(utc_now())
    return f"{following:%Y-%m-%d %H:%M}" if following else "—"


def _show_reasons(outcome: Outcome, study: Study) -> None:
    from servicecircle.schedule.facts import reasons

    state = outcome.state
    if state is None:
        return
    show_text(_said("refused", study, run=state.run_id))
    for line in reasons(state.why, study.language):
        show_text(f"  - {line}")
    show_text(_said("how_to_release", study, study=study.path.name, run=state.run_id))


def _said(key: str, of: Study, /, **facts: Any) -> str:
    entry: list[str] = words.table("schedule")[key]
    return entry[0 if of.language == "zh" else 1].format_map(facts)
