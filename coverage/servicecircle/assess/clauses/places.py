"""Where facilities belong: the unit that holds each, as located or as written, and whether that is sure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from servicecircle.assess.clauses.scopes import ORDER, with_zones
from servicecircle.assess.sites import DOUBTED_FROM_M
from servicecircle.checks.codes import is_division_code
from servicecircle.checks.facilities import SAME_PLACE_M
from servicecircle.checks.named_zones import ZoneNames

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

HOSPITAL = "hospital"
_STREET = re.compile(r"(街道|街道办|办事处)$")
_WORDS = {
    ("prefecture", ""): "市", ("county", ""): "县(市、区)", ("village", "urban"): "社区",
    ("village", "rural"): "村",
}  # fmt: skip


def word_of(code: str, name: str, level: str, area_class: str) -> str:
    """Return what the documents call a zone; "" for a village whose class is not known."""
    if level == "township":
        return "街道" if _is_street(code, name) else "乡镇"
    return _WORDS.get((level, area_class if level == "village" else ""), "")


def _is_street(code: str, name: str) -> bool:
    """Tell a subdistrict by digits 7-9 of its code, by its name where they do not tell."""
    number = int(code[6:9]) if is_division_code(code) else 0
    if 1 <= number < 400:
        return number < 100
    return bool(_STREET.search(name))


def place_facilities(
    facilities: gpd.GeoDataFrame, zones: gpd.GeoDataFrame, units: pd.DataFrame
) -> pd.DataFrame:
    """
    Return every facility that was not left out, with the codes of the zones that hold it.

    A facility with coordinates stands where they lie, another in the zone that its row names. Where a level
    has a single zone, one that no row places stands in it too.

    Returns
    -------
    The columns of `facilities` with `x_m, y_m`, the codes of `ORDER`, `elsewhere` (the zone its row names,
    where it lies in another), `unplaced` and `sure`.
    """
    rows = facilities[facilities["reason"].ne("left_out")].reset_index(drop=True)
    xy = rows.geometry.get_coordinates().reindex(rows.index)
    rows = pd.DataFrame(rows.drop(columns=rows.geometry.name)).assign(x_m=xy["x"], y_m=xy["y"])
    error_m = rows["position_error_m"].fillna(0.0) if "position_error_m" in rows else 0.0
    named = _named(rows, zones, by_name=rows["x_m"].isna() | (error_m > 0))
    located = rows["zone_code"].fillna("")
    by_point = located.ne("") & ((error_m <= 0) | named.eq(""))
    placed = with_zones(rows.assign(unit_code=located.where(by_point, named)), units, "unit_code")
    agrees = named.ne("") & (placed[list(ORDER)].eq(named, axis=0)).any(axis=1)
    lowest = units["level"].iloc[-1] if len(units) else ORDER[-1]
    placed["unplaced"] = placed[lowest].eq("") & (rows["x_m"].isna() | (error_m > 0))
    for level in ORDER:
        codes = units.index[units["level"].eq(level)]
        if len(codes) == 1:
            placed.loc[placed["unplaced"] & placed[level].eq(""), level] = codes[0]
    near = rows["snap_m"].le(DOUBTED_FROM_M) & (error_m <= 0) & (named.eq("") | agrees)
    inside = located.ne("") | rows["x_m"].isna()
    return placed.assign(
        elsewhere=named.where(~agrees, ""),
        sure=(near | agrees | rows["x_m"].isna()) & inside & rows["status"].ne("unknown") & ~_again(rows),
    ).drop(columns="unit_code")  # fmt: skip


def with_hospitals(facilities: pd.DataFrame, medical: gpd.GeoDataFrame, units: pd.DataFrame) -> pd.DataFrame:
    """
    Add the hospitals of the medical register: the rows that say whether they have a geriatric department.

    One of the same name as a hospital among the facilities is that one.
    """
    known = facilities.loc[facilities["kind"].eq(HOSPITAL), "name"]
    hospitals = medical[medical["geriatric"].notna() & ~medical["name"].isin(known)]
    if hospitals.empty:
        return facilities
    columns = ["medical_id", "name", "status", "opened_on", "geriatric", "zone_code", "x_m", "y_m"]
    rows = pd.DataFrame(hospitals[columns]).rename(columns={"medical_id": "facility_id"})
    rows = with_zones(rows.assign(kind=HOSPITAL, reason="", elsewhere=""), units, "zone_code")
    placed = rows["zone_code"].ne("")
    rows = rows.assign(unplaced=~placed, sure=placed & rows["status"].ne("unknown"))
    return pd.concat([facilities, rows], ignore_index=True)


def _named(rows: pd.DataFrame, zones: gpd.GeoDataFrame, *, by_name: pd.Series) -> pd.Series:
    """Return the code of the one zone that each row names; its name is asked where nothing else places it."""
    hints = rows["zone_hint"].fillna("") if "zone_hint" in rows else pd.Series("", index=rows.index)
    wanted = np.flatnonzero((hints.ne("") | by_name).to_numpy())
    codes = np.full(len(rows), "", dtype=object)
    if len(wanted) == 0:
        return pd.Series(codes, index=rows.index)
    names = ZoneNames.of(zones)
    for i in wanted.tolist():
        called = str(rows["name"].iloc[i]) if by_name.iloc[i] else ""
        found = names.find(hints.iloc[i], "", called) or names.find_upper(hints.iloc[i], called)
        if len(found) == 1:
            codes[i] = names.own_codes[found[0]]
    return pd.Series(codes, index=rows.index)


def _again(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell which rows repeat an earlier one: the same name and kind within `SAME_PLACE_M`."""
    again = np.zeros(len(rows), dtype=bool)
    placed = rows[rows["name"].ne("") & rows["x_m"].notna()]
    same = placed.duplicated(["name", "kind", "x_m", "y_m"])
    again[placed.index[same]] = True
    placed = placed[~same]
    for _, group in placed[placed.duplicated(["name", "kind"], keep=False)].groupby(["name", "kind"]):
        pairs = cKDTree(group[["x_m", "y_m"]]).query_pairs(SAME_PLACE_M, output_type="ndarray")
        again[group.index[pairs[:, 1]]] = True  # of each pair the later row
    return again
