"""Mixes of two studies: some inputs as they are now, the others as they were, measured by the same engine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from servicecircle.checks.inputs import check_inputs
from servicecircle.checks.people import check_people
from servicecircle.findings import Findings
from servicecircle.history.facilities import Pairs
from servicecircle.history.fingerprint import field_digests
from servicecircle.history.headlines import Key, headlines
from servicecircle.history.sources import anchored, digests_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd

    from servicecircle.checks.inputs import Inputs
    from servicecircle.checks.people import People
    from servicecircle.study import Study

    Measure = Callable[[Inputs], gpd.GeoDataFrame]
    """Inputs -> the table of zones, as a run finds it."""

_SIDES = ("old", "new")


class Mixes:
    """
    The headlines of every mix of two studies.

    A mix takes streets, people, boundaries and rules whole from one study or the other, and facilities row by
    row. Both studies are read once; a mix is put together from what was read, and people are read anew only
    onto the boundaries of the other study.

    Parameters
    ----------
    old, new
        Studies whose files are all there.
    measure
        What measures checked inputs, `pipeline.measure`.
    """

    def __init__(self, old: Study, new: Study, *, measure: Measure) -> None:
        self._studies = {"old": anchored(old), "new": anchored(new)}
        self._measure = measure
        self._read: dict[tuple[str, ...], Inputs] = {}
        self._people: dict[tuple[str, str, str], People] = {}
        digests = [field_digests(study, digests_of(study)) for study in (old, new)]
        self._fields = {field for field in digests[0] if digests[0][field] != digests[1][field]}
        self._fields -= self._alike()
        self.changed = self._parts()

    def value(self, chosen: frozenset[str]) -> dict[Key, float]:
        """Return the headlines of the mix whose `chosen` parts are new."""
        side = {
            field: "new" if field in chosen else "old"
            for field in ("boundaries", "people", "streets", "rules")
        }
        ways = self._ways(side["streets"], side["rules"])
        crs = ways.crs
        zones = self._side(side["boundaries"]).zones.to_crs(crs)
        mixed = replace(
            ways,
            study=self._mixed(**side),
            zones=zones,
            people=self._counted(side["people"], side["boundaries"], zones),
            facilities=self._facilities("new" if "mending" in chosen else "old", chosen, crs),
            findings=Findings(),
        )
        return headlines(self._measure(mixed))

    def _alike(self) -> set[str]:
        """Return fields that were written anew and hold the same; each would double the mixes."""
        old, new = (self._side(side) for side in _SIDES)
        if old.crs != new.crs or not _same(old.zones, new.zones):
            return set()
        return {"boundaries", *(["people"] if old.people.rows.equals(new.people.rows) else [])}

    def _parts(self) -> list[str]:
        parts = {field for field in self._fields if field != "facilities"}
        for mending in _SIDES if "mending" in self._fields else ("old",):
            parts.update(self._pairs(mending)[0].parts)
        return sorted(parts)

    def _pairs(self, mending: str) -> tuple[Pairs, gpd.GeoDataFrame, gpd.GeoDataFrame]:
        old, new = self._listed("old", mending), self._listed("new", mending)
        return Pairs.of(old, new), old, new

    def _facilities(self, mending: str, chosen: frozenset[str], crs: Any) -> gpd.GeoDataFrame:
        pairs, old, new = self._pairs(mending)
        return pairs.mixed(old.to_crs(crs), new.to_crs(crs), chosen)

    def _listed(self, side: str, mending: str) -> gpd.GeoDataFrame:
        """Return the facilities of one side, mended as on another."""
        if "mending" not in self._fields or side == mending:
            return self._side(side).facilities
        return self._inputs(facilities=side, mending=mending, rest=side).facilities

    def _ways(self, streets: str, rules: str) -> Inputs:
        """Return inputs whose streets, barriers and CRS are those of a side, read by the rules of another."""
        alike = [
            (s.rules.walk_trunk, s.rules.barriers, s.study.crs, s.rules.snap_m)
            for s in self._studies.values()
        ]
        if streets == rules or alike[0] == alike[1]:
            return self._side(streets)
        return self._inputs(streets=streets, rules=rules, rest=streets)

    def _counted(self, people: str, boundaries: str, zones: gpd.GeoDataFrame) -> People:
        key = people, boundaries, str(zones.crs)
        read = self._side(people)
        if people == boundaries and zones.crs == read.crs:
            return read.people
        if key not in self._people:
            mixed = self._mixed(people=people, boundaries=boundaries)
            self._people[key] = check_people(mixed, zones, crs=zones.crs, findings=Findings())
        return self._people[key]

    def _side(self, side: str) -> Inputs:
        return self._inputs(rest=side)

    def _inputs(self, *, rest: str, **sides: str) -> Inputs:
        key = (rest, *(sides.get(field, rest) for field in ("streets", "rules", "facilities", "mending")))
        if key not in self._read:
            base = dict.fromkeys(("boundaries", "people", "streets", "rules", "facilities", "mending"), rest)
            self._read[key] = check_inputs(self._mixed(**{**base, **sides}))
        return self._read[key]

    def _mixed(self, **sides: str) -> Study:
        """Return the old study with the fields that are new taken from the new one."""
        at = {field: self._studies[side] for field, side in sides.items()}
        base = self._studies["old"]
        tables = at.get("facilities", base).facilities
        if "mending" in at and sides["mending"] != sides["facilities"]:
            sheets = [table.corrections for table in at["mending"].facilities]
            sheets += [None] * (len(tables) - len(sheets))
            tables = tuple(
                t.model_copy(update={"corrections": c}) for t, c in zip(tables, sheets, strict=False)
            )
        told = base.study.model_copy(
            update={
                "crs": at.get("rules", base).study.crs,
                "verified": at.get("mending", base).study.verified,
            }
        )
        return base.model_copy(
            update={
                "study": told,
                "streets": at.get("streets", base).streets,
                "facilities": tables,
                "zones": at.get("boundaries", base).zones,
                "people": at.get("people", base).people,
                "rules": at.get("rules", base).rules,
                **dict.fromkeys(base.registers, None),
            }
        )


def _same(old: gpd.GeoDataFrame, new: gpd.GeoDataFrame) -> bool:
    shapes = [frame.geometry.to_wkb() for frame in (old, new)]
    rest = [pd.DataFrame(frame.drop(columns=frame.geometry.name)) for frame in (old, new)]
    return rest[0].equals(rest[1]) and shapes[0].equals(shapes[1])
