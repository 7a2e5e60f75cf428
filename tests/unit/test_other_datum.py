"""A run tells how many people change sides if a table's datum is not the one it was read in."""

import json

import pytest

from servicecircle.checks.datum import SHIFTED
from unit.small_town import HEADER, LAT, LON, STEP, SmallTown, command, findings_of


def rows(*spots):
    return HEADER + "".join(
        f"F{i},幸福院{i},村级幸福院,运营中,{lon:.6f},{lat:.6f}\n" for i, (lon, lat) in enumerate(spots)
    )


CORNERS = [(LON + i * STEP, LAT + j * STEP) for i in (0, 2) for j in (0, 2)]


def test_the_next_likeliest_datum_is_measured_too(tmp_path):
    town = SmallTown(tmp_path).write(facilities=rows(*CORNERS), language="en")
    assert command("run", town.study).code == 0
    told = [row for row in findings_of(town) if row["code"] == "detect.if_wrong"]
    summary = json.loads((town.output / "run.json").read_text("utf-8"))["summary"]
    assert [row["subject"] for row in told] == ["facilities.csv"] * len(summary["datum_if_wrong"])
    assert told
    for row, found in zip(told, summary["datum_if_wrong"], strict=True):
        assert found["facilities"] == 4
        assert found["rival"] in SHIFTED
        assert float(row["people_touched"]) == pytest.approx(found["into"] + found["out_of"])
    everybody = summary["all"]["people"]
    assert sum(found["out_of"] for found in summary["datum_if_wrong"]) <= everybody["within"] + 1e-6


def test_a_declared_datum_that_is_not_doubted_is_not_measured_again(tmp_path):
    town = SmallTown(tmp_path).write(facilities=rows(*CORNERS), keys={"facilities": 'datum = "wgs84"'})
    assert command("run", town.study).code == 0
    assert not [row for row in findings_of(town) if row["code"] == "detect.if_wrong"]
    summary = json.loads((town.output / "run.json").read_text("utf-8"))["summary"]
    assert summary["datum_if_wrong"] == []


def test_people_who_change_sides_are_those_of_the_other_places(tmp_path):
    """What a run says of the other datum is what a run with that datum declared finds."""
    town = SmallTown(tmp_path / "auto").write(facilities=rows(*CORNERS))
    assert command("run", town.study).code == 0
    first = json.loads((town.output / "run.json").read_text("utf-8"))["summary"]
    rival = first["datum_if_wrong"][0]["rival"]
    other = SmallTown(tmp_path / "other")
    other.write(facilities=rows(*CORNERS), keys={"facilities": f'datum = "{rival}"'})
    assert command("run", other.study).code == 0
    second = json.loads((other.output / "run.json").read_text("utf-8"))["summary"]
    change = sum(found["into"] - found["out_of"] for found in first["datum_if_wrong"])
    within = [summary["all"]["people"]["within"] for summary in (first, second)]
    assert within[1] - within[0] == pytest.approx(change)
    assert change != 0
