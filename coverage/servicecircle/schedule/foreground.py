"""Waits in the foreground, and runs a study each time that it is due."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from servicecircle.errors import InputError, ServiceCircleError
from servicecircle.schedule.announce import announce
from servicecircle.schedule.faults import said_by
from servicecircle.schedule.runner import Outcome, run_once
from servicecircle.schedule.states import Reports
from servicecircle.schedule.timing import Timetable
from servicecircle.study import Study

if TYPE_CHECKING:
    from pathlib import Path

    from servicecircle.schedule.job import Conduct

STEP_S = 30.0
"""The longest sleep: the clock may be set, the machine may sleep, the study file may change."""


@dataclass(frozen=True, slots=True)
class Told:
    """
    Who is told what goes on.

    Parameters
    ----------
    outcome
        What became of a run.
    until
        The time that is waited for, whenever it has changed.
    """

    outcome: Callable[[Outcome, Study], None]
    until: Callable[[dt.datetime | None, Study], None]


def keep_running(path: Path, conduct: Conduct, told: Told) -> None:
    """
    Run a study whenever it is due, until the process is stopped.

    The study file is read again and again; one that is broken when a run is due is a failed run, and the next
    one is waited for.

    Raises
    ------
    InputError
        At the start, the study file, its cron expression or its time zone cannot be used.
    """
    study = Study.from_file(path)
    table = Timetable.of(study)
    tried: dt.datetime | None = None
    waited_for: dt.datetime | None = None
    busy = False
    while True:
        study, table = _fresh(path, study, table)
        now = conduct.now()
        due = _due(study, table, tried, now)
        if due is not None and due <= now:
            outcome = _run(path, study, conduct)
            if outcome.result != "not_due" and not (busy and outcome.result == "busy"):
                told.outcome(outcome, study)
            busy = outcome.result == "busy"
            if not busy:
                tried = now
                continue
            due = None
        elif due != waited_for:
            told.until(due, study)
            waited_for = due
        left_s = STEP_S if due is None else (due - now).total_seconds()
        conduct.wait(min(max(left_s, 1.0), STEP_S))


def _fresh(path: Path, study: Study, table: Timetable) -> tuple[Study, Timetable]:
    """Return the study file as it is now; as it was, while it is broken."""
    try:
        now = Study.from_file(path)
        return now, Timetable.of(now)
    except InputError:
        return study, table


def _due(study: Study, table: Timetable, tried: dt.datetime | None, now: dt.datetime) -> dt.datetime | None:
    """Return when the next run is due. `tried` counts too: on a full disk no attempt can be remembered."""
    attempt = Reports.of(study).attempt()
    if attempt and table.believed(now, attempt.done_until) != attempt.done_until:
        return now  # the clock was set back: the runner puts it right
    moments = [attempt.done_until] if attempt else []
    moments += [min(tried, now)] if tried else []
    return table.due(now, max(moments, default=None))


def _run(path: Path, study: Study, conduct: Conduct) -> Outcome:
    try:
        return run_once(Study.from_file(path), conduct, if_due=True)
    except ServiceCircleError as error:
        said = said_by(error)[study.language]
        problems = announce(study, Reports.of(study), "failed", None, error=said)
        return Outcome("failed", error=error, problems=tuple(problems))
