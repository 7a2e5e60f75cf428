"""When a study is due: cron as cron means it, in the study's time zone, with any clock."""

import datetime as dt

import pytest

from servicecircle.errors import InputError
from servicecircle.schedule.timing import Timetable
from servicecircle.scheduling import Schedule
from servicecircle.study import Study

STUDY = """[study]
as_of = 2026-06-30
[streets]
source = "a.osm"
[[facilities]]
source = "a.csv"
[[zones]]
level = "village"
source = "a.gpkg"
[people]
source = "p.csv"
[schedule]
cron = "{cron}"
timezone = "{zone}"
"""
KEYS = {"cron": 13, "timezone": 14}
"""The lines of the keys."""


@pytest.fixture
def study(tmp_path):
    def of(cron="0 6 1 * *", zone="Asia/Shanghai"):
        path = tmp_path / "study.toml"
        path.write_text(STUDY.format(cron=cron, zone=zone), "utf-8")
        return Study.from_file(path)

    return of


@pytest.fixture
def coming(study):
    def of(cron, zone, since, count):
        found = Timetable.of(study(cron, zone)).coming(dt.datetime.fromisoformat(since), count)
        return [moment.isoformat(timespec="minutes") for moment in found]

    return of


def test_a_study_without_a_schedule_is_due_at_six_of_each_first(study):
    table = Timetable.of(study().model_copy(update={"schedule": None}))
    found = table.coming(dt.datetime(2026, 11, 22, tzinfo=dt.UTC), 2)
    assert [m.isoformat() for m in found] == ["2026-12-01T06:00:00+08:00", "2027-01-01T06:00:00+08:00"]
    assert Schedule().cron == "0 6 1 * *"


def test_month_ends_and_leap_days_are_the_calendars(coming):
    found = coming("0 6 31 * *", "Asia/Shanghai", "2026-01-01T00:00+08:00", 3)
    assert found == ["2026-01-31T06:00+08:00", "2026-03-31T06:00+08:00", "2026-05-31T06:00+08:00"]
    assert coming("0 6 29 2 *", "Asia/Shanghai", "2026-01-01T00:00+08:00", 1) == ["2028-02-29T06:00+08:00"]


@pytest.mark.parametrize(
    ("days", "dates"),
    [
        ("1", [23, 30]),  # Monday: APScheduler itself would take Tuesday
        ("0", [29]),
        ("7", [29]),
        ("5-7", [27, 28, 29]),
        ("1-5/2", [23, 25, 27, 30]),
        ("*/2", [24, 26, 28, 29]),
        ("mon-fri", [23, 24, 25, 26, 27, 30]),
        ("0,3", [25, 29]),
    ],
)
def test_days_of_the_week_are_counted_as_cron_counts_them(coming, days, dates):
    found = coming(f"0 6 * * {days}", "Asia/Shanghai", "2026-11-22T12:00+08:00", 7)  # a Sunday
    assert [int(m[8:10]) for m in found if m < "2026-12"] == dates


def test_where_both_days_are_given_either_will_do(coming):
    found = coming("0 6 13 * 5", "Asia/Shanghai", "2026-12-08T00:00+08:00", 3)
    assert [m[:10] for m in found] == ["2026-12-11", "2026-12-13", "2026-12-18"]


def test_an_hour_left_out_or_come_twice_is_one_run(coming):
    spring = coming("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00+01:00", 2)
    assert spring == ["2026-03-29T03:30+02:00", "2026-03-30T02:30+02:00"]
    autumn = coming("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00+02:00", 2)
    assert autumn == ["2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"]
    hourly = coming("0 * * * *", "Europe/Berlin", "2026-10-25T00:30+02:00", 4)
    assert hourly == [
        "2026-10-25T01:00+02:00",
        "2026-10-25T02:00+02:00",
        "2026-10-25T02:00+01:00",
        "2026-10-25T03:00+01:00",
    ]


@pytest.mark.parametrize(
    ("cron", "zone", "code", "key"),
    [
        ("61 6 1 * *", "UTC", "schedule.cron", "cron"),
        ("0 6 1 foo *", "UTC", "schedule.cron", "cron"),
        ("0 6 1 * 9", "UTC", "schedule.cron", "cron"),
        ("0 6 1 * 5-3", "UTC", "schedule.cron", "cron"),
        ("0 6 */0 * *", "UTC", "schedule.cron", "cron"),
        ("@monthly", "UTC", "schedule.five_fields", "cron"),
        ("0 6 31 2 *", "UTC", "schedule.never", "cron"),
        ("0 6 1 * *", "Mars/Base", "schedule.timezone", "timezone"),
        ("0 6 1 * *", "", "schedule.timezone", "timezone"),
        ("0 6 1 * *", "../../etc/passwd", "schedule.timezone", "timezone"),
        ("0 6 1 * *", "America", "schedule.timezone", "timezone"),
    ],
)
def test_a_wrong_key_is_one_error_with_its_line(study, cron, zone, code, key):
    with pytest.raises(InputError) as wrong:
        Timetable.of(study(cron, zone))
    assert wrong.value.code == code
    assert wrong.value.where.endswith(f"study.toml:{KEYS[key]}")
    for language in ("zh", "en"):
        assert key in wrong.value.text(language)


def at(text):
    return dt.datetime.fromisoformat(f"{text}+08:00")


@pytest.mark.parametrize(
    ("now", "done", "due"),
    [
        ("2026-11-22T06:10", None, "2026-11-22T06:10"),  # never run
        ("2026-11-22T06:10", "2026-11-22T06:05", "2026-11-23T06:00"),
        ("2026-11-22T05:59", "2026-11-21T06:00", "2026-11-22T06:00"),
        ("2026-11-22T06:10", "2026-11-12T06:05", "2026-11-13T06:00"),  # ten missed are one that is due
        ("2026-11-22T05:30", "2026-11-22T06:05", "2026-11-23T06:00"),  # set back: not done again
        ("2026-11-22T05:30", "2099-01-01T06:00", "2026-11-22T06:00"),  # the clock had run ahead
    ],
)
def test_what_is_done_is_not_due_whatever_the_clock_does(study, now, done, due):
    table = Timetable.of(study("0 6 * * *"))
    found = table.due(at(now), at(done) if done else None)
    assert found == at(due)
