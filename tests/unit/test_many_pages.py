from __future__ import annotations

import base64
import gzip
import json
import re

import pytest

from browser.drawn_province import drawn_province
from servicecircle.maps import pages as pages_module
from servicecircle.maps.pages import write_pages
from servicecircle.outputs.manifest import write_manifest

ISLAND = re.compile(r'<script type="application/octet-stream" id="page">([A-Za-z0-9+/=]*)</script>')


def spec_of(path):
    return json.loads(gzip.decompress(base64.b64decode(ISLAND.search(path.read_text("utf-8"))[1])))


def described(folder, pages):
    made_from = {path.relative_to(folder).as_posix(): digest for path, digest in pages.items()}
    write_manifest({"pages": made_from}, list(pages), folder / "run.json")


@pytest.fixture(scope="module")
def province(tmp_path_factory):
    results = drawn_province(prefectures=2, counties=3, townships=7)
    folder = tmp_path_factory.mktemp("province")
    written = write_pages(results, folder)
    described(folder, written)
    return results, folder, written


def test_a_study_of_several_counties_has_a_page_per_county(province):
    _, folder, written = province
    names = [path.relative_to(folder).as_posix() for path in written]
    assert names[0] == "index.html"
    assert [name.split("/")[0] for name in names[1:]] == ["counties"] * 3 + ["townships"] * 7


def test_the_first_page_leads_to_counties_and_townships(province):
    results, folder, _ = province
    spec = spec_of(folder / "index.html")
    table = next(one for one in spec["tables"] if one["name"] == "county")
    assert len(table["rows"]) == 3
    assert all((folder / address).is_file() for address in table["links"][0])
    layers = {layer["name"]: layer for layer in spec["layers"]}
    assert set(layers) == {"prefecture", "county", "township_areas"}
    assert [name for name, layer in layers.items() if layer["shown"]] == ["county"]
    assert all((folder / address).is_file() for address in layers["township_areas"]["links"])
    own = results.zones[results.zones["circle"].eq("own") & results.zones["level"].eq("prefecture")]
    share = own["elderly_within"].sum() / own["elderly_judged"].sum()
    assert spec["figures"][0][1] == f"{int(share * 1000) / 10:.1f}%"


def test_a_county_leads_down_to_its_townships_and_back(province):
    results, _, written = province
    county = next(path for path in written if path.parent.name == "counties")
    spec = spec_of(county)
    table = next(one for one in spec["tables"] if one["name"] == "townships")
    inside = results.zones[
        results.zones["parent_code"].eq(f"{county.stem}") & results.zones["circle"].eq("own")
    ]
    assert len(table["rows"]) == len(inside)
    down = [county.parent / address for address in table["links"][0]]
    assert all(path.is_file() for path in down)
    links = dict(spec["links"])
    assert links["返回总图"] == "../index.html"
    up = [address for _, address in spec_of(down[0])["links"]]
    assert f"../counties/{county.name}" in up


def test_pages_that_would_be_the_same_are_copied_and_others_made(province, tmp_path, monkeypatch):
    results, folder, written = province
    made = []
    monkeypatch.setattr(
        pages_module, "made", lambda job, make=pages_module.made: made.append(job.name) or make(job)
    )
    again = write_pages(results, tmp_path, earlier=folder)
    assert made == []
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in written]
    other = results.facilities.copy()
    other.loc[0, "name"] = "改名幸福院"
    object.__setattr__(results, "facilities", other)
    place = other.loc[0, "zone_code"][:9] + "000.html"
    write_pages(results, tmp_path, earlier=folder)
    assert f"townships/{place}" in made
    assert 0 < len(made) < len(written)


def test_a_page_that_somebody_changed_is_made_again(province, tmp_path):
    results, folder, written = province
    touched = list(written)[-1]
    whole = touched.read_bytes()
    touched.write_bytes(whole + b"<!-- mine -->")
    again = write_pages(results, tmp_path, earlier=folder)
    touched.write_bytes(whole)
    assert all(b"mine" not in path.read_bytes() for path in again)


def test_a_broken_manifest_keeps_nothing(province, tmp_path):
    results, _, written = province
    earlier = tmp_path / "earlier"
    earlier.mkdir()
    (earlier / "run.json").write_text('{"pages": [1], "files": 3}', "utf-8")
    assert len(write_pages(results, tmp_path, earlier=earlier)) == len(written)


def test_workers_do_not_change_a_byte(province, tmp_path, monkeypatch):
    results, _, _ = province
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
    monkeypatch.setattr(pages_module, "FEW_PAGES", 2)
    alone, together = write_pages(results, one), write_pages(results, two, workers=2)
    assert [path.name for path in alone] == [path.name for path in together]
    for a, b in zip(alone, together, strict=True):
        assert a.read_bytes() == b.read_bytes()
