"""The page of `check`: what was read, where it lies, what became of it, and what to mend first."""

from __future__ import annotations

import base64
import hashlib
import math
from collections import defaultdict
from dataclasses import dataclass
from importlib import resources
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import jinja2
import numpy as np
import pandas as pd

from servicecircle import words
from servicecircle.checks.waiting import waits_for
from servicecircle.crs import crs_name, transform
from servicecircle.database import place_of
from servicecircle.kinds import COUNTING_STATUS, KINDS, STATUSES
from servicecircle.outputs.cells import printable
from servicecircle.outputs.sketch import sketch
from servicecircle.outputs.workbook import EMPTY
from servicecircle.study import REGISTERS

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from servicecircle.checks.inputs import Inputs
    from servicecircle.findings import Finding
    from servicecircle.sources.streets import RawStreets
    from servicecircle.study import FacilityTable

SHEET = "rejects.xlsx"
EXAMPLES = 5
FIRST_TO_MEND = 5

_RANK = {"error": 0, "warning": 1, "info": 2}
_STATUS_ORDER = (COUNTING_STATUS, *(status for status in STATUSES if status != COUNTING_STATUS))
_LONGEST = 300
"""Characters of a user's own text, or of a sentence that names it, on the page."""


def render_page(inputs: Inputs) -> str:
    """Return the page; what users wrote is a value that the template escapes, never a template."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["digest"] = _style_digest
    environment.filters["short"] = _short
    source = resources.files(__package__).joinpath("check.html.j2").read_text("utf-8")
    return printable(environment.from_string(source).render(_content(inputs)))


def _content(inputs: Inputs) -> dict[str, Any]:
    say = Words(inputs.study.language)
    groups = _groups(inputs, say)
    to_mend = sorted((g for g in groups if g.severity != "info"), key=lambda g: -g.people)
    counts = {severity: sum(g.count for g in groups if g.severity == severity) for severity in _RANK}
    files, drawn = _files(inputs, say), sketch(inputs)
    some = say.say("some_findings", count=say.number(sum(counts.values())))
    return {
        "language": "zh-CN" if say.language == "zh" else "en",
        "say": say.say, "label": say.label, "number": say.number, "sheet": SHEET, "empty": EMPTY,
        "title": say.say("title", name=inputs.study.name),
        "lead": say.say(
            "lead", files=len({file[1:3] for file in files}),
            findings=some if groups else say.say("no_findings"),
            **{f"{severity}s": say.number(count) for severity, count in counts.items()},
        ),
        "facts": [say.say("as_of", date=say.date(inputs.as_of)), _crs(inputs, say)],
        "to_mend": to_mend[:FIRST_TO_MEND],
        "files": files,
        "sketch": drawn, "streets_share": _share(drawn.streets_share),
        "units": int(inputs.zones["unit"].sum()),
        "balances": _balances(inputs, say),
        "kinds": _kinds(inputs, say),
        "unlock": _unlock(inputs, say),
        "groups": [(s, counts[s], [g for g in groups if g.severity == s]) for s in _RANK if counts[s]],
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Words:
    """The page's words, and how its language writes numbers."""

    language: words.Language

    def say(self, key: str, **facts: Any) -> str:
        """Return one of the page's own sentences; facts are inserted as they are."""
        entry: list[str] = words.table("check")[key]
        return entry[0 if self.language == "zh" else 1].format_map(facts)

    def label(self, group: str, key: str) -> str:
        """Return the word for a value of a column."""
        return words.label(group, key, self.language)

    def called(self, finding: Finding, code: str = "") -> str:
        """Return what a finding, or the code it speaks of, is called; its message where that has no name."""
        entry = words.table("check")["finding"].get(code or finding.code)
        return entry[0 if self.language == "zh" else 1] if entry else finding.said(self.language)[0]

    def kind(self, code: str) -> str:
        """Return what a facility kind is called."""
        return KINDS[code].zh if self.language == "zh" else KINDS[code].en

    def number(self, number: float) -> str:
        """Return a whole number."""
        return f"{number:.0f}" if self.language == "zh" else f"{number:,.0f}"

    def date(self, date: dt.date) -> str:
        """Return a date as the language writes it."""
        return self.say("date", year=date.year, month=date.month, day=date.day, iso=date.isoformat())


