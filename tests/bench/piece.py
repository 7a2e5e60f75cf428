"""Cut a piece of a study, with the streets as PBF for us and as XML for OSMnx, which reads no other."""

from __future__ import annotations

import shutil
from pathlib import Path

import geopandas as gpd
import osmium
import pandas as pd

MARGIN_DEG = 0.012
"""A little more than the kilometre that anyone walks."""


def cut(study: Path, folder: Path, township: str = "") -> Path:
    """Copy a study into a folder: all of it, or one township by its code and what lies around it."""
    folder.mkdir(parents=True, exist_ok=True)
    cells = gpd.read_file(study.parent / "cells.gpkg")
    cells = cells[cells["code"].str.startswith(township)]
    west, south, east, north = cells.total_bounds
    box = (west - MARGIN_DEG, south - MARGIN_DEG, east + MARGIN_DEG, north + MARGIN_DEG)
    facilities = pd.read_csv(study.parent / "facilities.csv", dtype=str)
    lon, lat = facilities["lon"].astype(float), facilities["lat"].astype(float)
    near = lon.between(box[0], box[2]) & lat.between(box[1], box[3])
    cells.to_file(folder / "cells.gpkg")
    facilities[near].to_csv(folder / "facilities.csv", index=False)
    for name in ("streets.osm.pbf", "streets.osm"):
        _write_streets(study.parent / "streets.osm.pbf", folder / name, box if township else None)
    return Path(shutil.copyfile(study, folder / study.name))


def _write_streets(source: Path, path: Path, box: tuple[float, float, float, float] | None) -> None:
    with osmium.SimpleWriter(str(path), overwrite=True) as writer:
        kept: set[int] = set()
        for item in osmium.FileProcessor(str(source), osmium.osm.NODE | osmium.osm.WAY):
            if item.is_node() and _inside(item.location, box):
                kept.add(item.id)
                writer.add_node(item)
            elif item.is_way():
                nodes = [node.ref for node in item.nodes if node.ref in kept]
                if len(nodes) > 1:
                    writer.add_way(item.replace(nodes=nodes))


def _inside(location: osmium.osm.Location, box: tuple[float, float, float, float] | None) -> bool:
    return box is None or (box[0] <= location.lon <= box[2] and box[1] <= location.lat <= box[3])
