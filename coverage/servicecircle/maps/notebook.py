"""The same maps for a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicecircle.assess.public import for_public
from servicecircle.maps.overview import overview
from servicecircle.maps.scene import Scene
from servicecircle.maps.township import township

if TYPE_CHECKING:
    import folium

    from servicecircle.assess.results import Results


def folium_map(results: Results, zone: str | None = None) -> folium.Map:
    """
    Return the overview, or the map of one township, as a folium map.

    Parameters
    ----------
    zone
        Code of a township, or of a village in one.

    Raises
    ------
    KeyError
        When no township has this code, or holds a zone of this code.
    """
    scene = Scene.from_results(for_public(results) if results.study.output.public else results)
    if zone is None:
        return overview(scene, {}).map()
    parents = dict(zip(scene.units["code"], scene.units["parent_code"], strict=True))
    code = zone if (scene.townships["code"] == zone).any() else parents.get(zone)
    if code is None or not (scene.townships["code"] == code).any():
        raise KeyError(zone)
    return township(scene, code).map()
