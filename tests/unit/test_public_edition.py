from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from browser.drawn_province import drawn_province
from servicecircle.assess.public import for_public
from servicecircle.assess.suppress import FEWEST, _sums, suppress
from servicecircle.errors import InputError
from servicecircle.maps.pages import write_pages
from servicecircle.outputs.geopackage import storable
from servicecircle.outputs.tables import written_tables
from servicecircle.study import Study

LEAST = """
[streets]
source = "s.osm.pbf"
[[facilities]]
source = "f.xlsx"
[[zones]]
level = "village"
source = "z.gpkg"
[people]
source = "p.tif"
"""
COUNTS = ("people", "people_judged", "people_within", "people_doubtful", "gap_people", "elderly_people",
          "elderly_judged", "elderly_within")  # fmt: skip


@pytest.fixture(scope="module")
def results():
    return drawn_province(prefectures=2, counties=3, townships=9)


@pytest.fixture(scope="module")
def public(results):
    return for_public(results)


def load(tmp_path, text):
    (tmp_path / "study.toml").write_text(LEAST + text, "utf-8")
    return Study.from_file(tmp_path / "study.toml")


@pytest.mark.parametrize("number", ["", 'map_review = ""', 'map_review = "  "'])
def test_a_public_edition_without_a_review_number_is_refused(tmp_path, number):
    with pytest.raises(InputError, match="map_review") as caught:
        load(tmp_path, f'[output]\nedition = "public"\n{number}\n')
    assert "审图号" in str(caught.value)


def test_the_edition_is_internal_unless_it_is_said(tmp_path):
    assert not load(tmp_path, "").output.public
    assert load(tmp_path, '[output]\nedition = "public"\nmap_review = "豫S〔2026〕0000号"\n').output.public


def test_no_figure_of_a_small_group_is_left(results, public):
    small = 0
    for column in COUNTS:
        left = public.zones[column].dropna()
        assert not ((left > 0) & (left < FEWEST)).any(), column
        small += int(((results.zones[column] > 0) & (results.zones[column] < FEWEST)).sum())
    assert small > 0
    rest = public.zones["people_judged"] - public.zones["people_within"]
    assert not ((rest > 0) & (rest < FEWEST)).any()


def test_shares_are_left_only_where_their_counts_are(public):
    gone = public.zones["people_within"].isna()
    assert gone.any()
    for column in ("share_within", "share_high", "gap_people", "share_when_opened"):
        assert public.zones.loc[gone, column].isna().all()
    assert public.zones.loc[gone, "reason"].eq("suppressed").all()


@pytest.mark.parametrize("column", ["people_judged", "people_within", "gap_people", "elderly_within"])
def test_no_suppressed_figure_follows_from_sums(results, column):
    """A hidden figure is a fixed sum of the shown ones if and only if the sums span it alone."""
    rng = np.random.default_rng(3)
    for _ in range(4):
        zones = results.zones.copy()
        tiny = zones["level"].eq("village") & (rng.random(len(zones)) < 0.25)
        assert tiny.any()
        shown = suppress(_rebuilt(results, tiny), ["elderly"])
        hidden = np.flatnonzero(shown[column].isna())
        at = {row: number for number, row in enumerate(hidden)}
        spans = []
        for whole, parts in _sums(shown):
            row = np.zeros(len(hidden))
            for one in (p for p in parts if p in at):
                row[at[one]] = 1
            if whole in at:
                row[at[whole]] = -1
            if row.any():
                spans.append(row)
        if spans:
            _, sizes, directions = np.linalg.svd(np.array(spans), full_matrices=False)
            told = (directions[sizes > 1e-9] ** 2).sum(axis=0) > 1 - 1e-9
            assert not told.any(), shown.loc[hidden[told], ["code", "circle"]]


def _rebuilt(results, tiny):
    """Return the zones table with few people not covered in some villages, added up anew."""
    from browser import drawn_province as drawn

    villages = results.zones[results.zones["level"].eq("village")].copy()
    few = villages["people_judged"] - 3
    villages["people_within"] = villages["people_within"].mask(tiny, few)
    villages["elderly_within"] = villages["elderly_within"].mask(tiny, villages["elderly_judged"] - 1)
    villages = drawn._shares(villages).reset_index(drop=True)
    return drawn._with_uppers(villages.assign(k=0))


def test_places_of_people_and_of_gaps_are_left_out(results, public):
    assert len(public.people) == 0
    assert public.ground is None
    assert public.gaps["place"].eq("").all()
    assert not public.gaps["zone_code"].duplicated().any()
    villages = public.zones[public.zones["level"].eq("village")].set_index("code")
    told = villages.loc[public.gaps["zone_code"], "gap_people"]
    assert public.gaps["people"].to_numpy() == pytest.approx(told.to_numpy())
    assert len(public.gaps) < len(results.gaps)
    assert len(public.findings.to_frame("zh")) == 0


def test_tables_and_layers_hold_what_the_pages_hold(public):
    tables = written_tables(public)
    assert tables["zones"]["people_within"].isna().sum() == public.zones["people_within"].isna().sum()
    assert len(storable(public.people)) == 0
    assert "totals" not in public.manifest


def test_a_facility_keeps_only_the_columns_of_its_table(results):
    private = results.facilities.assign(
        contact="张三", phone="13800000000", operator="李四", people_within=4.0
    )
    shown = for_public(replace(results, facilities=private)).facilities
    assert not {"contact", "phone", "operator"} & set(shown.columns)
    assert shown["people_within"].isna().all()


def test_a_verdict_does_not_tell_the_share_of_a_small_group(results):
    village = results.zones[results.zones["level"].eq("village")].iloc[0]
    share = 1 - 4 / village["people_judged"]
    row = {"zone_code": village["code"], "clause_id": "c", "verdict": "met", "measured": share, "low": share,
           "high": share, "margin": share - 0.9, "unit": "share", "reason": "",
           "evidence": f"people_within={village['people_judged'] - 4}"}  # fmt: skip
    verdicts = pd.DataFrame([row, {**row, "unit": "beds", "evidence": "beds=3"}])
    shown = for_public(replace(results, verdicts=verdicts)).verdicts
    assert shown["measured"].isna().tolist() == [True, False]
    assert shown["evidence"].tolist() == ["", "beds=3"]
    assert shown["verdict"].eq("met").all()


def test_public_pages_name_their_review_and_hold_no_graph(results, tmp_path):
    number = "豫S〔2026〕0001号"
    output = results.study.output.model_copy(update={"edition": "public", "map_review": number})
    named = replace(results, study=results.study.model_copy(update={"output": output}))
    for path in write_pages(for_public(named), tmp_path):
        page = path.read_text("utf-8")
        assert number in page
        assert "内部工作用图" not in page
        assert 'id="graph"' not in page
        assert 'id="layer-people"' not in page
        assert "图内界线不作为划界依据" in page


def test_a_manifest_of_the_public_edition_counts_units_only(public):
    assert "people" not in json.dumps(public.manifest)
