"""One scheduled run, if it is due and if anything has changed; whatever becomes of it is remembered."""

from __future__ import annotations

import shutil
import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from servicecircle.errors import OutputError, ServiceCircleError
from servicecircle.keeping import History
from servicecircle.outputs.lock import holder, try_lock
from servicecircle.schedule.faults import as_ours, said_by
from servicecircle.schedule.job import Conduct, Job
from servicecircle.schedule.log import stage_log
from servicecircle.schedule.marks import mark_of
from servicecircle.schedule.publish import last_finished, prune, showing
from servicecircle.schedule.states import PUBLISHED, Attempt, Reports, State, read_told
from servicecircle.schedule.timing import Timetable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicecircle.schedule.states import Result
    from servicecircle.study import Study


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What became of a scheduled run.

    Parameters
    ----------
    result
        `not_due` and `busy`: nothing was done.
    state
        The run it is about, if any.
    pid
        The process that holds the lock, where one does.
    error
        Why it failed.
    problems
        What went wrong besides and stopped nothing.
    """

    result: Result | Literal["not_due", "busy"]
    state: State | None = None
    pid: str = ""
    error: Exception | None = None
    problems: tuple[str, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether what the study finds now is held back."""
        return self.state is not None and self.state.status == "held"


def run_once(study: Study, conduct: Conduct, *, if_due: bool) -> Outcome:
    """
    Run a study, unless nothing has changed, and publish what it finds or hold it back.

    What fails while it runs is part of the outcome. Where another process runs the study, nothing is done.

    Parameters
    ----------
    if_due
        Whether nothing is done before the next time that the study names.

    Raises
    ------
    InputError
        The cron expression or the time zone is none.
    OutputError
        The folder of the reports may not be written.
    """
    table = Timetable.of(study)
    reports = ready(study)
    try:
        with try_lock(reports.lock) as alone:
            if not alone:
                return Outcome("busy", pid=holder(reports.lock))
            with stage_log(reports.log) as log:
                job = Job(remembering(study), reports, conduct, log)
                if if_due and not _is_due(job, table):
                    return Outcome("not_due")
                return _given_up(job) if if_due and _killed(job) > job.schedule.retries else _attempt(job)
    except OSError as error:  # a disk so full that nothing at all can be noted
        failed = as_ours(error)
        if failed is error:
            raise
        return Outcome("failed", error=failed)


def ready(study: Study) -> Reports:
    """
    Return the folder of a study's reports, made where absent.

    Raises
    ------
    OutputError
        It may not be written, or is that of another study.
    """
    reports = Reports.of(study)
    try:
        reports.runs.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = error.strerror or str(error)
        raise OutputError("output.read_only", path=str(reports.root), why=why) from error
    theirs = read_told(reports.latest).get("study", {}).get("id", study.id)
    if theirs != study.id:
        raise OutputError("schedule.other_study", path=str(reports.root), id=str(theirs))
    return reports


def remembering(study: Study) -> Study:
    """Return the same study with a history: what is published is always remembered."""
    return study.model_copy(update={"history": study.history or History()})


def _is_due(job: Job, table: Timetable) -> bool:
    attempt, now = job.reports.attempt(), job.conduct.now()
    if attempt is None:
        return True
    believed = table.believed(now, attempt.done_until)
    if believed != attempt.done_until:
        job.log.event("clock_set_back", level="warning", was=attempt.done_until, now=now)
        job.reports.save_attempt(attempt.model_copy(update={"done_until": believed}))
    due = table.due(now, believed)
    return due is not None and due <= now


def _killed(job: Job) -> int:
    """Return how often a run was killed since the last attempt that came to an end."""
    attempt = job.reports.attempt()
    since = [s for s in job.reports.states() if attempt is None or s.started_at > attempt.done_until]
    return sum(s.status == "running" or (s.status == "failed" and not s.error) for s in since)


def _given_up(job: Job) -> Outcome:
    """Wait for the next time, so that a study too large for the machine does not keep it busy for ever."""
    error = OutputError("schedule.interrupted", count=_killed(job))
    job.log.event("given_up", level="error", error=error.text("en"))
    job.settle()
    job.reports.save_attempt(Attempt(done_until=job.conduct.now(), result="failed"))
    job.announce("failed", None, error=error.text(job.study.language))
    return Outcome("failed", error=error, problems=tuple(job.problems))


def _attempt(job: Job) -> Outcome:
    began = job.conduct.now()
    job.log.event("begin")
    result: Result = "failed"
    state, failed = None, None
    try:
        result, state = _done(job)
    except Exception as error:  # noqa: BLE001  whatever it is, the next run is due all the same
        failed, state = _failed(job, error)
    run_id = state.run_id if state else ""
    with _as_problem(job):
        prune(job.reports, job.conduct.now(), keep=job.schedule.keep_reports)
    with _as_problem(job):
        job.reports.save_attempt(Attempt(done_until=began, result=result, run_id=run_id))
    job.log.event(result, level="error" if failed else "info", run_id=run_id)
    return Outcome(result, state, error=failed, problems=tuple(job.problems))


def _done(job: Job) -> tuple[Result, State]:
    job.settle()
    mark = mark_of(job.study)
    known = _made_from(job.reports, mark)
    _withdraw(job, known)
    if known is not None and (known.recorded or known.status not in PUBLISHED):
        return "unchanged", known
    from servicecircle.schedule.making import make, remember_late  # heavy, and mostly not needed

    if known is not None:
        return "unchanged", remember_late(job, known)
    state = make(job, mark)
    return ("held" if state.status == "held" else "published"), state


def _withdraw(job: Job, known: State | None) -> None:
    """Let nobody approve a held run after its inputs were put back to what is published."""
    newest = last_finished(job.reports)
    if known and newest and newest.status == "held" and known.run_id != newest.run_id:
        job.reports.save(newest.model_copy(update={"status": "superseded"}))


@contextmanager
def _as_problem(job: Job) -> Iterator[None]:
    """Let what the system refuses stop nothing: a full disk must not hide what was found before."""
    try:
        yield
    except OSError as error:
        job.problem(as_ours(error))


def _made_from(reports: Reports, mark: str) -> State | None:
    """Return the run that is the newest, or on show, if it was made from the very same."""
    newest, on_show = last_finished(reports), showing(reports)
    shown = next((state for state in reports.states() if state.run_id == on_show), None)
    return next((state for state in (newest, shown) if mark and state and state.mark == mark), None)


def _failed(job: Job, error: Exception) -> tuple[Exception, State | None]:
    """Note a failed run, remove what it wrote, and tell of it."""
    error = as_ours(error)
    said = said_by(error)
    trace = "" if isinstance(error, ServiceCircleError) else "".join(traceback.format_exception(error))
    job.log.event("error", level="error", error=said["en"], traceback=trace)
    state = next((s for s in job.reports.states() if s.status == "running"), None)
    with _as_problem(job):
        if state is not None:
            shutil.rmtree(job.reports.folder(state.run_id), ignore_errors=True)
            told = {"status": "failed", "ended_at": job.conduct.now(), "error": said}
            state = state.model_copy(update=told)
            job.reports.save(state)
    job.announce("failed", state, error=said[job.study.language])
    return error, state
