"""What a report says about itself on every page: its stamp, its caveats and where its figures come from."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import TYPE_CHECKING

from servicecircle.report.phrases import Phrases

if TYPE_CHECKING:
    from servicecircle.report.material import Material

_DIGITS = 12
"""Of a digest, as printed."""


def stamp(material: Material) -> str:
    """Return what is printed across every page: 送审稿 until it is signed off, else what its document is."""
    say = _phrases(material)
    if material.sign_off.state == "draft":
        return say("for_sign_off")
    return say("draft_document") if material.profile.draft else ""


def cautions(material: Material) -> tuple[str, ...]:
    """Return the caveats that every page's foot prints."""
    say, study, profile = _phrases(material), material.study, material.profile
    said = [say("assessment")]
    if profile.draft:
        said.append(say("draft", document=profile.document or profile.name))
    said.append(say("reference_line", share=material.text.share(study.rules.share_required)))
    return (*said, *_expired(material), _people(material), _streets(material), *_edition(material))


def provenance(material: Material) -> str:
    """Return one line: the program's version, the run, and a digest of all its inputs."""
    say, manifest = _phrases(material), material.run.manifest
    day = dt.datetime.fromisoformat(str(manifest["started_at"])).astimezone().date()
    said = say("provenance", version=manifest["version"], day=material.text.date(day))
    digests = sorted(str(entry["sha256"]) for entry in manifest.get("inputs") or ())
    if not digests:
        return said
    digest = hashlib.sha256("\n".join(digests).encode()).hexdigest()[:_DIGITS]
    return said + say("with_inputs", digest=digest, count=len(digests))


def _phrases(material: Material) -> Phrases:
    return Phrases("cautions", material.study.language)


def _expired(material: Material) -> list[str]:
    as_of = material.as_of
    count = sum(clause.state == "measurable" and clause.is_due(as_of) for clause in material.profile.clauses)
    return [_phrases(material)("expired", count=count)] if count else []


def _people(material: Material) -> str:
    say, people = _phrases(material), material.study.people
    year = say("in_year", year=people.year) if people.year else ""
    return say("modelled" if material.text.modelled else "counted", basis=say(people.basis), year=year)


def _streets(material: Material) -> str:
    say, credit = _phrases(material), material.study.streets.credit
    if credit is None and material.run.manifest.get("streets_from_osm"):
        credit = "© OpenStreetMap contributors (ODbL)"
    return say("streets", credit=credit) if credit and credit.strip() else say("streets_own")


def _edition(material: Material) -> list[str]:
    say, output = _phrases(material), material.study.output
    if output.public:
        return [say("map_review", number=output.map_review), say("fewest"), say("no_boundary")]
    return [say("internal"), say("no_boundary")]
