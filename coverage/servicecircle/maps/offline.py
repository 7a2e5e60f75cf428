"""A folium figure that opens anywhere: vendored assets inside, a strict policy, no request."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import tomllib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import folium
from branca.element import CssLink, Element, Figure, JavascriptLink
from folium.template import Template

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAFLET_JS = "vendored:leaflet.js"
LEAFLET_CSS = "vendored:leaflet.css"
SCRIPTS = (
    "islands.js", "symbols.js", "layers.js", "legend.js", "tables.js", "search.js", "basemaps.js",
    "graph.js", "why.js", "whatif.js", "print.js", "page.js",
)  # fmt: skip
"""The page's own scripts in the order in which they run: the first makes `App`, the last begins."""

STYLES = ("page.css", "print.css")
ICONS = {
    "iconUrl": "marker-icon.png",
    "iconRetinaUrl": "marker-icon-2x.png",
    "shadowUrl": "marker-shadow.png",
}


@cache
def asset(name: str) -> bytes:
    """Return a file that ships with the maps."""
    return resources.files("servicecircle.maps").joinpath("assets", name).read_bytes()


def provenance() -> dict[str, Any]:
    """Return what is vendored: version, licence and digests by package."""
    return tomllib.loads(asset("provenance.toml").decode())


def _data_uri(name: str) -> str:
    return "data:image/png;base64," + base64.b64encode(asset(name)).decode("ascii")


@cache
def leaflet_css() -> str:
    """Return Leaflet's style sheet with its pictures inside."""
    text = asset("leaflet.css").decode()
    return re.sub(r"url\(images/([\w-]+\.png)\)", lambda found: f"url({_data_uri(found[1])})", text)


@cache
def leaflet_js() -> str:
    """Return Leaflet itself; its marker icons point at pictures inside, not at files beside the page."""
    code = re.sub(r"\n//# sourceMappingURL=.*", "", asset("leaflet.js").decode())
    icons = json.dumps({option: _data_uri(name) for option, name in ICONS.items()})
    return f"{code}\nL.Icon.Default.imagePath='';L.Icon.Default.mergeOptions({icons});"


@cache
def page_code() -> str:
    """Return the page's own scripts as one, with the library that unpacks its data."""
    inflate = asset("tiny-inflate.js").decode()
    library = f"const tinyInflate = ((module) => {{\n{inflate}\nreturn module.exports;\n}})({{}});"
    return "\n".join([library, *(_lean(asset(name).decode()) for name in SCRIPTS)])


def _lean(code: str) -> str:
    """Return a script without indents and lines of comment: they are for those who mend it."""
    kept = re.sub(r"^\s*/\*((?!\*/).)*\*/\s*$", "", code, flags=re.MULTILINE | re.DOTALL)
    return "\n".join(line for raw in kept.splitlines() if (line := raw.strip()))


_VENDORED = {LEAFLET_JS: leaflet_js, LEAFLET_CSS: leaflet_css}


