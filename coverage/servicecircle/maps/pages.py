"""Writes the pages of a run: the overview and one per township."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from servicecircle.maps.overview import overview
from servicecircle.maps.scene import Scene
from servicecircle.maps.township import township

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from servicecircle.assess.results import Results
    from servicecircle.maps.page import Page

_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)


def write_pages(results: Results, folder: Path) -> list[Path]:
    """
    Write `index.html` and `townships/<code>.html`.

    A study without a township level above its zones has the overview only, and everything on it.

    Parameters
    ----------
    folder
        An existing folder.

    Returns
    -------
    The files written.
    """
    scene = Scene.from_results(results)
    names = file_names(scene.townships["code"])
    written = [
        _write(
            overview(scene, {code: f"townships/{name}" for code, name in names.items()}),
            folder / "index.html",
        )
    ]
    if names:
        (folder / "townships").mkdir(exist_ok=True)
    codes = list(names)
    for number, code in enumerate(codes):
        links = [(scene.text.say("to_overview"), "../index.html")]
        if number:
            links.append((scene.text.say("previous"), names[codes[number - 1]]))
        if number + 1 < len(codes):
            links.append((scene.text.say("next"), names[codes[number + 1]]))
        written.append(_write(township(scene, code, links=links), folder / "townships" / names[code]))
    return written


def file_names(codes: Iterable[str]) -> dict[str, str]:
    """
    Return a file name per code that every system takes, in the order of the codes.

    A code that is no plain word, that Windows keeps for itself or that differs from another one only in
    case gets a name by its digest.
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for code in sorted(codes):
        plain = re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}", code) and not _RESERVED.fullmatch(code)
        stem = (
            code
            if plain and code.casefold() not in taken
            else f"zone-{hashlib.sha256(code.encode()).hexdigest()[:12]}"
        )
        taken.add(stem.casefold())
        names[code] = f"{stem}.html"
    return names


def _write(page: Page, path: Path) -> Path:
    path.write_bytes(page.map().get_root().render().encode("utf-8", errors="replace"))
    return path
