"""A clause of a document: its words and figures, and the test by which it is judged."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from servicecircle.kinds import KINDS, SUBJECTS

UnitWord = Literal["市", "县(市、区)", "县城区", "街道", "乡镇", "社区", "村", "住宅小区", "家庭", "不限"]
"""The units that the documents speak of, in their words."""

Force = Literal[
    "binding", "shall", "standard", "target", "in_principle", "expected", "strive", "support", "may"
]
"""约束性, 必须 · 应 · 标准 · 工作目标 · 原则上 · 预期性 · 力争 · 支持, 鼓励 · 可."""


State = Literal["measurable", "report_only", "out_of_scope"]


def _known_kind(kind: str) -> str:
    if kind != "any" and kind not in KINDS:
        raise PydanticCustomError(
            "unknown_kind",
            "unknown facility kind {kind}",
            {"kind": kind, "known": ", ".join(["any", *KINDS])},
        )
    return kind


def _known_subject(kind: str) -> str:
    return kind if kind in SUBJECTS else _known_kind(kind)


Kinds = tuple[Annotated[str, AfterValidator(_known_kind)], ...]
"""Kinds of facility; "any" is any elder-care facility."""

Counted = Literal["operating", "built", "listed"]
"""Which facilities count: in operation; built, whether or not they run; every one listed but the closed."""


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class CircleTest(_Data):
    """Share of people who reach a facility within a circle; no `kinds`: those the study counts."""

    measure: Literal["circle"]
    circle: str
    kinds: Kinds = ()


class HoldingTest(_Data):
    """
    Each unit holds `at_least` facilities; above the units, the share of them that do.

    `served = "assigned"`: a unit to which a home elsewhere is assigned (多镇一院) counts as holding one.
    `having`: a yes/no column that the facility must meet. `people_column`: whose people `people_at_least` is,
    those who live in the unit or those registered there.
    """

    measure: Literal["holding"]
    units: tuple[UnitWord, ...]
    kinds: Kinds
    at_least: int = 1
    area_class: Literal["", "urban", "rural"] = ""
    people_at_least: float = 0
    people_column: Literal["people", "registered_people"] = "people"
    served: Literal["located", "assigned"] = "located"
    having: str = ""
    counted: Counted = "operating"


class CountTest(_Data):
    """
    Number of facilities, or the sum of a column of theirs, opened between two days where they are given.

    `over`: the units in each of which they are counted together, where these are not the clause's levels:
    the document's 56 centres of subdistricts are 56 in the whole city. `most_each`: the most of the column
    that is credible of a facility which does not state it; without one, nothing bounds it.
    """

    measure: Literal["count"]
    kinds: Kinds
    over: UnitWord | None = None
    column: str = ""
    most_each: float | None = None
    counted: Counted = "operating"
    opened_from: dt.date | None = None
    opened_to: dt.date | None = None


class RangeTest(_Data):
    """A column of each facility lies at, above, below or between the clause's figures."""

    measure: Literal["range"]
    kinds: Kinds
    column: str
    counted: Counted = "operating"


class FacilityShareTest(_Data):
    """
    Share of the facilities among `among` that have a yes/no column, or count as `counted`.

    `opened_from`: only facilities opened since, where the clause speaks of new ones.
    """

    measure: Literal["facility_share"]
    kinds: Kinds
    having: str = ""
    counted: Counted | Literal["accepted"] | None = None
    among: Counted = "listed"
    opened_from: dt.date | None = None


class BedShareTest(_Data):
    """
    Share of beds: of a column (`part`), or of the facilities run by `operators`.

    Pooled over all facilities of a unit, or of each facility. `owners`: only facilities owned by these.
    """

    measure: Literal["bed_share"]
    kinds: Kinds
    part: str = ""
    operators: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    pooled: bool = True


class TotalTest(_Data):
    """Sum of a column of the units table, or of a register beside it, opened between two days."""

    measure: Literal["total"]
    column: str
    opened_from: dt.date | None = None
    opened_to: dt.date | None = None


class RatioTest(_Data):
    """One column of the units table for every `per` of another."""

    measure: Literal["ratio"]
    numerator: str
    denominator: str
    per: float = 1


