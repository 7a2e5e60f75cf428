"""What would be covered if all that is built, being built or planned were open; and what is never drawn."""

import pytest

from towns.drawing import VILLAGE, Town
from towns.test_village_class import code, villages


def test_the_share_when_all_has_opened_stands_in_every_row(tmp_path):
    # half of 10 people reach what operates; what is planned at 2900 m would reach the others
    answer = villages(
        ({0: 5, 3000: 5}, {500: "operating", 2900: "planned"}), ({0: 4, 3000: 6}, {500: "operating"})
    ).run(tmp_path)  # fmt: skip
    assert [answer.zone(code(i)).share_within for i in (20, 21)] == [0.5, 0.4]
    assert [answer.zone(code(i)).share_when_opened for i in (20, 21)] == [1.0, 0.4]
    zones = answer.run.zones
    upper = zones[zones["level"].eq("prefecture") & zones["circle"].eq("own")]
    assert upper["share_when_opened"].iloc[0] == pytest.approx(14 / 20)
    assert answer.run.manifest["summary"]["people_more"]["when_opened"]["1km"] == pytest.approx(5)


def test_what_stands_idle_opens_too_and_what_is_closed_does_not(tmp_path):
    answer = villages(({0: 5}, {500: "built_idle"}), ({0: 5}, {500: "closed"})).run(tmp_path)
    assert [answer.zone(code(i)).share_when_opened for i in (20, 21)] == [1.0, 0.0]


GROUND = ((990.0, 60.0), (1510.0, 60.0), (1510.0, -60.0), (990.0, -60.0), (990.0, 60.0))


@pytest.mark.parametrize("tags", [{"landuse": "military"}, {"amenity": "prison"}, {"military": "barracks"}])
def test_military_grounds_and_prisons_are_walked_by_but_never_drawn(tmp_path, tags):
    town = Town(
        "A----B----C----D", people={"A": 10}, facilities={"F": "D"}, streets="osm",
        ways={
            "AB": {"name": "人民路"}, "BC": {"military": "yes", "name": "一号路"}, "CD": {"name": "二号路"},
            GROUND: {"highway": None, **tags},
        },
    )  # fmt: skip
    answer = town.run(tmp_path)
    assert answer.person("A").metres == pytest.approx(1500, abs=0.1)
    assert answer.run.segments["name"].tolist() == ["人民路"]
    assert not {"一号路", "二号路"} & set("".join(answer.run.gaps["place"].astype(str)))
    assert answer.zone(VILLAGE).street_km == pytest.approx(1.5, abs=0.001)
