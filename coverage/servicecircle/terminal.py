"""What a terminal shows: progress while it runs, the headline when it is done."""

from __future__ import annotations

import locale
import os
import sys
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from servicecircle import words
from servicecircle.units import percent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from servicecircle.checks.inputs import Inputs

    Report = Callable[[str, float], None]

_INPUTS_SHOWN = 5


class Language(StrEnum):
    """The two languages."""

    zh = "zh"
    en = "en"


InLanguage = Annotated[
    Language | None,
    typer.Option(
        "--language",
        "-l",
        help="Language of all outputs; default: the study's. 输出语言。",
        show_default=False,
    ),
]


@contextmanager
def progress(language: words.Language, *, quiet: bool) -> Iterator[Report]:
    """
    Show stages on standard error: a bar on a terminal, plain lines elsewhere, nothing when quiet.

    Yields
    ------
    A function of the stage that begins and the share that is done.
    """
    if quiet:
        yield lambda _stage, _share: None
        return
    if not sys.stderr.isatty():
        yield lambda stage, share: _line(f"{share:4.0%} {_stage_name(stage, language)}")
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        BarColumn(),
        TextColumn("{task.percentage:3.0f}%"),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda stage, share: bar.update(task, description=_stage_name(stage, language), completed=share)


def _line(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def show_text(text: str) -> None:
    """Print a text."""
    typer.echo(text)


def show_rows(headers: Sequence[str], rows: Sequence[Sequence[str]], *, widest: int = 1) -> None:
    """
    Print a table on a terminal, and one line per row with tabs between its cells elsewhere.

    Parameters
    ----------
    widest
        How many times as wide as the other columns the first one is drawn; 1 leaves it to the cells.
    """
    if not sys.stdout.isatty():
        for row in [headers, *rows] if headers else rows:
            lines = (line for cell in row for line in cell.splitlines() or [""])
            typer.echo("\t".join(_printable(line) for line in lines))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=box.SIMPLE, show_header=bool(headers), leading=1 if headers else 0)
    shown.expand = widest > 1
    for number, name in enumerate(headers or rows[0]):
        share = None if widest == 1 else widest if number == 0 else 1
        shown.add_column(Text(name), overflow="fold", ratio=share)
    for row in rows:
        shown.add_row(*(Text("\n".join(map(_printable, cell.splitlines()))) for cell in row))
    Console().print(shown)


def _printable(line: str) -> str:
    return "".join(c if c.isprintable() else " " for c in line)


def _stage_name(stage: str, language: words.Language) -> str:
    return words.label("stage", stage, language)


def headline(manifest: Mapping[str, Any], language: words.Language) -> list[str]:
    """Return the lines that a run ends with: shares, villages by verdict, and what is to be verified."""
    summary = manifest["summary"]
    lines = [f"{manifest['study']['name']}  {manifest['study']['as_of']}"]
    groups = [g for g in ("elderly", "people") if g in summary["all"]]
    for group in groups:
        figures = summary["all"][group]
        lines.append(_sentence(f"share_{group}", language, **_percentages(figures)))
        if figures["by_connector"]:
            lines.append(_sentence("by_connector", language, **_connectors(manifest, figures)))
        for circle, by_group in summary["circles"].items():
            if by_group[group]["judged"]:
                name = words.label("circle", circle, language)
                lines.append(_sentence("by_circle", language, circle=name, **_percentages(by_group[group])))
    lines.append(_sentence("units", language, **summary["units"]))
    return lines


def waiting_lines(inputs: Inputs, language: words.Language) -> list[str]:
    """Return what clauses of the profile wait for: how many, and the inputs that would serve most of them."""
    from servicecircle.checks.waiting import waits_for

    waiting = waits_for(inputs.study, inputs.registers.given)
    if len(waiting.inputs) == 0:
        return []
    lines = [_sentence("waiting", language, open=waiting.open, scope=waiting.scope)]
    for name, count, _ in waiting.rows(language)[:_INPUTS_SHOWN]:
        lines += [_sentence("waits_for", language, input=name, clauses=count)]
    return lines


def _sentence(key: str, language: words.Language, **facts: Any) -> str:
    return words.label("cli", key, language).format_map(facts)


def _percentages(figures: Mapping[str, Any]) -> dict[str, str]:
    return {
        "share": _share(figures["share_within"]), "high": _share(figures["share_high"]),
        "straight": _share(figures["share_straight"]), "judged": f"{figures['judged']:,.0f}",
        "out": f"{figures['judged'] - figures['within']:,.0f}",
    }  # fmt: skip


def _connectors(manifest: Mapping[str, Any], figures: Mapping[str, Any]) -> dict[str, str]:
    return {
        "people": f"{figures['by_connector']:,.0f}",
        "share": percent(figures["by_connector"] / figures["within"]),
        "metres": f"{manifest['parameters']['connector_m']:g}",
    }


def _share(share: float | None) -> str:
    return "—" if share is None else percent(share)


def locale_language() -> words.Language:
    """Return Chinese where the system speaks it, else English."""
    named = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG")
    named = named or locale.getlocale()[0] or ""
    return "zh" if named.lower().startswith(("zh", "chinese")) else "en"
