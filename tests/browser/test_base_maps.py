"""Online base maps, from a tile server of our own on this machine."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from browser.made_results import made_results
from servicecircle.checks.datum import gcj02_from_wgs84
from servicecircle.edition import Output
from servicecircle.maps import basemaps, offline
from servicecircle.maps.pages import write_pages

pytestmark = pytest.mark.browser

TILE = offline.asset("marker-shadow.png")
HOSTS = ("openstreetmap.org/{z}", "tianditu.gov.cn", "autonavi.com")
OFF_BY_PX = """([lat, lng]) => {
    const layer = [];
    map.eachLayer((one) => { if (one instanceof L.TileLayer) layer.push(one); });
    const zoom = layer[0]._tileZoom, place = L.latLng(lat, lng);
    const seen = document.getElementById("map").getBoundingClientRect();
    const there = map.project(App.shifted(place), zoom),
        numbers = [there.x, there.y].map((at) => Math.floor(at / 256));
    const tile = layer[0]._tiles[[...numbers, zoom].join(":")].el.getBoundingClientRect();
    const scale = tile.width / 256;
    const x = tile.left + (there.x % 256) * scale, y = tile.top + (there.y % 256) * scale;
    const at = map.latLngToContainerPoint(place);
    return Math.max(Math.abs(x - seen.left - at.x), Math.abs(y - seen.top - at.y));
}"""


class Tiles(BaseHTTPRequestHandler):
    """Answers every tile; `/broken/` is one that has gone."""

    def do_GET(self):
        self.server.asked.append(self.path)
        found = not self.path.startswith("/broken/")
        self.send_response(200 if found else 503)
        self.send_header("Content-Type", "image/png")
        self.end_headers()
        if found:
            self.wfile.write(TILE)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def server():
    tiles = ThreadingHTTPServer(("127.0.0.1", 0), Tiles)
    tiles.asked = []
    threading.Thread(target=tiles.serve_forever, daemon=True).start()
    yield tiles
    tiles.shutdown()
    tiles.server_close()


def page_with(folder, **output):
    results = made_results()
    study = results.study.model_copy(update={"output": Output(**output)})
    object.__setattr__(results, "study", study)
    write_pages(results, folder)
    return folder / "index.html"


@pytest.fixture
def visit(server, visit_file, tmp_path, monkeypatch):
    here = f"http://127.0.0.1:{server.server_port}"

    def open_page(*names, path="tiles"):
        for name in ("OSM", "GAODE"):
            local = {"tiles": (f"{here}/{path}/{{z}}/{{x}}/{{y}}.png",), "hosts": (here,), "subdomains": ""}
            monkeypatch.setattr(basemaps, name, replace(getattr(basemaps, name), **local))
        return visit_file(page_with(tmp_path, base_maps=names), offline=False)

    return open_page


def test_a_page_names_no_tile_server_where_the_study_names_none(tmp_path):
    page = page_with(tmp_path, tianditu_key="0123456789abcdef").read_text("utf-8")
    assert not any(host in page for host in HOSTS)
    assert "img-src data: blob:; " in page


def test_the_policy_names_the_servers_of_those_that_are_named(tmp_path):
    path = page_with(tmp_path, base_maps=["osm", "tianditu"], tianditu_key="0123456789abcdef")
    policy = re.search('Content-Security-Policy" content="([^"]*)"', path.read_text("utf-8"))[1]
    images = re.search("img-src ([^;]*);", policy)[1]
    assert images == "data: blob: https://tile.openstreetmap.org https://*.tianditu.gov.cn"


def test_tianditu_needs_a_key_of_the_study_or_the_environment(monkeypatch):
    monkeypatch.delenv("TIANDITU_KEY", raising=False)
    assert basemaps.base_maps(Output(base_maps=["tianditu"])) == ()
    monkeypatch.setenv("TIANDITU_KEY", "abcdef0123456789")
    (base,) = basemaps.base_maps(Output(base_maps=["tianditu"]))
    assert len(base.tiles) == 2
    assert all(address.endswith("&tk=abcdef0123456789") for address in base.tiles)
    for key in ("'><script>", "a b", "{{7*7}}7*7", "short"):
        with pytest.raises(ValueError, match="tianditu_key"):
            Output(tianditu_key=key)


def test_a_base_map_is_off_until_it_is_chosen_and_goes_again(visit, server):
    seen = visit("osm", "gaode")
    page = seen.page
    page.wait_for_timeout(300)
    assert server.asked == []
    page.get_by_label("开放街道图").check()
    page.wait_for_selector(".leaflet-tile-loaded")
    assert server.asked[0].startswith("/tiles/")
    assert "OpenStreetMap" in page.inner_text(".leaflet-control-attribution")
    page.get_by_label("不用").check()
    assert page.locator(".leaflet-tile").count() == 0
    assert seen.complaints == []


def test_a_base_map_whose_tiles_do_not_come_is_taken_away_with_a_note(visit):
    page = visit("osm", path="broken").page
    page.get_by_label("开放街道图").click()  # not check(): it may be off again before that looks
    page.locator("#layers .note", has_text="开放街道图无法读取，已关闭。").wait_for()
    assert page.is_checked("input[name=base-map] >> nth=0")
    assert page.locator(".leaflet-tile").count() == 0
    assert page.locator("#plain").is_hidden()


def settle(page):
    """Wait for the tiles; the page's policy forbids Playwright's own way to wait for a condition."""
    loading = "() => { let n = 0; map.eachLayer((one) => { n += Boolean(one._loading) }); return n }"
    for _ in range(100):
        page.wait_for_timeout(100)
        if not page.evaluate(loading):
            return


def test_gaode_lies_where_the_map_is(visit):
    page = visit("gaode").page
    page.get_by_label("高德地图").check()
    page.wait_for_selector(".leaflet-tile-loaded")
    for zoom, east_px, north_px in (
        (13, 0, 0),
        (15, 300, 100),
        (17, 0, 0),
        (17, 5000, 3000),
        (16.5, 700, 0),
        (18, 0, 0),
    ):
        page.evaluate(f"void map.setZoom({zoom}, {{ animate: false }})")
        page.evaluate(f"void map.panBy([{east_px}, {-north_px}], {{ animate: false }})")
        settle(page)
        box = page.evaluate(
            "(b => [b.getSouth(), b.getWest(), b.getNorth(), b.getEast()])(map.getBounds().pad(-.05))"
        )
        for lat in (box[0], box[2]):
            for lng in (box[1], box[3]):
                assert page.evaluate(OFF_BY_PX, [lat, lng]) < 2, (zoom, east_px)


def test_the_shift_is_that_of_the_checks(visit):
    page = visit("gaode").page
    for place in ([115.03, 35.70], [121.47, 31.23], [87.62, 43.82], [110.33, 20.03], [-51.2, -30.0]):
        shifted = page.evaluate(
            "([x, y]) => { const p = App.shifted(L.latLng(y, x)); return [p.lng, p.lat] }", place
        )
        assert shifted == pytest.approx(gcj02_from_wgs84(np.array([place]))[0], abs=1e-8)
