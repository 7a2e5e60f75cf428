"""
Service circles of elder-care facilities: who reaches one on foot, and where the gaps are.

The public names are loaded when first used, so that importing the package is quick and quiet.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "Coverage": "servicecircle.assess.coverage",
    "Finding": "servicecircle.findings",
    "Findings": "servicecircle.findings",
    "InputError": "servicecircle.errors",
    "Inputs": "servicecircle.checks.inputs",
    "Network": "servicecircle.network.network",
    "OutputError": "servicecircle.errors",
    "Run": "servicecircle.pipeline",
    "ServiceCircleError": "servicecircle.errors",
    "Study": "servicecircle.study",
    "TravelField": "servicecircle.travel.field",
    "check": "servicecircle.pipeline",
    "isochrones": "servicecircle.travel.circles",
    "judge": "servicecircle.assess.clauses.judge",
    "read_streets": "servicecircle.network.build",
    "run": "servicecircle.pipeline",
    "sample_folder": "servicecircle.sample",
    "travel_field": "servicecircle.travel.field",
    "within": "servicecircle.units",
}

if TYPE_CHECKING:
    from servicecircle.assess.clauses.judge import judge
    from servicecircle.assess.coverage import Coverage
    from servicecircle.checks.inputs import Inputs
    from servicecircle.errors import InputError, OutputError, ServiceCircleError
    from servicecircle.findings import Finding, Findings
    from servicecircle.network.build import read_streets
    from servicecircle.network.network import Network
    from servicecircle.pipeline import Run, check, run
    from servicecircle.sample import sample_folder
    from servicecircle.study import Study
    from servicecircle.travel.circles import isochrones
    from servicecircle.travel.field import TravelField, travel_field
    from servicecircle.units import within

__all__ = [
    "Coverage", "Finding", "Findings", "InputError", "Inputs", "Network", "OutputError", "Run",
    "ServiceCircleError", "Study", "TravelField", "check", "isochrones", "judge", "read_streets", "run",
    "sample_folder", "travel_field", "within",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
