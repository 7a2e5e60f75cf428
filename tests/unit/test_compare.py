"""Two runs side by side: what changed, why, and what can be said when the old inputs are gone."""

import csv
import json
import shutil
from dataclasses import replace
from math import fsum

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from servicecircle.errors import InputError
from servicecircle.history.compare import compare
from servicecircle.history.facilities import Pairs
from servicecircle.history.find import find_run
from servicecircle.history.fingerprint import FIELDS, field_digests
from servicecircle.history.headlines import headlines
from servicecircle.history.hybrid import Mixes
from servicecircle.history.record import record
from servicecircle.history.sources import digests_of, parts_of, sources_of, with_sources
from servicecircle.history.written import headline_rows, title
from servicecircle.outputs.reading import read_run
from servicecircle.pipeline import check, measure
from servicecircle.study import Study
from unit.small_town import EAST, FACILITIES, HOME, LAT, LON, PEOPLE, STEP, SmallTown, command, zones

EVIL = "=cmd|' /C calc'!A1<script>"
NEW_HOME = f"F9,{EVIL},村级幸福院,运营中,{LON + 2 * STEP:.4f},{LAT + 2 * STEP:.4f}\n"
HISTORY = "\n[history]\n"


@pytest.fixture(scope="module")
def twice(tmp_path_factory):
    """A town run in June; in September a home opened, one closed, one moved, and people were counted anew."""
    town = SmallTown(tmp_path_factory.mktemp("compare") / "town")
    moving = HOME.replace("F1", "F2").replace(f"{LON + STEP:.4f}", f"{LON:.4f}")
    town.write(facilities=FACILITIES + moving, keys={"rules": "rural_metres = 300"})
    town.put("study.toml", town.study.read_text("utf-8") + HISTORY)
    assert command("run", town.study, "-q", "-o", town.folder / "june").code == 0
    text = (
        FACILITIES.replace("运营中", "已关停") + moving.replace(f"{LON:.4f}", f"{LON + 0.002:.4f}") + NEW_HOME
    )
    town.write(facilities=text, people=PEOPLE.replace(",9\n", ",90\n"), keys={"rules": "rural_metres = 300"})
    june = town.study.read_text("utf-8") + HISTORY
    town.put("study.toml", june.replace("2026-06-30", "2026-09-30"))
    done = command("run", town.study, "-q", "-o", town.folder / "september")
    assert done.code == 0, done.err
    return town


@pytest.fixture(scope="module")
def found(twice, tmp_path_factory):
    study, scratch = Study.from_file(twice.study), tmp_path_factory.mktemp("scratch")
    sides = [find_run(n, study=study, scratch=scratch / n) for n in ("2026-06-30", "latest")]
    return compare(*sides, measure=measure)


def test_parts_sum_to_each_change_and_the_change_is_that_of_the_runs(twice, found):
    assert found.parts == ("people", "facilities_closed", "facilities_moved", "facilities_opened")
    assert found.method == "every_order"
    recorded = [headlines(read_run(twice.folder / name).zones) for name in ("june", "september")]
    for row in found.headlines.to_dict("records"):
        key = row["zone_code"], row["headline"]
        assert fsum(row[part] for part in found.parts) == row["change"], key
        assert row["change"] == pytest.approx(recorded[1][key] - recorded[0][key], abs=1e-12)
    assert {row["headline"] for row in found.shown()} == {"met_rate", "unit_coverage", "people_share"}
    for row in found.shown():
        assert round(10 * sum(row["parts"].values())) == round(10 * row["change"])


def test_each_part_has_the_sign_of_what_happened(found):
    people = next(r for r in found.headlines.to_dict("records") if r["headline"] == "people_share")
    assert people["facilities_opened"] > 0 > people["facilities_closed"]
    assert people["people"] > 0  # more people live where the new home is
    facilities = found.facilities.set_index("facility_id")["change"].to_dict()
    assert facilities == {"F9": "opened", "F1": "closed", "F2": "moved"}
    assert found.counts()["facilities_moved"] == 1


def test_the_whole_agrees_with_the_summary_of_the_run(twice):
    for name in ("june", "september"):
        run = read_run(twice.folder / name)
        shares, summary = headlines(run.zones), run.manifest["summary"]
        assert shares["", "people_share"] == pytest.approx(
            summary["all"]["people"]["share_within"], abs=1e-12
        )
        assert shares["", "met_rate"] == summary["units"]["met"] / summary["units"]["judged"]
        assert shares["", "unit_coverage"] == summary["units"]["with_facility"] / summary["units"]["all"]


def test_gaps_and_villages_are_followed(found):
    assert set(found.gaps["change"]) <= {"opened", "closed", "grown", "shrunk", "moved"}
    assert found.gaps["change"].isin(["closed", "shrunk"]).any()
    closed = found.gaps.loc[found.gaps["change"].eq("closed")]
    assert closed["stable_id"].str.endswith("@2026-06-30").all()
    assert set(found.verdicts["zone_code"]) <= {"410902200201", EAST}


