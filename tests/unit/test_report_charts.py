"""Trend charts: what is drawn and said of how many runs, in letters that the font has."""

import datetime as dt
import io
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from servicecircle.history.trend import COLUMNS, HEADLINE_COLUMNS
from servicecircle.maps import letters
from servicecircle.outputs.reading import RunFrames
from servicecircle.report import charts
from servicecircle.report.charts import draw_charts
from servicecircle.report.clause_charts import Asked
from servicecircle.report.material import Material
from servicecircle.report.plots import scale, spread
from servicecircle.report.series import Series
from servicecircle.standards.clause import Clause, Profile
from servicecircle.study import Study

DAY = dt.date(2026, 6, 30)
TOWNS = {f"4199210{n:02}000": f"第{n}街道" if n % 2 else f"<b>{n}$x^2$镇\u202e" for n in range(1, 40)}


def clause(number, **more):
    return Clause.model_validate({
        "id": f"c{number}", "phrase": f"第{number}条覆盖率达到九成", "en": f"Clause {number}: nine tenths",
        "kind": "coverage", "operator": ">=", "unit": "share", "threshold": 0.9, **more,
    })  # fmt: skip


CLAUSES = (
    *(clause(n) for n in range(14)),
    clause(14, deadline=dt.date(2026, 3, 31)),
    clause(15, unit="beds", threshold=100.0, operator="<="),
    clause(16, threshold=None),
)


def months(count):
    return [
        (pd.Timestamp(DAY) - pd.DateOffset(months=count - 1 - k)).date().isoformat() for k in range(count)
    ]


def material(language="zh", runs=4, towns=5, **study):
    codes = list(TOWNS)[:towns]
    zones = pd.DataFrame(
        [("419900000000", "示例市", "prefecture", "own"), *((c, TOWNS[c], "township", "own") for c in codes)],
        columns=["code", "name", "level", "circle"],
    )
    units = {one.id: one.unit for one in CLAUSES}
    verdicts = pd.DataFrame([("419900000000", key, unit) for key, unit in units.items()],
                            columns=["zone_code", "clause_id", "unit"])  # fmt: skip
    empty, manifest = (
        pd.DataFrame(),
        {"study": {"as_of": DAY.isoformat()}, "people_basis": {"modelled": True}},
    )
    run = RunFrames(manifest, zones, verdicts, empty, empty, empty)
    heads, found = [], []
    for at, day in enumerate(months(runs)):
        names = ("met_rate", "unit_coverage", "elderly_share", "people_share")
        heads += [(str(at), day, "", name, 0.4 + 0.1 * k + 0.01 * at) for k, name in enumerate(names)]
        heads += [(str(at), day, code, "elderly_share", 0.3 + 0.01 * k + (k % 3 - 1) * 0.004 * at)
                  for k, code in enumerate(codes)]  # fmt: skip
        for number, one in enumerate(CLAUSES):
            measured = 120.0 + at if one.unit == "beds" else 0.5 + 0.02 * number + 0.01 * at
            found.append((str(at), day, "419900000000", one.id, measured, one.threshold, "not_met", ""))
    made = Study.model_validate({
        "study": {"name": "示例市", "language": language, "as_of": DAY}, "streets": {"source": "s.osm.pbf"},
        "facilities": [{"source": "f.csv"}], "zones": [{"level": "village", "source": "z.gpkg"}],
        "people": {"source": "p.tif"}, **study,
    })  # fmt: skip
    return Material(
        made, run, Profile(id="own", clauses=CLAUSES),
        headlines=pd.DataFrame(heads, columns=list(HEADLINE_COLUMNS)),
        clauses=pd.DataFrame(found, columns=list(COLUMNS)).astype({"threshold": "float64"}),
    )  # fmt: skip


def drawn(folder, **options):
    return {figure.name: figure for figure in draw_charts(material(**options), folder)}


@pytest.fixture(scope="module")
def four_runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("four")
    return folder, drawn(folder)


@pytest.mark.fonts
def test_a_history_is_drawn_as_three_charts_with_what_they_show_in_words(four_runs):
    folder, found = four_runs
    of_towns = [f"trend-headlines-{code}" for code in sorted(TOWNS)[:5]]
    assert list(found) == ["trend-headlines", "trend-clauses", "trend-townships", *of_towns]
    assert found[of_towns[0]].title == f"{TOWNS[min(TOWNS)]}主要指标历次变化"
    for figure in found.values():
        assert figure.path == folder / "pictures" / "report" / f"{figure.name}.png"
        with Image.open(figure.path) as picture:
            assert (picture.format, picture.mode) == ("PNG", "P")
            assert picture.width == pytest.approx(1260, abs=1)
            assert not {"Creation Time", "Software", "date:create"} & set(picture.info)
    alt = found["trend-headlines"].alt
    assert "4次测算" in alt
    assert "老年人口覆盖率 63.0%" in alt
    assert "2026年3月30日至2026年6月30日" in alt


@pytest.mark.fonts
def test_the_clauses_furthest_behind_come_first_and_those_left_out_are_counted(four_runs):
    alt = four_runs[1]["trend-clauses"].alt
    assert alt.startswith("小图12幅")
    assert "第0条覆盖率达到九成：53.0%（目标≥90.0%）" in alt
    assert "第15条覆盖率达到九成：123（目标≤100）" in alt
    assert "第16条" not in alt
    assert alt.endswith("另有4项条款未列入本图。")
    places = [alt.index(f"第{n}条") for n in range(10)]
    assert places == sorted(places)


