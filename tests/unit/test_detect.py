"""The datum detective: right where it is sure, silent where it is not; seeded trials and whole tables."""

import csv
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import CRS, Transformer

from conftest import ROOT
from servicecircle.checks.datum import SHIFTED
from servicecircle.checks.detect import DATUMS, weigh_datums
from servicecircle.checks.evidence import Ground
from servicecircle.checks.facilities import check_facilities
from servicecircle.crs import lonlat_box
from servicecircle.errors import InputError
from servicecircle.findings import Findings
from servicecircle.sources.reading import read_ways
from servicecircle.study import Study

METRIC = CRS("EPSG:4547")
TO_DEGREES = Transformer.from_crs(METRIC, 4326, always_xy=True)
IN_HENAN = np.array([530_000.0, 3_820_000.0])


@dataclass
class Layout:
    """Streets and villages to strew facilities over."""

    ground: Ground

    def strew(self, rng, count):
        """Return facilities 0-60 m off streets, one in twenty in the fields, and the villages they are in."""
        starts, ends = self.ground.starts, self.ground.ends
        lengths = np.hypot(*(ends - starts).T)
        villages = shapely.STRtree(self.ground.zones.geometry.to_numpy())
        xy = np.empty((0, 2))
        while len(xy) < count:
            which = rng.choice(len(lengths), 2 * count, p=lengths / lengths.sum())
            along = (ends - starts)[which]
            aside = along[:, ::-1] * (-1, 1) / np.maximum(lengths[which], 1e-9)[:, None]
            spots = starts[which] + along * rng.random((2 * count, 1))
            spots += aside * rng.uniform(-60, 60, (2 * count, 1))
            astray = rng.random(2 * count) < 0.05
            low, high = starts.min(axis=0), starts.max(axis=0)
            spots[astray] = rng.uniform(low, high, (astray.sum(), 2))
            inside = villages.query(shapely.points(spots), predicate="intersects")[0]
            xy = np.concatenate([xy, spots[np.unique(inside)]])
        xy = rng.permutation(xy)[:count]
        found = villages.query(shapely.points(xy), predicate="intersects")
        named = np.empty(count, dtype=np.intp)
        named[found[0]] = found[1]
        return np.column_stack(TO_DEGREES.transform(*xy.T)), named

    def weigh(self, rng, datum_of_row, *, named):
        lonlat, villages = self.strew(rng, len(datum_of_row))
        for datum, shift in SHIFTED.items():
            lonlat[datum_of_row == datum] = shift(lonlat[datum_of_row == datum])
        villages = villages if named else np.full(len(villages), -1)
        return weigh_datums(lonlat, lambda rows: villages[rows], self.ground)


def zones_of(shapes):
    names = [f"Z{i}" for i in range(len(shapes))]
    columns = {"code": names, "name": names, "level": "village", "parent_code": "", "unit": True}
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs=METRIC)


def squares(low, high, side):
    return [
        shapely.box(x, y, x + side, y + side)
        for x in np.arange(low[0], high[0], side)
        for y in np.arange(low[1], high[1], side)
    ]


@pytest.fixture(scope="module")
def county():
    raw = read_ways(ROOT / "data" / "sample" / "streets.osm.pbf")
    villages = gpd.read_file(ROOT / "data" / "sample" / "villages.gpkg").to_crs(METRIC)
    return Layout(Ground.of(raw, zones_of(villages.geometry), crs=METRIC, box=lonlat_box(raw.xy, raw.crs)))


@pytest.fixture(scope="module")
def town():
    """A dense crooked town of 8 x 8 km, with a street every 110 m: a shifted place is beside one too."""
    rng = np.random.default_rng(5)
    steps = np.cumsum(rng.uniform(60, 160, 75))
    lines = [((s, 0), (s + rng.normal(0, 40), 8000)) for s in steps]
    lines += [((0, s), (8000, s + rng.normal(0, 40))) for s in steps]
    ends = np.array(lines) + IN_HENAN
    low, high = ends.reshape(-1, 2).min(axis=0), ends.reshape(-1, 2).max(axis=0)
    corners = np.column_stack(TO_DEGREES.transform(*np.array([low, high]).T))
    zones = zones_of(squares(IN_HENAN, IN_HENAN + 8000, 800))
    return Layout(Ground(METRIC, tuple(corners.ravel()), ends[:, 0], ends[:, 1], zones))


