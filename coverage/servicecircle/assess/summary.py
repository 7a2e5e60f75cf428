"""The manifest: what was read, by which rules, and the headline figures."""

from __future__ import annotations

import sys
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from servicecircle.assess.coverage import OWN
from servicecircle.assess.sensitivity import both_bases
from servicecircle.assess.sums import total
from servicecircle.assess.verdicts import reaches
from servicecircle.crs import crs_name
from servicecircle.sources.rasters import is_raster

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd
    import pandas as pd

    from servicecircle.assess.coverage import Coverage
    from servicecircle.checks.inputs import Inputs
    from servicecircle.findings import Findings
    from servicecircle.network.network import Network
    from servicecircle.study import Study

LINES = (0.8, 0.9, 1.0)
"""Reference lines printed beside the study's own: no document gives a share."""

_TWO = ("15min", "1km")
"""The circles of the documents; a study may have further ones."""

_LIBRARIES = (
    "numpy", "pandas", "scipy", "shapely", "pyproj", "geopandas", "pyogrio", "osmium", "rasterio",
    "exactextract", "folium",
)  # fmt: skip


def describe(
    inputs: Inputs,
    network: Network,
    coverage: Coverage,
    people: pd.DataFrame,
    facilities: gpd.GeoDataFrame,
    gaps: gpd.GeoDataFrame,
    answers: Mapping[str, Mapping[str, float]],
) -> dict[str, Any]:
    """Return the manifest of a run; started_at, timings and files are added as they are known."""
    study = inputs.study
    return {
        "version": metadata.version("servicecircle"),
        "python": ".".join(map(str, sys.version_info[:3])),
        "libraries": {name: metadata.version(name) for name in _LIBRARIES},
        "study": {
            "id": study.id, "name": study.name, "language": study.language, "as_of": inputs.as_of.isoformat(),
        },
        "study_text": study.text,
        "inputs": inputs.digests,
        "crs": crs_name(inputs.crs),
        "streets_from_osm": network.from_osm,
        "parameters": study.rules.model_dump(mode="json"),
        "people_basis": {
            "basis": study.people.basis, "year": study.people.year, "modelled": _modelled(study, people),
        },
        "counts": _counts(inputs, network, people, facilities, gaps),
        "totals": _totals(inputs, people),
        "summary": _summary(coverage, people, facilities, inputs.people.groups, answers),
        "findings": inputs.findings.counts(),
    }  # fmt: skip


def _modelled(study: Study, people: pd.DataFrame) -> bool:
    """Tell whether people were estimated: from a raster, or in parts of a person by spreading or scaling."""
    return is_raster(study.people.source) or bool((people["people"] % 1 != 0).any())


def _counts(
    inputs: Inputs, network: Network, people: pd.DataFrame, facilities: gpd.GeoDataFrame,
    gaps: gpd.GeoDataFrame,
) -> dict[str, Any]:  # fmt: skip
    zones = inputs.zones
    return {
        **inputs.streets.counts,
        "junctions": len(network.node_ref),
        "segments": len(network.u),
        "street_km": round(float(network.length_m.sum()) / 1000, 3),
        "pieces": len(network.piece_m),
        "islets": int((network.piece_m < network.islet_m).sum()),
        "facilities": len(facilities),
        "facilities_located": int(facilities.geometry.notna().sum()),
        "facilities_used": int(facilities["used"].sum()),
        "zones": {level: int(n) for level, n in zones["level"].value_counts().sort_index().items()},
        "units": int(zones["unit"].sum()),
        "people_rows": len(people),
        "gaps": {kind: int(n) for kind, n in gaps["class"].value_counts().sort_index().items()},
        "registers": {name: len(getattr(inputs.registers, name)) for name in inputs.study.registers},
    }


def _totals(inputs: Inputs, people: pd.DataFrame) -> dict[str, float]:
    """Totals in equal totals out: judged people, and those listed by the reason they are not."""
    weight, judged = people["people"].to_numpy(), people["judged"].to_numpy(bool)
    left = people.loc[~judged]
    return {
        **inputs.people.totals,
        "judged": total(weight[judged]),
        **{f"not_judged_{r}": total(g["people"]) for r, g in left.groupby("reason")},
    }


