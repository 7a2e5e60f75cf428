"""What `check` writes: a page that tells what was read and what to mend, and a sheet to fill in."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import pandas as pd

from servicecircle import words
from servicecircle.checks.codes import LEVELS
from servicecircle.errors import InputError, OutputError
from servicecircle.outputs.cells import harmless
from servicecircle.outputs.check_page import SHEET, Words, render_page, subject_of
from servicecircle.outputs.workbook import EMPTY, write_workbook
from servicecircle.sources.cells import text
from servicecircle.sources.sheets import read_workbook

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from servicecircle.checks.inputs import Inputs
    from servicecircle.findings import Finding

PAGE = "check.html"


def write_check(inputs: Inputs, folder: Path) -> list[Path]:
    """
    Write `check.html` and `rejects.xlsx`, in the study's language.

    What is filled in in an earlier `rejects.xlsx` is kept for the rows that are still in it.

    Raises
    ------
    OutputError
        The folder cannot be written, a file is held open, or `rejects.xlsx` is not one of ours. The earlier
        files are kept.
    """
    sheet, page = folder / SHEET, folder / PAGE
    rejects, language = _rejects(inputs), inputs.study.language
    title, to_fill_in = Words(language).say("sheet"), str(rejects.columns[-1])
    rejects[to_fill_in] = _filled_in(sheet, title, rejects, language)
    rendered = render_page(inputs).encode("utf-8")
    _make(folder)
    _replace(sheet, partial(write_workbook, {title: rejects}, study=inputs.study, to_fill_in=[to_fill_in]))
    _replace(page, lambda path: path.write_bytes(rendered))
    return [page, sheet]


def _file(finding: Finding, inputs: Inputs) -> str:
    """Return the file that a finding is to be mended in, where only one can be meant."""
    if source := finding.facts.get("source"):
        return PurePath(str(source)).name
    subject = PurePath(finding.subject).name
    if subject in {file["name"] for file in inputs.digests}:
        return subject
    stage = finding.code.partition(".")[0]
    role = "people.totals" if finding.code.startswith("people.total") else stage
    roles = {f"zones.{level}" for level in LEVELS} if stage == "zones" else {role}
    named = {file["name"] for file in inputs.digests if file["role"] in roles}
    return named.pop() if len(named) == 1 else ""


def _rejects(inputs: Inputs) -> pd.DataFrame:
    """
    Return a row per finding that was left out or doubted, file by file as the rows stand in it.

    Columns that only this sheet has go by their own words: the word lists of the tables do not know them.
    """
    say = Words(inputs.study.language)
    columns = [
        say.say("file"), "subject", "row", say.say("meaning"), "severity", "message", "remedy",
        "people_touched", say.say("correct_to"),
    ]  # fmt: skip
    rows = [
        (_file(f, inputs), subject_of(f, inputs), f.row, say.called(f), f.severity, *f.said(say.language),
         f.people_touched, None)
        for f in inputs.findings if f.severity != "info"
    ]  # fmt: skip
    rows.sort(key=lambda row: (row[0], row[2] or 0, row[3], row[1]))
    return pd.DataFrame(rows, columns=columns, dtype=object)


def _filled_in(sheet: Path, title: str, rejects: pd.DataFrame, language: words.Language) -> list[str | None]:
    """Return for each row what an earlier sheet has filled in for it."""
    if not sheet.is_file():
        return [None] * len(rejects)
    try:
        (_, header), *rows = read_workbook(sheet, sheet=title)
    except (InputError, ValueError) as error:
        raise OutputError("output.in_the_way", path=str(sheet)) from error
    headers = [words.label("column", column, language) for column in rejects.columns]
    if header != headers:
        raise OutputError("output.in_the_way", path=str(sheet))
    earlier = {_key(cells): text(cells[-1]) for _, cells in rows if len(cells) == len(headers)}
    return [earlier.get(_key(list(row))) for row in rejects.to_numpy()]


def _key(row: Sequence[Any]) -> tuple[str, ...]:
    """Tell rows apart by file, subject, row, kind of problem and message, in a sheet or about to be."""
    return tuple(harmless(text(cell)) or EMPTY for cell in (*row[:4], row[5]))


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