def all_in(datum, count):
    return np.full(count, datum, dtype=object)


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("datum", DATUMS)
def test_a_hundred_facilities_in_a_county_tell_their_datum(county, datum, named):
    for seed in range(50_000, 50_003):
        found = county.weigh(np.random.default_rng(seed), all_in(datum, 100), named=named)
        assert (found.datum, found.other) == (datum, "")
        assert found.street_m[datum] < 35 < min(m for d, m in found.street_m.items() if d != datum)


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize(("most", "fewer"), [("bd09", "wgs84"), ("gcj02", "bd09"), ("wgs84", "bd09")])
def test_a_mixture_is_named_with_its_share(county, most, fewer, named):
    wrong = sure = 0
    for seed in range(50_000, 50_004):
        rng = np.random.default_rng(seed)
        truth = np.where(rng.permutation(100) < 70, most, fewer).astype(object)
        found = county.weigh(rng, truth, named=named)
        assert (found.datum, found.other) == (most, fewer)
        assert abs(found.share - 0.7) <= max(0.1, 2.6 * found.share_error)
        assert (found.row_datum[~found.row_sure] == most).all()
        sure += int(found.row_sure.sum())
        wrong += int((found.row_sure & (found.row_datum != truth)).sum())
    assert sure > 0
    assert wrong <= max(1, 0.01 * sure)


def test_one_row_of_another_datum_is_doubted_and_the_table_named(town):
    doubted = others = 0
    for seed in range(50_000, 50_003):
        rows = all_in("bd09", 300)
        rows[seed % 300] = "wgs84"
        found = town.weigh(np.random.default_rng(seed), rows, named=True)
        assert (found.datum, found.other) == ("bd09", "")
        doubted += found.row_doubt[seed % 300] == "wgs84"
        others += (np.delete(found.row_doubt, seed % 300) != "").sum()
    assert doubted >= 2
    assert others <= 9


def test_what_is_no_second_datum_is_told_apart_or_left_open(town):
    """In a dense town without villages most rows' datum is told, where it is not told that all are in it."""
    for seed in range(50_000, 50_004):
        rng = np.random.default_rng(seed)
        mixed = np.where(rng.permutation(100) < 70, "gcj02", "bd09").astype(object)
        found = town.weigh(rng, mixed, named=False)
        assert (found.datum, found.other) in {("", ""), ("gcj02", ""), ("gcj02", "bd09")}
        assert not (found.alone and not found.other)


def test_a_dense_town_is_told_by_the_villages_that_rows_name(town):
    for seed in range(3):
        for datum in DATUMS:
            rows = all_in(datum, 60)
            assert town.weigh(np.random.default_rng(seed), rows, named=True).datum == datum
            assert town.weigh(np.random.default_rng(seed), rows, named=False).datum in {"", datum}


@pytest.mark.parametrize("layout", ["county", "town"])
def test_few_facilities_are_never_confidently_wrong(layout, request):
    place = request.getfixturevalue(layout)
    for seed in range(50_000, 50_024):
        datum = DATUMS[seed % 3]
        found = place.weigh(np.random.default_rng(seed), all_in(datum, 3 + seed % 8), named=seed % 2 == 0)
        assert found.datum in {"", datum}


def test_places_that_have_nothing_to_do_with_the_streets_tell_nothing(county):
    west, south, east, north = county.ground.box
    for seed in range(5):
        rng = np.random.default_rng(seed)
        lonlat = np.column_stack([rng.uniform(west, east, 80), rng.uniform(south, north, 80)])
        found = weigh_datums(lonlat, lambda rows: np.full(len(rows), -1), county.ground)
        assert found.datum == ""
        assert set(found.row_datum) == {"wgs84"}


