"""How assessed units stand: 街道 and 乡镇 ranked apart by the share covered, ties sharing a rank."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from math import fsum, isnan
from typing import TYPE_CHECKING, Any, Literal

from servicecircle.assess.clauses.places import word_of
from servicecircle.assess.clauses.scopes import ORDER
from servicecircle.assess.coverage import OWN
from servicecircle.assess.suppress import SUPPRESSED
from servicecircle.report.figures import known
from servicecircle.units import percent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

Group = Literal["street", "township"]
GROUPS: tuple[Group, ...] = ("street", "township")
Why = Literal["", "to_verify", "nobody", "suppressed"]

MOST_TO_VERIFY = 0.2
"""A unit of which more is to be verified is not ranked."""

_STREET = "街道"


@dataclass(frozen=True, slots=True)
class Figures:
    """
    People and villages of some zones, added up; NaN where a part is unknown.

    Parameters
    ----------
    within, doubtful
        Of the people judged: covered, and to be verified.
    units, units_judged, units_met
        Villages and communities.
    """

    judged: float
    within: float
    doubtful: float
    units: float
    units_judged: float
    units_met: float

    @property
    def share(self) -> float:
        """Share of people covered."""
        return self.within / self.judged if self.judged > 0 else float("nan")

    @property
    def share_high(self) -> float:
        """Share covered if all that is to be verified turns out to be."""
        high = (self.within + self.doubtful) / self.judged if self.judged > 0 else float("nan")
        return min(high, 1.0) if known(high) else high

    @property
    def share_doubtful(self) -> float:
        """Share of people to be verified."""
        return self.doubtful / self.judged if self.judged > 0 else float("nan")

    @property
    def left(self) -> float:
        """People not covered."""
        return self.judged - self.within

    @property
    def certain(self) -> float:
        """People who are certainly not covered."""
        return max(self.left - self.doubtful, 0.0) if known(self.left - self.doubtful) else float("nan")


@dataclass(frozen=True, slots=True)
class Standing:
    """
    An assessed unit and where it stands in its group.

    Parameters
    ----------
    code
        Of the township that the unit is; '' for a unit that is not one township as a whole.
    rank
        None where the unit is not ranked; `why` tells the reason.
    """

    code: str
    name: str
    group: Group
    figures: Figures
    rank: int | None = None
    why: Why = ""


def tenths(share: Any) -> int | None:
    """Return a share as it is printed, in tenths of a per cent; None where it is unknown."""
    return round(float(percent(float(share))[:-1]) * 10) if known(share) else None


def points(new: Any, old: Any) -> float | None:
    """Return the difference of two shares in points, as a reader takes one printed share from the other."""
    now, before = tenths(new), tenths(old)
    return None if now is None or before is None else (now - before) / 10


def own_rows(zones: pd.DataFrame) -> pd.DataFrame:
    """Return one row per zone, in their order: of a village its own circle, of upper levels the sum."""
    first = zones.assign(_circle=zones["circle"].ne(OWN)).sort_values("_circle", kind="stable")
    chosen = first.drop_duplicates("code").drop(columns="_circle").set_index("code", drop=False)
    return chosen.loc[zones["code"].drop_duplicates()].reset_index(drop=True)


def lowest_level(zones: pd.DataFrame) -> str:
    """Return the level of the villages, or of what stands for them."""
    levels = set(zones["level"])
    return next((level for level in reversed(ORDER) if level in levels), "")


def figures_of(rows: Sequence[dict[Any, Any]], *, group: str) -> Figures:
    """Add up rows of zones, each its own row; a village counts as one unit."""
    sums = {part: fsum(_number(row.get(f"{group}_{part}")) for row in rows) for part in
            ("judged", "within", "doubtful")}  # fmt: skip
    return Figures(
        **sums,
        units=fsum(_number(row.get("units"), 1.0) for row in rows),
        units_judged=fsum(_number(row.get("units_judged"), row["state"] == "judged") for row in rows),
        units_met=fsum(_number(row.get("units_met"), row["verdict"] == "met") for row in rows),
    )


def whole_figures(zones: pd.DataFrame, *, group: str) -> Figures:
    """Add up the zones of the highest level."""
    levels = set(zones["level"])
    top = next((level for level in ORDER if level in levels), "")
    own = own_rows(zones)
    return figures_of(own[own["level"].eq(top)].to_dict("records"), group=group)


def standings(zones: pd.DataFrame, *, group: str) -> tuple[Standing, ...]:
    """
    Rank the assessed units of a run.

    A unit is a 考核单位 where one is given for villages or townships, else the township. 街道 and 乡镇 are
    ranked apart; a unit of several townships is ranked with the 街道 where all of them are. Shares printed
    alike share a rank, and the next one is left out (1, 2, 2, 4).

    Parameters
    ----------
    zones
        Rows as `zones.csv` has them, of all levels.
    group
        `people`, or the group of people whose share decides.

    Returns
    -------
    units
        In official order; ranks do not depend on it.
    """
    own = own_rows(zones)
    names = dict(zip(own["code"], own["name"], strict=True))
    units = [
        _standing(key, parts, names, group) for key, parts in _parts_of(own, lowest_level(zones)).items()
    ]
    return tuple(_ranked(units))


def in_rank_order(units: Iterable[Standing], *, group: Group) -> list[Standing]:
    """Return the ranked units of a group, the best first; ties stay in official order."""
    ranked = [unit for unit in units if unit.group == group and unit.rank is not None]
    return sorted(ranked, key=lambda unit: unit.rank or 0)


def _parts_of(own: pd.DataFrame, level: str) -> dict[str, list[tuple[dict[Any, Any], str]]]:
    """
    Return the rows that each unit sums up, with what the documents call their township.

    A township that belongs to one unit as a whole is one row: its figures may be known where those of its
    villages are not published.
    """
    below: dict[str, list[dict[Any, Any]]] = defaultdict(list)
    for row in own[own["level"].eq(level)].to_dict("records"):
        below[str(row["code"] if level == "township" else row["parent_code"])].append(row)
    parts: dict[str, list[tuple[dict[Any, Any], str]]] = defaultdict(list)
    for township in own[own["level"].eq("township")].to_dict("records"):
        code, word = str(township["code"]), word_of(township["code"], township["name"], "township", "")
        default = _unit_of(township) or code
        villages = below.pop(code, [])
        units = {_unit_of(village) or default for village in villages} or {default}
        if len(units) == 1:
            parts[units.pop()].append((township, word))
        else:
            for village in villages:
                parts[_unit_of(village) or default].append((village, word))
    for village in (village for villages in below.values() for village in villages):
        if unit := _unit_of(village):
            parts[unit].append((village, word_of("", unit, "township", "")))
    return parts


def _standing(
    key: str, parts: list[tuple[dict[Any, Any], str]], names: dict[str, str], group: str
) -> Standing:
    rows = [row for row, _ in parts]
    figures = figures_of(rows, group=group)
    whole = len(rows) == 1 and rows[0]["level"] == "township"
    return Standing(
        code=str(rows[0]["code"]) if whole else "",
        name=str(names.get(key, key)),
        group="street" if all(word == _STREET for _, word in parts) else "township",
        figures=figures,
        why=_why_not(figures, rows),
    )


def _why_not(figures: Figures, rows: list[dict[Any, Any]]) -> Why:
    if isnan(figures.share):
        return "suppressed" if any(row.get("reason") == SUPPRESSED for row in rows) else "nobody"
    doubtful = tenths(figures.share_doubtful)
    if doubtful is None:
        return "suppressed"
    return "to_verify" if doubtful > MOST_TO_VERIFY * 1000 else ""


def _ranked(units: list[Standing]) -> list[Standing]:
    shares = {
        group: [_printed(unit) for unit in units if unit.group == group and not unit.why] for group in GROUPS
    }
    return [
        unit
        if unit.why
        else replace(unit, rank=1 + sum(share > _printed(unit) for share in shares[unit.group]))
        for unit in units
    ]


def _printed(unit: Standing) -> int:
    return tenths(unit.figures.share) or 0


def _unit_of(row: dict[Any, Any]) -> str:
    unit = row.get("report_unit")
    return unit.strip() if isinstance(unit, str) else ""


def _number(value: Any, default: float = float("nan")) -> float:
    return float(value) if known(value) else float(default)
