"""How zones and clauses fared from run to run, against their deadlines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from sqlalchemy import select

from servicecircle.history.headlines import headlines
from servicecircle.history.record import frame_of
from servicecircle.history.schema import TABLES, runs
from servicecircle.history.store import opened
from servicecircle.outputs.tables import write_csv

if TYPE_CHECKING:
    from pathlib import Path

    from servicecircle.study import Study

COLUMNS = (
    "run_id", "as_of", "zone_code", "clause_id", "measured", "threshold", "verdict", "deadline",
)  # fmt: skip

HEADLINE_COLUMNS = ("run_id", "as_of", "zone_code", "headline", "share")


def clause_series(study: Study, *, zone_codes: tuple[str, ...] = ()) -> pd.DataFrame:
    """
    Return each verdict of each recorded run, oldest first, with the columns `COLUMNS`.

    Parameters
    ----------
    zone_codes
        Only these zones; none given: all.

    Raises
    ------
    InputError
        There is no history.
    """
    verdicts = TABLES["verdicts"]
    columns = [runs.c.run_id, runs.c.as_of, *(verdicts.c[name] for name in COLUMNS[2:])]
    with opened(study) as store:
        query = select(*columns).join(runs, runs.c.run_id == verdicts.c.run_id)
        query = query.where(runs.c.study_id == store.study_id)
        if zone_codes:
            query = query.where(verdicts.c.zone_code.in_(zone_codes))
        ordered = query.order_by(runs.c.as_of, runs.c.started_at, runs.c.run_id, verdicts.c.position)
        rows = store.connection.execute(ordered).all()
    table = pd.DataFrame([tuple(row) for row in rows], columns=list(COLUMNS))
    return table.astype({"measured": "float64", "threshold": "float64"}).fillna({"deadline": ""})


def headline_series(study: Study) -> pd.DataFrame:
    """
    Return the headlines of each recorded run, oldest first, with the columns `HEADLINE_COLUMNS`.

    Raises
    ------
    InputError
        There is no history.
    """
    rows = []
    with opened(study) as store:
        for run in sorted(store.runs(), key=lambda row: (row["as_of"], row["started_at"])):
            found = headlines(frame_of(store, "zones", run["run_id"]))
            rows += [
                (run["run_id"], run["as_of"], code, name, share) for (code, name), share in found.items()
            ]
    return pd.DataFrame(rows, columns=list(HEADLINE_COLUMNS))


def write_history(series: pd.DataFrame, path: Path) -> Path:
    """Write `history.csv`: every zone and clause over the runs, as `clause_series` returns them."""
    return write_csv(series, path)