def _summary(
    coverage: Coverage,
    people: pd.DataFrame,
    facilities: gpd.GeoDataFrame,
    groups: tuple[str, ...],
    answers: Mapping[str, Mapping[str, float]],
) -> dict[str, Any]:
    zones = coverage.zones
    way = "metres" if coverage.rules.measure == "network" else "straight_m"
    people = people.assign(way_m=people[way])
    circles = [c for c in dict.fromkeys(zones["circle"]) if c not in {OWN, ""}]
    return {
        "all": _headline(people, people["judged"].to_numpy(bool), groups),
        "circles": {c: _headline(people, (people["judged"] & people["circle"].eq(c)).to_numpy(bool), groups)
                    for c in circles},
        "further_circles": {c: _further(zones, facilities, c, groups) for c in circles if c not in _TWO},
        "units": _units(zones, coverage.rules.share_required),
        "reference_lines": {str(line): _units(zones, line)["met"] for line in LINES},
        "people_more": {question: dict(by_circle) for question, by_circle in answers.items()},
        "streets": _street_states(zones),
    }  # fmt: skip


def _headline(people: pd.DataFrame, chosen: np.ndarray, groups: tuple[str, ...]) -> dict[str, Any]:
    """Return the people judged, covered and doubtful, and their shares, for all people and each group."""
    part = people.loc[chosen]
    figures: dict[str, Any] = {}
    for name in ("people", *groups):
        weight = part[name].to_numpy()
        judged = total(weight)
        within, doubtful = total(weight[part["within"]]), total(weight[part["doubtful"]])
        by_connector = total(weight[part["within"] & part["connector"]])
        straight = total(weight[part["by_line"]])
        figures[name] = {
            "judged": judged, "within": within, "doubtful": doubtful, "by_connector": by_connector,
            "share_within": within / judged if judged else None,
            "share_high": min((within + doubtful) / judged, 1.0) if judged else None,
            "share_straight": straight / judged if judged else None,
            **both_bases(part["way_m"].to_numpy(float), weight),
        }  # fmt: skip
    return figures


def _further(
    zones: gpd.GeoDataFrame, facilities: gpd.GeoDataFrame, circle: str, groups: tuple[str, ...]
) -> dict[str, Any]:
    """Return how many facilities a further circle has and whom it reaches, whatever else judges them."""
    lowest = zones[zones["level"].eq(zones["level"].iloc[-1]) & zones["circle"].eq(circle)]
    figures: dict[str, Any] = {"facilities": int(facilities[f"counts_{circle}"].sum())}
    for name in ("people", *groups):
        judged, within = total(lowest[f"{name}_judged"]), total(lowest[f"{name}_within"])
        share = within / judged if judged else None
        figures[name] = {"judged": judged, "within": within, "share_within": share}
    return figures


def _street_states(zones: gpd.GeoDataFrame) -> dict[str, int]:
    """Count villages by how complete their streets are; those without people are left out."""
    lowest = zones.loc[zones["level"].eq(zones["level"].iloc[-1])].drop_duplicates("code")
    states = lowest["streets_state"].value_counts()
    return {state: int(states.get(state, 0)) for state in ("mapped", "sparse", "unmapped")}


def _units(zones: gpd.GeoDataFrame, required: float) -> dict[str, int]:
    """Count villages by verdict under a reference line; a further circle's rows stand apart."""
    lowest = zones.loc[zones["level"].eq(zones["level"].iloc[-1]) & zones["circle"].ne(OWN)]
    own = lowest.drop_duplicates("code")
    judged = own.loc[own["state"].eq("judged")]
    met = sum(reaches(s, required) for s in judged["share_low"])
    possible = sum(reaches(s, required) for s in judged["share_high"])
    return {
        "all": len(own), "judged": len(judged), "met": met, "not_met": len(judged) - possible,
        "to_verify": possible - met, "with_facility": int(own["units_with_facility"].gt(0).sum()),
    }  # fmt: skip


def say_unmapped(coverage: Coverage, findings: Findings) -> None:
    """List the zones whose streets are not mapped."""
    for zone in coverage.zones.loc[coverage.zones["state"].eq("streets_unmapped")].itertuples():
        findings.note(
            "coverage.streets_unmapped", subject=zone.code, people_touched=zone.people, name=zone.name
        )
