"""What `status` tells: the last runs, the next ones, what is held back and why."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from servicecircle.errors import OutputError
from servicecircle.outputs.lock import holder, try_lock
from servicecircle.schedule.facts import reasons, said
from servicecircle.schedule.publish import showing, waiting
from servicecircle.schedule.states import Reports
from servicecircle.schedule.timing import Timetable
from servicecircle.units import percent

if TYPE_CHECKING:
    from servicecircle import words
    from servicecircle.schedule.states import State
    from servicecircle.study import Study

    Rows = tuple[list[str], list[list[str]]]

_LANGUAGES: tuple[words.Language, ...] = ("zh", "en")
_RUNS, _NEXT = 10, 3
_HEADLINES = ("met_rate", "unit_coverage", "elderly_share", "people_share")


def status_of(study: Study, *, now: dt.datetime) -> dict[str, Any]:
    """
    Return where a study's reports stand, as JSON knows it; nothing is changed.

    Raises
    ------
    InputError
        The cron expression or the time zone is none.
    """
    table, reports = Timetable.of(study), Reports.of(study)
    states, attempt = reports.states(), reports.attempt()
    return {
        "study": study.id, "name": study.name, "folder": str(reports.root), "now": _iso(now, table),
        "timezone": table.zone.key,
        "latest": showing(reports), "running": _running(reports),
        "next": [_iso(moment, table) for moment in table.coming(now, _NEXT)],
        "last_attempt": attempt and {
            "at": _iso(attempt.done_until, table), "result": attempt.result, "run_id": attempt.run_id,
        },
        "runs": [_run(state, table) for state in states[:_RUNS]],
        "waiting": [_run(state, table) for state in waiting(reports)],
        "unknown": reports.unknown(),
    }  # fmt: skip


def status_lines(told: dict[str, Any], language: words.Language) -> list[str]:
    """Return what stands above the table of runs."""
    lines = [said("title", language, name=told["name"], folder=told["folder"])]
    if told["running"]:
        lines.append(said("running_now", language, pid=told["running"]))
    latest = told["latest"]
    lines.append(said("latest", language, run=latest) if latest else said("no_latest", language))
    if told["last_attempt"]:
        result = said(f"result_{told['last_attempt']['result']}", language)
        lines.append(said("last", language, at=_clock(told["last_attempt"]["at"]), result=result))
    if told["next"]:
        lines.append(
            said("next", language, times=", ".join(map(_clock, told["next"])), zone=told["timezone"])
        )
    lines += [said("unknown", language, run=name) for name in told["unknown"]]
    return lines


def run_rows(told: dict[str, Any], language: words.Language) -> Rows:
    """Return the table of the last runs, newest first."""
    headers = [said(key, language) for key in ("run", "began", "status", "as_of", "headline", "seconds")]
    return headers, [
        [
            run["run_id"], _clock(run["started_at"]), _status(run, language), run["as_of"] or "—",
            _headline(run, language), "—" if run["seconds"] is None else f"{run['seconds']:,.0f}",
        ]
        for run in told["runs"]
    ]  # fmt: skip


def waiting_lines(told: dict[str, Any], language: words.Language) -> list[str]:
    """Return what waits for approval, and why it was held back."""
    lines: list[str] = []
    for run in told["waiting"]:
        lines.append(said(f"waits_{run['status']}", language, run=run["run_id"]))
        lines += [f"  - {line}" for line in run["why"][language]]
    return lines


def _run(state: State, table: Timetable) -> dict[str, Any]:
    seconds = (state.ended_at - state.started_at).total_seconds() if state.ended_at else None
    return {
        "run_id": state.run_id, "status": state.status, "as_of": state.as_of,
        "started_at": _iso(state.started_at, table), "seconds": seconds, "headlines": dict(state.headlines),
        "why": {language: reasons(state.why, language) for language in _LANGUAGES},
        "error": dict(state.error), "approved_by": state.approved_by,
        "approved_on": state.approved_on.isoformat() if state.approved_on else None,
    }  # fmt: skip


def _status(run: dict[str, Any], language: words.Language) -> str:
    status = said(run["status"], language)
    if run["approved_by"]:
        return said("approved", language, status=status, by=run["approved_by"], on=run["approved_on"])
    if run["status"] == "failed":
        return said(
            "failed_why", language, status=status, why=run["error"].get(language) or said("killed", language)
        )
    return status


def _headline(run: dict[str, Any], language: words.Language) -> str:
    shares = run["headlines"]
    shown = [f"{said(name, language)} {percent(shares[name])}" for name in _HEADLINES if name in shares]
    return "\n".join(shown) or "—"


def _running(reports: Reports) -> str:
    """Return the process that runs the study just now; ''."""
    if not reports.lock.exists():
        return ""
    try:
        with try_lock(reports.lock) as free:
            return "" if free else holder(reports.lock)
    except OutputError:
        return ""


def _iso(moment: dt.datetime, table: Timetable) -> str:
    return moment.astimezone(table.zone).isoformat(timespec="seconds")


def _clock(moment: str) -> str:
    return moment[:16].replace("T", " ")