def test_the_command_prints_a_table_and_writes_files(twice, tmp_path):
    folders = twice.folder / "june", twice.folder / "september"
    done = command("compare", *folders, "-o", tmp_path / "out", "-l", "zh")
    assert done.code == 0, done.err
    assert "设施新增" in done.out
    assert "人口覆盖率" in done.out
    assert "2026-06-30 → 2026-09-30" in done.out
    told = json.loads((tmp_path / "out" / "compare.json").read_text("utf-8"))
    assert told["method"] == "every_order"
    assert told["counts"]["facilities_opened"] == 1
    with (tmp_path / "out" / "compare_facilities.csv").open(encoding="utf-8-sig", newline="") as stream:
        names = [row["name"] for row in csv.DictReader(stream)]
    assert f"'{EVIL}" in names
    with (tmp_path / "out" / "compare.csv").open(encoding="utf-8-sig", newline="") as stream:
        for row in csv.DictReader(stream):
            assert fsum(float(row[part]) for part in told["parts"]) == float(row["change"])


def test_without_the_old_inputs_the_differences_are_still_told(twice, tmp_path):
    shutil.copytree(twice.folder, tmp_path / "town")
    shutil.rmtree(tmp_path / "town" / "history")
    done = command("compare", tmp_path / "town" / "june", tmp_path / "town" / "september", "-l", "en")
    assert done.code == 0, done.err
    assert "cannot be put down" in done.out
    assert "facilities.csv" in done.out or "people.csv" in done.out
    assert "Facilities: 1 opened, 1 closed, 1 moved" in done.out


def test_runs_of_the_same_inputs_have_nothing_to_tell(twice):
    done = command("compare", "latest", "latest", "--study", twice.study, "-l", "en")
    assert done.code == 0, done.err
    assert "No input, rule or program changed" in done.out
    assert "Gaps: 0 opened, 0 closed, 0 grown, 0 shrunk, 0 moved" in done.out


def test_what_the_program_itself_changed_is_its_own_part(twice, tmp_path):
    study = Study.from_file(twice.study)
    old, new = (find_run("latest", study=study, scratch=tmp_path / side) for side in ("old", "new"))
    zones = new.frames.zones.assign(people_within=new.frames.zones["people_within"] * 0.5)
    found = compare(old, replace(new, frames=replace(new.frames, zones=zones)), measure=measure)
    assert found.parts == ("program",)
    moved = found.headlines.dropna(subset="program")
    assert set(moved["headline"]) == {"people_share"}
    assert (moved["program"] == moved["change"]).all()
    assert np.allclose(moved["change"], moved["new"] - moved["old"], atol=1e-12)


@pytest.mark.parametrize("named", ["2020-01-01", "nothing"])
def test_an_unknown_run_is_one_clear_error(twice, named):
    done = command("compare", named, "latest", "--study", twice.study, "-l", "en")
    assert (done.code, done.out) == (2, "")
    assert f"no run {named}" in done.err
    assert "--study" in command("compare", named, named, "-l", "en").err


def test_two_studies_are_not_compared(twice, tmp_path):
    shutil.copytree(twice.folder / "june", tmp_path / "other")
    told = json.loads((tmp_path / "other" / "run.json").read_text("utf-8"))
    told["study"]["id"] = "other"
    (tmp_path / "other" / "run.json").write_text(json.dumps(told), "utf-8")
    sides = [
        find_run(str(p), study=None, scratch=tmp_path) for p in (twice.folder / "june", tmp_path / "other")
    ]
    with pytest.raises(InputError, match="two studies"):
        compare(*sides, measure=measure)


# ---------------------------------------------------------------- every field


@pytest.mark.parametrize("part", ["streets", "boundaries", "rules", "people"])
def test_a_change_of_one_field_alone_is_put_down_to_it(tmp_path, part):
    town = SmallTown(tmp_path).write(keys={"rules": "rural_metres = 500"})
    town.put("study.toml", town.study.read_text("utf-8") + HISTORY)
    old = Study.from_file(town.study)
    again = SmallTown(tmp_path / "new").write(keys={"rules": "rural_metres = 500"})
    if part == "streets":
        text = (again.folder / "streets.osm").read_text("utf-8")
        again.put("streets.osm", text.replace('<nd ref="2"/><nd ref="5"/>', '<nd ref="5"/>'))
    elif part == "boundaries":
        shapes = zones().geometry.translate(xoff=-STEP)
        zones().set_geometry(gpd.GeoSeries(shapes, crs=4326)).to_file(again.folder / "zones.gpkg")
    elif part == "people":
        again.put("people.csv", PEOPLE.replace(",9\n", ",90\n"))
    else:
        again.put(
            "study.toml", again.study.read_text("utf-8").replace("rural_metres = 500", "rural_metres = 900")
        )
    new = Study.from_file(again.study)
    mixes = Mixes(old, new, measure=measure)
    assert mixes.changed == [part]
    assert mixes.value(frozenset()) == headlines(measure(check(old)))
    assert mixes.value(frozenset([part])) == headlines(measure(check(new)))
    assert mixes.value(frozenset()) != mixes.value(frozenset([part]))


