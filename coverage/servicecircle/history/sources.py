"""The files that a study names: listed by role, digested, and the same study with them elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicecircle.database import is_database
from servicecircle.sources.files import digest
from servicecircle.sources.named import named_sources, replaced
from servicecircle.standards.register import profile_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servicecircle.study import Study

    Elsewhere = Callable[[str, str], str]
    """Role and source as the study names it -> what it is to name instead."""


def with_sources(study: Study, elsewhere: Elsewhere) -> Study:
    """Return the same study with every file it names replaced; columns and databases stay as they are."""
    return replaced(study, lambda role, named: named if is_database(named) else elsewhere(role, named))


def sources_of(study: Study) -> list[tuple[str, str]]:
    """List role and name of each file that a study names, in a fixed order, each once."""
    return sorted({(role, source) for role, source in named_sources(study) if not is_database(source)})


def anchored(study: Study) -> Study:
    """Return the same study naming its files by their full paths."""
    return with_sources(study, lambda _role, source: str(study.locate(source)))


def digests_of(study: Study) -> dict[tuple[str, str], str]:
    """
    Return the SHA-256 of each file that a study names; '' of one that is not there.

    That of a profile is followed by those of the profiles that it extends.
    """
    known: dict[Path, str] = {}
    digests = {}
    for role, source in sources_of(study):
        path = study.locate(source)
        files = profile_files(path) if role.startswith("rules.") else [path]
        known |= {file: digest(file) if file.is_file() else "" for file in files if file not in known}
        digests[role, source] = "".join(known[file] for file in files)
    return digests


def parts_of(path: Path) -> list[Path]:
    """
    Return the files that make up an input: itself, and what it has beside it in its folder.

    A shapefile or a GeoTIFF has further parts, a profile those that it extends.
    """
    beside = [path.with_suffix(".tfw"), path.with_name(f"{path.name}.aux.xml")]
    if path.suffix.lower() == ".shp":
        beside = sorted(other for other in path.parent.iterdir() if other.stem == path.stem and other != path)
    if path.suffix == ".toml":
        beside = [other for other in profile_files(path)[1:] if other.parent == path.resolve().parent]
    return [part for part in (path, *beside) if part.is_file()]


def from_databases(study: Study) -> bool:
    """Tell whether a study reads tables of a database, or streets by their place: no files to keep."""
    return not study.streets.source or any(is_database(source) for _, source in named_sources(study))
