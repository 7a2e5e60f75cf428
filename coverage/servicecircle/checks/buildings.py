"""Buildings: where, inside a polygon or a cell of people, they live."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from servicecircle.checks.shapes import are_polygons, shapes_of, usable
from servicecircle.errors import InputError
from servicecircle.sources.cells import numbers
from servicecircle.sources.columns import match_columns
from servicecircle.sources.tables import read_table

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from pyproj import CRS

    from servicecircle.checks.shapes import Shapes
    from servicecircle.findings import Findings
    from servicecircle.units import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Buildings:
    """
    Footprints of buildings.

    Parameters
    ----------
    shapes
        Valid polygons in the study CRS.
    floors
        Storeys of each; 1 where they are not known.
    """

    shapes: Shapes
    floors: Floats

    def inside(self, areas: Shapes) -> tuple[NDArray[np.intp], Floats, Floats]:
        """
        Part the buildings among areas.

        Returns
        -------
        Of each part of a building in an area: the area's number, in order; a place in the part, (n, 2); and
        the part's floor area in m².
        """
        area, building = shapely.STRtree(self.shapes).query(areas, predicate="intersects")
        order = np.lexsort((building, area))
        area, building = area[order], building[order]
        parts = shapely.intersection(areas[area], self.shapes[building])
        floor_m2 = shapely.area(parts) * self.floors[building]
        lived_in = floor_m2 > 0
        places = shapely.point_on_surface(parts[lived_in])
        xy = np.column_stack([shapely.get_x(places), shapely.get_y(places)])
        return area[lived_in], xy, floor_m2[lived_in]


def read_buildings(path: Path, *, crs: CRS, findings: Findings) -> Buildings:
    """
    Read a layer of footprints; what is no polygon, or has no floors, is listed.

    Raises
    ------
    InputError
        The layer cannot be read, or holds no polygon.
    """
    table = read_table(path, what="[people] buildings")
    shapes = shapes_of(table.frame, {}, crs=crs)
    if shapes is None:
        raise InputError("people.no_buildings", where=str(path))
    shapes, _ = usable(shapes)
    drawn = are_polygons(shapes)
    if not drawn.any():
        raise InputError("people.no_buildings", where=str(path))
    if not drawn.all():
        findings.note("people.buildings_unusable", subject=path.name, count=int((~drawn).sum()))
    column = match_columns(table.frame, ("floors",), {}).get("floors")
    floors = np.ones(len(shapes)) if column is None else numbers(table.frame[column])
    unknown = ~(np.isfinite(floors) & (floors > 0))
    if (unknown & drawn).any():
        findings.note("people.floors_unknown", subject=path.name, count=int((unknown & drawn).sum()))
    return Buildings(shapes[drawn], np.where(unknown, 1.0, floors)[drawn])
