"""The files that a study names: listed by role, digested, and the same study with them elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from servicecircle.database import is_database
from servicecircle.sources.files import digest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servicecircle.study import Study

    Elsewhere = Callable[[str, str], str]
    """Role and source as the study names it -> what it is to name instead."""


def with_sources(study: Study, elsewhere: Elsewhere) -> Study:
    """Return the same study with every file it names replaced; columns and databases stay as they are."""

    def moved(role: str, source: Any) -> Any:
        return elsewhere(role, source) if source and not is_database(source) else source

    def table(role: str, entry: Any, *keys: str) -> Any:
        named = {key: getattr(entry, key) for key in ("source", *keys)}
        return entry.model_copy(
            update={k: moved(role if k == "source" else f"{role}.{k}", v) for k, v in named.items()}
        )

    streets, people, rules = study.streets, study.people, study.rules
    groups = {
        group: moved(f"people.{group}", source) if study.locate(source).is_file() else source
        for group, source in people.groups.items()
    }
    update = {
        "streets": table("streets", streets, "barriers").model_copy(
            update={"extra": tuple(moved("streets.extra", s) for s in streets.extra)}
        ),
        "facilities": tuple(table("facilities", t, "corrections") for t in study.facilities),
        "zones": tuple(table(f"zones.{t.level}", t) for t in study.zones),
        "people": table("people", people, "totals", "buildings").model_copy(update={"groups": groups}),
        **{name: table(name, register) for name, register in study.registers.items()},
        "study": study.study.model_copy(
            update={"verified": moved("study.verified", study.study.verified)}
        ),
        "rules": rules.model_copy(
            update={key: moved(f"rules.{key}", name) if name.endswith(".toml") else name
                    for key, name in (("profile", rules.profile), ("compare", rules.compare))}
        ),
    }  # fmt: skip
    return study.model_copy(update=update)


def sources_of(study: Study) -> list[tuple[str, str]]:
    """List role and name of each file that a study names, in a fixed order, each once."""
    found: list[tuple[str, str]] = []

    def listed(role: str, source: str) -> str:
        found.append((role, source))
        return source

    with_sources(study, listed)
    return sorted(set(found))


def anchored(study: Study) -> Study:
    """Return the same study naming its files by their full paths."""
    return with_sources(study, lambda _role, source: str(study.locate(source)))


def digests_of(study: Study) -> dict[tuple[str, str], str]:
    """Return the SHA-256 of each file that a study names; '' of one that is not there."""
    known: dict[Path, str] = {}
    digests = {}
    for role, source in sources_of(study):
        path = study.locate(source)
        if path not in known:
            known[path] = digest(path) if path.is_file() else ""
        digests[role, source] = known[path]
    return digests


def parts_of(path: Path) -> list[Path]:
    """Return the files that make up an input: itself, and what a shapefile or a GeoTIFF has beside it."""
    beside = [path.with_suffix(".tfw"), path.with_name(f"{path.name}.aux.xml")]
    if path.suffix.lower() == ".shp":
        beside = sorted(other for other in path.parent.iterdir() if other.stem == path.stem and other != path)
    return [part for part in (path, *beside) if part.is_file()]


def from_databases(study: Study) -> bool:
    """Tell whether a study reads tables of a database, or streets by their place: no files to keep."""
    named = [study.streets.source, *study.streets.extra, study.streets.barriers, study.people.source]
    named += [table.source for table in study.facilities] + [table.source for table in study.zones]
    named += [table.source for table in study.registers.values()]
    return not study.streets.source or any(is_database(source) for source in named if source)
