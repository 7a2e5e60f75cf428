"""Kinds of facilities: what their names mean, and what satisfies what."""

import json
import re

import pytest

from servicecircle.kinds import KINDS, RURAL_KINDS, SUBJECTS, URBAN_KINDS, recognise_kind, satisfying
from servicecircle.standards.register import all_profiles

NAMES = {
    "濮阳市综合养老服务中心": "city_centre",
    "县级供养服务设施": "county_support_facility",
    "县级敬老院": "county_support_facility",
    "县（市、区）级特困人员供养服务设施": "county_support_facility",
    "某县特困人员供养服务中心": "county_support_facility",
    "某县柳格镇特困供养服务设施": "township_home",
    "乡镇（街道）级敬老院": "township_home",
    "长者餐厅": "meal_point",
    "农村互助养老服务点": "village_happiness_home",
    "唐河县养老服务中心": "county_care_centre",
    "县级养老服务中心": "county_care_centre",
    "养老服务指导中心": "guidance_centre",
    "养老服务工作站": "guidance_centre",
    "街道综合养老服务中心": "street_centre",
    "综合养老服务设施": "street_centre",
    "乡镇敬老院": "township_home",
    "乡镇特困供养服务设施": "township_home",
    "区域性养老服务中心": "regional_centre",
    "区域综合养老服务中心": "regional_centre",
    "养老服务场所": "community_place",
    "社区养老服务设施": "community_facility",
    "日间照料中心": "community_daycare",
    "社区养老服务站(点)": "community_station",
    "嵌入式养老公寓": "embedded_institution",
    "居家养老服务网点": "home_care_station",
    "村级幸福院": "village_happiness_home",
    "老年托养所": "any_rural",
    "助餐服务设施": "meal_point",
    "家庭照护床位": "family_bed",
    "配套养老服务设施": "residential_ancillary",
    "民办养老机构": "care_institution",
    "医养结合机构": "medical_care_facility",
    "乡镇卫生院": "medical",
    "人民医院": "medical",
    "community_health": "medical",
    "二级综合医院": "hospital",
    "三甲医院": "hospital",
    "老年大学": "senior_university",
    "智慧养老服务平台": "smart_platform",
    "康养产业园区": "industry_base",
    "健康养老示范区": "industry_base",
    "能力评估机构": "assessment_body",
    "养老服务经济体": "business",
    "养老服务经济实体": "business",
}


@pytest.mark.parametrize("name", NAMES)
def test_the_documents_own_names_are_recognised(name):
    assert recognise_kind(name)[0] == NAMES[name]


def test_every_kind_is_recognised_by_its_code_and_has_two_names():
    for code, kind in KINDS.items():
        assert recognise_kind(code)[0] == code
        assert re.search("[一-鿿]", kind.zh)
        assert not re.search("[一-鿿]", kind.en)


def test_a_narrower_kind_satisfies_the_wider_not_the_other_way_round():
    place = {
        "community_place", "community_facility", "community_daycare", "community_station",
        "embedded_institution", "home_care_station",
    }  # fmt: skip
    assert satisfying(["community_place"]) == place
    assert satisfying(["community_facility"]) == place - {"community_place"}
    assert satisfying(["community_daycare"]) == {"community_daycare"}
    assert satisfying(["street_centre", "meal_point"]) == {"street_centre", "meal_point"}
    assert satisfying([]) == frozenset()


def test_any_is_every_elder_care_facility_and_nothing_else():
    others = {
        "family_bed", "senior_university", "guidance_centre", "medical", "hospital", "industry_base",
        "assessment_body", "smart_platform", "business",
    }  # fmt: skip
    assert satisfying(["any"]) == KINDS.keys() - others


def test_what_satisfies_and_what_is_served_is_known():
    levels = {"市", "县(市、区)", "县城区", "街道", "乡镇", "社区", "村", "住宅小区", "家庭", "不限"}
    for kind in KINDS.values():
        assert set(kind.satisfies) <= KINDS.keys() | {"any"}
        assert kind.level
        assert set(kind.level) <= levels


def test_the_circles_count_the_kinds_they_always_did():
    assert URBAN_KINDS == (
        "street_centre", "community_daycare", "community_station", "community_facility", "community_place",
        "embedded_institution", "home_care_station", "regional_centre",
    )  # fmt: skip
    assert RURAL_KINDS == (
        "village_happiness_home", "any_rural", "home_care_station", "community_daycare", "community_station",
        "community_facility", "community_place", "regional_centre",
    )  # fmt: skip


def test_every_kind_serves_a_clause_or_is_asked_for_by_none():
    asked = {kind for profile in all_profiles() for clause in profile.clauses for kind in clause.facilities}
    assert KINDS.keys() | SUBJECTS.keys() == asked | {"any"}


@pytest.mark.shared
def test_every_kind_of_the_register_is_there(shared):
    register = json.loads((shared / "standards" / "reference.json").read_text("utf-8"))
    codes = {entry["code"] for entry in register["facility_types"]}
    assert codes - {"community_health"} | {"medical"} == KINDS.keys() | SUBJECTS.keys()
