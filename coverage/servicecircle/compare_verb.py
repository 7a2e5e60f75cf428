"""The command `servicecircle compare`: two runs side by side, what changed, and why."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from servicecircle.terminal import InLanguage, show_rows, show_text

if TYPE_CHECKING:
    from servicecircle import words
    from servicecircle.history.compare import Comparison
    from servicecircle.history.find import Kept
    from servicecircle.history.written import Rows
    from servicecircle.study import Study

_RUN = "Output folder; or with --study a run of the history: id, date or latest. 成果文件夹，或历史中的运行。"


def compare(
    old: Annotated[str, typer.Argument(metavar="OLD", help=_RUN)],
    new: Annotated[str, typer.Argument(metavar="NEW", help=_RUN)],
    study: Annotated[
        Path | None,
        typer.Option("--study", "-s", help="Whose history is searched. 研究文件。", show_default=False),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Folder for CSV tables and JSON. 输出文件夹。", show_default=False
        ),
    ] = None,
    language: InLanguage = None,
) -> None:
    """Compare two runs: what changed, and what it is put down to. 比较两次运行。"""
    from servicecircle.history.compare import compare as lay_beside
    from servicecircle.history.find import find_run
    from servicecircle.history.written import write_comparison
    from servicecircle.pipeline import measure
    from servicecircle.study import Study

    of = Study.from_file(study) if study else None
    with tempfile.TemporaryDirectory(prefix="servicecircle-compare-") as scratch:
        named = [_published(name, of) for name in (old, new)]
        sides = [find_run(name, study=of, scratch=Path(scratch) / str(i)) for i, name in enumerate(named)]
        found = lay_beside(*sides, measure=measure)
    _show(found, language.value if language else _language_of(sides[1]))
    if output:
        for path in write_comparison(found, output):
            show_text(str(path))


def _published(named: str, study: Study | None) -> str:
    """Return the folder of a scheduled run where its id is named, as `status` shows it."""
    from servicecircle.outputs.manifest import MANIFEST
    from servicecircle.schedule.states import Reports

    folder = Reports.of(study).folder(named) if study else None
    return str(folder) if folder and (folder / MANIFEST).is_file() else named


def _language_of(run: Kept) -> words.Language:
    """Return the language in which a run was written."""
    return "en" if run.frames.manifest["study"]["language"] == "en" else "zh"


def remember(folder: Path, study: Study) -> list[str]:
    """Record a written run in its study's history, and say so."""
    from servicecircle.history.record import record
    from servicecircle.history.written import recorded_lines

    return recorded_lines(record(folder, study), study.language)


def _show(found: Comparison, language: words.Language) -> None:
    from servicecircle.history import written

    show_text(written.title(found, language))
    show_rows(*written.headline_rows(found, language))
    show_text(written.explanation(found, language))
    rows_of = (written.facility_rows, written.village_rows, written.gap_rows)
    for line, rows in zip(written.count_lines(found, language), rows_of, strict=True):
        show_text(line)
        _list(rows(found, language), language)


def _list(rows: Rows, language: words.Language) -> None:
    from servicecircle.history.written import cut, said

    shown, left = cut(rows[1])
    if shown:
        show_rows(rows[0], shown)
    if left:
        show_text(said("more", language, count=left))
