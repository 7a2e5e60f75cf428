"""Small charts of clauses: figures from run to run, what is asked for, and by when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from servicecircle.history.headlines import WHOLE
from servicecircle.maps.clause_words import is_share, sign
from servicecircle.maps.clauses import phrase
from servicecircle.report.figures import known
from servicecircle.report.plots import INK, SOFT, WIDTH_MM, Canvas, Panel, scale
from servicecircle.report.series import FALLEN, RISEN, SMALL_PT, TINY_PT, Chart, Series, Told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicecircle.maps.letters import Letters
    from servicecircle.standards.clause import Clause

MOST_CLAUSES, FEWEST_DAYS = 12, 2

_ACROSS, _WIDE, _HIGH = 3, WIDTH_MM / 3, 47.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A clause, its figures from run to run, and what it asks for."""

    clause: Clause
    series: Series
    threshold: float
    unit: str

    @property
    def sign(self) -> str:
        """How a figure has to stand to what is asked for."""
        return sign(self.clause, self.unit)

    @property
    def behind(self) -> float:
        """How far the last figure falls short, as a part of what is asked for."""
        short = self.threshold - self.series.values[-1]
        return (-short if self.sign == "≤" else short) / (abs(self.threshold) or 1.0)


def clause_chart(told: Told, letters: Letters) -> Chart | None:
    """Draw the clauses of the whole study that have figures of two days, the furthest behind first."""
    asked = sorted(_asked(told), key=lambda one: (-one.behind, one.clause.id))
    drawn, left = asked[:MOST_CLAUSES], max(len(asked) - MOST_CLAUSES, 0)
    if not drawn:
        return None
    bottom = -(-len(drawn) // _ACROSS) * _HIGH
    canvas = Canvas(bottom + 6, letters)
    said = [_draw(told, canvas, one, number) for number, one in enumerate(drawn)]
    more = told.say("clauses_left", count=left) if left else ""
    canvas.write(told.say("clauses_key") + more, 0.5, bottom + 4, SMALL_PT, color=SOFT)
    alt = told.say("clauses_alt", count=len(drawn), values=told.listed(said)) + more
    return Chart("clauses", told.say("clauses"), alt, canvas.png())


def _asked(told: Told) -> Iterator[Asked]:
    rows = told.clauses
    rows = rows[rows["zone_code"].isin(told.whole) & rows["measured"].map(known)]
    for key, held in rows.groupby("clause_id", sort=True):
        clause, unit = told.asked.get(str(key)), str(told.units.get(key, ""))
        of_all = held["zone_code"].eq(WHOLE)
        own = held[of_all] if of_all.any() else held
        series, threshold = Series.of(own, "measured"), own["threshold"].iloc[-1]
        if clause is not None and len(series.days) >= FEWEST_DAYS and known(threshold):
            yield Asked(clause, series, float(threshold), unit)


def _draw(told: Told, canvas: Canvas, one: Asked, number: int) -> str:
    """Draw the small chart of a clause; return what it says."""
    left, top = number % _ACROSS * _WIDE, number // _ACROSS * _HIGH
    said, under = phrase(told.text, one.clause, one.clause.id), _under(told, one)
    room = _WIDE - 4
    for row, line in enumerate(canvas.letters.lines(said, room, SMALL_PT, most=2)):
        canvas.write(line, left + 0.5, top + 4 + 3.6 * row, SMALL_PT)
    for row, line in enumerate(under):
        canvas.write(
            canvas.letters.cut(line, room, TINY_PT), left + 0.5, top + 11.4 + 3.4 * row, TINY_PT, color=SOFT
        )
    ticks = _ticks(one)
    box = left + 10, top + 19, left + _WIDE - 13, top + _HIGH - 8
    panel = Panel(canvas, box, across=_across(one), up=(ticks[0], ticks[-1]))
    panel.rules([(tick, _tick(tick, one.unit)) for tick in (ticks[0], ticks[-1])], TINY_PT)
    panel.feet(told.ticks([one.series.days[0], one.series.days[-1]]), TINY_PT)
    _mark(panel, one)
    panel.curve(
        one.series.ordinals, one.series.values, colour=RISEN if one.behind <= 0 else FALLEN, marker="o"
    )
    last = told.figure(one.series.values[-1], one.unit)
    x, y = panel.x(one.series.ordinals[-1]), panel.y(one.series.values[-1])
    canvas.write(last, x + 1.6, y + 0.9, SMALL_PT)
    return told.say("measured", phrase=said, value=last, asked=told.listed(under))


def _under(told: Told, one: Asked) -> list[str]:
    """Return what is asked for, and by when."""
    asked = told.say("asked", sign=one.sign, value=told.figure(one.threshold, one.unit))
    if one.clause.deadline is None:
        return [asked]
    key = "past" if one.clause.is_due(told.as_of) else "due"
    due = told.say(key, date=told.text.date(one.clause.deadline))
    return [asked, due]


def _mark(panel: Panel, one: Asked) -> None:
    """Draw what is asked for as a dashed line, the deadline as a dotted one where it is in sight."""
    at = panel.y(one.threshold)
    panel.canvas.line((panel.left, panel.right), (at, at), linestyle=(0, (4, 2)), linewidth=0.9, zorder=3)
    day = one.clause.deadline.toordinal() if one.clause.deadline else 0
    if one.clause.deadline and panel.across[0] <= day <= panel.across[1]:
        x = panel.x(float(day))
        dots = {"linestyle": (0, (1, 1.6)), "linewidth": 1.1, "color": INK}
        panel.canvas.line((x, x), (panel.top - 1.5, panel.bottom), zorder=3, **dots)


def _across(one: Asked) -> tuple[float, float]:
    """Return the days from side to side: the runs', with a deadline that is no further than they reach."""
    first, last = one.series.ordinals[0], one.series.ordinals[-1]
    day = float(one.clause.deadline.toordinal()) if one.clause.deadline else last
    reach = last - first
    return (min(first, day) if first - day <= reach / 2 else first), (
        max(last, day) if day - last <= reach else last
    )


def _ticks(one: Asked) -> list[float]:
    return scale([0.0, *one.series.values, one.threshold], least=0.1 if is_share(one.unit) else 1.0)


def _tick(value: float, unit: str) -> str:
    return f"{value * 100:.10g}%" if is_share(unit) else f"{value:.10g}"
