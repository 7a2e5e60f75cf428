"""How bulletins and sheets speak of a run: its words, its numbers, and the group whose share leads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from servicecircle.report.figures import known
from servicecircle.report.model import Column
from servicecircle.report.phrases import Phrases

if TYPE_CHECKING:
    import pandas as pd

    from servicecircle.maps.text import Text
    from servicecircle.report.material import Material
    from servicecircle.report.model import Format

ELDERLY, PEOPLE = "elderly", "people"


@dataclass(frozen=True, slots=True)
class Voice:
    """
    What a bulletin is written with.

    Parameters
    ----------
    group
        Whose share leads and ranks: the elderly where they were counted, else all people.
    """

    material: Material
    say: Phrases
    text: Text
    group: str

    @classmethod
    def of(cls, material: Material) -> Voice:
        """Return the voice of a run."""
        counted = f"{ELDERLY}_judged" in material.run.zones
        say = Phrases("bulletin", material.study.language)
        return cls(material, say, material.text, ELDERLY if counted else PEOPLE)

    @property
    def headline(self) -> str:
        """The headline whose share leads, as history names it."""
        return f"{self.group}_share"

    @property
    def share_key(self) -> str:
        """The column of zones that holds the leading share."""
        return "share_within" if self.group == PEOPLE else f"{self.group}_share_within"

    def label(self, key: str) -> str:
        """Return the header of a column of the tables."""
        return self.text.label("column", key)

    def column(self, key: str, format_: Format = "text", width: float = 1.0, *, title: str = "") -> Column:
        """Return a column under its own header, or another one."""
        return Column(key, title or self.label(key), format_, width)

    def left_column(self, key: str, width: float = 1.0) -> Column:
        """Return the column of people not covered, of the leading group."""
        return Column(key, self.text.heading(f"gap_{self.group}"), "people", width)


def written(value: Any) -> str | None:
    """Return a user's own text; None for none."""
    return str(value) if known(value) and str(value).strip() else None


def table_of(material: Material, name: str) -> pd.DataFrame | None:
    """Return a further table of the run; None where it has none."""
    table = material.run.tables.get(name)
    return table if table is not None and len(table) else None
