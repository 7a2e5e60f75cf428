"""A piece of work on the reports of a study, done while their lock is held."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar
from zoneinfo import ZoneInfo

from servicecircle.schedule.announce import announce
from servicecircle.schedule.faults import said_by, try_again
from servicecircle.schedule.publish import settle
from servicecircle.scheduling import Schedule

if TYPE_CHECKING:
    from servicecircle.schedule.log import Log
    from servicecircle.schedule.notices import Event
    from servicecircle.schedule.states import Reports, State
    from servicecircle.study import Study

    OnProgress = Callable[[str, float], None]

Made = TypeVar("Made")


def utc_now() -> dt.datetime:
    """Return the moment it is."""
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, slots=True)
class Conduct:
    """
    How the work is gone about.

    Parameters
    ----------
    workers
        Threads that draw circles, and processes that make pages.
    now
        Tells the moment.
    wait
        Waits some seconds.
    on_progress
        Told of each stage.
    """

    workers: int = 2
    now: Callable[[], dt.datetime] = utc_now
    wait: Callable[[float], None] = time.sleep
    on_progress: OnProgress | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """
    The work, and what goes wrong besides.

    Parameters
    ----------
    problems
        What could not be done but stops nothing, such as a notice that was not sent; in the study's language.
    """

    study: Study
    reports: Reports
    conduct: Conduct
    log: Log
    problems: list[str] = field(default_factory=list)

    @property
    def schedule(self) -> Schedule:
        """The study's `[schedule]`, or its defaults."""
        return self.study.schedule or Schedule()

    @property
    def today(self) -> dt.date:
        """The day it is in the study's time zone."""
        return self.conduct.now().astimezone(ZoneInfo(self.schedule.timezone)).date()

    def again(self, action: Callable[[], Made]) -> Made:
        """Return what an action gives, tried again after a fault that may pass."""
        return try_again(
            action,
            tries=self.schedule.retries,
            wait_s=self.schedule.retry_wait_s,
            wait=self.conduct.wait,
            on_fault=self._tell,
        )

    def settle(self) -> None:
        """Bring `latest` up to date, and tell of what it shows anew."""
        shown = self.again(lambda: settle(self.reports, self.conduct.now()))
        if shown:
            self.announce("published", shown)
            if shown.verdicts.get("changed"):
                self.announce("verdict_changed", shown)

    def announce(self, event: Event, state: State | None, *, error: str = "") -> None:
        """Tell those who want to know; what goes wrong with that is a problem and stops nothing."""
        wrong = announce(self.study, self.reports, event, state, error=error)
        self.problems.extend(wrong)
        self.log.event("notice", level="warning" if wrong else "info", of=event, wrong=wrong)

    def problem(self, error: Exception) -> None:
        """Note what could not be done."""
        said = said_by(error)
        self.problems.append(said[self.study.language])
        self.log.event("problem", level="warning", error=said["en"])

    def _tell(self, error: Exception, pause_s: float) -> None:
        self.log.event("retry", level="warning", error=said_by(error)["en"], pause_s=pause_s)
