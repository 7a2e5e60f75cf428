"""What a report tells of earlier runs: what changed since the last one, and how it went over time."""

from __future__ import annotations

import datetime as dt
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from servicecircle.errors import ServiceCircleError
from servicecircle.history.compare import compare
from servicecircle.history.find import find_run
from servicecircle.history.headlines import headlines
from servicecircle.history.store import opened
from servicecircle.history.trend import COLUMNS, HEADLINE_COLUMNS, clause_series, headline_series
from servicecircle.report.material import Earlier, Material, SignOff, When
from servicecircle.standards.register import load_profile

if TYPE_CHECKING:
    from servicecircle.history.compare import Comparison
    from servicecircle.history.hybrid import Measure
    from servicecircle.outputs.reading import RunFrames
    from servicecircle.study import Study


def material_of(study: Study, run: RunFrames, *, sign_off: SignOff, measure: Measure) -> Material:
    """
    Return what a written run's report is made of, with what the study's history remembers.

    A history that cannot be read leaves the report without its past; recording the run tells why.

    Parameters
    ----------
    measure
        What measures checked inputs, `pipeline.measure`.
    """
    profile = load_profile(study.rules.profile, folder=study.path.parent)
    plain = Material(study, run, profile, sign_off)
    if study.history is None:
        return plain
    try:
        return _with_past(plain, measure)
    except ServiceCircleError as error:
        if not error.code.startswith("history."):
            raise
        return plain


def _with_past(material: Material, measure: Measure) -> Material:
    study, run = material.study, material.run
    started_at = str(run.manifest["started_at"])
    with opened(study) as store:
        before = [row for row in store.runs() if str(row["started_at"]) < started_at]
    if not before:
        return material
    ids = {str(row["run_id"]) for row in before}
    series, clauses = headline_series(study), clause_series(study)
    series, clauses = series[series["run_id"].isin(ids)], clauses[clauses["run_id"].isin(ids)]
    return replace(
        material,
        since=_since(material, str(before[0]["run_id"]), measure),
        earlier=earlier_runs(series, material.as_of),
        headlines=pd.concat([series, _own_headlines(run)], ignore_index=True),
        clauses=pd.concat([clauses, _own_clauses(run)], ignore_index=True),
    )


def _since(material: Material, last: str, measure: Measure) -> Comparison | None:
    """
    Compare with the run before; inputs that changed since this run are those that the history kept.

    A public edition does not tell what rests on figures that it suppresses.
    """
    study, folder = material.study, str(material.run.folder)
    if study.output.public:
        return None
    with tempfile.TemporaryDirectory(prefix="servicecircle-report-") as scratch:
        old, new = (find_run(run, study=study, scratch=Path(scratch)) for run in (last, folder))
        return compare(old, new, measure=measure)


def _own_headlines(run: RunFrames) -> pd.DataFrame:
    as_of = str(run.manifest["study"]["as_of"])
    rows = [("", as_of, code, name, share) for (code, name), share in headlines(run.zones).items()]
    return pd.DataFrame(rows, columns=list(HEADLINE_COLUMNS))


def _own_clauses(run: RunFrames) -> pd.DataFrame:
    own = run.verdicts.assign(run_id="", as_of=str(run.manifest["study"]["as_of"]))
    return own[list(COLUMNS)]


def earlier_runs(series: pd.DataFrame, as_of: dt.date) -> dict[When, Earlier]:
    """
    Return the newest run of the month before, around the turn of the year, and of this month a year ago.

    Parameters
    ----------
    series
        As `history.trend.headline_series` returns it, oldest first.
    as_of
        The date of the data of the run that is reported.
    """
    first = as_of.replace(day=1)
    month_before = (first - dt.timedelta(days=1)).replace(day=1)
    spans: dict[When, tuple[dt.date, dt.date]] = {
        "last_month": (month_before, first),
        "year_start": (dt.date(as_of.year - 1, 12, 1), min(dt.date(as_of.year, 2, 1), first)),
        "last_year": (_year_ago(first), _year_ago(_next_month(first))),
    }
    found = {when: _newest(series, *span) for when, span in spans.items()}
    return {when: earlier for when, earlier in found.items() if earlier is not None}


def _newest(series: pd.DataFrame, since: dt.date, until: dt.date) -> Earlier | None:
    fitting = series[series["as_of"].between(since.isoformat(), until.isoformat(), inclusive="left")]
    if fitting.empty:
        return None
    last = fitting.iloc[-1]
    rows = fitting[fitting["run_id"].eq(last["run_id"])]
    shares = dict(zip(zip(rows["zone_code"], rows["headline"], strict=True), rows["share"], strict=True))
    return Earlier(str(last["run_id"]), dt.date.fromisoformat(str(last["as_of"])), shares)


def _year_ago(first: dt.date) -> dt.date:
    return first.replace(year=first.year - 1)


def _next_month(first: dt.date) -> dt.date:
    return (first + dt.timedelta(days=31)).replace(day=1)