class Raw(Element):
    """An element that is text as it stands: branca compiles other elements' text as template code."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def render(self, **_: Any) -> str:
        """Return the text."""
        return self.text


class OfflineFigure(Figure):
    """
    A figure whose links are replaced by vendored text.

    Parameters
    ----------
    title
        The page's title; any text.
    language
        The page's language.
    code
        The page's own script, run after the map's.
    style
        The page's own style sheet.
    hosts
        Where pictures may come from, besides the page itself.
    """

    def __init__(
        self, *, title: str, language: str, code: str, style: str, hosts: Sequence[str] = ()
    ) -> None:
        super().__init__(height="720px", title=title)
        self.hosts = hosts
        self.language = language
        self.code = code
        self.style = style
        self.header = Element()
        self.header._parent = self  # the way branca ties a figure to its three parts

    def render(self, **kwargs: Any) -> str:
        """
        Return the whole page.

        Raises
        ------
        ValueError
            When something on the map wants a script or a style sheet that is not vendored.
        """
        for child in list(self._children.values()):
            child.render(**kwargs)
        heads = [self._inlined(element) for element in self.header._children.values()]
        scripts = [text for tag, text in heads if tag == "script"]
        scripts += [self.script.render(**kwargs), self.code]
        body = self.html.render(**kwargs)
        return "".join((
            f'<!DOCTYPE html>\n<html lang="{self.language}">\n<head>\n<meta charset="utf-8">\n',
            f'<meta http-equiv="Content-Security-Policy" content="{policy(scripts, self.hosts)}">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            f"<title>{html.escape(self.title or '')}</title>\n",
            *(f"<{tag}>{_closed(text)}</{tag}>\n" if tag else text for tag, text in heads if tag != "script"),
            f"<style>{self.style}</style>\n</head>\n<body>\n{body}\n",
            *(f"<script>{_closed(text)}</script>\n" for text in scripts),
            "</body>\n</html>\n",
        ))  # fmt: skip

    @staticmethod
    def _inlined(element: Element) -> tuple[str, str]:
        if isinstance(element, JavascriptLink | CssLink):
            if element.url not in _VENDORED:
                msg = f"{element.url} is not vendored: a page must open without a network"
                raise ValueError(msg)
            return ("script" if isinstance(element, JavascriptLink) else "style"), _VENDORED[element.url]()
        return "", element.render()


def _closed(text: str) -> str:
    """Keep a script's or a style's own text from ending it or from opening a comment."""
    return re.sub(r"<(?=/script|/style|!--)", r"\\x3c", text, flags=re.IGNORECASE)


def policy(scripts: list[str], hosts: Sequence[str] = ()) -> str:
    """Return a content security policy: these scripts run, nothing is fetched but these hosts' pictures."""
    digests = (hashlib.sha256(_closed(text).encode()).digest() for text in scripts)
    images = " ".join(["data:", "blob:", *hosts])
    hashes = " ".join(f"'sha256-{base64.b64encode(digest).decode('ascii')}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src {images}; "
        "font-src data:; base-uri 'none'; form-action 'none'"
    )


class PageMap(folium.Map):
    """
    A folium map inside a page of ours: only Leaflet, no tiles, a fixed name.

    Popups of folium need jQuery, which the page does not carry: use tooltips for what you add.

    Parameters
    ----------
    title, language
        Title and language of the page.
    plain
        What a browser shows that cannot draw the page: markup.
    islands
        The page's data: inert elements that hold it.
    hosts
        Where the tiles of online base maps may come from.
    """

    default_js = [("leaflet", LEAFLET_JS)]  # noqa: RUF012 - folium's own way to say it
    default_css = [("leaflet_css", LEAFLET_CSS)]  # noqa: RUF012
    _template = Template("""
        {% macro html(this, kwargs) %}{{ this.body }}{% endmacro %}
        {% macro script(this, kwargs) %}
            var {{ this.get_name() }} = L.map({{ this.get_name()|tojson }}, {{ this.options|tojavascript }});
        {% endmacro %}
    """)

    def __init__(
        self, *, title: str, language: str, plain: str, islands: list[str], hosts: Sequence[str] = ()
    ) -> None:
        super().__init__(
            tiles=None, prefer_canvas=True, zoom_control=False, attribution_control=False, max_zoom=19,
            zoom_snap=0.25,
        )  # fmt: skip
        self.body = asset("page.html").decode()
        style = "".join(asset(name).decode() for name in STYLES)
        figure = OfflineFigure(title=title, language=language, code=page_code(), style=style, hosts=hosts)
        figure.add_child(self)
        for number, text in enumerate([plain, *islands]):
            figure.html.add_child(Raw(text), name=f"island_{number}")

    def get_name(self) -> str:
        """Return the map's name in the page: always the same, so that the same study gives the same bytes."""
        return "map"
