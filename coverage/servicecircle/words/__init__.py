"""Every word a user reads: labels of columns and values, findings and errors, in Chinese and English."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any, Literal

Language = Literal["zh", "en"]

_LABELLED = ("labels", "terminal", "standards")


@cache
def table(name: str) -> dict[str, Any]:
    """Return one of the word lists of this folder, `name`.toml."""
    return tomllib.loads(resources.files(__name__).joinpath(f"{name}.toml").read_text("utf-8"))


@cache
def messages() -> dict[str, dict[str, str]]:
    """Return what findings and errors say: code -> severity, en, en_fix, zh, zh_fix."""
    merged: dict[str, dict[str, str]] = {}
    for entry in resources.files(__name__).iterdir():
        if entry.name.startswith("messages_") and entry.name.endswith(".toml"):
            merged |= tomllib.loads(entry.read_text("utf-8"))
    return merged


def say(code: str, language: Language, facts: dict[str, Any]) -> tuple[str, str]:
    """
    Return the message and the remedy of a finding or an error.

    Only our own sentences are formatted; a fact is inserted as it is, whatever it holds.
    """
    entry = messages()[code]
    if "circle" in facts:  # an id such as 1km is no word of an office
        facts = {**facts, "circle": label("circle", str(facts["circle"]), language)}
    return entry[language].format_map(facts), entry[f"{language}_fix"].format_map(facts)


def label(group: str, key: str, language: Language) -> str:
    """Return the word shown for a column or a value, such as `label("reason", "too_far", "zh")`."""
    entry = next((table(name)[group].get(key) for name in _LABELLED if group in table(name)), None)
    return entry[0 if language == "zh" else 1] if entry else key
