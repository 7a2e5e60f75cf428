"""Sentences from one word list in one language: only ours are formatted, facts are inserted as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from servicecircle import words


@dataclass(frozen=True, slots=True)
class Phrases:
    """The sentences of a word list of `words/`, such as `bulletin`."""

    name: str
    language: words.Language

    def __call__(self, key: str, **facts: Any) -> str:
        """Return a sentence with its facts."""
        entry: list[str] = words.table(self.name)[key]
        return entry[0 if self.language == "zh" else 1].format_map(facts)
