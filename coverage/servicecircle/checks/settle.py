"""The datum of a table settled: as declared, else as the evidence says; what was found is noted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from servicecircle.checks.datum import SHIFTED, wgs84_from
from servicecircle.checks.detect import CERTAIN, SHARE_ERROR, weigh_datums
from servicecircle.checks.grids import read_grid
from servicecircle.crs import crs_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from servicecircle.checks.detect import Weighing, ZoneFinder
    from servicecircle.checks.evidence import Ground
    from servicecircle.checks.facility_rows import FacilityRows
    from servicecircle.units import Floats

_TITLES = {"wgs84": "WGS-84", "gcj02": "GCJ-02", "bd09": "BD-09", "none": "—"}
_MISFIT = float(np.log(1e4))
_DIGITS_SHOWN = 9
_TWO_SIDED_99 = 2.6
"""Standard errors to either side within which 99 in 100 shares lie."""


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """
    How the coordinates of a table were read, and how else they might be.

    Parameters
    ----------
    row
        Rows of the table (n,) as a spreadsheet counts them.
    written, settled
        Degrees (n, 2) as the table has them, and in WGS-84.
    rival
        The likeliest datum but the one that most rows were read in.
    """

    row: NDArray[np.int64]
    written: Floats
    settled: Floats
    rival: str

    @property
    def otherwise(self) -> Floats:
        """WGS-84 degrees (n, 2) if all rows were in the rival."""
        return wgs84_from(self.written, self.rival)

    @property
    def rival_title(self) -> str:
        """The rival's name as it is written."""
        return _TITLES[self.rival]


def settle_datum(
    rows: FacilityRows, lonlat: Floats, *, declared: str, name_zones: ZoneFinder, ground: Ground | None
) -> Floats:
    """
    Return WGS-84 degrees of degrees as written (n, 2).

    Parameters
    ----------
    declared
        The datum the study or the file declares, which is taken at its word; `auto` where nobody does.
    name_zones
        Returns, of some rows, the position in the ground's zones of the zone each names; -1 for none.
    ground
        What to weigh the places against; None: nothing, so that an undeclared datum is WGS-84.
    """
    weighing = None if ground is None else weigh_datums(lonlat, name_zones, ground)
    if declared != "auto":
        taken = declared if declared in SHIFTED else "wgs84"
        settled = np.array(wgs84_from(lonlat, taken))
        if weighing is not None:
            _say_misfit(rows, taken, weighing, _read(rows, lonlat, settled, taken, weighing))
        return settled
    if weighing is None:
        rows.findings.note("facilities.datum_assumed", subject=rows.entry.source)
        return lonlat.copy()
    settled = lonlat.copy()
    for datum in SHIFTED:
        of_it = weighing.row_datum == datum
        settled[of_it] = wgs84_from(lonlat[of_it], datum)
    _say_verdict(rows, weighing, _read(rows, lonlat, settled, weighing.datum or "wgs84", weighing))
    return settled


def _read(rows: FacilityRows, lonlat: Floats, settled: Floats, taken: str, weighing: Weighing) -> Reading:
    known = np.isfinite(settled).all(axis=1)
    row = np.asarray(rows.table.rows, dtype=np.int64)[known]
    return Reading(row, lonlat[known], settled[known], weighing.runner_up(taken))


def settle_grid(rows: FacilityRows, xy: Floats, named: NDArray[np.intp], ground: Ground) -> Floats | None:
    """Return WGS-84 degrees of metres without a CRS; None where the numbers do not tell the grid."""
    grid = read_grid(xy, named, ground)
    if grid is None:
        return None
    rows.findings.note(
        "detect.grid" if grid.certain else "detect.grid_doubt", subject=rows.entry.source,
        crs=f"{crs_name(grid.crs)} {grid.crs.name}", order="y, x" if grid.northing_first else "x, y",
        count=len(xy),
    )  # fmt: skip
    return grid.lonlat


def _say_verdict(rows: FacilityRows, weighing: Weighing, reading: Reading) -> None:
    facts = _evidence(weighing) | {"reading": reading}
    note, source = rows.findings.note, rows.entry.source
    datum, other = _title(weighing.datum), _title(weighing.other)
    if not weighing.datum:
        facts["ratio"] = _ratio(weighing.over_all)
        note("detect.cannot_tell", subject=source, best=_title(weighing.best), **facts)
    elif not weighing.other:
        note("detect.named" if weighing.alone else "detect.mostly", subject=source, datum=datum, **facts)
        for i in np.flatnonzero(weighing.row_doubt != "").tolist():
            rows.note("detect.row_doubt", i, datum=datum, other=_title(weighing.row_doubt[i]))
    else:
        unsure = np.flatnonzero(~weighing.row_sure).tolist()
        spread = _TWO_SIDED_99 * weighing.share_error
        note(
            "detect.mixture" if weighing.share_error <= SHARE_ERROR else "detect.share_unsure",
            subject=source, datum=datum, other=other, percent=100 * weighing.share,
            low=100 * max(weighing.share - spread, 0.0), high=100 * min(weighing.share + spread, 1.0),
            others=int((weighing.row_datum == weighing.other).sum()), unsure=len(unsure), **facts,
        )  # fmt: skip
        for i in unsure:
            rows.note("detect.row_unsure", i, datum=datum, other=other)


def _say_misfit(rows: FacilityRows, taken: str, weighing: Weighing, reading: Reading) -> None:
    """Doubt a declared datum that another explanation beats by far; it is used all the same."""
    ahead = weighing.scores[weighing.best] - weighing.scores[taken]
    if weighing.best in {taken, "none"} or weighing.log_ratio < CERTAIN or ahead < _MISFIT:
        return
    facts = _evidence(weighing) | {"ratio": _ratio(ahead), "reading": reading}
    rows.findings.note(
        "detect.misfit", subject=rows.entry.source, datum=_title(taken), best=_title(weighing.best), **facts
    )


def _evidence(weighing: Weighing) -> dict[str, Any]:
    best = weighing.scores[weighing.best]
    ranked = sorted(weighing.scores.items(), key=lambda item: -item[1])
    return {
        "rows": weighing.weighed,
        "ratio": _ratio(weighing.log_ratio),
        "streets": ", ".join(f"{_title(d)} {metres:.0f} m" for d, metres in weighing.street_m.items()),
        "scores": ", ".join(f"{_title(name)} 1:{_ratio(best - s)}" for name, s in ranked if name != "none"),
    }


def _title(explanation: str) -> str:
    return " + ".join(_TITLES[datum] for datum in explanation.split("+") if datum)


def _ratio(log_ratio: float) -> str:
    """Return a likelihood ratio as a reader takes it in."""
    if log_ratio > _DIGITS_SHOWN * np.log(10.0):
        return f">10^{_DIGITS_SHOWN}"
    ratio = float(np.exp(log_ratio))
    return f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.1f}"
