"""When a study is due: its cron expression in its time zone, whatever the clock does meanwhile."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger

from servicecircle.errors import InputError
from servicecircle.scheduling import Schedule
from servicecircle.slips import line_of

if TYPE_CHECKING:
    from servicecircle.study import Study

_FIELDS = ("minute", "hour", "day", "month", "day_of_week")
_NAMES = {
    "minute": "分钟", "hour": "小时", "day": "日", "month": "月", "day_of_week": "星期",
}  # fmt: skip
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_PART = re.compile(r"(?:(\*)|([0-7])(?:-([0-7]))?)(?:/([1-7]))?")
_TICK = dt.timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, eq=False)
class Timetable:
    """
    The times at which a study is due.

    Parameters
    ----------
    trigger
        Of APScheduler.
    zone
        The time zone that the cron expression is meant in.
    each_hour
        Whether it names no hour: else an hour that comes twice, when summer time ends, counts once.
    """

    trigger: Any
    zone: ZoneInfo
    each_hour: bool

    @classmethod
    def of(cls, study: Study) -> Timetable:
        """
        Return the timetable of a study file.

        Raises
        ------
        InputError
            The cron expression or the time zone is none, or no day fits; with the line of the key.
        """
        wanted = study.schedule or Schedule()
        zone = _zone(study, wanted.timezone)
        trigger = _trigger(study, wanted.cron, zone)
        table = cls(trigger, zone, each_hour=wanted.cron.split()[1].startswith("*"))
        if table.after(dt.datetime.now(dt.UTC)) is None:
            raise InputError("schedule.never", where=_place(study, "cron"), cron=wanted.cron)
        return table

    def after(self, moment: dt.datetime) -> dt.datetime | None:
        """Return the first time later than a moment; None if there is none any more."""
        found: dt.datetime | None = moment
        while found is not None:
            # through UTC: a sum of local time loses which of two equal hours is meant
            later = (found.astimezone(dt.UTC) + _TICK).astimezone(self.zone)
            found = self.trigger.get_next_fire_time(None, later)
            found = found and found.astimezone(dt.UTC).astimezone(self.zone)
            if found and (self.each_hour or not found.fold):
                break
        return found

    def coming(self, moment: dt.datetime, count: int) -> list[dt.datetime]:
        """Return the next times after a moment."""
        found: list[dt.datetime] = []
        while len(found) < count and (following := self.after(found[-1] if found else moment)):
            found.append(following)
        return found

    def due(self, now: dt.datetime, done_until: dt.datetime | None) -> dt.datetime | None:
        """
        Return when the next run is due; a time that is past means now, however many were missed.

        Parameters
        ----------
        done_until
            The moment of the last run; None: there was none, so one is due at once.
        """
        return now if done_until is None else self.after(self.believed(now, done_until))

    def believed(self, now: dt.datetime, done_until: dt.datetime) -> dt.datetime:
        """
        Return the moment of the last run as far as it can be believed.

        A clock set back by less than two due times leaves it alone: what is done is not done again. A moment
        further ahead was written while the clock was wrong, and nothing would ever be due; it becomes now.
        """
        ahead = self.coming(now, 2)
        return now if len(ahead) == 2 and done_until >= ahead[1] else done_until


def _zone(study: Study, name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError) as error:
        raise InputError("schedule.timezone", where=_place(study, "timezone"), timezone=name) from error


def _trigger(study: Study, cron: str, zone: ZoneInfo) -> Any:
    given = cron.split()
    if len(given) != len(_FIELDS):
        raise InputError("schedule.five_fields", where=_place(study, "cron"), cron=cron, count=len(given))
    texts = dict(zip(_FIELDS, given, strict=True))
    for name, text in texts.items():
        try:
            texts[name] = _named_days(text) if name == "day_of_week" else text
            CronTrigger(**{name: texts[name]}, timezone=zone)
        except (ValueError, TypeError) as error:
            facts = {"field": name.replace("_", " "), "field_zh": _NAMES[name], "text": text, "cron": cron}
            raise InputError("schedule.cron", where=_place(study, "cron"), **facts) from error
    if texts["day"].startswith("*") or texts["day_of_week"].startswith("*"):
        return CronTrigger(**texts, timezone=zone)
    # cron's own rule: where both are given, a day that fits either of them will do
    either = ({**texts, "day": "*"}, {**texts, "day_of_week": "*"})
    return OrTrigger([CronTrigger(**one, timezone=zone) for one in either])


def _named_days(text: str) -> str:
    """Return a day-of-week field with names: cron counts from Sunday, APScheduler from Monday."""
    return text if text == "*" else ",".join(dict.fromkeys(d for p in text.split(",") for d in _days(p)))


def _days(part: str) -> list[str]:
    found = _DAY_PART.fullmatch(part)
    if found is None:
        return [part]
    every, first, last, step = found.groups()
    if every:
        first, last = "0", "6"
    elif last is None:
        last = "6" if step else first
    if int(first) > int(last):
        raise ValueError(part)
    return [_DAYS[day] for day in range(int(first), int(last) + 1, int(step or 1))]


def _place(study: Study, key: str) -> str:
    return f"{study.path}:{line_of(study.text, ['schedule', key])}"
