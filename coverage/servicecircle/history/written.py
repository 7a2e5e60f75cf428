"""A comparison in words and files: lines for a terminal, CSV tables and JSON."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from servicecircle import words
from servicecircle.errors import OutputError
from servicecircle.history.change import MOST_FIELDS, PARTS
from servicecircle.kinds import KINDS
from servicecircle.outputs.cells import plain_value, printable
from servicecircle.outputs.tables import write_csv
from servicecircle.units import percent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from servicecircle.history.compare import Comparison
    from servicecircle.history.record import Recorded

MOST_SHOWN = 12
"""Rows of a list on a terminal."""


Rows = tuple[list[str], list[list[str]]]
"""Headers and rows of texts."""


def said(key: str, language: words.Language, **facts: Any) -> str:
    """Return a word or a sentence of comparisons."""
    entry: list[str] = words.table("history")[key]
    return entry[0 if language == "zh" else 1].format_map(facts)


def title(comparison: Comparison, language: words.Language) -> str:
    """Return the first line: whose runs, and of which dates."""
    old, new = comparison.old, comparison.new
    dates = [side["as_of"] for side in (old, new)]
    if dates[0] == dates[1]:  # two runs on the data of one date are told by when they ran
        dates = [f"{side['as_of']} ({side['started_at'][:16].replace('T', ' ')})" for side in (old, new)]
    return said("title", language, name=printable(new["name"]), old=dates[0], new=dates[1])


def headline_rows(comparison: Comparison, language: words.Language) -> Rows:
    """Return the headlines of the whole study with a column per part that moves any."""
    shown = comparison.shown()
    parts = [part for part in comparison.parts if any(row["parts"].get(part) for row in shown)]
    headers = [said(key, language) for key in ("headline", "old", "new", "change", *parts)]
    rows = [
        [
            said(row["headline"], language),
            *(_percent(row[side]) for side in ("old", "new")),
            _points(row["change"]),
            *(_points(row["parts"].get(part, 0.0)) for part in parts),
        ]
        for row in shown
    ]  # fmt: skip
    return headers, rows


def explanation(comparison: Comparison, language: words.Language) -> str:
    """Say how the change was put down to its parts, or why it could not be."""
    code, lost = comparison.why_not
    if code:
        return " ".join(words.say(code, language, {"lost": printable(lost)}))
    if not comparison.parts:
        return said("nothing", language)
    comma = "、" if language == "zh" else ", "
    order = comma.join(said(part, language) for part in PARTS if part in comparison.parts)
    return said(comparison.method, language, most=MOST_FIELDS, order=order)


def count_lines(comparison: Comparison, language: words.Language) -> list[str]:
    """Say how many facilities, villages and gaps changed."""
    counts = comparison.counts()
    return [said(key, language, **counts) for key in ("facility_counts", "verdict_counts", "gap_counts")]


def facility_rows(comparison: Comparison, language: words.Language) -> Rows:
    """Return the facilities that opened, closed or moved."""
    headers = [said(key, language) for key in ("what", "facility", "kind")]
    rows = []
    for row in comparison.facilities.to_dict("records"):
        key = row["change"] if row["change"] == "opened" else f"{row['change']}_facility"
        metres = "" if pd.isna(row["metres"]) else f"{row['metres']:,.0f}"
        kind = KINDS.get(str(row["kind"]))
        named = "" if kind is None else kind.zh if language == "zh" else kind.en
        rows.append([said(key, language, metres=metres), _text(row["name"] or row["facility_id"]), named])
    return headers, rows


def village_rows(comparison: Comparison, language: words.Language) -> Rows:
    """Return the villages whose verdict changed."""
    headers = [said(key, language) for key in ("zone_name", "township_name", "old_verdict", "verdict")]
    return headers, [
        [
            _text(row["zone_name"] or row["zone_code"]), _text(row["township_name"]),
            *(words.label("verdict", str(row[side]), language) for side in ("old_verdict", "verdict")),
        ]
        for row in comparison.verdicts.to_dict("records")
    ]  # fmt: skip


def gap_rows(comparison: Comparison, language: words.Language) -> Rows:
    """Return the gaps that changed, those of most people first."""
    headers = [said(key, language) for key in ("what", "zone_name", "place", "old_people", "now_people")]
    largest = (
        comparison.gaps[["people", "old_people"]].max(axis=1).sort_values(ascending=False, kind="stable")
    )
    return headers, [
        [
            said(row["change"], language), _text(row["zone_name"]), _text(row["place"]),
            _people(row["old_people"]), _people(row["people"]),
        ]
        for row in comparison.gaps.loc[largest.index].to_dict("records")
    ]  # fmt: skip


def write_comparison(comparison: Comparison, folder: Path) -> list[Path]:
    """
    Write a comparison: tables, and all of it as `compare.json`.

    `compare.csv` has a row per zone and headline and a column per part; beside it stand lists of villages,
    gaps and facilities.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    tables = {
        "compare": comparison.headlines,
        "compare_villages": comparison.verdicts,
        "compare_gaps": comparison.gaps,
        "compare_facilities": comparison.facilities,
    }
    content = {
        "old": comparison.old, "new": comparison.new, "parts": list(comparison.parts),
        "method": comparison.method, "why_not": list(comparison.why_not), "counts": comparison.counts(),
        **{name.removeprefix("compare_"): _records(table) for name, table in tables.items()},
    }  # fmt: skip
    content["headlines"] = content.pop("compare")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        paths = [write_csv(table, folder / f"{name}.csv") for name, table in tables.items()]
        text = json.dumps(content, ensure_ascii=False, sort_keys=True, indent=2, allow_nan=False)
        path = folder / "compare.json"
        path.write_bytes((text + "\n").encode("utf-8", errors="replace"))
    except OSError as error:
        why = error.strerror or str(error)
        raise OutputError("output.cannot_write", path=str(folder), why=why) from error
    return [*paths, path]


def recorded_lines(recorded: Recorded, language: words.Language) -> list[str]:
    """Say what became of a run in the history, and of a broken database."""
    megabytes = f"{recorded.bytes_kept / 1e6:,.1f}"
    lines = [
        said("recorded" if recorded.new else "known", language, run=recorded.run_id, megabytes=megabytes)
    ]
    if recorded.mended is not None:
        lines.append(" ".join(words.say("history.set_aside", language, {"path": str(recorded.mended)})))
    return lines


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): plain_value(v) for k, v in row.items()} for row in table.to_dict("records")]


def cut(rows: Sequence[list[str]]) -> tuple[list[list[str]], int]:
    """Return the rows that a terminal shows, and how many are left."""
    return list(rows[:MOST_SHOWN]), max(len(rows) - MOST_SHOWN, 0)


def _text(value: Any) -> str:
    return printable(str(value)) or "—"


def _percent(share: float) -> str:
    if math.isnan(share):
        return "—"
    return percent(share)


def _points(points: float) -> str:
    return "—" if math.isnan(points) else f"{points:+.1f}" if points else "0.0"


def _people(people: float) -> str:
    return "—" if math.isnan(people) else f"{people:,.0f}"
