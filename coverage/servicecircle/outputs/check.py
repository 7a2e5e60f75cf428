"""What `check` writes: a page that tells what was read and what to mend, and a sheet to fill in."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import pandas as pd

from servicecircle.checks.codes import LEVELS
from servicecircle.checks.corrections import CELL, OWN_COLUMNS, Correction, read_corrections, shown_name
from servicecircle.checks.facility_rows import TARGETS
from servicecircle.errors import InputError, OutputError
from servicecircle.outputs.check_page import SHEET, Words, render_page, subject_of
from servicecircle.outputs.workbook import write_workbook
from servicecircle.sources.tables import SHEETS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from servicecircle import words
    from servicecircle.checks.inputs import Inputs
    from servicecircle.findings import Finding

PAGE = "check.html"


@dataclass(frozen=True, slots=True)
class _Reject:
    """A row of the sheet of corrections: the cell to mend, and what is told of it."""

    cell: Correction
    severity: str
    message: str
    remedy: str
    people_touched: float | None


def write_check(inputs: Inputs, folder: Path) -> list[Path]:
    """
    Write `check.html` and `rejects.xlsx`, in the study's language.

    What is filled in in an earlier `rejects.xlsx` is kept for the rows that are still in it, and so are the
    corrections that the study feeds back, used or not.

    Raises
    ------
    OutputError
        The folder cannot be written, a file is held open, or `rejects.xlsx` is not one of ours. The earlier
        files are kept.
    """
    sheet, page = folder / SHEET, folder / PAGE
    say = Words(inputs.study.language)
    rejects = _table(_carried_over(sheet, _rejects(inputs)), say.language)
    title, to_fill_in = say.say("sheet"), say.say(OWN_COLUMNS["answer"])
    rendered = render_page(inputs).encode("utf-8")
    _make(folder)
    _replace(sheet, partial(write_workbook, {title: rejects}, study=inputs.study, to_fill_in=[to_fill_in]))
    _replace(page, lambda path: path.write_bytes(rendered))
    return [page, sheet]


def _file(finding: Finding, inputs: Inputs) -> str:
    """Return the file that a finding is to be mended in, where only one can be meant."""
    if file := finding.facts.get("file"):
        return str(file)
    if source := finding.facts.get("source"):
        named = (shown_name(e, inputs.study) for e in inputs.study.facilities if e.source == source)
        return next(named, PurePath(str(source)).name)
    subject = PurePath(finding.subject).name
    if subject in {file["name"] for file in inputs.digests}:
        return subject
    stage = finding.code.partition(".")[0]
    role = "people.totals" if finding.code.startswith("people.total") else stage
    roles = {f"zones.{level}" for level in LEVELS} if stage == "zones" else {role}
    names = {file["name"] for file in inputs.digests if file["role"] in roles}
    return names.pop() if len(names) == 1 else ""


def _rejects(inputs: Inputs) -> list[_Reject]:
    """
    Return what was left out or doubted, file by file as the rows stand in it, and all that is filled in.

    A correction that was used keeps its row, so that it is used again; where its cell is asked for once
    more, the new doubt stands there in its place. One that was not used stands with what asked for it.
    """
    say = Words(inputs.study.language)
    given = [f for f in inputs.findings if "answer" in f.facts]
    asked = [f for f in inputs.findings if f.severity != "info" and "answer" not in f.facts]
    used = {_cell(f, inputs): f for f in given if f.code == "corrections.applied"}
    again = {id(used[cell]) for cell in used.keys() & {_cell(f, inputs) for f in asked}}
    doubts = [_reject(f, used.get(_cell(f, inputs), f), inputs, say) for f in asked]
    answered = {r.cell.key: r for r in (_reject(f, f, inputs, say) for f in given if id(f) not in again)}
    for i, doubt in enumerate(doubts):
        if answer := answered.pop(doubt.cell.key, None):
            message = f"{answer.message} {doubt.message}"
            doubts[i] = replace(doubt, cell=answer.cell, message=message, remedy=answer.remedy)
    rows = [*doubts, *answered.values()]
    return sorted(rows, key=lambda r: (r.cell.file, r.cell.row or 0, r.cell.meaning, r.cell.key))


def _cell(finding: Finding, inputs: Inputs) -> tuple[Any, ...]:
    """Return the cell of the source that a finding asks to mend."""
    cell = TARGETS.get(finding.facts.get("about") or finding.code) or finding.facts.get("column", "")
    return _file(finding, inputs), finding.facts.get("sheet", ""), finding.row, cell


def _reject(finding: Finding, then: Finding, inputs: Inputs, say: Words) -> _Reject:
    """Return a row of the sheet; `then`: the finding that knows what was read and filled in."""
    code = finding.facts.get("about", finding.code)
    called = say.called(finding, code) if code else finding.facts["meaning"]
    own_name = ", ".join(say.label("column", field) for field in TARGETS.get(code, ()))
    cell = Correction(
        file=_file(finding, inputs), sheet=then.facts.get("sheet", ""), row=finding.row,
        column=then.facts.get("column") or own_name, subject=subject_of(then, inputs),
        read=then.facts.get("read", ""), mark=then.facts.get("mark", ""), code=code,
        meaning=called, answer=then.facts.get("answer", ""), cell=_address(finding, then, inputs),
    )  # fmt: skip
    return _Reject(cell, finding.severity, *finding.said(say.language), finding.people_touched)


def _address(finding: Finding, then: Finding, inputs: Inputs) -> str:
    """Return the cell that is meant, else the first of its row; '' of what is no sheet of cells."""
    if cell := then.facts.get("cell") or finding.facts.get("cell"):
        return str(cell)
    in_cells = _file(finding, inputs).lower().endswith(SHEETS) and finding.row
    return f"A{finding.row}" if in_cells else ""


def _table(rejects: Sequence[_Reject], language: words.Language) -> pd.DataFrame:
    """
    Return the sheet's rows.

    Columns that only this sheet has go by their own words: the word lists of the tables do not know them.
    """
    say = Words(language)
    own = {field: say.say(key) for field, key in OWN_COLUMNS.items()}
    columns = [
        own["file"], own["sheet"], "row", say.say(CELL), own["column"], own["read"], "subject",
        own["meaning"], "severity", "message", "remedy", "people_touched", own["mark"], own["answer"],
    ]  # fmt: skip
    rows = [
        (r.cell.file, r.cell.sheet, r.cell.row, r.cell.cell, r.cell.column, r.cell.read, r.cell.subject,
         r.cell.meaning, r.severity, r.message, r.remedy, r.people_touched, r.cell.mark,
         r.cell.answer or None)
        for r in rejects
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns, dtype=object)


def _carried_over(sheet: Path, rejects: list[_Reject]) -> list[_Reject]:
    """Return the rows with what an earlier sheet, in either language, has filled in for them."""
    if not sheet.is_file():
        return rejects
    try:
        earlier = {row.key: row.answer for row in read_corrections(sheet) if row.answer}
    except InputError as error:
        raise OutputError("output.in_the_way", path=str(sheet)) from error
    return [
        replace(r, cell=replace(r.cell, answer=r.cell.answer or earlier.pop(r.cell.key, ""))) for r in rejects
    ]


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise OutputError("output.not_folder", path=str(folder)) from error
    except OSError as error:
        raise OutputError("output.read_only", path=str(folder), why=error.strerror or str(error)) from error


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file beside its place and put it there in one step."""
    new = path.with_name(f".{path.name}.new-{os.getpid()}")
    try:
        write(new)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise OutputError("output.cannot_write", path=str(path), why=error.strerror or str(error)) from error
    try:
        new.replace(path)
    except OSError as error:
        raise OutputError("output.held", path=str(path), why=error.strerror or str(error)) from error
    finally:
        new.unlink(missing_ok=True)
