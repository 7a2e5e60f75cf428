"""How the figures were made: every parameter in words, definitions, inputs and versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from servicecircle.report.cautions import cautions
from servicecircle.report.model import Column, Paragraph, Points, Section, Table
from servicecircle.report.phrases import Phrases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from servicecircle.report.model import Block
    from servicecircle.report.sections.ground import Ground

_DEFINITIONS = (
    "judged_people", "walk", "covered", "doubtful", "unit_verdict", "shares", "facility_share", "gap",
    "classes", "counting",
)  # fmt: skip


def methods(ground: Ground) -> Section:
    """Return the section on methods."""
    say = ground.say
    sections = (
        Section("definitions", say("definitions"), (Points(tuple(definitions(ground))),)),
        Section("parameters", say("parameters"), (Paragraph(say("parameters_lead"), "note"), _table(ground))),
        Section("sources", say("sources"), (_basis(ground), *_inputs(ground), _versions(ground))),
    )
    return Section("methods", say("methods"), (), sections, new_page=True)


def caveats(ground: Ground) -> Section:
    """Return the section of all reservations."""
    return Section("caveats", ground.say("caveats"), (Points(cautions(ground.material)),))


def definitions(ground: Ground) -> list[str]:
    """Return what the words of the report mean, with the study's own figures in them."""
    rules, text = ground.material.study.rules, ground.text
    limits = ground.join(
        text.say("circle_limit", circle=text.circle(circle), metres=f"{circle.limit_m:.0f}",
                 limit=text.say("limit_min", limit=f"{circle.limit:g}"))
        if circle.limit_unit == "min"
        else text.say("circle_metres", circle=text.circle(circle), metres=f"{circle.limit_m:.0f}")
        for circle in ground.material.study.circles
    )  # fmt: skip
    facts = {
        "limits": limits, "speed": f"{rules.walk_kmh:g}", "detour": f"{rules.doubt_detour:g}",
        "line": text.share(rules.share_required), "join": f"{rules.gap_join_m:g}",
        "measure": text.label("measure", rules.measure), "covered": text.share(rules.class_share),
        "status": text.label("status", "operating"),
    }  # fmt: skip
    return [ground.say(f"define_{name}", **facts) for name in _DEFINITIONS]


def _table(ground: Ground) -> Table:
    """Return every parameter in words with its value."""
    rows = tuple(
        (ground.say(f"parameter_{key}"), _value(ground, key, value))
        for key, value in ground.material.run.manifest["parameters"].items()
    )
    columns = (
        Column("parameter", ground.say("parameter"), width=2),
        Column("value", ground.say("value"), width=3),
    )
    return Table("parameters", ground.say("parameter_table"), columns, rows)


def _value(ground: Ground, key: str, value: Any) -> str:
    special: Mapping[str, Callable[[Ground, Any], str]] = {
        "snap_m": _snap, "circles": _circles, "urban_kinds": _kinds, "rural_kinds": _kinds,
        "measure": lambda g, v: g.text.label("measure", v), "share_required": lambda g, v: g.text.share(v),
        "class_share": lambda g, v: g.text.share(v), "profile": _profile,
        "compare": lambda g, v: v or g.say("none"),
        "default_class": lambda g, v: g.say("none") if v == "none" else g.text.label("area_class", v),
    }  # fmt: skip
    if key in special:
        return special[key](ground, value)
    if value is None:
        return ground.say("by_source")
    if isinstance(value, bool):
        return ground.text.label("used", str(value).lower())
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _profile(ground: Ground, value: Any) -> str:
    profile = ground.material.profile
    named = ground.say("profile", name=profile.name or profile.id, document=profile.document)
    return named if profile.document else profile.name or str(value)


def _snap(ground: Ground, value: Mapping[str, float]) -> str:
    return ground.join(
        ground.say("snap", what=ground.say(f"snap_{key}"), metres=f"{metres:g}")
        for key, metres in value.items()
    )


def _kinds(ground: Ground, value: Iterable[str]) -> str:
    return ground.join(ground.text.kind(kind) for kind in value) or ground.say("none")


def _circles(ground: Ground, value: Iterable[Mapping[str, Any]]) -> str:
    said = []
    for circle in value:
        minutes = circle.get("minutes")
        limit = ground.text.say("limit_min", limit=f"{minutes:g}") if minutes else ""
        limit = limit or ground.text.say("limit_m", limit=f"{circle['metres']:g}")
        applies = ground.say(f"applies_{circle['applies']}")
        said.append(ground.say("further_circle", name=circle["name"] or circle["id"], limit=limit,
                               applies=applies, kinds=_kinds(ground, circle["kinds"])))  # fmt: skip
    return ground.say("semicolon").join(said) or ground.say("none")


def _basis(ground: Ground) -> Block:
    manifest, say, text = ground.material.run.manifest, ground.say, ground.text
    basis = manifest.get("people_basis") or {}
    year = text.say("in_year", year=basis["year"]) if basis.get("year") else ""
    said = [
        say("people_basis", basis=text.say(str(basis.get("basis", "resident"))), year=year),
        say("crs", crs=_crs(str(manifest["crs"]))),
        say("data_as_of", date=text.date(ground.material.as_of)),
    ]  # fmt: skip
    totals, counts = manifest.get("totals") or {}, manifest.get("counts") or {}
    if "raw" in totals and "scaled" in totals:
        said.append(say("scaled", raw=text.about(totals["raw"]), judged=text.about(totals["judged"])))
    if "street_km" in counts:
        said.append(
            say("streets_read", km=text.count(counts["street_km"]), count=text.count(counts["segments"]))
        )
    return Points(tuple(said))


def _crs(code: str) -> str:
    """Return a CRS as an office names it: its datum in China beside its number."""
    from pyproj import CRS

    return f"CGCS2000 ({code})" if "CGCS2000" in CRS(code).name else code


def _inputs(ground: Ground) -> list[Block]:
    inputs = ground.material.run.manifest.get("inputs") or []
    if not inputs:
        return []
    rows = tuple((_role(ground, entry["role"]), entry["name"], entry["sha256"]) for entry in inputs)
    columns = (
        Column("role", ground.say("role"), width=1.2), Column("file", ground.say("file"), width=1.5),
        Column("sha256", ground.say("digest"), "code", width=3.2),
    )  # fmt: skip
    return [Table("inputs", ground.say("input_table"), columns, rows)]


def _role(ground: Ground, role: str) -> str:
    """Return what an input is used for, in the words of the check."""
    say, (stage, _, part) = Phrases("check", ground.text.language), role.partition(".")
    if stage == "zones":
        return say("zones", level=ground.text.label("level", part))
    if stage == "people" and part not in {"", "totals", "buildings"}:
        return say("group", group=ground.text.label("column", part))
    return say(part or stage)


def _versions(ground: Ground) -> Table:
    manifest, say = ground.material.run.manifest, ground.say
    rows = [
        (say("program"), str(manifest["version"])), ("Python", str(manifest.get("python", ""))),
        *((name, str(version)) for name, version in sorted((manifest.get("libraries") or {}).items())),
    ]  # fmt: skip
    columns = (Column("name", say("component")), Column("version", say("version"), "code"))
    return Table("versions", say("version_table"), columns, tuple(rows))