@dataclass(frozen=True, slots=True)
class _Group:
    """
    The findings of one code.

    Parameters
    ----------
    people
        People touched, as far as that is known; 0 where it is not.
    examples
        The first of them by people touched: subject, row, and the message where the messages differ.
    message
        The message, where it is the same for all.
    """

    code: str
    severity: str
    called: str
    count: int
    people: float
    examples: Sequence[tuple[str, int | None, str]]
    message: str
    remedy: str


def _groups(inputs: Inputs, say: Words) -> list[_Group]:
    """Return the findings by code: the worst severity first, then by people touched."""
    by_code: dict[str, list[Finding]] = defaultdict(list)
    for finding in inputs.findings:
        by_code[finding.code].append(finding)
    groups = [_group(code, found, inputs, say) for code, found in by_code.items()]
    return sorted(groups, key=lambda g: (_RANK[g.severity], -g.people, -g.count, g.code))


def _group(code: str, found: list[Finding], inputs: Inputs, say: Words) -> _Group:
    found = sorted(found, key=lambda f: (-(f.people_touched or 0.0), f.row or 0, f.subject))
    said = [finding.said(say.language) for finding in found]
    alike = len({message for message, _ in said}) == 1
    examples = [
        (subject_of(finding, inputs), finding.row, "" if alike else message)
        for finding, (message, _) in zip(found[:EXAMPLES], said, strict=False)
    ]
    return _Group(
        code=code, severity=found[0].severity, called=say.called(found[0]), count=len(found),
        people=math.fsum(finding.people_touched or 0.0 for finding in found), examples=examples,
        message=said[0][0] if alike else "", remedy=said[0][1],
    )  # fmt: skip


def subject_of(finding: Finding, inputs: Inputs) -> str:
    """Return what a finding is about; of an input file its name, without the folders of this machine."""
    name = PurePath(finding.subject).name
    of_file = PurePath(finding.subject).is_absolute() and name in {file["name"] for file in inputs.digests}
    return name if of_file else finding.subject


def _crs(inputs: Inputs, say: Words) -> str:
    name, code = inputs.crs.name.split(" / ", maxsplit=1)[0], crs_name(inputs.crs)
    operation = inputs.crs.coordinate_operation
    for parameter in operation.params if operation else ():
        if parameter.name == "Longitude of natural origin":
            return say.say("crs", name=name, code=code, meridian=f"{parameter.value:g}")
    return say.say("crs_plain", name=name, code=code)


def _files(inputs: Inputs, say: Words) -> list[tuple[str, str, str, str]]:
    """Return what each file is used for, its name, its digest and what it holds."""
    found = []
    for file in inputs.digests:
        stage, _, part = file["role"].partition(".")
        if stage == "zones":
            role = say.say("zones", level=say.label("level", part))
        elif part and part not in _SHEETS:
            role = say.say("group", group=say.label("column", part))
        else:
            role = say.say(part or stage)
        held = _HELD[f"{stage}.{part}" if part in _SHEETS else stage](inputs, say, file["name"], part)
        found.append((role, file["name"], file["sha256"][:12], held))
    return list(dict.fromkeys(found))


def _streets_held(inputs: Inputs, say: Words, _name: str, _part: str) -> str:
    raw = inputs.streets
    ways = len(raw.first) - 1
    read = raw.counts.get("ways_read", ways)
    km = f"{_street_km(raw, inputs):,.1f}"
    return say.say("streets_content", ways=say.number(ways), km=km, read=say.number(read))


def _street_km(raw: RawStreets, inputs: Inputs) -> float:
    steps = np.hypot(*np.diff(transform(raw.xy, raw.crs, inputs.crs), axis=0).T)
    steps[raw.first[1:-1] - 1] = 0.0  # from one way's end to the next one's start
    return float(steps[np.isfinite(steps)].sum()) / 1000.0