class EstateTest(_Data):
    """
    Elder-care floor area per 100 households of housing estates, new or existing.

    `pool_below_m2`: estates whose duty is smaller are judged together, within their community.
    `share`: the share of estates that meet the standard. `standard_m2`: area per 100 households that is due,
    where the clause's own figure is another one (a share of estates, or the size from which to pool).
    """

    measure: Literal["estate_area"]
    stage: Literal["new", "existing", "any"] = "any"
    pool_below_m2: float = 0
    share: bool = False
    standard_m2: float | None = None


class NearnessTest(_Data):
    """Share of facilities with a medical institution within `metres` along the streets: reported only."""

    measure: Literal["nearness"]
    kinds: Kinds
    metres: float = 500


class HubTest(_Data):
    """Way from each spoke to the nearest hub in its street or township: reported only."""

    measure: Literal["hub"]
    hubs: Kinds
    spokes: Kinds


class ReportTest(_Data):
    """
    A figure that goes with a clause which states none: reported only.

    `column` is summed: of the facilities of `kinds`, or of the units table where no kinds are given.
    """

    measure: Literal["report"]
    figure: Literal["facilities", "units_with", "people_within_share", "having_share", "column", "none"]
    kinds: Kinds = ()
    units: tuple[UnitWord, ...] = ()
    having: str = ""
    column: str = ""
    needs: tuple[str, ...] = ()


class IndicatorTest(_Data):
    """A figure that the office keeps itself, given in the indicators table under the clause's id."""

    measure: Literal["indicator"]


Test = Annotated[
    CircleTest | HoldingTest | CountTest | RangeTest | FacilityShareTest | BedShareTest | TotalTest
    | RatioTest | EstateTest | NearnessTest | HubTest | ReportTest | IndicatorTest,
    Field(discriminator="measure"),
]  # fmt: skip


class Clause(_Data):
    """
    One clause: a phrase with one figure.

    Parameters
    ----------
    phrase, phrase_as_written
        The words, with slips of the text recognition mended; as they stand in the text where that differs.
    clause, source_line
        Chapter of the document, and line of its text.
    kind, variant
        Kind of rule, as the register names it.
    state
        measurable: judged. report_only: measured, never judged. out_of_scope: kept and shown, with `why`.
    levels
        The units it speaks of.
    operator, threshold, threshold_upper, unit
        What is asked for.
    deadline, deadline_text
        Last day, and the document's words for it.
    force, force_text
        How strongly the text speaks.
    ambiguity, reading
        What the text leaves open, and how it is read here; other readings are parameters of the test.
    test
        How it is judged; None where nothing here can.
    """

    id: str
    phrase: str
    phrase_as_written: str = ""
    en: str = ""
    clause: str = ""
    source_line: int | None = None
    kind: str
    variant: str = ""
    theme: str = ""
    state: State = "measurable"
    spatial: bool = False
    levels: tuple[UnitWord, ...] = ()
    facilities: tuple[Annotated[str, AfterValidator(_known_subject)], ...] = ()
    operator: Literal["", ">=", "<=", "==", "between", "near", "exists", "qualitative"] = ""
    threshold: float | None = None
    threshold_upper: float | None = None
    unit: str = ""
    condition: str = ""
    deadline: dt.date | None = None
    deadline_precision: str = ""
    deadline_text: str = ""
    force: Force = "target"
    force_text: str = ""
    responsible: str = ""
    ambiguity: str = ""
    reading: str = ""
    why: str = ""
    overlaps: tuple[str, ...] = ()
    test: Test | None = None

    def is_due(self, as_of: dt.date) -> bool:
        """Tell whether its deadline has passed."""
        return self.deadline is not None and self.deadline < as_of


class Profile(_Data):
    """The clauses of one document. No clause of a draft ever fails."""

    id: str = ""
    name: str = ""
    document: str = ""
    issued: str = ""
    draft: bool = False
    extends: str = ""
    clauses: tuple[Clause, ...] = ()

    def severity(self, clause: Clause, as_of: dt.date) -> Literal["fail", "warn", "report"]:
        """Tell what not meeting a clause means on a day: it fails, warns, or is only reported."""
        if clause.state != "measurable":
            return "report"
        if self.draft or clause.force in {"in_principle", "expected", "strive", "support", "may"}:
            return "warn"
        if clause.force == "target":
            return "fail" if clause.is_due(as_of) else "warn"
        return "fail"
