"""Standards: clauses of the documents, judged on what was measured."""

from __future__ import annotations

import datetime as dt
import tomllib
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from servicecircle.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from servicecircle.assess.coverage import Coverage
    from servicecircle.assess.results import Results

COLUMNS = (
    "zone_code", "clause_id", "verdict", "measured", "threshold", "unit", "margin", "certainty", "reason",
    "evidence",
)  # fmt: skip
PROFILES = ("xuchang", "jiaozuo", "puyang", "luohe", "tanghe")


class Clause(BaseModel):
    """One clause of a document: its words, and the circle whose share of people it is judged by."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    phrase: str
    clause: str = ""
    kind: Literal["service-circle-time", "service-circle-distance"]
    circle: str
    deadline: dt.date | None = None
    force: Literal["binding", "expected", "target", "in_principle"] = "target"
    ambiguity: str = ""

    def is_due(self, as_of: dt.date) -> bool:
        """Tell whether failing it fails: binding clauses always, work targets once their deadline is past."""
        if self.force == "target":
            return self.deadline is not None and self.deadline < as_of
        return self.force == "binding"


class Profile(BaseModel):
    """The clauses of one document."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    document: str = ""
    clauses: Annotated[tuple[Clause, ...], Field()] = ()


def load_profile(profile: str, *, folder: Path | None = None) -> Profile:
    """
    Return a profile by its name, or from a TOML file of one's own.

    Only Puyang's document names the two circles; the profiles of the other four judge by its clauses.

    Raises
    ------
    InputError
        There is no such profile, or the file is not one.
    """
    if profile in PROFILES:
        text = resources.files("servicecircle.assess").joinpath("profiles/puyang.toml").read_text("utf-8")
        return Profile.model_validate(tomllib.loads(text))
    path = (folder or Path()) / profile
    if path.suffix != ".toml" or not path.is_file():
        raise InputError("standards.no_profile", where=profile, known=", ".join(PROFILES))
    try:
        return Profile.model_validate(tomllib.loads(path.read_text("utf-8-sig")))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        why = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise InputError("standards.not_a_profile", where=str(path), why=why) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError("standards.not_a_profile", where=str(path), why=str(error)) from error


def judge(coverage: Coverage | Results, profile: str | Profile) -> pd.DataFrame:
    """
    Judge the clauses of a profile in every zone that they speak of.

    Parameters
    ----------
    coverage
        Coverage, or a run.
    profile
        A profile, its name, or a file of one's own.

    Returns
    -------
    One row per zone and clause: `measured` is the share of people covered, `threshold` the share asked
    for (one's own reference line: no document gives a share), `margin` their difference.
    """
    import pandas as pd

    wanted = profile if isinstance(profile, Profile) else load_profile(profile)
    rules = coverage.rules if hasattr(coverage, "rules") else coverage.study.rules
    rows = []
    for clause in wanted.clauses:
        zones = coverage.zones[coverage.zones["circle"].eq(clause.circle)]
        for zone in zones.itertuples():
            measured = zone.share_low
            rows.append((
                zone.code, clause.id, zone.verdict, measured, rules.share_required, "share",
                measured - rules.share_required, zone.certainty, zone.reason, _evidence(zone),
            ))  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS)).sort_values(
        ["zone_code", "clause_id"], ignore_index=True
    )


def _evidence(zone: object) -> str:
    """Name the figures a verdict rests on, in the columns' own words."""
    figures = ("people_judged", "people_within", "people_doubtful", "facilities")
    return "; ".join(f"{name}={getattr(zone, name):.6g}" for name in figures)
