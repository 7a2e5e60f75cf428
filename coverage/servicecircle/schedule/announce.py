"""What those who want to know are told of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from servicecircle.schedule.facts import reasons

if TYPE_CHECKING:
    from servicecircle.schedule.notices import Event
    from servicecircle.schedule.states import Reports, State
    from servicecircle.study import Study


def announce(
    study: Study, reports: Reports, event: Event, state: State | None, *, error: str = ""
) -> list[str]:
    """Send the notices that a study asks for; return what went wrong."""
    from servicecircle.schedule.notices import notify

    return notify(study, event, _facts(study, reports, state) | ({"error": error} if error else {}))


def _facts(study: Study, reports: Reports, state: State | None) -> dict[str, Any]:
    told: dict[str, Any] = {"study": study.id, "name": study.name, "latest": str(reports.latest)}
    if state is None:
        return told
    return {
        **told, "run_id": state.run_id, "status": state.status, "as_of": state.as_of,
        "folder": str(reports.folder(state.run_id)), "headlines": dict(state.headlines),
        "verdicts": dict(state.verdicts), "approved_by": state.approved_by,
        "why": reasons(state.why, study.language),
    }  # fmt: skip
