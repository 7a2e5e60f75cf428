"""In which unit each facility of a written run stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from servicecircle.outputs.reading import RunFrames

_PACKAGE, _LAYER = "coverage.gpkg", "facilities"


def zones_of_facilities(run: RunFrames) -> Mapping[str, str]:
    """
    Return the unit's code by facility id, from the GeoPackage beside the tables.

    Empty where there is none to read: the table of facilities itself does not say where they stand.
    """
    if "zone_code" in run.facilities:
        return dict(zip(run.facilities["facility_id"], run.facilities["zone_code"], strict=True))
    path = run.folder / _PACKAGE if run.folder else None
    if path is None or not path.is_file():
        return {}
    import pyogrio

    try:
        layer = pyogrio.read_dataframe(path, layer=_LAYER, read_geometry=False)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError):
        return {}
    if "zone_code" not in layer:
        return {}
    return dict(zip(layer["facility_id"], layer["zone_code"].fillna(""), strict=True))
