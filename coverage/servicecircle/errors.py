"""
The exceptions of this package.

ServiceCircleError
├── InputError (ValueError)    a study, an input file or an option is wrong; exit code 2
└── OutputError (OSError)      the result cannot be written; the old one is kept; exit code 2
"""

from __future__ import annotations

from typing import Any

from servicecircle import words
from servicecircle.database import redacted

_LONGEST = 500
"""Characters of one fact in a message."""


class ServiceCircleError(Exception):
    """
    Something the user can mend.

    Parameters
    ----------
    code
        Entry of the message catalogue: what is wrong and how to mend it.
    where
        File, line, sheet or cell.
    facts
        Values that the catalogue's sentences name.
    """

    def __init__(self, code: str, *, where: str = "", **facts: Any) -> None:
        self.code = code
        self.where = where
        self.facts = facts
        super().__init__(self.text("en"))

    @property
    def remedy(self) -> str:
        """How to mend it, in English."""
        return words.say(self.code, "en", self.facts)[1]

    def text(self, language: words.Language) -> str:
        """Return what is wrong, where, and how to mend it, on one line."""
        facts = {key: _short(fact) if isinstance(fact, str) else fact for key, fact in self.facts.items()}
        message, remedy = words.say(self.code, language, facts)
        place = f"{self.where}: " if self.where else ""
        line = redacted(f"{place}{message} {remedy}".strip())
        return "".join(c if c.isprintable() else " " for c in line)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.code, self.where, self.facts)


def _short(fact: str) -> str:
    """Return a fact of unknown origin, such as a line of a file, cut to what a message can hold."""
    written = " ".join(fact.split()).rstrip(".")  # our sentences bring their own full stop
    return f"{written[:_LONGEST]}…" if len(written) > _LONGEST else written


def _rebuild(
    kind: type[ServiceCircleError], code: str, where: str, facts: dict[str, Any]
) -> ServiceCircleError:
    return kind(code, where=where, **facts)


class InputError(ServiceCircleError, ValueError):
    """A study file, an input or an option that cannot be used."""


class OutputError(ServiceCircleError, OSError):
    """A result that cannot be written; what stood there is kept."""
