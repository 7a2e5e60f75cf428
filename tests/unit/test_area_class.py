"""Each rung of the ladder from a code to urban or rural."""

import geopandas as gpd
import pytest

from servicecircle.assess.area_class import classify_zones
from servicecircle.findings import Findings

CIRCLES = ("15min", "1km", "meals")


def zones(*units, township_name="410902400000", township="410902400000"):
    """Units (code, name, class_code, circle_given) under one township."""
    rows = [(township, township_name, "township", "", "", "", False)]
    rows += [
        (code, name, "village", township, class_code, given, True) for code, name, class_code, given in units
    ]
    columns = ["code", "name", "level", "parent_code", "class_code", "circle_given", "unit"]
    frame = gpd.pd.DataFrame(rows, columns=columns)
    return gpd.GeoDataFrame(frame, geometry=[None] * len(frame), crs=4547)


def classify(frame, default_class="rural"):
    findings = Findings()
    found = classify_zones(frame, default_class=default_class, circles_ids=CIRCLES, findings=findings)
    return found.set_index("code"), findings


@pytest.mark.parametrize(
    ("code", "name", "class_code", "given", "expected"),
    [
        ("410902400201", "甲村", "220", "15min", ("urban", "given", "15min")),
        ("410902400001", "甲社区", "", "农村", ("rural", "given", "1km")),
        ("410902400001", "甲社区", "", "一公里", ("rural", "given", "1km")),
        ("410902400201", "甲村", "", " 一刻钟 ", ("urban", "given", "15min")),
        ("410902400201", "甲村", "", "meals", ("rural", "committee", "meals")),
        ("410902400001", "甲村", "220", "", ("urban", "committee", "15min")),
        ("410902400199", "甲村", "", "", ("urban", "committee", "15min")),
        ("410902400497", "甲村", "", "", ("urban", "committee", "15min")),
        ("410902400200", "甲社区", "111", "", ("rural", "committee", "1km")),
        ("410902400597", "甲社区", "", "", ("rural", "committee", "1km")),
        ("410902400498", "某虚拟社区", "220", "", ("rural", "class_code", "1km")),
        ("410902400598", "某虚拟村", "122", "", ("urban", "class_code", "15min")),
        ("89a901-hex", "甲社区", "", "", ("urban", "name", "15min")),
        ("89a901-hex", "甲居委会", "", "", ("urban", "name", "15min")),
        ("89a901-hex", "甲社区村委会", "", "", ("rural", "name", "1km")),
        ("89a901-hex", "甲村", "", "", ("rural", "name", "1km")),
        ("89a901-hex", "甲", "", "", ("rural", "default", "1km")),
    ],
)
def test_the_first_rung_that_holds_decides(code, name, class_code, given, expected):
    found, _ = classify(zones((code, name, class_code, given)))
    assert tuple(found.loc[code, ["area_class", "area_class_source", "circle"]]) == expected


@pytest.mark.parametrize(
    ("township", "name", "expected"),
    [
        ("410902001000", "甲", ("urban", "township")),
        ("410902199000", "甲", ("urban", "township")),
        ("410902200000", "甲", ("rural", "township")),
        ("410902400000", "开发区街道", ("urban", "township")),
        ("410902400000", "某乡", ("rural", "township")),
        ("410902400000", "开发区", ("rural", "default")),
    ],
)
def test_a_virtual_unit_follows_its_township(township, name, expected):
    code = township[:9] + "498"
    found, _ = classify(zones((code, "单位", "", ""), township=township, township_name=name))
    assert tuple(found.loc[code, ["area_class", "area_class_source"]]) == expected


def test_a_class_code_against_the_digits_is_listed_and_does_not_decide():
    found, findings = classify(
        zones(("410902400201", "甲村", "111", ""), ("410902400202", "乙村", "220", ""))
    )
    assert [(f.code, f.subject) for f in findings] == [("zones.class_disagrees", "410902400201")]
    assert "口径待定" in next(iter(findings)).said("zh")[0]
    assert found.loc["410902400201", "area_class"] == "rural"


def test_upper_levels_are_mixed_where_their_units_differ():
    found, _ = classify(zones(("410902400001", "甲", "", ""), ("410902400201", "乙", "", "")))
    assert found.loc["410902400000", "area_class"] == "mixed"
    assert found.loc["410902400000", "circle"] == ""
    found, _ = classify(zones(("410902400201", "乙", "", "")))
    assert found.loc["410902400000", "area_class"] == "rural"


def test_without_a_default_an_undecided_unit_has_neither_class_nor_circle():
    found, findings = classify(
        zones(("x1", "甲", "", ""), ("410902400201", "乙", "", "")), default_class="none"
    )
    assert tuple(found.loc["x1", ["area_class", "circle"]]) == ("", "")
    assert findings.counts() == {"zones.no_class": 1}
    assert found.loc["410902400000", "area_class"] == "rural"


def test_an_unknown_circle_is_listed_and_the_ladder_goes_on():
    found, findings = classify(zones(("410902400201", "乙", "", "<b>{circle}")))
    assert findings.counts() == {"zones.circle_unknown": 1}
    assert found.loc["410902400201", "circle"] == "1km"
    assert "<b>{circle}" in findings.to_frame()["message"][0]
