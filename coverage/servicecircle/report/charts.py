"""Charts of how headlines, clauses and townships fared from run to run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
import matplotlib.style

from servicecircle.history.headlines import HEADLINES, WHOLE
from servicecircle.maps import looks
from servicecircle.maps.letters import find_face, letters_of
from servicecircle.report.clause_charts import clause_chart
from servicecircle.report.figures import shown
from servicecircle.report.model import Figure
from servicecircle.report.plots import SOFT, WIDTH_MM, Canvas, Panel, scale, spread
from servicecircle.report.series import FALLEN, RISEN, SMALL_PT, STILL, TEXT_PT, Chart, Series, Told

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence
    from pathlib import Path

    from servicecircle.maps.letters import Letters
    from servicecircle.report.material import Material

FOLDER = "pictures/report"
MOST_TOWNSHIPS = 24

_STYLE = ("default", {"text.usetex": False, "text.hinting": "no_hinting", "path.simplify": True})
_COLOURS = (looks.SYMBOL_FILLS[0], looks.MINUTE_LINES[3][0], looks.MINUTE_LINES[2][0], looks.SYMBOL_FILLS[1])
_MARKERS = ("o", "s", "^", "D")
_ROW_MM, _HIGH_MM, _LOW_MM = 4.2, 86.0, 54.0
_LEFT_MM, _RIGHT_MM = 26.0, 92.0


def draw_charts(material: Material, folder: Path) -> tuple[Figure, ...]:
    """
    Draw `pictures/report/trend-*.png`, as far as there is a history to draw.

    `trend-headlines-<code>` is that of one township. Nothing is drawn where the study wants no pictures, or
    no font has the letters of its language.

    Parameters
    ----------
    folder
        The run's output folder.
    """
    if material.headlines.empty or not material.study.output.pictures:
        return ()
    told = Told(material)
    texts = told.letters()
    face = find_face(material.study, texts)
    if face is None:
        return ()
    with letters_of(face, texts, material.study.language) as letters, mpl.style.context(list(_STYLE)):
        drawn = [draw(told, letters) for draw in (headline_chart, clause_chart, township_chart)]
        drawn += [headline_chart(told, letters, code) for code in _remembered(told)]
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    return tuple(_written(chart, folder / FOLDER) for chart in drawn if chart is not None)


def _written(chart: Chart, folder: Path) -> Figure:
    path = folder / f"trend-{chart.name}.png"
    path.write_bytes(chart.png)
    return Figure(path.stem, chart.title, path, chart.alt)


def _remembered(told: Told) -> list[str]:
    """Return the townships of which figures of two days are known."""
    rows = told.headlines[told.headlines["zone_code"].isin(set(told.names) - told.whole)]
    days = rows.groupby("zone_code", sort=True)["as_of"].nunique()
    return [str(code) for code in days.index[days.ge(2)]]


def headline_chart(told: Told, letters: Letters, code: str = WHOLE) -> Chart | None:
    """Draw a line per headline of the whole study or a township, with its name beside the last point."""
    rows = told.headlines[told.headlines["zone_code"].eq(code)]
    found = [(name, Series.of(rows[rows["headline"].eq(name)], "share")) for name in HEADLINES]
    series = [(name, one) for name, one in found if one.days]
    if not series:
        return None
    days = sorted({day for _, one in series for day in one.days})
    said = [told.say("labelled", label=told.called(name), value=told.text.share(one.values[-1]))
            for name, one in series]  # fmt: skip
    high = _HIGH_MM if code == WHOLE else _LOW_MM
    canvas = Canvas(high, letters)
    ticks = scale([value for _, one in series for value in one.values], least=0.2, top=1.0)
    across = float(days[0].toordinal()), float(days[-1].toordinal())
    widest = max(letters.width_mm(label, TEXT_PT) for label in said)
    panel = Panel(canvas, (12, 5, WIDTH_MM - 10 - widest, high - 9), across=across, up=(ticks[0], ticks[-1]))
    panel.rules([(tick, f"{tick * 100:.10g}%") for tick in ticks], TEXT_PT)
    panel.feet(told.ticks(days), TEXT_PT)
    wanted = [panel.y(one.values[-1]) for _, one in series]
    places = spread(wanted, 5.0, (panel.top, panel.bottom))
    for number, (_, one) in enumerate(series):
        panel.curve(one.ordinals, one.values, colour=_COLOURS[number], marker=_MARKERS[number])
        end, place = (panel.x(one.ordinals[-1]), wanted[number]), (panel.right + 6, places[number])
        _label(canvas, said[number], end, place, _COLOURS[number])
    told_alt = {"count": len(days), "values": told.say("comma").join(said),
                "first": told.text.date(days[0]), "last": told.text.date(days[-1])}  # fmt: skip
    alt = told.say("headlines_alt" if len(days) > 1 else "headlines_alt_one", **told_alt)
    if code == WHOLE:
        return Chart("headlines", told.say("headlines"), alt, canvas.png())
    return Chart(f"headlines-{code}", told.say("headlines_of", name=told.names[code]), alt, canvas.png())


def _label(
    canvas: Canvas, said: str, point: tuple[float, float], place: tuple[float, float], colour: str
) -> None:
    """Write a label in a point's colour right of it, and lead there."""
    _lead(canvas, point, place, colour)
    label = canvas.letters.cut(said, WIDTH_MM - place[0] - 1.5, TEXT_PT)
    canvas.write(label, place[0] + 1, place[1] + 1, TEXT_PT, color=colour)