def _facilities_held(inputs: Inputs, say: Words, name: str, _part: str) -> str:
    entries = [entry for entry in inputs.study.facilities if PurePath(entry.source).name == name]
    told = dict.fromkeys(_datum(entry, inputs, say) for entry in entries)
    rows = int(inputs.facilities["source"].isin([entry.source for entry in entries]).sum())
    return say.say("facilities_content", rows=say.number(rows), datum=say.say("comma").join(told))


def _datum(entry: FacilityTable, inputs: Inputs, say: Words) -> str:
    """Return the datum of a table: as it is declared, else as the evidence told it."""
    if entry.datum == "auto":
        for finding in inputs.findings:
            if finding.subject == entry.source and (named := _TOLD_BY.get(finding.code)):
                return say.say(named, **finding.facts)
    known = f"datum_{entry.datum}"
    return say.say(known) if known in words.table("check") else entry.datum


_TOLD_BY = {
    "detect.named": "datum_told", "detect.mostly": "datum_mostly", "detect.mixture": "datum_mixed",
    "detect.share_unsure": "datum_mixed", "detect.cannot_tell": "datum_cannot_tell",
    "detect.grid": "datum_grid", "detect.grid_doubt": "datum_grid",
}  # fmt: skip


def _zones_held(inputs: Inputs, say: Words, _name: str, level: str) -> str:
    return say.say("zones_content", count=say.number(int((inputs.zones["level"] == level).sum())))


def _people_held(inputs: Inputs, say: Words, _name: str, group: str) -> str:
    totals, source = inputs.people.totals, inputs.study.people
    if group:
        return say.say("group_content", people=say.number(totals[f"raw_{group}"]))
    facts = {"people": say.number(totals["raw"]), "rows": say.number(len(inputs.people.rows)),
             "basis": say.say(source.basis), "year": source.year}  # fmt: skip
    return say.say("people_content_year" if source.year else "people_content", **facts)


def _totals_held(inputs: Inputs, say: Words, _name: str, _part: str) -> str:
    return say.say("totals_content", count=say.number(len(inputs.people.totals_table)))


def _corrections_held(inputs: Inputs, say: Words, _name: str, _part: str) -> str:
    codes = [f.code for f in inputs.findings if f.facts.get("answer")]
    used = sum(code in {"corrections.applied", "corrections.row_left_out"} for code in codes)
    return say.say("corrections_content", count=say.number(len(codes)), used=say.number(used))


def _verified_held(inputs: Inputs, say: Words, _name: str, _part: str) -> str:
    return say.say("verified_content", count=say.number(len(inputs.verified)))


_SHEETS = ("totals", "corrections", "verified", "extra", "barriers", "buildings")


def _register_held(inputs: Inputs, say: Words, name: str, _part: str) -> str:
    """Return how many rows of a register are used; of one file that holds several, of all of them."""
    study = inputs.study
    named = {key for key, t in study.registers.items() if place_of(t.source, study.locate).name == name}
    used = sum(len(getattr(inputs.registers, key)) for key in named)
    return say.say("register_content", used=say.number(used))


def _nothing_told(_inputs: Inputs, _say: Words, _name: str, _part: str) -> str:
    """Return nothing: what such a file holds is told by its findings."""
    return ""