def test_rows_moved_by_no_datum_are_not_called_one(county):
    """All rows 700 m off to a side that no datum shifts to: another shift explains them better."""
    for seed in range(3):
        lonlat, _ = county.strew(np.random.default_rng(seed), 100)
        found = weigh_datums(
            lonlat - np.array([0.008, 0.006]), lambda rows: np.full(len(rows), -1), county.ground
        )
        assert found.datum == ""


def test_a_heap_of_rows_at_one_place_is_one_piece_of_evidence(county):
    lonlat, _ = county.strew(np.random.default_rng(3), 1)
    heap = SHIFTED["bd09"](np.repeat(lonlat, 200, axis=0))
    assert weigh_datums(heap, lambda rows: np.full(len(rows), -1), county.ground).datum == ""


@pytest.mark.shared
@pytest.mark.parametrize("datum", DATUMS)
def test_real_dense_towns_are_never_told_wrongly(shared, datum):
    data = shared / "data"
    for source, move in (
        (data / "porto_alegre_sao_paulo" / "poa" / "poa_osm.pbf", IN_HENAN),
        (data / "shenzhen" / "G.graphml", None),
    ):
        raw = read_ways(source)
        own = CRS(32722) if move is not None else METRIC
        ground = Ground.of(raw, zones_of([]), crs=own, box=(0, 0, 0, 0))
        shift = np.zeros(2) if move is None else move - ground.starts.mean(axis=0)
        ends = np.stack([ground.starts, ground.ends]) + shift
        low, high = ends.min(axis=(0, 1)), ends.max(axis=(0, 1))
        corners = np.column_stack(TO_DEGREES.transform(*np.array([low, high]).T))
        place = Layout(Ground(METRIC, tuple(corners.ravel()), *ends, zones_of(squares(low, high, 1000))))
        for named, wanted in ((True, {datum}), (False, {"", datum})):
            assert place.weigh(np.random.default_rng(1), all_in(datum, 100), named=named).datum in wanted


def facilities(folder, county, rows, *, datum="auto"):
    """Check a table of x, y and unit against the county."""
    with (folder / "f.csv").open("w", encoding="utf-8", newline="") as stream:
        head = ["名称", "类型", "x", "y", "所属村"]
        csv.writer(stream).writerows([head, *(["某幸福院", "农村幸福院", *row] for row in rows)])
    study = Study.model_validate({
        "streets": {"source": "s.osm.pbf"}, "people": {"source": "p.tif"},
        "zones": [{"level": "village", "source": "z.gpkg"}],
        "facilities": [{"source": "f.csv", "datum": datum}], "path": folder / "study.toml",
    })  # fmt: skip
    findings = Findings()
    frame = check_facilities(
        study, crs=METRIC, streets_box=county.ground.box, ground=county.ground, findings=findings
    )
    assert {
        language: findings.to_frame(language) for language in ("zh", "en")
    }  # every sentence has its facts
    return frame.sort_values("row"), findings.counts()


def written(xy):
    return [[f"{x:.6f}", f"{y:.6f}", ""] for x, y in xy]


def places(frame):
    return frame[["lon", "lat"]].to_numpy(dtype=float)


@pytest.fixture(scope="module")
def strewn(county):
    return county.strew(np.random.default_rng(11), 100)[0]


def test_a_baidu_table_comes_back_to_its_places(tmp_path, county, strewn):
    frame, counts = facilities(tmp_path, county, written(SHIFTED["bd09"](strewn)))
    assert places(frame) == pytest.approx(strewn, abs=2e-6)
    assert counts["detect.named"] == 1
    assert "facilities.datum_assumed" not in counts


def test_swapped_web_map_coordinates_come_back_too(tmp_path, county, strewn):
    frame, counts = facilities(tmp_path, county, written(SHIFTED["gcj02"](strewn)[:, ::-1]))
    assert places(frame) == pytest.approx(strewn, abs=2e-6)
    assert (counts["detect.named"], counts["facilities.swapped_table"]) == (1, 1)