def test_a_place_that_was_mended_is_no_move(tmp_path):
    near = HOME.replace(f"{LAT + 0.0002:.4f}", f"{LAT + 0.0003:.4f}")
    frames = [check(SmallTown(tmp_path / n).write(facilities=FACILITIES.replace(HOME, home)) and
                    Study.from_file(tmp_path / n / "study.toml")).facilities
              for n, home in (("a", HOME), ("b", near))]  # fmt: skip
    pairs = Pairs.of(*frames)
    assert pairs.parts == ["mending"]
    assert len(pairs.listed()) == 0
    for chosen, frame in ((set(), frames[0]), ({"mending"}, frames[1])):
        assert pairs.mixed(*frames, chosen)["lat"].tolist() == frame["lat"].tolist()


def test_a_facility_of_another_kind_is_closed_and_opened():
    frame = pd.DataFrame({"facility_id": ["A", "B"], "name": "n", "kind": ["x", "x"], "status": "operating",
                          "lon": [115.0, 115.1], "lat": 35.0, "reason": ""})  # fmt: skip
    other = frame.assign(kind=["y", "x"], lat=[35.0, np.nan])
    pairs = Pairs.of(frame, other)
    assert pairs.listed()["change"].tolist() == ["opened", "closed"]
    mixed = {c: sorted(pairs.mixed(frame, other, c)["kind"]) for c in (
        frozenset(), frozenset(["facilities_opened"]), frozenset(["facilities_closed"]))}  # fmt: skip
    assert list(mixed.values()) == [["x", "x"], ["x", "x", "y"], ["x"]]


# ---------------------------------------------------------------- files by role


def test_every_file_of_a_study_has_its_role_and_its_field(tmp_path):
    town = SmallTown(tmp_path).write()
    town.put("study.toml", town.study.read_text("utf-8") + '\n[units]\nsource = "units.csv"\n')
    town.put("units.csv", f"code,name,households\n{EAST},东村,12\n")
    study = Study.from_file(town.study)
    by_role = dict(sources_of(study))
    assert by_role == {
        "streets": "streets.osm", "facilities": "facilities.csv", "zones.village": "zones.gpkg",
        "people": "people.csv", "units": "units.csv",
    }  # fmt: skip
    read = {entry["role"]: entry["sha256"] for entry in check(study).digests}
    assert {role: sha256 for (role, _), sha256 in digests_of(study).items()} == read
    before = field_digests(study, digests_of(study))
    assert tuple(before) == FIELDS
    town.put("people.csv", PEOPLE + "\n")
    after = field_digests(study, digests_of(study))
    assert [field for field in FIELDS if before[field] != after[field]] == ["people"]
    moved = with_sources(study, lambda role, _source: f"/elsewhere/{role}")
    assert moved.people.source == "/elsewhere/people"
    assert moved.units is not None
    assert moved.units.source == "/elsewhere/units"


def test_a_profile_that_the_own_one_extends_is_a_rule_too(tmp_path):
    town = SmallTown(tmp_path).write(keys={"rules": 'profile = "own.toml"'})
    town.put("own.toml", 'extends = "county.toml"\n')
    study, seen = Study.from_file(town.study), []
    for circle in ("15min", "1km"):
        clause = f'id = "a"\nphrase = "p"\nkind = "service-circle-time"\ncircle = "{circle}"\n'
        town.put("county.toml", f'extends = "puyang"\n[[clauses]]\n{clause}')
        seen.append(field_digests(study, digests_of(study)))
    assert [field for field in FIELDS if seen[0][field] != seen[1][field]] == ["rules"]
    assert [part.name for part in parts_of(study.locate("own.toml"))] == ["own.toml", "county.toml"]


def test_two_runs_of_one_date_are_told_by_when_they_ran(found):
    same = replace(found, new=found.new | {"as_of": found.old["as_of"]})
    assert found.old["started_at"][:10] in title(same, "zh")
    assert [len(row) for row in headline_rows(found, "en")[1]] == [8, 8, 8]


def test_a_recorded_folder_is_found_without_naming_the_study(twice, tmp_path):
    kept = find_run(str(twice.folder / "june"), study=None, scratch=tmp_path)
    assert kept.study is not None
    assert kept.study.locate(kept.study.people.source).is_relative_to(tmp_path)
    assert not record(twice.folder / "september", Study.from_file(twice.study)).new
