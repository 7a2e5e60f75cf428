"""The full coverage report: everything a run found, in the order in which an office reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicecircle.report.cautions import cautions, provenance, stamp
from servicecircle.report.model import Report
from servicecircle.report.sections.bases import quality, sensitivity
from servicecircle.report.sections.changes import changes, trend
from servicecircle.report.sections.front import front
from servicecircle.report.sections.gaps import gaps
from servicecircle.report.sections.ground import Ground
from servicecircle.report.sections.methods import caveats, methods
from servicecircle.report.sections.places import maps, overall, townships
from servicecircle.report.sections.verdicts import verdicts
from servicecircle.report.sections.work import supply, tasks

if TYPE_CHECKING:
    from servicecircle.report.material import Material

SECTIONS = (
    overall, changes, trend, maps, verdicts, gaps, tasks, supply, sensitivity, townships, quality, methods,
    caveats,
)  # fmt: skip
"""In their order; one that has nothing to say is left out."""


def full_report(material: Material) -> Report:
    """Return the full coverage report of a run."""
    ground = Ground.of(material)
    study = material.study
    found = (section(ground) for section in SECTIONS)
    return Report(
        kind="full",
        language=study.language,
        title=ground.say("title", name=study.name),
        subtitle=ground.say("subtitle", date=ground.text.date(material.as_of)),
        maker=study.study.maker,
        as_of=material.as_of,
        stamp=stamp(material),
        front=front(ground),
        sections=tuple(section for section in found if section is not None),
        cautions=cautions(material),
        provenance=provenance(material),
    )
