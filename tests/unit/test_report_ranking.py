"""Ranks as an office counts them by hand: two lists, ties sharing a rank, the doubtful listed apart."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servicecircle.report.ranking import (
    figures_of,
    in_rank_order,
    own_rows,
    points,
    standings,
    tenths,
    whole_figures,
)
from servicecircle.report.standing_tables import best_and_weakest

COUNTY = "410922"


def zone(code, name, level, judged, within, doubtful=0.0, **more):
    parent = {"county": "", "township": f"{COUNTY}000000", "village": f"{code[:9]}000"}[level]
    return {
        "code": code, "name": name, "level": level, "parent_code": parent, "report_unit": "",
        "circle": "own" if level != "village" else "1km", "people_judged": judged, "people_within": within,
        "people_doubtful": doubtful, "elderly_judged": judged / 5, "elderly_within": within / 5,
        "elderly_doubtful": doubtful / 5, "units": 1.0, "units_judged": 1.0, "units_met": 0.0,
        "units_with_facility": 0.0, "state": "judged", "verdict": "not_met", "reason": "",
    } | more  # fmt: skip


def township(number, name, judged, within, doubtful=0.0, **more):
    return zone(f"{COUNTY}{number:03d}000", name, "township", judged, within, doubtful, **more)


def village(number, serial, judged, within, doubtful=0.0, **more):
    code = f"{COUNTY}{number:03d}{serial:03d}"
    return zone(code, f"{serial}村", "village", judged, within, doubtful, **more)


def table(*rows):
    return pd.DataFrame(list(rows))


def ranks(zones, group="people"):
    return {unit.name: unit.rank for unit in standings(zones, group=group)}


TOWNS = table(
    zone(f"{COUNTY}000000", "某县", "county", 0.0, 0.0),
    township(1, "甲街道", 1000.0, 900.0),
    township(2, "乙街道", 1000.0, 800.0),
    township(3, "丙街道", 1000.0, 800.4),  # printed 80.0 % like the one above
    township(4, "丁街道", 1000.0, 799.9),  # 79.9 %: cut, not rounded up to a tie
    township(100, "戊镇", 1000.0, 500.0),
    township(200, "己乡", 1000.0, 700.0, 200.9),  # 20.0 % to verify as printed: still ranked
    township(201, "庚乡", 1000.0, 990.0, 201.0),  # 20.1 %
    township(202, "辛乡", 0.0, 0.0),
    township(401, "壬街道", 1000.0, 999.99),  # digits tell nothing: its name does
    *(village(n, 201, 1000.0, 1.0) for n in (1, 2, 3, 4, 100, 200, 201, 202, 401)),
)


def test_ties_share_a_rank_and_the_next_one_is_left_out():
    assert ranks(TOWNS) == {
        "壬街道": 1, "甲街道": 2, "乙街道": 3, "丙街道": 3, "丁街道": 5,
        "己乡": 1, "戊镇": 2, "庚乡": None, "辛乡": None,
    }  # fmt: skip


def test_subdistricts_and_townships_are_two_lists():
    units = standings(TOWNS, group="elderly")
    assert [unit.name for unit in in_rank_order(units, group="street")] == [
        "壬街道", "甲街道", "乙街道", "丙街道", "丁街道",
    ]  # fmt: skip
    assert [unit.name for unit in in_rank_order(units, group="township")] == ["己乡", "戊镇"]


def test_who_is_not_ranked_is_told_why():
    why = {unit.name: unit.why for unit in standings(TOWNS, group="people")}
    assert (why["庚乡"], why["辛乡"], why["己乡"]) == ("to_verify", "nobody", "")


def test_small_groups_that_are_not_published_are_not_ranked():
    hidden = TOWNS.assign(
        people_within=TOWNS["people_within"].mask(TOWNS["name"].eq("甲街道")),
        reason=["suppressed" if name == "甲街道" else "" for name in TOWNS["name"]],
    )
    unit = next(unit for unit in standings(hidden, group="people") if unit.name == "甲街道")
    assert (unit.rank, unit.why) == (None, "suppressed")


def test_a_reporting_unit_takes_the_place_of_the_townships_it_holds():
    zones = table(
        township(1, "甲街道", 1000.0, 900.0),
        township(100, "乙镇", 1000.0, 500.0, report_unit="新区管委会"),
        township(101, "丙镇", 3000.0, 900.0, report_unit="新区管委会"),
        township(102, "丁镇", 1000.0, 400.0),
        village(1, 1, 1000.0, 900.0),
        *(village(n, 201, 1000.0, 500.0, report_unit="新区管委会") for n in (100, 101)),
        village(102, 201, 1000.0, 400.0),
    )
    units = {unit.name: unit for unit in standings(zones, group="people")}
    assert list(units) == ["甲街道", "新区管委会", "丁镇"]
    assert units["新区管委会"].figures.share == pytest.approx(1400 / 4000)
    assert (units["新区管委会"].group, units["新区管委会"].code, units["新区管委会"].rank) == (
        "township",
        "",
        2,
    )


def test_villages_of_another_reporting_unit_are_taken_out_of_their_township():
    zones = table(
        township(1, "甲街道", 1000.0, 900.0),
        village(1, 1, 600.0, 590.0, verdict="met", units=math.nan, units_judged=math.nan, units_met=math.nan),
        village(1, 2, 400.0, 310.0, report_unit="开发区管委会"),
    )
    units = {unit.name: unit for unit in standings(zones, group="people")}
    assert units["甲街道"].figures.share == pytest.approx(590 / 600)
    assert (units["甲街道"].figures.units_met, units["甲街道"].figures.units) == (1, 1)
    assert units["开发区管委会"].figures.share == pytest.approx(310 / 400)
    assert units["甲街道"].code == ""  # earlier runs know it with all its villages


def test_a_study_without_townships_has_nothing_to_rank():
    alone = table(village(1, 1, 10.0, 5.0), village(1, 2, 10.0, 5.0))
    assert standings(alone, group="people") == ()
    assert whole_figures(alone, group="people").share == pytest.approx(0.5)


def test_the_row_of_all_circles_stands_for_an_upper_zone():
    zones = table(
        township(1, "甲街道", 100.0, 10.0, circle="15min"), township(1, "甲街道", 300.0, 150.0),
        village(1, 1, 300.0, 150.0), village(1, 1, 7.0, 7.0, circle="meals"),
    )  # fmt: skip
    assert own_rows(zones)[["code", "people_judged"]].to_numpy().tolist() == [
        [f"{COUNTY}001000", 300.0], [f"{COUNTY}001001", 300.0],
    ]  # fmt: skip
    assert standings(zones, group="people")[0].figures.share == pytest.approx(0.5)


def test_an_unknown_part_makes_the_sum_unknown():
    rows = [village(1, 1, 10.0, 5.0), village(1, 2, 10.0, math.nan)]
    assert math.isnan(figures_of(rows, group="people").share)


@pytest.mark.parametrize(
    ("new", "old", "difference"),
    [(0.7999, 0.7, 9.9), (1.0, 0.9999, 0.1), (0.5, 0.5004, 0.0), (0.1, None, None), (math.nan, 0.1, None)],
)
def test_points_are_what_a_reader_finds_by_taking_printed_shares_apart(new, old, difference):
    assert points(new, old) == difference


def test_only_a_whole_is_printed_as_one():
    assert (tenths(1.0), tenths(0.99996), tenths(0.9), tenths(None)) == (1000, 999, 900, None)


def unit(rank):
    found = standings(TOWNS, group="people")[0]
    return type(found)(str(rank), str(rank), "street", found.figures, rank)


def test_ends_of_a_ranking_name_ties_and_nobody_twice():
    ranked = [unit(rank) for rank in (1, 2, 3, 3, 5, 6, 6, 8)]
    best, weakest = best_and_weakest(ranked, 3)
    assert [u.rank for u in best] == [1, 2, 3, 3]
    assert [u.rank for u in weakest] == [6, 6, 8]
    best, weakest = best_and_weakest([unit(rank) for rank in (1, 1, 3, 4)], 3)
    assert ([u.rank for u in best], [u.rank for u in weakest]) == ([1, 1, 3], [4])
    assert best_and_weakest([], 3) == ([], [])


@settings(max_examples=60, deadline=None)
@given(
    within=st.lists(st.integers(0, 1000), min_size=2, max_size=12),
    order=st.randoms(use_true_random=False),
)
def test_ranks_do_not_depend_on_the_order_of_rows_and_are_those_of_pandas(within, order):
    rows = [township(100 + i, f"{i}镇", 1000.0, float(n)) for i, n in enumerate(within)]
    rows += [village(100 + i, 201, 1000.0, float(n)) for i, n in enumerate(within)]
    shuffled = list(rows)
    order.shuffle(shuffled)
    by_hand = pd.Series([n * 1000 // 1000 for n in within]).rank(method="min", ascending=False).astype(int)
    expected = {f"{i}镇": rank for i, rank in enumerate(by_hand)}
    assert ranks(table(*rows)) == ranks(table(*shuffled)) == expected
