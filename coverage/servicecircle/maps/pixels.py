"""Pictures of few colours: small PNG files, and the smaller one that a page carries."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

SMALL, SMALL_BYTES = ((1000, 48), (1000, 24), (900, 24), (800, 24), (700, 24)), 80_000
"""Of the picture inside a page: pixels and colours, the finest first, and its most bytes."""

_GREYS = tuple((level, level, level) for level in range(40, 256, 43))
"""In every palette, lest the rims of thin grey lines be tinted."""


def packed(image: Image.Image, *, dpi: float, colours: int) -> bytes:
    """Return a PNG of a palette: the commonest colours as they are, each other one as the nearest of them."""
    found: Any = image.getcolors(image.width * image.height)
    kept: dict[tuple[int, ...], tuple[int, ...]] = {}
    for _, colour in sorted(found, key=lambda one: (-one[0], one[1])):  # two that are alike would be mixed up
        kept.setdefault(tuple(part >> 3 for part in colour), colour)
        if len(kept) == colours - len(_GREYS):
            break
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for colour in (*kept.values(), *_GREYS) for part in colour])
    few = image.quantize(palette=palette, dither=Image.Dither.NONE)
    written = io.BytesIO()
    few.save(written, "PNG", dpi=(dpi, dpi))
    return written.getvalue()


def small(path: Path) -> bytes:
    """Return a picture as a page carries it for browsers that cannot draw: as fine as its size allows."""
    with Image.open(path) as opened:
        dpi, image = float(opened.info.get("dpi", (96,))[0]), opened.convert("RGB")
    made = b""
    for pixels, colours in SMALL:
        share = min(1.0, pixels / max(image.size))
        size = round(image.width * share), round(image.height * share)
        less = image.resize(size, Image.Resampling.LANCZOS)
        made = packed(less, dpi=dpi * share, colours=colours)
        if len(made) <= SMALL_BYTES:
            break
    return made
