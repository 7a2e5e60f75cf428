"""
The exceptions of this package.

ServiceCircleError
├── InputError (ValueError)    a study, an input file or an option is wrong; exit code 2
└── OutputError (OSError)      the result cannot be written; the old one is kept; exit code 2
"""

from __future__ import annotations

from typing import Any

from servicecircle import words


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
        message, remedy = words.say(self.code, language, self.facts)
        place = f"{self.where}: " if self.where else ""
        return f"{place}{message} {remedy}".strip()

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.code, self.where, self.facts)


def _rebuild(
    kind: type[ServiceCircleError], code: str, where: str, facts: dict[str, Any]
) -> ServiceCircleError:
    return kind(code, where=where, **facts)


class InputError(ServiceCircleError, ValueError):
    """A study file, an input or an option that cannot be used."""


class OutputError(ServiceCircleError, OSError):
    """A result that cannot be written; what stood there is kept."""
