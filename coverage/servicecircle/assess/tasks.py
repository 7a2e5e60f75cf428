"""Tasks: what was to be built by when, and how far it is: from the facilities' statuses and dates."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from servicecircle.assess.clauses.items import STATUSES
from servicecircle.assess.clauses.ratios import figures_of
from servicecircle.assess.clauses.scopes import ORDER
from servicecircle.kinds import KINDS, satisfying

if TYPE_CHECKING:
    from collections.abc import Hashable

    from servicecircle.assess.clauses.facts import Facts

COLUMNS = (
    "task", "unit_code", "unit_name", "kind", "target", "listed", "built", "accepted", "operating", "done",
    "completion_share", "schedule_share", "ahead_share", "built_share", "accepted_share", "operating_share",
    "start", "deadline", "task_state", "responsible", "reason",
)  # fmt: skip

_COLUMN_OF = {"family_bed": "family_beds", "home_retrofit": "retrofits"}
"""What is no place on a map, and is counted by a column of the units table or its own register."""


def follow_tasks(facts: Facts) -> pd.DataFrame:
    """
    Say how far each task is.

    Done is what operates on the study's day; a facility whose opening is dated counts from that day on. With
    a `start` given, only what opened since counts as done; family beds and homes fitted for the old are those
    of their tables. The schedule is the elapsed part of the time from
    the start, else from 1 January of the deadline's year, to the deadline.

    Returns
    -------
    One row per task with `COLUMNS`: 完成率 is `completion_share`, 序时进度 `schedule_share`, `ahead_share`
    their difference; 建成率 is built of the target, 合格率 accepted and 运营率 operating of the built.
    """
    rows = [_follow(task, facts) for task in facts.tasks.to_dict("records")]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _follow(task: dict[Hashable, Any], facts: Facts) -> dict[str, Any]:
    code, kind, target = str(task["code"]), str(task["kind"]), float(str(task["target"]))
    start, deadline = _period(str(task.get("start") or ""), str(task["deadline"]))
    known = {
        "task": task["task"], "unit_code": code,
        "unit_name": facts.units["name"].get(code, "") if code else "",
        "kind": kind or task["written_kind"], "target": target,
        "start": start.isoformat() if start else "", "deadline": deadline.isoformat() if deadline else "",
        "responsible": task["responsible"],
    }  # fmt: skip
    unusable = "" if kind in KINDS or kind in _COLUMN_OF else "unknown_kind"
    if not target > 0:
        unusable = unusable or "no_target"
    if unusable:
        return {**known, "task_state": "not_judged", "reason": unusable}
    given = bool(str(task.get("start") or ""))
    since = start if given else None
    if kind in _COLUMN_OF:
        number = _number(facts, code, kind, since)
        if number is None:
            return {**known, "task_state": "not_judged", "reason": "missing_input"}
        counts = dict.fromkeys(("listed", "built", "accepted", "operating", "done"), number)
    else:
        counts = _counts(_there(facts, code, kind), facts.as_of, since)
    completion = counts["done"] / target
    schedule = _elapsed(start, deadline, facts.as_of)
    return {
        **known, **counts, "completion_share": completion, "schedule_share": schedule,
        "ahead_share": completion - schedule, "built_share": counts["built"] / target,
        "accepted_share": _part(counts["accepted"], counts["built"]),
        "operating_share": _part(counts["operating"], counts["built"]),
        "task_state": _state(completion, schedule, deadline, facts.as_of), "reason": "",
    }  # fmt: skip


def _number(facts: Facts, code: str, kind: str, since: dt.date | None) -> int | None:
    """Return how many family beds, or homes fitted for the old, a unit has; None where no table tells."""
    figures = figures_of(facts, _COLUMN_OF[kind], (), opened=(since, facts.as_of))
    known = float(figures["known"].get(code, np.nan))
    return None if np.isnan(known) else round(known)


def _there(facts: Facts, code: str, kind: str) -> pd.DataFrame:
    """Return the facilities in a unit, "" being the whole study, that satisfy a kind."""
    every = facts.facilities
    rows = every[every["kind"].isin(satisfying((kind,))) & every["status"].ne("closed")]
    return rows[(rows[list(ORDER)] == code).any(axis=1)] if code else rows


def _counts(rows: pd.DataFrame, as_of: dt.date, since: dt.date | None) -> dict[str, int]:
    opened = rows["opened_on"].fillna("") if "opened_on" in rows else pd.Series("", index=rows.index)
    operating = rows["status"].eq("operating") & ~opened.gt(as_of.isoformat())
    built = rows["status"].isin(STATUSES["built"]) & ~(rows["status"].eq("operating") & ~operating)
    accepted = rows["status"].isin(STATUSES["accepted"]) & built
    if "accepted" in rows:
        accepted = built & rows["accepted"].eq(1.0).where(rows["accepted"].notna(), accepted)
    done = operating if since is None else operating & opened.ge(since.isoformat())
    return {
        "listed": len(rows), "built": int(built.sum()), "accepted": int(accepted.sum()),
        "operating": int(operating.sum()), "done": int(done.sum()),
    }  # fmt: skip


def _period(start: str, deadline: str) -> tuple[dt.date | None, dt.date | None]:
    end = dt.date.fromisoformat(deadline) if deadline else None
    if start:
        return dt.date.fromisoformat(start), end
    return (dt.date(end.year, 1, 1) if end else None), end


def _elapsed(start: dt.date | None, deadline: dt.date | None, as_of: dt.date) -> float:
    """Return the share of the period's days that are over at the end of a day."""
    if start is None or deadline is None or deadline < start:
        return np.nan
    days = (as_of - start).days + 1
    return min(max(days / ((deadline - start).days + 1), 0.0), 1.0)


def _state(completion: float, schedule: float, deadline: dt.date | None, as_of: dt.date) -> str:
    if completion >= 1:
        return "done"
    if deadline is not None and deadline < as_of:
        return "overdue"
    return "behind" if completion < schedule else "on_schedule"


def _part(count: int, of: int) -> float:
    return count / of if of else np.nan
