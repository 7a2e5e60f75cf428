"""The clock is set back around the time that a run is due."""

import datetime as dt

import pytest

from faults.real_town import settled, shown
from servicecircle.history.store import opened
from servicecircle.schedule.publish import showing
from servicecircle.schedule.runner import remembering


def remembered(desk):
    with opened(remembering(desk.study)) as store:
        return len(store.runs())


@pytest.mark.parametrize("back", [dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=400)])
@pytest.mark.parametrize("minute", [-1, 0, 1])
def test_around_a_due_time_nothing_is_run_twice_and_nothing_left_out(desk, back, minute):
    desk.clock += dt.timedelta(minutes=minute)
    due = desk.clock.replace(hour=6, minute=0)
    assert desk.once(if_due=True).result == "published"
    desk.clock -= back
    results = []
    for step in range(int(dt.timedelta(days=2) / dt.timedelta(hours=1))):
        desk.change(people=f"lon,lat,人口\n115.02,35.70,{45 + step / 1000}\n")
        results.append(desk.once(if_due=True).result)
        desk.clock += dt.timedelta(hours=1)
    # one run a day, and one more where its time came only after the first run
    again = sum(result == "published" for result in results)
    assert again in {2, 3} if back.days or desk.clock < due else {1, 2}
    assert set(results) <= {"published", "not_due"}
    newest = desk.reports.states()[0]
    assert showing(desk.reports) == newest.run_id
    assert newest.run_id.startswith(f"{again + 1:04d}-")
    assert remembered(desk) == again + 1
    settled(desk)
    shown(desk.reports)
