"""What a report remembers: which earlier run stands for last month, the start of the year and last year."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from servicecircle.history.trend import HEADLINE_COLUMNS
from servicecircle.report.remembered import earlier_runs


def series(*dates):
    rows = [(f"run {n}", date, "", "met_rate", n / 100) for n, date in enumerate(dates)]
    return pd.DataFrame(rows, columns=list(HEADLINE_COLUMNS))


@pytest.mark.parametrize(
    ("as_of", "dates", "expected"),
    [
        ("2026-06-30", ["2026-05-31"], {"last_month": "run 0"}),
        ("2026-06-30", ["2026-05-01", "2026-05-31", "2026-06-01"], {"last_month": "run 1"}),
        ("2026-06-30", ["2026-04-30"], {}),  # two months ago is not last month
        ("2026-06-30", ["2025-12-31", "2026-01-31", "2026-02-01"], {"year_start": "run 1"}),
        ("2026-06-30", ["2025-06-30"], {"last_year": "run 0"}),
        ("2026-06-30", ["2025-07-01", "2025-05-31"], {}),
        ("2026-01-31", ["2025-12-31"], {"last_month": "run 0", "year_start": "run 0"}),
        ("2026-01-31", ["2026-01-15"], {}),  # of the same month
        ("2026-12-31", ["2025-12-31"], {"year_start": "run 0", "last_year": "run 0"}),
        ("2024-02-29", ["2023-02-28"], {"last_year": "run 0"}),
        ("2026-06-30", [], {}),
    ],
)
def test_the_newest_run_of_a_span_stands_for_it(as_of, dates, expected):
    found = earlier_runs(series(*dates), dt.date.fromisoformat(as_of))
    assert {when: earlier.run_id for when, earlier in found.items()} == expected


def test_of_several_runs_on_one_date_the_last_counts_with_all_its_zones():
    rows = [
        ("first", "2026-05-31", "", "met_rate", 0.1),
        ("second", "2026-05-31", "", "met_rate", 0.2),
        ("second", "2026-05-31", "410921001000", "people_share", 0.3),
    ]
    table = pd.DataFrame(rows, columns=list(HEADLINE_COLUMNS))
    found = earlier_runs(table, dt.date(2026, 6, 30))["last_month"]
    assert found.as_of == dt.date(2026, 5, 31)
    assert dict(found.shares) == {("", "met_rate"): 0.2, ("410921001000", "people_share"): 0.3}
