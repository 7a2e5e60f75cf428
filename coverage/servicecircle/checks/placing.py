"""Where facilities lie: by their coordinates, else in the zone they name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from servicecircle.checks.named_zones import ZoneNames
from servicecircle.checks.positions import locate_rows
from servicecircle.checks.unlocated import place_unlocated

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from servicecircle.checks.evidence import Box, Ground
    from servicecircle.checks.facility_rows import FacilityRows
    from servicecircle.checks.positions import Positions
    from servicecircle.units import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """
    What places are read against.

    Parameters
    ----------
    streets_box
        West, south, east and north of the streets in degrees, where they are known.
    ground, names
        The study's streets and zones, and the zones' names; None where they are not known.
    """

    streets_box: Box | None
    ground: Ground | None
    names: ZoneNames | None

    @classmethod
    def of(cls, streets_box: Box | None, ground: Ground | None) -> Surroundings:
        """Return surroundings with the names of the ground's zones."""
        return cls(streets_box, ground, None if ground is None else ZoneNames.of(ground.zones))

    def located(self, rows: FacilityRows) -> Positions:
        """Return where the coordinates of a table's rows lie."""
        units, addresses = rows.units(), rows.texts("address")

        def name_zones(wanted: NDArray[np.intp]) -> NDArray[np.intp]:
            found = [() if self.names is None else self.names.find(units[i], addresses[i]) for i in wanted]
            return np.array([zones[0] if len(zones) == 1 else -1 for zones in found], dtype=np.intp)

        return locate_rows(rows, streets_box=self.streets_box, ground=self.ground, name_zones=name_zones)

    def place(self, rows: FacilityRows) -> tuple[Positions, Floats]:
        """Return where a table's rows lie, and how far off each may be in metres; NaN without a place."""
        placed = self.located(rows)
        if self.ground is not None and self.names is not None:
            return placed, place_unlocated(rows, placed, self.ground.zones, self.names)
        for i in np.flatnonzero(placed.reason == "no_coordinates").tolist():
            rows.note("facilities.no_coordinates", i)
        return placed, np.where(placed.reason == "", 0.0, np.nan)