_HELD = {
    "streets": _streets_held, "facilities": _facilities_held, "zones": _zones_held, "people": _people_held,
    "people.totals": _totals_held, "facilities.corrections": _corrections_held,
    "study.verified": _verified_held, "streets.extra": _nothing_told, "streets.barriers": _nothing_told,
    "people.buildings": _nothing_told, **dict.fromkeys(REGISTERS, _register_held),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Balance:
    """What was read, and where it went; the two have to agree. Without parts: a figure to know."""

    called: str
    total: float
    parts: Sequence[tuple[str, float]]

    @property
    def shown(self) -> list[tuple[str, float]]:
        """The parts in whole numbers that add up: each is what it adds to the rounded sum of those before."""
        sums = np.rint(np.cumsum([0.0, *(count for _, count in self.parts)]))
        return [(called, float(count)) for (called, _), count in zip(self.parts, np.diff(sums), strict=True)]

    @property
    def amiss(self) -> float:
        """What the parts lack of the total; under a millionth of it is rounding."""
        missing = self.total - math.fsum(count for _, count in self.parts)
        return missing if self.parts and abs(missing) > 1e-6 * max(self.total, 1.0) else 0.0


def _balances(inputs: Inputs, say: Words) -> list[_Balance]:
    facilities, totals = inputs.facilities, inputs.people.totals
    found: list[_Balance] = []
    for source, rows in facilities.groupby("source"):
        reasons = rows.loc[rows["reason"] != "", "reason"].value_counts()
        parts = [(say.say("usable"), float((rows["reason"] == "").sum()))]
        parts += [(say.label("reason", str(reason)), float(count)) for reason, count in reasons.items()]
        found.append(_Balance(say.say("rows_read", file=PurePath(str(source)).name), len(rows), parts))
    usable = facilities[facilities["reason"] == ""]
    statuses = usable["status"].value_counts()
    parts = [(say.label("status", s), float(statuses[s])) for s in _STATUS_ORDER if s in statuses]
    found.append(_Balance(say.say("of_usable"), len(usable), parts))
    away = [(say.say("outside"), totals["outside_zones"]), (say.say("not_located"), totals["not_located"])]
    # once scaled, what the source has in zones is not told any more: it is what is not elsewhere
    inside = totals["scaled"]
    if inputs.study.people.totals:
        inside = totals["raw"] - math.fsum(count for _, count in away)
    parts = [(say.say("in_zones"), inside), *((called, count) for called, count in away if count)]
    found.append(_Balance(say.say("people_read"), totals["raw"], parts))
    if inputs.study.people.totals:
        found.append(_Balance(say.say("adjusted"), totals["scaled"], []))
    return found


def _kinds(inputs: Inputs, say: Words) -> dict[str, Any]:
    """Return the table of usable facilities: header, and rows of kind, circles, counts by status and all."""
    usable = inputs.facilities[inputs.facilities["reason"] == ""]
    table = pd.crosstab(usable["kind"], usable["status"])
    statuses = [status for status in _STATUS_ORDER if status in table or status == COUNTING_STATUS]
    table = table.reindex(columns=statuses, fill_value=0)
    circles = [(c.name or say.label("circle", c.id), c.kinds) for c in inputs.study.circles]
    rows = []
    for kind in (kind for kind in KINDS if kind in table.index):
        counts = table.loc[[kind]].to_numpy(dtype=int).ravel().tolist()
        named = say.say("comma").join(name for name, kinds in circles if kind in kinds)
        rows.append((say.kind(kind), named or say.say("no_circle"), [*counts, sum(counts)]))
    sums = [int(count) for count in table.sum()]
    header = [say.label("column", "kind"), say.say("circles"),
              *(say.label("status", status) for status in statuses), say.say("all")]  # fmt: skip
    return {"header": header, "rows": rows, "sums": [*sums, sum(sums)]}


def _unlock(inputs: Inputs, say: Words) -> dict[str, Any]:
    """Return the table of what further inputs would allow: the rule above it, and its rows."""
    waiting = waits_for(inputs.study, inputs.registers.given)
    rows = [(name, count, say.say("and").join(told)) for name, count, told in waiting.rows(say.language)]
    rule = say.say("unlock_rule", scope=say.number(waiting.scope), open=say.number(waiting.open))
    return {"rule": rule, "rows": rows}


def _share(share: float) -> str:
    """Return a share in per cent; only a whole is 100 %."""
    return "100%" if share >= 1 else f"{math.floor(share * 1000) / 10:.1f}%" if share > 0 else EMPTY


def _short(said: str) -> str:
    return said if len(said) <= _LONGEST else said[: _LONGEST - 1] + "…"


def _style_digest(style: str) -> str:
    """Return the digest by which the page's policy lets its one style sheet through."""
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