def _lead(canvas: Canvas, point: tuple[float, float], place: tuple[float, float], colour: str) -> None:
    xs, ys = zip(point, place, strict=True)
    canvas.line(xs, ys, color=colour, linewidth=0.5, zorder=2, alpha=0.6)


def township_chart(told: Told, letters: Letters) -> Chart | None:
    """Draw how the leading share of each township went from the run before to the last one."""
    rows = told.headlines[told.headlines["zone_code"].isin(set(told.names) - told.whole)]
    told_of = set(rows["headline"])
    headline = "elderly_share" if "elderly_share" in told_of else "people_share"
    rows = rows[rows["headline"].eq(headline)]
    series = {str(code): Series.of(held, "share") for code, held in rows.groupby("zone_code", sort=True)}
    days = sorted({day for one in series.values() for day in one.days})[-2:]
    pairs = {code: one.values[-2:] for code, one in series.items() if list(one.days[-2:]) == days}
    slopes = {code: (pair[0], pair[1]) for code, pair in pairs.items() if len(pair) == 2}
    if not slopes:
        return None
    ranked = sorted(slopes, key=lambda code: (-abs(slopes[code][1] - slopes[code][0]), code))
    listed, left = ranked[:MOST_TOWNSHIPS], max(len(ranked) - MOST_TOWNSHIPS, 0)
    more = told.say("townships_left", count=len(listed), more=left) if left else ""
    canvas = Canvas(max(len(listed), 8) * _ROW_MM + (20 if left else 14), letters)
    said = _slopes(told, canvas, {code: slopes[code] for code in listed}, days)
    if left:
        canvas.write(more, 0.5, max(len(listed), 8) * _ROW_MM + 17, SMALL_PT, color=SOFT)
    called, (first, last) = told.called(headline), map(told.text.date, days)
    title = told.say("townships", headline=called)
    alt = told.say(
        "townships_alt", count=len(listed), headline=called, first=first, last=last, values=told.listed(said)
    )
    return Chart("townships", title, alt + more, canvas.png())


def _slopes(
    told: Told, canvas: Canvas, slopes: dict[str, tuple[float, float]], days: Sequence[dt.date]
) -> list[str]:
    """Draw the slopes of townships; return what each says."""
    ticks = scale([value for pair in slopes.values() for value in pair], least=0.1, top=1.0)
    bottom = 8 + max(len(slopes), 8) * _ROW_MM
    panel = Panel(canvas, (_LEFT_MM, 8, _RIGHT_MM, bottom), across=(0, 1), up=(ticks[0], ticks[-1]))
    for at, day in zip((panel.left, panel.right), days, strict=True):
        canvas.write(told.text.date(day), at, 5, TEXT_PT, color=SOFT, ha="center")
        canvas.line((at, at), (panel.top - 1, panel.bottom + 1), color=SOFT, linewidth=0.6, zorder=1)
    wanted = [[panel.y(pair[side]) for pair in slopes.values()] for side in (0, 1)]
    before, now = (spread(side, _ROW_MM - 0.6, (panel.top, panel.bottom)) for side in wanted)
    said = []
    for number, (code, (old, new)) in enumerate(slopes.items()):
        points = shown((new - old) * 100, "points", told.text)
        colour, dash = _look(float(points))
        label = told.say(
            "changed", name=told.names[code], value=told.text.share(new),
            points=told.say("points", points=points),
        )  # fmt: skip
        panel.curve((0, 1), (old, new), colour=colour, marker="o", linestyle=dash, linewidth=1.2)
        _label(canvas, label, (panel.right, wanted[1][number]), (panel.right + 6, now[number]), colour)
        place = panel.left - 6, before[number]
        _lead(canvas, (panel.left, wanted[0][number]), place, colour)
        canvas.write(told.text.share(old), place[0] - 1, place[1] + 1, TEXT_PT, color=colour, ha="right")
        said.append(label)
    return said


def _look(points: float) -> tuple[str, str]:
    """Return colour and stroke of a change as it is printed."""
    if not points:
        return STILL, ":"
    return (RISEN, "-") if points > 0 else (FALLEN, "--")
