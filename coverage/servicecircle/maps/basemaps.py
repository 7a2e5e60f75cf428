"""Online base maps that a study may name; a page whose study names none holds no address of theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from servicecircle.edition import Output
    from servicecircle.maps.text import Text


@dataclass(frozen=True, slots=True)
class BaseMap:
    """
    A base map of tiles in Web Mercator.

    Parameters
    ----------
    tiles
        Addresses of its layers from the bottom up, as Leaflet writes them.
    hosts
        What the page's policy lets pictures come from.
    datum
        `wgs84`, or `gcj02` where the page has to shift it back.
    """

    name: str
    tiles: tuple[str, ...]
    hosts: tuple[str, ...]
    credit: str
    subdomains: str = ""
    datum: str = "wgs84"

    def spec(self, text: Text) -> dict[str, Any]:
        """Return what the page reads."""
        return {
            "label": text.say(f"base_{self.name}"), "tiles": self.tiles, "credit": self.credit,
            "subdomains": self.subdomains, "datum": self.datum,
        }  # fmt: skip


OSM = BaseMap(
    "osm", ("https://tile.openstreetmap.org/{z}/{x}/{y}.png",), ("https://tile.openstreetmap.org",),
    "© OpenStreetMap contributors (ODbL)",
)  # fmt: skip
GAODE = BaseMap(
    "gaode",
    ("https://webrd0{s}.is.autonavi.com/appmaptile?lang=zh_cn&size=1&scale=1&style=8&x={x}&y={y}&z={z}",),
    ("https://*.is.autonavi.com",), "© 高德地图", "1234", "gcj02",
)  # fmt: skip


def tianditu(key: str) -> BaseMap:
    """Return the vector map of Tianditu with its names, read with the user's own key."""
    tiles = tuple(
        f"https://t{{s}}.tianditu.gov.cn/{layer}_w/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER={layer}"
        f"&STYLE=default&TILEMATRIXSET=w&FORMAT=tiles&TILEMATRIX={{z}}&TILEROW={{y}}&TILECOL={{x}}&tk={key}"
        for layer in ("vec", "cva")
    )
    return BaseMap("tianditu", tiles, ("https://*.tianditu.gov.cn",), "© 天地图", "01234567")


def base_maps(output: Output) -> tuple[BaseMap, ...]:
    """Return the base maps that a study names, in its order; Tianditu only where a key is known."""
    key = output.tianditu_key
    known = {"osm": OSM, "gaode": GAODE, **({"tianditu": tianditu(key)} if key else {})}
    return tuple(known[name] for name in output.base_maps if name in known)