@pytest.mark.fonts
def test_a_deadline_is_told_and_whether_it_is_past(tmp_path):
    made = material()
    one = replace(made, profile=Profile(id="own", clauses=(CLAUSES[14],)))
    alt = next(figure.alt for figure in draw_charts(one, tmp_path) if figure.name == "trend-clauses")
    assert "期限2026年3月31日（已到期）" in alt


@pytest.mark.fonts
@pytest.mark.parametrize(("language", "runs", "charts"), [("zh", 1, 1), ("en", 2, 3 + 5), ("zh", 60, 3 + 5)])
def test_one_run_is_a_dot_and_many_are_lines(tmp_path, language, runs, charts):
    assert len(drawn(tmp_path, language=language, runs=runs)) == charts


@pytest.mark.fonts
def test_townships_that_changed_most_are_drawn_and_the_others_counted(tmp_path):
    found = drawn(tmp_path, towns=39)["trend-townships"]
    assert found.title == "各乡镇（街道）老年人口覆盖率变化"
    assert found.alt.startswith("坡度图：24个")
    assert found.alt.endswith("变化最大的24个；另有15个未列入本图。")
    assert "第1街道 28.8%（-0.4个百分点）" in found.alt


def test_nothing_is_drawn_without_a_history_a_wish_or_a_font(tmp_path, monkeypatch):
    made = material("en")
    assert draw_charts(replace(made, headlines=made.headlines.iloc[:0]), tmp_path) == ()
    assert draw_charts(material("en", output={"pictures": False}), tmp_path) == ()
    monkeypatch.setattr(charts, "find_face", lambda *_: None)
    assert draw_charts(made, tmp_path) == ()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.fonts
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_letter_written_is_in_the_font_that_was_cut(tmp_path, monkeypatch, language):
    written = []
    own = letters.Letters.written

    def watched(self, text):
        lacking = [letter for letter in letters.clean(text) if letter not in self.widths]
        written.append((text, lacking))
        return own(self, text)

    monkeypatch.setattr(letters.Letters, "written", watched)
    drawn(tmp_path, language=language, runs=5)
    assert len(written) > 50
    assert [text for text, lacking in written if lacking] == []


@pytest.mark.fonts
def test_the_same_history_gives_the_same_bytes(four_runs, tmp_path):
    first = [figure.path.read_bytes() for figure in four_runs[1].values()]
    again = [figure.path.read_bytes() for figure in drawn(tmp_path).values()]
    assert first == again


@pytest.mark.fonts
def test_lines_are_told_apart_in_grey(four_runs):
    path = four_runs[1]["trend-headlines"].path
    grey = np.asarray(Image.open(io.BytesIO(path.read_bytes())).convert("L"))
    assert (grey < 150).mean() > 0.004  # inked
    assert len(set(charts._MARKERS)) == len(set(charts._COLOURS)) == 4


def test_the_last_run_of_a_day_counts():
    rows = pd.DataFrame({"as_of": ["2026-01-01", "2026-02-01", "2026-02-01"], "share": [0.1, 0.2, 0.3]})
    assert Series.of(rows, "share").values == (0.1, 0.3)


def test_how_far_behind_a_clause_is_goes_by_what_it_asks():
    series = Series((DAY,), (80.0,))
    assert Asked(clause(1, operator=">=", unit="beds"), series, 100.0, "beds").behind == pytest.approx(0.2)
    assert Asked(clause(1, operator="<=", unit="beds"), series, 100.0, "beds").behind == pytest.approx(-0.2)


def test_labels_are_spread_in_their_order():
    placed = spread([10.0, 10.0, 11.0, 30.0], 4.0, (0.0, 40.0))
    assert placed == sorted(placed)
    assert all(b - a >= 4.0 - 1e-9 for a, b in pairwise(placed))
    assert spread([39.0, 40.0, 40.0], 4.0, (0.0, 40.0)) == [32.0, 36.0, 40.0]
    crowded = spread([5.0] * 20, 4.0, (0.0, 38.0))
    assert (min(crowded), max(crowded)) == (pytest.approx(0.0), pytest.approx(38.0))
    assert spread([], 4.0, (0.0, 1.0)) == []


@pytest.mark.parametrize(
    ("values", "least", "top"),
    [([0.5], 0.2, 1.0), ([0.0, 0.0], 0.1, 1.0), ([1.0], 0.2, 1.0), ([0.99, 0.2], 0.1, 1.0),
     ([0, 28000], 1, 1e9), ([0.0], 1.0, 1e9)],
)  # fmt: skip
def test_a_scale_is_round_and_holds_all_values(values, least, top):
    ticks = scale(values, least=least, top=top)
    assert ticks[0] - 1e-9 <= min(values)
    assert max(values) <= ticks[-1] + 1e-9
    assert ticks[0] >= -1e-9
    assert ticks[-1] <= top + 1e-9
    assert 3 <= len(ticks) <= 8
    assert ticks[-1] - ticks[0] >= least - 1e-9
