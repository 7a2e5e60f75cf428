"""What the clauses of a study's profile wait for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from servicecircle.standards.needs import called, unlocks
from servicecircle.standards.register import load_profile

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd

    from servicecircle.findings import Findings
    from servicecircle.standards.clause import Profile
    from servicecircle.study import Study
    from servicecircle.words import Language


@dataclass(frozen=True, slots=True)
class Waiting:
    """
    The clauses of a profile that the inputs at hand do not serve.

    Parameters
    ----------
    profile
        All its clauses.
    inputs
        As `unlocks` returns them.
    """

    profile: Profile
    inputs: pd.DataFrame

    @property
    def scope(self) -> int:
        """How many clauses are judged or reported at all."""
        return sum(clause.state != "out_of_scope" for clause in self.profile.clauses)

    def rows(self, language: Language) -> list[tuple[str, int, list[str]]]:
        """Return inputs by name, the number of clauses, and these: in Chinese their words, else their ids."""
        phrases = {clause.id: clause.phrase for clause in self.profile.clauses}
        told = zip(*(self.inputs[column] for column in ("input", "clauses", "clause_ids")), strict=True)
        return [
            (called(name, language), count, [phrases[i] if language == "zh" else i for i in ids])
            for name, count, ids in told
        ]

    @property
    def open(self) -> int:
        """How many of them the inputs serve."""
        return self.scope - int(self.inputs["clauses"].sum())


def waits_for(study: Study, given: Collection[str]) -> Waiting:
    """Return what the clauses of the study's profile wait for; `given` as the registers tell it."""
    profile = load_profile(study.rules.profile, folder=study.path.parent)
    return Waiting(profile, unlocks(profile, given))


def say_waiting(study: Study, given: Collection[str], findings: Findings) -> None:
    """Note, once, how many clauses wait for inputs, and for which most do."""
    waiting = waits_for(study, given).inputs
    if len(waiting) == 0:
        return
    first = waiting.iloc[0]
    findings.note(
        "standards.unlock", clauses=int(waiting["clauses"].sum()), most=int(first["clauses"]),
        input=called(first["input"], "en"), input_zh=called(first["input"], "zh"),
    )  # fmt: skip
