"""A held report is released, or a draft made final, by somebody with a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicecircle.errors import InputError
from servicecircle.outputs.lock import holder, try_lock
from servicecircle.schedule.faults import as_ours
from servicecircle.schedule.job import Conduct, Job
from servicecircle.schedule.log import stage_log
from servicecircle.schedule.publish import settle, waiting
from servicecircle.schedule.runner import ready, remembering

if TYPE_CHECKING:
    from servicecircle.schedule.states import Reports, State
    from servicecircle.study import Study

LONGEST_NAME = 60


def approve(study: Study, conduct: Conduct, *, by: str, run_id: str | None = None) -> tuple[State, list[str]]:
    """
    Approve a report: its pages say who and when, no longer that it is a draft, and `latest` shows it.

    Parameters
    ----------
    by
        A person or an office.
    run_id
        The run, or the beginning of its id; None: the only one that waits.

    Returns
    -------
    state
        Of the run, now final.
    problems
        What went wrong besides and stopped nothing.

    Raises
    ------
    InputError
        No such run waits, several do, or the name cannot be used.
    OutputError
        A run is under way, or the reports cannot be written; what stood there is kept.
    """
    name = by.strip()
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise InputError("schedule.approver", most=LONGEST_NAME)
    reports = ready(study)
    try:
        return _approved(study, conduct, reports, by=name, run_id=run_id)
    except OSError as error:
        raise as_ours(error) from error


def _approved(
    study: Study, conduct: Conduct, reports: Reports, *, by: str, run_id: str | None
) -> tuple[State, list[str]]:
    with try_lock(reports.lock) as alone:
        if not alone:
            raise InputError("schedule.busy", pid=holder(reports.lock))
        with stage_log(reports.log) as log:
            settle(reports, conduct.now())
            state = _chosen(reports, run_id)
            from servicecircle.schedule.making import approve_run  # heavy: not before it is certain

            job = Job(remembering(study), reports, conduct, log.of_run(state.run_id))
            final = approve_run(job, state, by=by)
            job.log.event("approved", by=by)
            return final, job.problems


def _chosen(reports: Reports, run_id: str | None) -> State:
    open_ = waiting(reports)
    if not open_:
        raise InputError("schedule.nothing_waits", where=str(reports.root))
    names = ", ".join(state.run_id for state in open_)
    if run_id is None:
        if len(open_) > 1:
            raise InputError("schedule.which", where=str(reports.root), runs=names)
        return open_[0]
    fitting = [state for state in open_ if run_id and state.run_id.startswith(run_id)]
    if len(fitting) != 1:
        raise InputError("schedule.not_waiting", where=str(reports.root), run=run_id, runs=names)
    return fitting[0]
