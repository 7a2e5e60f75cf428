"""Draws the golden pictures anew: look at each before it is kept."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from PIL import Image

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
WIDTH = 620


def draw() -> None:
    from servicecircle.maps.pictures import write_pictures
    from unit.test_pictures import CODE, latin

    with tempfile.TemporaryDirectory() as folder:
        write_pictures(latin(), Path(folder))
        for name in ("overview", "verdicts", f"townships/{CODE}"):
            image = Image.open(Path(folder, "pictures", f"{name}.png")).convert("RGB")
            size = WIDTH, round(WIDTH * image.height / image.width)
            less = image.resize(size, Image.Resampling.BOX).quantize(200, dither=Image.Dither.NONE)
            less.save(HERE / f"{name.replace('/', '-')}.png", optimize=True)


if __name__ == "__main__":
    draw()
