"""The sources that a study names, each by its role: the one place that knows which there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from servicecircle.study import Study

    Replace = Callable[[str, Any], Any]
    """Role and source as the study names it -> what it is to name instead."""


def replaced(study: Study, by: Replace) -> Study:
    """
    Return the same study with every source it names replaced, files and databases; columns stay as they are.

    A group of people is a source where a file of its name is in place, else a column.
    """

    def moved(role: str, source: Any) -> Any:
        if isinstance(source, tuple):
            return tuple(by(role, one) for one in source)
        if isinstance(source, dict):
            files = {name: one for name, one in source.items() if study.locate(one).is_file()}
            return source | {name: by(f"{role}.{name}", one) for name, one in files.items()}
        return by(role, source) if source else source

    def part(entry: Any, **roles: str) -> Any:
        return entry.model_copy(update={key: moved(roles[key], getattr(entry, key)) for key in roles})

    own = {k: f"rules.{k}" for k in ("profile", "compare") if getattr(study.rules, k).endswith(".toml")}
    update = {
        "streets": part(
            study.streets, source="streets", extra="streets.extra", barriers="streets.barriers"
        ),
        "facilities": tuple(
            part(t, source="facilities", corrections="facilities.corrections") for t in study.facilities
        ),
        "zones": tuple(part(t, source=f"zones.{t.level}") for t in study.zones),
        "people": part(
            study.people, source="people", groups="people", totals="people.totals",
            buildings="people.buildings",
        ),
        **{name: part(register, source=name) for name, register in study.registers.items()},
        "study": part(study.study, verified="study.verified"),
        "rules": part(study.rules, **own),
    }  # fmt: skip
    return study.model_copy(update=update)


def named_sources(study: Study) -> list[tuple[str, Any]]:
    """List role and source of all that a study names, in the order of `replaced`."""
    found: list[tuple[str, Any]] = []

    def listed(role: str, source: Any) -> Any:
        found.append((role, source))
        return source

    replaced(study, listed)
    return found
