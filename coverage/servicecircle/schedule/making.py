"""A scheduled run is made, laid beside the last good one, and published or held back."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from servicecircle.errors import InputError, ServiceCircleError
from servicecircle.history.headlines import WHOLE
from servicecircle.history.record import record
from servicecircle.outputs.lasting import make_lasting
from servicecircle.outputs.reading import read_run
from servicecircle.pipeline import measure as measure_shares
from servicecircle.pipeline import run
from servicecircle.report.material import SignOff
from servicecircle.schedule.drift import changed_verdicts, drifts, inputs_of, measure
from servicecircle.schedule.faults import as_ours
from servicecircle.schedule.marks import mark_of
from servicecircle.schedule.publish import approved, showing, shown_meanwhile
from servicecircle.schedule.states import Fact, State

if TYPE_CHECKING:
    from servicecircle.outputs.reading import RunFrames
    from servicecircle.schedule.job import Job


def make(job: Job, mark: str) -> State:
    """
    Run the study; return the state of the run, which is published or held back.

    Parameters
    ----------
    mark
        Digest of what it is made from, taken before.
    """
    now = job.conduct.now()
    state = State(run_id=job.reports.next_id(job.today), status="running", started_at=now)
    job.reports.save(state)
    job.again(lambda: _write(job, state.run_id))
    return _publish(job, _measured(job, state, mark))


def approve_run(job: Job, state: State, *, by: str) -> State:
    """Rewrite the reports of a run as final, and publish it."""
    on = job.today
    with shown_meanwhile(job.reports, state.run_id):
        _sign(job, state, SignOff("final", by, on))
    recorded = state.recorded or _remember(job, state)
    make_lasting(job.reports.folder(state.run_id))
    job.reports.save(approved(state.model_copy(update={"recorded": recorded}), by=by, on=on))
    job.settle()
    final = _known(job, state.run_id)
    if state.published_at is not None:  # else it was told of as it was shown
        job.announce("published", final)
    return final


def remember_late(job: Job, state: State) -> State:
    """Record a published run that could not be recorded when it was made, such as in a locked database."""
    if _remember(job, state):
        state = state.model_copy(update={"recorded": True})
        job.reports.save(state)
    return state


def _known(job: Job, run_id: str) -> State:
    return next(state for state in job.reports.states() if state.run_id == run_id)


def _write(job: Job, run_id: str) -> None:
    log = job.log.of_run(run_id)
    with log.on_progress(job.conduct.on_progress) as watch:
        results = run(job.study, on_progress=watch, workers=job.conduct.workers)
        results.write(
            job.reports.folder(run_id),
            on_progress=watch,
            workers=job.conduct.workers,
            sign_off=SignOff(job.schedule.publish),
        )


def _measured(job: Job, state: State, mark: str) -> State:
    """Return the state of a written run with its figures, and with what holds it back."""
    found = read_run(job.reports.folder(state.run_id))
    measured = measure(found)
    why, verdicts = _beside_published(job, found)
    as_of = dt.date.fromisoformat(measured.as_of)
    told = {
        "ended_at": job.conduct.now(), "as_of": measured.as_of, "why": why, "verdicts": verdicts,
        "mark": mark if mark == mark_of(job.study, as_of=as_of) else "",  # else an input changed meanwhile
        "headlines": {name: share for (code, name), share in measured.shares.items() if code == WHOLE},
    }  # fmt: skip
    return state.model_copy(update=told)


def _beside_published(job: Job, found: RunFrames) -> tuple[tuple[Fact, ...], dict[str, int]]:
    shown = showing(job.reports)
    if shown is None:
        return (), {}
    try:
        before = read_run(job.reports.folder(shown))
    except InputError:
        return (Fact(code="drift.unreadable", facts={"run": shown}),), {}
    earlier = [
        inputs_of(job.reports.manifest(state.run_id))
        for state in job.reports.states()
        if state.published_at is not None and state.run_id != shown and job.reports.whole(state.run_id)
    ]
    facts = drifts(measure(before), measure(found), job.schedule.drift, earlier=earlier)
    return facts, changed_verdicts(before.zones, found.zones)


def _publish(job: Job, state: State) -> State:
    if state.why:
        if job.schedule.publish == "final":
            _sign(job, state, SignOff("draft"))
        make_lasting(job.reports.folder(state.run_id))
        held = state.model_copy(update={"status": "held"})
        job.reports.save(held)
        job.announce("refused", held)
        return held
    recorded = _remember(job, state)
    make_lasting(job.reports.folder(state.run_id))
    job.reports.save(state.model_copy(update={"status": job.schedule.publish, "recorded": recorded}))
    job.settle()
    return _known(job, state.run_id)


def _sign(job: Job, state: State, sign_off: SignOff) -> None:
    from servicecircle.report.renew import renew_reports

    folder = job.reports.folder(state.run_id)
    job.again(lambda: renew_reports(folder, job.study, sign_off=sign_off, measure=measure_shares))


def _remember(job: Job, state: State) -> bool:
    """Record a run in the history, which is not worth a report: what goes wrong is told."""
    folder = job.reports.folder(state.run_id)
    try:
        if mark_of(job.study, as_of=dt.date.fromisoformat(state.as_of)) != state.mark:
            job.problem(InputError("schedule.not_recorded", run=state.run_id))
            return False
        kept = job.again(lambda: record(folder, job.study))
    except (ServiceCircleError, OSError) as error:
        job.problem(as_ours(error))
        return False
    if kept.mended is not None:
        job.problem(InputError("history.set_aside", path=str(kept.mended)))
    return True
