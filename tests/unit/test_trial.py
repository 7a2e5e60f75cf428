"""What a new, a removed or an opened facility changes, by the engine and in the page's millimetres."""

from dataclasses import replace

import numpy as np
import pytest
from pyproj import CRS

from servicecircle.assess.trial import Site, Trial, try_sites
from servicecircle.assess.trial_cut import Cutter
from servicecircle.assess.trial_graph import place_site, states, try_in_graph
from servicecircle.crs import WGS84, transform
from servicecircle.maps.graph import evaluate, plan_of, projection
from servicecircle.maps.scene import Scene
from towns.drawing import COMMUNITY, VILLAGE, Town

NEIGHBOUR = "410902200202"

# 3,000 m of street from A to G, a bend to H, and an islet X-Y; the village ends at E
TOWN = """
A----B----C----D----E----F----G
          |
          |
          H

                  X--Y
"""


def town(**given):
    drawn = {
        "people": {
            place: {"people": people, "elderly": elderly} for place, people, elderly in (
                ("A", 10, 2), ("B", 20, 5), ("D", 30, 7), ("E", 2.5, 1), ("H", 4, 1), ("X 100E", 3, 3),
                ("G", 50, 9),
            )
        },
        "facilities": {"F0": "A 100E", "F1": {"at": "H", "status": "planned"}},
        "study_people": {"groups": {"elderly": "elderly"}},
        "zones": {VILLAGE: ("A 500W 2000N", "E 250E 2000S"), NEIGHBOUR: ("E 250E 2000N", "G 500E 2000S")},
    }  # fmt: skip
    return Town(TOWN, **(drawn | given))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    here = town()
    results = here.run(tmp_path_factory.mktemp("town")).run
    return here, results.ground, Cutter.of(results.ground).cut([VILLAGE]), results


def site(here, place, kind="community_daycare"):
    x, y = here.xy(place)
    return Site(round(x * 1000), round(y * 1000), kind)


def both(drawn, trial):
    """Return what the engine and the page's graph say; they must say the same."""
    _, ground, graph, _ = drawn
    engine, page = try_sites(ground, trial, [VILLAGE]), try_in_graph(graph, trial)
    assert page == engine
    return engine


def test_nothing_tried_changes_nothing(drawn):
    outcome = both(drawn, Trial())
    assert (outcome.gained, outcome.lost, outcome.verdicts) == (0, 0, {})


def test_a_site_covers_those_who_walk_no_farther_than_the_limit(drawn):
    """At D: D itself, E 500 m and H 800 m away; B is covered already; G is the neighbour's."""
    outcome = both(drawn, Trial(sites=(site(drawn[0], "D"),)))
    assert outcome.gained == 30 + 2.5 + 4
    assert outcome.elderly_gained == 7 + 1 + 1
    assert outcome.lost == 0
    assert outcome.verdicts == {VILLAGE: ("not_met", "met")}


def test_exactly_the_limit_is_inside_and_a_millimetre_more_is_not(drawn):
    here, *_ = drawn
    assert both(drawn, Trial(sites=(site(here, "F"),))).gained == 30 + 2.5  # D is 1,000 m away
    farther = Site(site(here, "F").x_mm + 1, site(here, "F").y_mm, "community_daycare")
    assert both(drawn, Trial(sites=(farther,))).gained == 2.5


def test_a_facility_taken_away_leaves_those_uncovered_whom_it_alone_reached(drawn):
    outcome = both(drawn, Trial(removed=frozenset({"F0"})))
    assert (outcome.gained, outcome.lost, outcome.elderly_lost) == (0, 30, 7)


def test_a_planned_facility_opens(drawn):
    outcome = both(drawn, Trial(opened=frozenset({"F1"})))
    assert outcome.gained == 4 + 30  # H itself, and D 800 m away
    assert both(drawn, Trial(opened=frozenset({"F0"}))).gained == 0


def test_several_at_once_are_no_sum(drawn):
    here, *_ = drawn
    trial = Trial((site(here, "D"), site(here, "E")), frozenset({"F0"}), frozenset({"F1"}))
    outcome = both(drawn, trial)
    assert outcome.gained == 30 + 2.5 + 4
    assert outcome.lost == 10  # A: 1,300 m from H; B is 800 m from H


def test_a_kind_that_does_not_count_changes_nothing(drawn):
    assert both(drawn, Trial(sites=(site(drawn[0], "D", "meal_point"),))).gained == 0


