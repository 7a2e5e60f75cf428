"""Every column and every value has its words, in both languages."""

import re

import pytest

from servicecircle import words
from servicecircle.kinds import STATUSES
from servicecircle.outputs.tables import COLUMNS, GROUP_PARTS

LABELS = words.table("labels")
ENUMS = {
    "sheet": COLUMNS.keys(),
    "column": {column for columns in COLUMNS.values() for column in columns},
    "group_column": GROUP_PARTS,
    "level": ["prefecture", "county", "township", "village"],
    "area_class": ["urban", "rural", "mixed"],
    "area_class_source": ["given", "committee", "class_code", "township", "name", "default"],
    "circle": ["15min", "1km", "own"],
    "limit_unit": ["min", "m"],
    "state": ["judged", "no_people", "no_class", "streets_unmapped"],
    "certainty": ["certain", "likely", "cannot_tell"],
    "verdict": ["met", "not_met", "to_verify", "not_judged"],
    "streets_state": ["mapped", "sparse", "unmapped"],
    "gap_class": ["certain", "detour", "to_verify"],
    "status": ["accepted", *STATUSES],
    "severity": ["error", "warning", "info"],
    "measure": ["network", "straight"],
    "reason": [
        "no_counting_facility", "too_far", "off_streets", "island", "long_detour", "detour", "outside_zones",
        "no_class", "nodata", "no_coordinates", "bad_coordinates", "unknown_kind", "kind_not_counted",
        "not_operating", "outside_streets", "position_doubtful",
    ],
    "advice": ["no_counting_facility", "too_far", "off_streets", "island", "long_detour", "detour"],
    "place": ["by_street", "by_street_at", "by_village", "by_village_at"],
    "compass": ["east", "northeast", "north", "northwest", "west", "southwest", "south", "southeast"],
}  # fmt: skip
LAYER_COLUMNS = [
    "person_id", "people", "zone_code", "circle", "seconds", "metres", "straight_m", "snap_m", "facility_id",
    "within", "reason", "connector", "segment_id", "osm_way", "name", "length_m", "seconds_u", "seconds_v",
    "seconds_mid", "cutoff", "cutoff_unit", "street_m", "area_m2", "people_within",
]  # fmt: skip


@pytest.mark.parametrize("group", ENUMS)
def test_every_value_has_its_words(group):
    assert not set(ENUMS[group]) - LABELS[group].keys()


def test_every_column_of_a_layer_and_of_the_elderly_has_its_words():
    elderly = {f"elderly_{part}" for part in GROUP_PARTS}
    assert not ({*LAYER_COLUMNS, "elderly"} | elderly) - LABELS["column"].keys()


def test_words_are_chinese_and_english():
    for group, entries in LABELS.items():
        for key, (chinese, english) in entries.items():
            assert re.search("[一-鿿]", chinese), (group, key)
            assert not re.search("[一-鿿]|_[a-z]", english), (group, key)


def test_a_value_without_words_is_shown_as_it_is():
    assert words.label("reason", "made_up", "zh") == "made_up"
    assert words.label("reason", "too_far", "zh") == "直线距离已超出限值"
    assert words.label("reason", "too_far", "en") == "Beyond the limit even in a straight line"


def test_messages_of_the_output_stage_are_complete():
    entries = {code: entry for code, entry in words.messages().items() if code.startswith("output.")}
    assert len(entries) == 10
    for entry in entries.values():
        assert entry.keys() == {"severity", "en", "en_fix", "zh", "zh_fix"}
        fields = [set(re.findall(r"{(\w+)}", entry[language])) for language in ("en", "zh")]
        assert fields[0] == fields[1]
