from __future__ import annotations

import numpy as np
import pytest
import shapely

from browser.drawn_province import drawn_province
from browser.islands import islands_of
from servicecircle.maps import pages as pages_module
from servicecircle.maps.pages import write_pages
from servicecircle.maps.pixels import SMALL_BYTES
from servicecircle.maps.scene import Scene
from servicecircle.outputs.manifest import write_manifest


def spec_of(path):
    return islands_of(path.read_text("utf-8"))["page"]


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


def crooked(frame, step_m):
    """Bend lines and borders by a few metres, neighbours alike: drawn squares pack too well."""

    def bend(xy):
        x, y = xy.T / 37.0
        return xy + 25.0 * np.column_stack([np.sin(y * 1.7 + np.sin(x)), np.cos(x * 1.3 + np.sin(y))])

    shapes = shapely.segmentize(frame.geometry.to_numpy(), step_m)
    return frame.set_geometry(shapely.transform(shapes, bend))


def test_the_overview_of_a_prefecture_stays_below_a_megabyte_and_a_half():
    results = drawn_province(prefectures=1, counties=1, townships=100, villages=30, streets=200)
    object.__setattr__(results, "zones", crooked(results.zones, 100.0))
    object.__setattr__(results, "segments", crooked(results.segments, 300.0))
    scene = Scene.from_results(results)
    assert (len(scene.units), len(scene.segments)) == (3000, 18_000)
    page = pages_module.made(next(pages_module.Plans(scene, {}).jobs()))
    assert len(page) + 4 * SMALL_BYTES / 3 < 1_500_000
    assert len(islands_of(page.decode("utf-8"))["layer-units"]) > 50_000
