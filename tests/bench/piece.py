"""Cut a piece of a study, with the streets as PBF for us and as XML for OSMnx, which reads no other."""

from __future__ import annotations

import shutil
from pathlib import Path

import geopandas as gpd
import osmium
import pandas as pd
import shapely

MARGIN_DEG = 0.012
"""A little more than the kilometre that anyone walks."""
EVERYWHERE = (-180.0, -90.0, 180.0, 90.0)


Box = tuple[float, float, float, float]
"""West, south, east and north in degrees."""


def cut(study: Path, folder: Path, box: Box | None = None) -> Path:
    """Copy a study into a folder: all of it, or the zones that lie in a box and what is around them."""
    folder.mkdir(parents=True, exist_ok=True)
    cells = gpd.read_file(study.parent / "cells.gpkg")
    if box:
        cells = cells[cells.within(shapely.box(*box))]
        around = (box[0] - MARGIN_DEG, box[1] - MARGIN_DEG, box[2] + MARGIN_DEG, box[3] + MARGIN_DEG)
    else:
        around = EVERYWHERE
    cells.to_file(folder / "cells.gpkg")
    facilities = pd.read_csv(study.parent / "facilities.csv", dtype=str)
    near = [_inside(*place, around) for place in facilities[["lon", "lat"]].astype(float).to_numpy()]
    facilities[near].to_csv(folder / "facilities.csv", index=False)
    for name in ("streets.osm.pbf", "streets.osm"):
        _write_streets(study.parent / "streets.osm.pbf", folder / name, around)
    return Path(shutil.copyfile(study, folder / study.name))


def _write_streets(source: Path, path: Path, box: Box) -> None:
    with osmium.SimpleWriter(str(path), overwrite=True) as writer:
        kept: set[int] = set()
        for item in osmium.FileProcessor(str(source), osmium.osm.NODE | osmium.osm.WAY):
            if item.is_node() and _inside(item.location.lon, item.location.lat, box):
                kept.add(item.id)
                writer.add_node(item)
            elif item.is_way():
                nodes = [node.ref for node in item.nodes if node.ref in kept]
                if len(nodes) > 1:
                    writer.add_way(item.replace(nodes=nodes))


def _inside(lon: float, lat: float, box: Box) -> bool:
    return box[0] <= lon <= box[2] and box[1] <= lat <= box[3]
