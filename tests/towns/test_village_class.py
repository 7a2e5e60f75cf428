"""Villages in four classes, and the ones that are due or stand idle."""

import csv

import pytest

from towns.drawing import Town

STEP = 50_000.0
"""Metres from one street to the next."""


def code(number):
    """Return the code of a village committee in a township of its own."""
    return f"4109{number:02d}200201"


def villages(*rows, **rules):
    """
    Stand each row on a street of its own, 4 km long, in a village of its own.

    A row is the people by metres along the street, and the facilities: metres -> status.
    """
    tops = [-STEP * i for i in range(len(rows))]
    placed = list(enumerate(zip(tops, rows, strict=True), 20))
    return Town(
        "",
        ways={((0.0, y), (4000.0, y)): {} for y in tops},
        people={(float(x), y): n for _, (y, (people, _)) in placed for x, n in people.items()},
        facilities={
            f"F{i}-{x}": {"at": (float(x), y), "status": status, "kind": "village_happiness_home"}
            for i, (y, (_, found)) in placed for x, status in found.items()
        },
        zones={code(i): ((-100.0, y + 100), (4100.0, y - 100)) for i, (y, _) in placed},
        rules=rules,
    )  # fmt: skip


def test_own_facility_covered_or_not(tmp_path):
    # of 10 people half, and 4, walk at most 1000 m to a facility in their village
    answer = villages(
        ({0: 5, 3000: 5}, {500: "operating"}), ({0: 4, 3000: 6}, {500: "operating"})
    ).run(tmp_path)  # fmt: skip
    assert [answer.zone(code(i)).village_class for i in (20, 21)] == ["own_covered", "own_poor"]
    assert [answer.zone(code(i)).served_by for i in (20, 21)] == ["", ""]
    assert answer.run.manifest["summary"]["village_classes"] == {
        "own_covered": 1, "own_poor": 1, "neighbour": 0, "uncovered": 0,
    }  # fmt: skip


def test_the_line_between_covered_and_poor_is_a_parameter(tmp_path):
    rows = ({0: 4, 3000: 6}, {500: "operating"})
    assert villages(rows, class_share=0.4).run(tmp_path).zone(code(20)).village_class == "own_covered"


def test_a_neighbour_is_named_by_whom_most_people_go_to(tmp_path):
    town = Town(
        "A----B----C----D----E",
        people={"B": 2, "C 100W": 3, "D": 4},
        facilities={"F": "A", "G": "E"},
        zones={
            code(20): ("A 90W 90N", "A 90E 90S"),
            code(21): ("B 90W 90N", "D 90E 90S"),
            code(22): ("E 90W 90N", "E 90E 90S"),
        },
    )
    # B 500 m to F, C 900 m to F, D 500 m to G: 5 people go to F and 4 to G
    middle = town.run(tmp_path).zone(code(21))
    assert (middle.village_class, middle.served_by, middle.served_by_name) == ("neighbour", "F", "facility F")


@pytest.mark.parametrize(
    ("found", "village_class", "build_state"),
    [
        ({}, "uncovered", "not_built"),
        ({500: "planned"}, "uncovered", "not_built"),
        ({500: "under_construction"}, "uncovered", "not_built"),
        ({500: "built_idle"}, "uncovered", "built_idle"),
        ({500: "suspended"}, "uncovered", "built_idle"),
        ({500: "closed"}, "uncovered", "not_built"),
        ({500: "operating"}, "own_covered", ""),
        ({500: "operating", 600: "built_idle"}, "own_covered", "built_idle"),
        ({3900: "operating"}, "own_poor", ""),
    ],
)
def test_due_and_idle_are_laid_over_the_classes(tmp_path, found, village_class, build_state):
    answer = villages(({0: 10}, found), ({0: 1}, {0: "operating"})).run(tmp_path)
    zone = answer.zone(code(20))
    assert (zone.village_class, zone.build_state) == (village_class, build_state)


def test_only_a_villages_own_row_is_classed(tmp_path):
    meals = {"id": "meals", "minutes": 15, "kinds": ["meal_point"]}
    answer = villages(({0: 10}, {0: "operating"}), circles=[meals]).run(tmp_path)
    assert answer.zone(code(20), "1km").village_class == "own_covered"
    assert answer.zone(code(20), "meals").village_class == ""
    assert answer.zone("410920200000", "own").village_class == ""


def test_a_village_without_people_is_not_classed(tmp_path):
    answer = villages(({}, {0: "built_idle"}), ({0: 1}, {0: "operating"})).run(tmp_path)
    assert (answer.zone(code(20)).village_class, answer.zone(code(20)).build_state) == ("", "built_idle")


def test_the_classes_are_written(tmp_path):
    run = villages(({0: 10}, {}), ({0: 1}, {0: "operating"})).run(tmp_path).run
    run.write(tmp_path / "out")
    with (tmp_path / "out" / "zones.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["level"] == "village"]
    assert [(row["village_class"], row["build_state"]) for row in rows] == [
        ("uncovered", "not_built"), ("own_covered", ""),
    ]  # fmt: skip


def test_a_share_that_sums_leave_a_hair_below_the_line_is_covered(tmp_path):
    # 0.1 + 0.7 of 0.1 + 0.7 + 0.8 are half, which floats add up to a hair less
    zone = villages(({0: 0.1, 100: 0.7, 3000: 0.8}, {500: "operating"})).run(tmp_path).zone(code(20))
    assert zone.share_within < 0.5
    assert zone.village_class == "own_covered"
