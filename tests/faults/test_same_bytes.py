"""The same inputs in two places give the same reports, byte for byte, but for the moment of the run."""

import datetime as dt
import types

import pytest

from faults.real_town import RealTown
from servicecircle import pipeline


class Clock(dt.datetime):
    """A clock that stands still: the moment of a run is printed, and is part of its name in the history."""

    moment = dt.datetime(2026, 11, 22, 6, 0, tzinfo=dt.UTC)

    @classmethod
    def now(cls, tz=None):
        return cls.moment.astimezone(tz)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_same_inputs_in_two_places_give_the_same_bytes(tmp_path, monkeypatch, language):
    monkeypatch.setattr(pipeline, "dt", types.SimpleNamespace(**vars(dt) | {"datetime": Clock}))
    first = RealTown(tmp_path / "a").begin(language=language)
    towns = [first, first.copied(tmp_path / "在 another <place>" / "b")]
    for number in (1, 2):  # the second tells what changed since the first
        written = []
        for town in towns:
            town.change(number)
            found = town.once()
            assert (found.result, found.problems) == ("published", ())
            latest = town.reports.latest
            files = {p.relative_to(latest).as_posix(): p for p in latest.rglob("*") if p.is_file()}
            written.append({name: path.read_bytes() for name, path in files.items() if name != "run.json"})
        assert {"report.html", "report.docx", "report.xlsx", "reports/townships.zip"} <= written[0].keys()
        assert ("history.csv" in written[0]) == (number == 2)
        assert written[0].keys() == written[1].keys()
        assert [name for name, content in written[0].items() if content != written[1][name]] == []
        monkeypatch.setattr(Clock, "moment", Clock.moment + dt.timedelta(days=1))
