"""Facts: what clauses are judged on - units, facilities and registers, joined once for all tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from servicecircle.assess.clauses.places import place_facilities, with_hospitals, word_of
from servicecircle.assess.clauses.scopes import ORDER, with_zones

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    import geopandas as gpd

    from servicecircle.assess.coverage import Coverage
    from servicecircle.assess.nearest import WalkTo
    from servicecircle.checks.registers import Registers
    from servicecircle.study import Rules

    CircleOf = Callable[[str, tuple[str, ...]], pd.DataFrame]

_TEXTS = ("name", "level", "row", "source")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Facts:
    """
    What the clauses of a profile are judged on.

    Parameters
    ----------
    units
        One row per zone, indexed by code: `name, level, parent_code, word` (街道, 乡镇, 社区, 村,
        县(市、区), 市), `area_class`, `people`, `elderly`, `share_within`, the codes of the zones that
        hold it (`village, township, county, prefecture`), and every column of the units table; NaN is
        unknown.
    facilities
        One row per facility: the columns of `facilities.csv`, attributes, `x_m, y_m` (NaN unknown),
        `village, township, county, prefecture` (codes, "" unknown), `elsewhere` (the zone its row names,
        where it lies in another), `unplaced` (its unit is not known) and `sure` (neither its place nor
        that it is there is doubted).
    estates, medical, family_beds, assigned, indicators, tasks
        The registers beside the facilities, empty where none is given.
    given
        Which inputs there are, as `table.column`; nothing where only coverage is known.
    zones
        The rows of `zones.csv`: one per zone and circle.
    circle_of
        Measures a circle for other kinds of facility: (circle id, kinds) -> rows like `zones`.
    as_of
        The day that deadlines are judged by.
    basis
        Whom the units' people are: resident or registered.
    walk_to
        Measures walks along the streets to the nearest of some places; None: there are no streets.
    """

    units: pd.DataFrame
    facilities: pd.DataFrame
    estates: pd.DataFrame
    medical: gpd.GeoDataFrame | None
    assigned: pd.DataFrame
    indicators: pd.DataFrame
    given: frozenset[str]
    zones: pd.DataFrame
    circle_of: CircleOf | None
    rules: Rules
    as_of: dt.date
    family_beds: pd.DataFrame
    tasks: pd.DataFrame
    basis: str = "resident"
    walk_to: WalkTo | None = None

    @classmethod
    def of(
        cls,
        coverage: Coverage,
        facilities: gpd.GeoDataFrame,
        registers: Registers,
        *,
        circle_of: CircleOf,
        as_of: dt.date,
        basis: str,
        walk_to: WalkTo | None = None,
    ) -> Facts:
        """
        Join what a run knows.

        Parameters
        ----------
        facilities
            One row per facility, with `zone_code` of the village that holds it.
        """
        units = _looked_up(_units(coverage.zones, registers.units))
        placed = place_facilities(facilities, coverage.zones.drop_duplicates("code"), units)
        return cls(
            units=units,
            facilities=_looked_up(with_hospitals(placed, registers.medical, units)),
            estates=with_zones(registers.estates, units, "zone_code"),
            medical=registers.medical,
            assigned=registers.assigned,
            indicators=registers.indicators,
            given=registers.given | {"facilities", "units.people"},
            zones=coverage.zones,
            circle_of=circle_of,
            rules=coverage.rules,
            as_of=as_of,
            family_beds=registers.family_beds,
            tasks=registers.tasks,
            basis=basis,
            walk_to=walk_to,
        )

    @classmethod
    def of_zones(cls, zones: gpd.GeoDataFrame, rules: Rules, as_of: dt.date) -> Facts:
        """Return what coverage alone tells: the circles of the study."""
        none = pd.DataFrame()
        return cls(
            units=_units(zones, none), facilities=none, estates=none, medical=None, assigned=none,
            indicators=none, given=frozenset(), zones=zones, circle_of=None, rules=rules, as_of=as_of,
            family_beds=none, tasks=none,
        )  # fmt: skip


def _looked_up(frame: pd.DataFrame) -> pd.DataFrame:
    """Return texts as objects: looked up one by one, they are found sooner."""
    texts = [column for column in frame if isinstance(frame[column].dtype, pd.StringDtype)]
    return frame.astype(dict.fromkeys(texts, object)).set_axis(frame.index.astype(object))


def _units(zones: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Return one row per zone, what the units table gives in place of what was modelled."""
    first = zones.drop_duplicates("code").set_index("code", drop=False)
    units = first[["name", "level", "parent_code", "area_class", "people", "share_within"]].assign(
        word=[word_of(*zone) for zone in first[["code", "name", "level", "area_class"]].to_numpy()],
        elderly=first.get("elderly_people", np.nan),
    )
    units = pd.DataFrame(with_zones(units.assign(code=units.index), units, "code").drop(columns="code"))
    given = table.drop(columns=[c for c in _TEXTS if c in table]).reindex(units.index)
    for column in given:
        if column in units:
            units[column] = _added_up(given[column], units).fillna(units[column])
        else:
            units[column] = given[column]
    return units


def _added_up(given: pd.Series, units: pd.DataFrame) -> pd.Series:
    """Add up what is given of every zone below, where a zone has no figure of its own."""
    known = given.copy()
    for level in reversed(ORDER[:-1]):
        below = known.groupby(units["parent_code"])
        sums = below.sum().where(below.count().eq(below.size()))
        silent = known.index[known.isna() & units["level"].eq(level)]
        known[silent] = sums.reindex(silent)
    return known
