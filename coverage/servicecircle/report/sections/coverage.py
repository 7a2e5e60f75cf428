"""How far the circles reach: of the whole, of each circle, of each zone; units apart from people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from servicecircle.assess.coverage import OWN
from servicecircle.maps.tables import unit_counts
from servicecircle.report.figures import known
from servicecircle.report.sections.columns import field, filled, laid, less, ratio

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from servicecircle.report.model import Table
    from servicecircle.report.sections.columns import Field
    from servicecircle.report.sections.ground import Ground

    Row = Mapping[str, Any]

_SUMMED = ("judged", "within", "doubtful")
_TWO = ("15min", "1km")


def whole_rows(ground: Ground) -> list[dict[str, Any]]:
    """Return a row for the whole and one per circle, with the columns of a zones table."""
    rows = [_scope(ground, OWN, ground.villages)]
    zones = ground.material.run.zones
    lowest = zones[zones["level"].eq(ground.lowest) & zones["circle"].ne(OWN)]
    for circle in ground.material.study.circles:
        units = lowest[lowest["circle"].eq(circle.id)]
        if len(units):
            rows.append(_scope(ground, circle.id, units))
    return rows


def _scope(ground: Ground, circle: str, units: pd.DataFrame) -> dict[str, Any]:
    counts = unit_counts(units)
    held = int(units["units_with_facility"].gt(0).sum())
    row: dict[str, Any] = {
        "circle": circle, "code": "", "name": ground.say("in_all"), "units": counts["units"],
        "units_judged": counts["judged"], "units_met": counts["met"], "units_not_met": counts["not_met"],
        "units_to_verify": counts["to_verify"], "units_with_facility": held,
        "facilities": _facilities(ground, circle),
    }  # fmt: skip
    for group in ground.groups:
        row |= _people(ground, circle, group, units)
    return row


def _facilities(ground: Ground, circle: str) -> float | None:
    """Return how many facilities count: of the whole all that do, of a circle as its zones say."""
    facilities = ground.material.run.facilities
    if circle == OWN:
        return int(facilities["used"].eq(other=True).sum())
    further = ground.summary.get("further_circles", {}).get(circle)
    if further is not None:
        return int(further["facilities"])
    kinds = next((c.kinds for c in ground.material.study.circles if c.id == circle), ())
    return int((facilities["used"].eq(other=True) & facilities["kind"].isin(kinds)).sum())


def _people(ground: Ground, circle: str, group: str, units: pd.DataFrame) -> dict[str, Any]:
    """Return a group's people and shares, as the run's summary has them, else as its zones add up."""
    summary = ground.summary
    told = summary.get("all", {}) if circle == OWN else summary.get("circles", {}).get(circle, {})
    if circle not in {OWN, *_TWO}:
        told = summary.get("further_circles", {}).get(circle, {})
    found = {**added(_uppermost(ground, circle, units), group), **(told.get(group) or {})}
    prefix = "" if group == "people" else f"{group}_"
    parts = {f"{group}_{part}": found.get(part) for part in _SUMMED}
    shares = {f"{prefix}{key}": found.get(key) for key in
              ("share_high", "share_straight", "wide_share", "strict_share")}  # fmt: skip
    share = ratio(parts[f"{group}_within"], parts[f"{group}_judged"])
    return {**parts, **shares, f"{prefix}share_within": share}


def _uppermost(ground: Ground, circle: str, units: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that add up to all: a public edition leaves small figures out of the lower ones."""
    zones = ground.material.run.zones
    top = zones[zones["level"].eq(zones["level"].iloc[0]) & zones["circle"].eq(circle)]
    return units if zones["level"].iloc[0] == ground.lowest or top.empty else top


def added(rows: pd.DataFrame, group: str) -> dict[str, float | None]:
    """Return the people of zones that add up to one, and the shares that follow."""
    sums = {part: _sum(rows, f"{group}_{part}") for part in _SUMMED}
    judged, found = sums["judged"], dict(sums)
    if known(judged) and judged:
        high = less(judged, less(judged, sums["within"], sums["doubtful"]))
        found["share_high"] = ratio(high, judged)
        if group == "people":
            people = rows["people_judged"].fillna(0.0)
            straight = (rows["share_straight"] * people)[people > 0].sum(skipna=False)
            found["share_straight"] = ratio(straight, judged)
    return found


