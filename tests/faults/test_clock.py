"""The clock is set back around the time that a run is due."""

import datetime as dt

import pytest

from faults.real_town import settled, shown
from servicecircle.history.store import opened
from servicecircle.schedule.publish import showing
from servicecircle.schedule.runner import remembering

SIX = dt.time(6)


def remembered(desk):
    with opened(remembering(desk.study)) as store:
        return len(store.runs())


@pytest.mark.parametrize("back", [dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=400)])
@pytest.mark.parametrize("minute", [-1, 0, 1])
def test_around_a_due_time_nothing_is_run_twice_and_nothing_left_out(desk, back, minute):
    desk.clock += dt.timedelta(minutes=minute)
    assert desk.once(if_due=True).result == "published"
    done = desk.clock
    desk.clock -= back
    done = min(done, desk.clock) if back.days else done  # a clock that was wrong by days is not believed
    results = []
    for step in range(48):
        desk.change(people=f"lon,lat,人口\n115.02,35.70,{45 + step / 1000}\n")
        now = desk.clock
        results.append(desk.once(if_due=True).result)
        desk.clock += dt.timedelta(hours=1)
    days = (dt.datetime.combine(done.date(), SIX, done.tzinfo) + dt.timedelta(days=n) for n in range(5))
    again = sum(done < due <= now for due in days)
    assert [result for result in results if result != "not_due"] == ["published"] * again
    newest = desk.reports.states()[0]
    assert showing(desk.reports) == newest.run_id
    assert newest.run_id.startswith(f"{again + 1:04d}-")
    assert remembered(desk) == again + 1
    settled(desk)
    shown(desk.reports)
