"""Where a study's history stands: its database, the copies of its inputs, and the streets it has read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicecircle.database import Database
from servicecircle.keeping import History

if TYPE_CHECKING:
    from pathlib import Path

    from servicecircle.study import Study


def policy_of(study: Study) -> History:
    """Return the study's `[history]`, or its defaults."""
    return study.history or History()


def database_of(study: Study) -> Path | Database:
    """Return the database of a study's history: a file, or the address of a server."""
    named = policy_of(study).database
    if isinstance(named, Database):
        return named
    return study.locate(named) if named else study.path.parent / "history" / f"{study.id}.sqlite"


def objects_of(study: Study) -> Path:
    """Return the folder that holds the copies of a study's inputs."""
    return study.path.parent / "history" / f"{study.id}.inputs"


def streets_of(study: Study) -> Path | None:
    """Return the folder that keeps a study's streets as they were read; None where nothing is remembered."""
    if study.history is None and study.schedule is None:
        return None
    return study.path.parent / "history" / f"{study.id}.streets"
