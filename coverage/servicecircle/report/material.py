"""What a report is made of: a written run, what was before it, and who signed it off."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import pandas as pd

from servicecircle.history.trend import COLUMNS as TREND_COLUMNS
from servicecircle.history.trend import HEADLINE_COLUMNS
from servicecircle.maps.text import Text
from servicecircle.sources.rasters import is_raster

if TYPE_CHECKING:
    from collections.abc import Mapping

    from servicecircle.history.compare import Comparison
    from servicecircle.history.headlines import Key
    from servicecircle.outputs.reading import RunFrames
    from servicecircle.report.model import Figure
    from servicecircle.standards.clause import Profile
    from servicecircle.study import Study

When = Literal["last_month", "year_start", "last_year"]


@dataclass(frozen=True, slots=True)
class SignOff:
    """
    Where a report stands.

    Parameters
    ----------
    state
        `draft` (送审稿) until it is approved, then `final`; '' for a run that nobody publishes.
    by, on
        Who approved it, and when.
    """

    state: Literal["", "draft", "final"] = ""
    by: str = ""
    on: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Earlier:
    """
    The headlines of an earlier run.

    Parameters
    ----------
    as_of
        Its date of data.
    shares
        By zone (`history.headlines.WHOLE` for all) and headline.
    """

    run_id: str
    as_of: dt.date
    shares: Mapping[Key, float]


def _nothing(columns: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame(columns=list(columns))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Material:
    """
    What a report is made of.

    Parameters
    ----------
    run
        The written run; its folder holds the pictures.
    profile
        The clauses it was judged by.
    since
        What changed since the run before, and why; None without a history.
    earlier
        Headlines of last month, of the start of the year, of last year, as far as they are remembered.
    headlines
        Headlines of every recorded run and of this one, oldest first: `history.trend.headline_series`.
    clauses
        Verdicts of every recorded run and of this one: `history.trend.clause_series`.
    charts
        Drawn from these two.
    """

    study: Study
    run: RunFrames
    profile: Profile
    sign_off: SignOff = SignOff()
    since: Comparison | None = None
    earlier: Mapping[When, Earlier] = field(default_factory=dict)
    headlines: pd.DataFrame = field(default_factory=lambda: _nothing(HEADLINE_COLUMNS))
    clauses: pd.DataFrame = field(default_factory=lambda: _nothing(TREND_COLUMNS))
    charts: tuple[Figure, ...] = ()

    @property
    def text(self) -> Text:
        """Words and numbers in the report's language."""
        basis = self.run.manifest.get("people_basis", {})
        modelled = basis.get("modelled", is_raster(self.study.people.source))
        return Text(self.study.language, modelled=bool(modelled))

    @property
    def as_of(self) -> dt.date:
        """The date of the data."""
        return dt.date.fromisoformat(str(self.run.manifest["study"]["as_of"]))