def test_a_site_on_an_islet_reaches_its_people_only(drawn):
    """X-Y hangs on nothing: a site there is placed on the streets nearby too, if any lies near enough."""
    outcome = both(drawn, Trial(sites=(site(drawn[0], "Y"),)))
    assert outcome.gained == 3


def test_the_page_holds_the_people_of_its_neighbourhood_and_tells_them_apart(drawn):
    _, _, graph, _ = drawn
    assert sorted(graph.weight[graph.village >= 0]) == [2500, 3000, 4000, 10000, 20000, 30000]
    assert sorted(graph.weight[graph.village < 0]) == [50000]


def test_the_verdict_of_a_trial_follows_the_reference_line_and_doubt(tmp_path):
    """The islet's people lie near in a straight line: perhaps they are covered."""
    here = town(people={"D": 9, "X 100E": 9}, facilities={"F0": "A"}, study_people={})
    ground = here.run(tmp_path).run.ground
    graph = Cutter.of(ground).cut([VILLAGE])
    trial = Trial(sites=(site(here, "D"),))
    for outcome in (try_sites(ground, trial, [VILLAGE]), try_in_graph(graph, trial)):
        assert outcome.verdicts == {VILLAGE: ("not_met", "to_verify")}


def test_by_straight_line_the_line_decides(tmp_path):
    here = town(rules={"measure": "straight"})
    ground = here.run(tmp_path).run.ground
    trial = Trial(sites=(site(here, "D"),))
    page = try_in_graph(Cutter.of(ground).cut([VILLAGE]), trial)
    assert page == try_sites(ground, trial, [VILLAGE])
    assert page.gained == 30 + 2.5 + 3  # H lies 949 m from F0 in a straight line: covered already


def test_communities_are_judged_by_minutes(tmp_path):
    here = town(zones={COMMUNITY: ("A 500W 2000N", "G 500E 2000S")}, rules={"urban_minutes": 7.5})
    ground = here.run(tmp_path).run.ground
    trial = Trial(sites=(site(here, "D", "street_centre"),))
    page = try_in_graph(Cutter.of(ground).cut([COMMUNITY]), trial)
    assert page == try_sites(ground, trial, [COMMUNITY])
    assert page.gained == 30 + 2.5  # 500 m


def test_no_site_stands_off_the_streets(drawn):
    here, _, graph, _ = drawn
    x, y = here.xy("A 400N")
    spot = place_site(graph, round(x * 1000) - graph.origin_mm[0], round(y * 1000) - graph.origin_mm[1])
    assert (spot.access < 0).all()


def test_households_never_leave_the_machine(drawn):
    graph = Cutter.of(replace(drawn[1], household=True)).cut([VILLAGE])
    assert len(graph.weight) == 0
    assert len(graph.u) > 0


def test_a_public_edition_holds_nobodys_place(drawn):
    scene = Scene.from_results(drawn[3])
    assert plan_of(scene, scene.units) is not None
    output = scene.study.output.model_copy(update={"edition": "public", "map_review": "GS(2026)1"})
    public = replace(scene, study=scene.study.model_copy(update={"output": output}))
    assert plan_of(public, scene.units) is None


def test_an_unchanged_trial_keeps_what_the_run_found(drawn):
    _, _, graph, _ = drawn
    assert np.array_equal(states(graph, Trial()), graph.state)


@pytest.mark.parametrize("code", ["EPSG:4547", "EPSG:32722", "EPSG:2326", "EPSG:3577"])
def test_the_projection_of_a_page_is_good_to_a_millimetre(drawn, code):
    here = {
        "EPSG:4547": (500_000, 3_950_000), "EPSG:32722": (480_000, 6_680_000),
        "EPSG:2326": (836_000, 819_000), "EPSG:3577": (1_500_000, -3_900_000),
    }[code]  # fmt: skip
    graph = replace(drawn[2], origin_mm=tuple(1000 * metres for metres in here))
    fitted = projection(graph, CRS.from_user_input(code))
    xy = np.random.default_rng(3).uniform(-5000, 8000, (500, 2))
    lonlat = transform(xy + np.array(here), CRS.from_user_input(code), WGS84)
    assert np.abs(evaluate(fitted["forward"], lonlat) - xy * 1000).max() < 1.0
    assert np.abs(evaluate(fitted["back"], xy * 1000) - lonlat).max() < 1e-8