def test_a_declared_datum_is_kept_and_a_strong_misfit_said(tmp_path, county, strewn):
    shifted = SHIFTED["gcj02"](strewn)
    frame, counts = facilities(tmp_path, county, written(shifted), datum="wgs84")
    assert places(frame) == pytest.approx(shifted, abs=2e-6)
    assert counts["detect.misfit"] == 1
    frame, counts = facilities(tmp_path, county, written(shifted), datum="gcj02")
    assert places(frame) == pytest.approx(strewn, abs=2e-6)
    assert "detect.misfit" not in counts


def test_of_several_files_the_one_wrongly_declared_is_doubted(tmp_path, county):
    for seed, (datum, declared) in enumerate([("bd09", "bd09"), ("bd09", "wgs84"), ("wgs84", "wgs84")]):
        place = tmp_path / str(seed)
        place.mkdir()
        places_of = county.strew(np.random.default_rng(seed), 60)[0]
        shifted = SHIFTED[datum](places_of) if datum in SHIFTED else places_of
        _, counts = facilities(place, county, written(shifted), datum=declared)
        assert ("detect.misfit" in counts) == (datum != declared)


def test_too_few_rows_are_taken_as_written_and_the_datum_asked_for(tmp_path, county, strewn):
    frame, counts = facilities(tmp_path, county, written(SHIFTED["bd09"](strewn[:2])))
    assert places(frame) == pytest.approx(SHIFTED["bd09"](strewn[:2]), abs=2e-6)
    assert counts["facilities.datum_assumed"] == 1
    scattered = strewn[:5] + np.random.default_rng(0).normal(0, 0.02, (5, 2))
    frame, counts = facilities(tmp_path, county, written(scattered))
    assert places(frame) == pytest.approx(scattered, abs=2e-6)
    assert counts["detect.cannot_tell"] == 1


@pytest.mark.parametrize("code", [4547, 4526, 4497, 2435, 32649])
@pytest.mark.parametrize("northing_first", [False, True])
def test_grids_are_told_from_the_numbers(tmp_path, county, strewn, code, northing_first):
    metres = np.column_stack(Transformer.from_crs(4326, code, always_xy=True).transform(*strewn.T))
    frame, counts = facilities(tmp_path, county, written(metres[:, ::-1] if northing_first else metres))
    assert places(frame) == pytest.approx(strewn, abs=1e-6)
    assert counts["detect.grid"] == 1


def test_rows_in_metres_among_rows_in_degrees(tmp_path, county, strewn):
    metres = np.column_stack(Transformer.from_crs(4326, 4547, always_xy=True).transform(*strewn[:40].T))
    both = np.concatenate([metres, SHIFTED["bd09"](strewn[40:])])
    frame, counts = facilities(tmp_path, county, written(both))
    assert places(frame) == pytest.approx(strewn, abs=2e-6)
    assert (counts["detect.grid"], counts["detect.named"]) == (1, 1)


def test_metres_that_fit_no_grid_are_refused(tmp_path, county, strewn):
    metres = np.column_stack(Transformer.from_crs(4326, 4547, always_xy=True).transform(*strewn.T))
    with pytest.raises(InputError) as caught:
        facilities(tmp_path, county, written(metres + np.array([3_000_000, 0])))
    assert caught.value.code == "facilities.looks_projected"


def test_nothing_outside_china_is_shifted(tmp_path):
    away = np.array([[-51.2, -30.05], [-51.21, -30.06], [-51.22, -30.04], [-51.19, -30.03]])
    starts = np.array([[0.0, 0.0], [100.0, 0.0]])
    ground = Ground(CRS(32722), (-51.3, -30.2, -51.0, -29.9), starts, starts + 50, zones_of([]))
    frame, counts = facilities(tmp_path, Layout(ground), written(away))
    assert places(frame) == pytest.approx(away)
    assert counts["facilities.datum_assumed"] == 1