def zone_totals(ground: Ground) -> dict[str, float]:
    """Return the people of the uppermost zones, judged and not, as the run's totals name them."""
    rows = _uppermost(ground, OWN, ground.villages)
    people, judged = _sum(rows, "people"), _sum(rows, "people_judged")
    if people is None or judged is None:
        return {}
    left = less(people, judged) or 0.0
    return {"judged": judged, **({"not_judged_no_class": left} if left else {})}


def _sum(rows: pd.DataFrame, column: str) -> float | None:
    if column not in rows or rows.empty:
        return None
    added = float(rows[column].sum(skipna=False))
    return added if known(added) else None


def met_share(row: Row) -> float | None:
    """Return 达标率: what is to be verified stays among those judged."""
    return ratio(row.get("units_met"), row.get("units_judged"))


def unit_coverage(row: Row) -> float | None:
    """Return 设施覆盖率: units with a facility of their own, of all units."""
    return ratio(row.get("units_with_facility"), row.get("units"))


def left(group: str) -> Any:
    """Return where the people not covered are found in a row."""
    return lambda row: less(row.get(f"{group}_judged"), row.get(f"{group}_within"))


def certain(group: str) -> Any:
    """Return where the people certainly not covered are found in a row."""
    return lambda row: less(*(row.get(f"{group}_{part}") for part in _SUMMED))


def first_circle(ground: Ground) -> Field:
    """Return the column that names the circle of a row."""
    return field(ground, "circle", value=lambda row: ground.circle(str(row["circle"])), width=2.2)


def first_name(ground: Ground, title: str) -> Field:
    """Return the column that names the zone of a row."""
    return field(ground, "name", value=lambda row: row.get("name") or row.get("code"), title=title, width=1.8)


def shares_beside(ground: Ground) -> list[Field]:
    """Return the leading shares: units that meet the line or hold a facility, the elderly, all people."""
    say, group = ground.say, ground.groups[0] if ground.groups else "people"
    prefix = "" if group == "people" else f"{group}_"
    elderly = [field(ground, "elderly_share_within", "share")] if ground.elderly else []
    return [
        field(ground, "met_share", "share", met_share, title=say("met_share")),
        field(ground, "unit_coverage", "share", unit_coverage, title=say("unit_coverage")),
        *elderly,
        field(ground, "share_within", "share"),
        field(ground, "share_high", "share", title=say("share_high")),
        field(ground, "share_straight", "share", title=say("share_straight")),
        field(ground, f"{prefix}wide_share", "share", title=say(f"wide_share_{group}")),
        field(ground, f"{prefix}strict_share", "share", title=say(f"strict_share_{group}")),
    ]


def unit_fields(ground: Ground) -> list[Field]:
    """Return the columns that count units by verdict, and facilities."""
    counts = ("units", "units_judged", "units_met", "units_not_met", "units_to_verify", "facilities")
    fields = [field(ground, key, "count", width=0.9) for key in counts]
    shares = [("met_share", met_share), ("unit_coverage", unit_coverage)]
    return fields + [
        field(ground, key, "share", value, title=ground.say(key), width=0.9) for key, value in shares
    ]


def people_fields(ground: Ground, group: str) -> list[Field]:
    """Return the columns that tell how many people of a group are covered, and how many are not."""
    prefix = "" if group == "people" else f"{group}_"
    fields = [
        field(ground, f"{group}_judged", "people"),
        field(ground, f"{group}_within", "people"),
        field(ground, f"{group}_certain", "people", certain(group), title=ground.say(f"{group}_certain")),
        field(ground, f"{group}_doubtful", "people"),
        field(ground, f"{prefix}share_within", "share"),
    ]
    ranges = ("share_high", "share_straight") if group == "people" else ()
    return [*fields, *(field(ground, key, "share", title=ground.say(key)) for key in ranges)]


def zone_tables(ground: Ground, name: str, of: str, first: Field, rows: Sequence[Row],
                *, strong: frozenset[int] = frozenset()) -> list[Table]:  # fmt: skip
    """Return tables of the same rows: units, then the people of each group; `of` says whose rows they are."""
    units = [first, *filled(unit_fields(ground), rows)]
    return [
        laid(f"{name}-units", ground.say("units_of", of=of), units, rows, strong=strong),
        *(
            laid(f"{name}-{group}", ground.say(f"{group}_of", of=of),
                 [first, *people_fields(ground, group)], rows, strong=strong)
            for group in ground.groups
        ),
    ]  # fmt: skip
