"""How much of the answer is the map's: known streets per zone, and long straight walks to them."""

import pytest

from towns.drawing import VILLAGE, Town

OTHER, TOWNSHIP, EMPTY = "410902200202", "410902200000", "410902200203"
MIXED = "410902200204"


def three_villages(**given):
    """
    Draw 1 km of street in the first village (4 km2), 500 m in the second, none in the third.

    Of the first village's ten people seven live on the street, of the second's four one does and three are
    150 m off, and the third's five live 700 m from any street.
    """
    return Town(
        """
        A---------B----C
        """,
        people={"A": 7, "A 200E 150N": 3, "C": 1, "C 150N": 3, "C 700E": 5},
        facilities={"F": "B"},
        zones={
            VILLAGE: ((-500.0, -1000.0), (1100.0, 1500.0)),
            OTHER: ((1100.0, -1000.0), (1900.0, 1500.0)),
            EMPTY: ((2900.0, -1000.0), (3900.0, 1500.0)),
            MIXED: ((1900.0, -1000.0), (2900.0, 1500.0)),
        },
        rules={"snap_m": 200, "islet_m": 0, **given},
    )


def test_each_village_says_how_complete_its_streets_are(tmp_path):
    answer = three_villages().run(tmp_path)
    first, second, third, empty = (answer.zone(code) for code in (VILLAGE, OTHER, MIXED, EMPTY))
    assert (first.street_km, first.street_km_per_km2) == (pytest.approx(1.0), pytest.approx(0.25))
    assert first.street_m_per_person == pytest.approx(100)
    assert (first.share_near_street, first.people_off_streets) == (pytest.approx(0.7), 0)
    assert first.streets_state == "mapped"
    assert (second.street_km, second.share_near_street) == (pytest.approx(0.5), pytest.approx(0.25))
    assert (second.streets_state, second.state, second.people_off_streets) == ("sparse", "judged", 0)
    assert (third.street_km, third.share_near_street, third.people_off_streets) == (0, 0, 5)
    assert (third.streets_state, third.state) == ("unmapped", "streets_unmapped")
    assert (empty.streets_state, empty.state, empty.street_km) == ("", "no_people", 0)
    assert empty[["street_m_per_person", "share_near_street"]].isna().all()
    doubted = [f.subject for f in answer.run.findings if f.code == "coverage.streets_sparse"]
    assert sorted(doubted) == [OTHER, MIXED]


def test_upper_levels_add_streets_and_people_up(tmp_path):
    answer = three_villages().run(tmp_path)
    township = answer.zone(TOWNSHIP, circle="own")
    assert township.street_km == pytest.approx(1.5)
    assert township.street_km_per_km2 == pytest.approx(1.5 / (4 + 2 + 2.5 + 2.5))
    assert township.street_m_per_person == pytest.approx(1500 / 19)
    assert township.share_near_street == pytest.approx(8 / 19)
    assert (township.people_off_streets, township.streets_state) == (5, "sparse")
    assert answer.run.manifest["summary"]["streets"] == {"mapped": 1, "sparse": 1, "unmapped": 1}


def test_points_have_no_street_density(tmp_path):
    town = Town("A----B", people={"A": 4}, facilities={"F": "B"}, zones={VILLAGE: {"at": "A"}})
    zone = town.run(tmp_path).zone()
    assert zone.street_km == pytest.approx(0.5)
    assert zone[["street_km_per_km2"]].isna().all()
    assert zone.streets_state == "mapped"


def test_who_walks_far_to_the_street_goes_by_a_connector(tmp_path):
    answer = three_villages().run(tmp_path)
    flagged = answer.run.people.set_index("people").groupby(level=0)["connector"].sum()
    assert answer.person("A 200E 150N").connector
    assert not answer.person("A").connector
    assert not answer.person("C 700E").connector  # off the streets: there is no walk
    assert int(flagged.sum()) == 2
    first = answer.zone()
    # 150 m over, 800 m along: 950 m; those at A walk 1,000 m
    assert (first.people_within, first.people_by_connector) == (10, 3)
    assert answer.zone(OTHER).people_by_connector == 3
    figures = answer.run.manifest["summary"]["all"]["people"]
    assert (figures["within"], figures["by_connector"]) == (14, 6)


def test_how_long_a_connector_is_may_be_chosen_and_the_limit_is_none(tmp_path):
    longer = three_villages(connector_m=150).run(tmp_path)
    assert not longer.run.people["connector"].any()
    assert longer.run.manifest["parameters"]["connector_m"] == 150
    assert longer.run.manifest["summary"]["all"]["people"]["by_connector"] == 0


def test_people_by_an_islet_go_by_the_walk_that_was_found(tmp_path):
    town = Town(
        """
        A----B----C

        D
        |
        E
        """,
        people={"D 10S": 1, "D 1E": 2},
        facilities={"F": "B"},
        rules={"islet_m": 500},
    )
    answer = town.run(tmp_path)
    # on the islet D-E, which leads nowhere; 210 m and 200 m to the street A-C
    for place, metres in (("D 10S", 210 + 500), ("D 1E", 200 + 499)):
        assert answer.person(place).metres == pytest.approx(metres)
        assert answer.person(place).connector
    near = Town(**{**town.__dict__, "facilities": {"F": "E"}}).run(tmp_path / "near")
    assert not near.run.people["connector"].any()
