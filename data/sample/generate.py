"""
Draw the sample study: a fictional county, the same to the byte each time.

Run `python data/sample/generate.py` from the repository; the files are written beside this one.
"""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import datetime
from pathlib import Path

import numpy as np
import osmium
import pyogrio
import rasterio
import shapely
from draw_facilities import HEADERS, draw_facilities
from draw_land import CRS, ORIGIN, draw_places, draw_zones, railway, rivers
from draw_people import NODATA, draw_census, draw_people
from draw_registers import draw_registers
from draw_streets import Street, draw_streets
from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from pyproj import Transformer

HERE = Path(__file__).resolve().parent
DATED = datetime(2026, 6, 30)  # noqa: DTZ001  the date printed in the files, of no time zone


def main(folder: Path = HERE) -> None:
    """Write every file of the sample study that is drawn."""
    places = draw_places()
    zones = draw_zones(places)
    shapes = {
        z.code: shapely.transform(z.geometry, lambda xy: xy - ORIGIN) for z in zones["village"].itertuples()
    }
    write_streets(draw_streets(places), folder / "streets.osm.pbf")
    for level, name in (("village", "villages"), ("township", "townships"), ("county", "county")):
        write_zones(zones[level], folder / f"{name}.gpkg", layer=name)
    people, elderly, transform = draw_people(places, shapes)
    write_raster(people, transform, folder / "population.tif")
    write_raster(elderly, transform, folder / "elderly60.tif")
    census, facilities = draw_census(places), draw_facilities(places)
    write_census(census, folder / "census.csv")
    write_book(facilities, folder / "facilities.xlsx", title="养老服务设施", headers=HEADERS)
    for name, book in draw_registers(places, census, facilities).items():
        write_book(book.rows, folder / f"{name}.xlsx", title=book.title, headers=book.headers)


def write_streets(streets: list[Street], path: Path) -> None:
    """Write streets, rivers and the railway as OpenStreetMap data; equal coordinates become one node."""
    to_degrees = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
    lines = [(s.line, s.tags) for s in streets]
    lines += [(line, {"waterway": "river", "name": name}) for name, line in rivers().items()]
    lines.append((railway(), {"railway": "rail", "name": "示例铁路"}))
    apart = ("waterway", "railway")
    ids: dict[tuple[str, float, float], int] = {}
    ways = []
    for line, tags in lines:
        storey = next((key for key in (*apart, "motorway") if key in tags or key in tags.values()), "")
        ways.append(([ids.setdefault((storey, *c), len(ids) + 1) for c in line.coords], tags))
    xy = np.array([key[1:] for key in ids]) + ORIGIN
    lonlat = np.column_stack(to_degrees.transform(*xy.T)).round(7)
    path.unlink(missing_ok=True)
    header = osmium.io.Header()
    header.set("generator", "sample county, drawn")
    with osmium.SimpleWriter(str(path), header=header) as writer:
        for number, (lon, lat) in enumerate(lonlat.tolist(), 1):
            writer.add_node(osmium.osm.mutable.Node(id=number, version=1, location=(lon, lat)))
        for number, (nodes, tags) in enumerate(ways, 1):
            writer.add_way(osmium.osm.mutable.Way(id=number, version=1, nodes=nodes, tags=tags))


def write_zones(zones: object, path: Path, *, layer: str) -> None:
    """Write zones in longitude and latitude of CGCS2000, dated for good."""
    path.unlink(missing_ok=True)
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": f"{DATED:%Y-%m-%dT%H:%M:%S}Z"})
    zones.to_crs("EPSG:4490").to_file(path, layer=layer, driver="GPKG")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def write_raster(cells: np.ndarray, transform: object, path: Path) -> None:
    """Write people per cell."""
    with rasterio.open(
        path, "w", driver="GTiff", width=cells.shape[1], height=cells.shape[0], count=1, dtype="float32",
        crs="EPSG:4326", transform=transform, nodata=NODATA, compress="deflate", predictor=3, tiled=True,
    ) as raster:  # fmt: skip
        raster.write(cells, 1)


def write_census(rows: list[tuple[str, int, int, int]], path: Path) -> None:
    """Write the census as a spreadsheet program would: UTF-8 with a mark at its start."""
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(("code", "people", "elderly", "households"))
        table.writerows(rows)


def write_book(rows: list[tuple[object, ...]], path: Path, *, title: str, headers: tuple[str, ...]) -> None:
    """Write a table as a workbook whose bytes do not tell when it was made."""
    book = Workbook()
    book.properties.created = book.properties.modified = DATED
    sheet = book.active
    sheet.title = title
    sheet.append(headers)
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for row in rows:
        sheet.append(row)
    for number, header in enumerate(headers, 1):
        longest = max((len(str(row[number - 1])) for row in rows if row[number - 1] is not None), default=0)
        width = 2 + max(2 * len(header), longest if number != 2 else 2 * longest)
        sheet.column_dimensions[get_column_letter(number)].width = min(width, 40)
    sheet.freeze_panes = "C2"
    draft = io.BytesIO()
    book.save(draft)
    with zipfile.ZipFile(draft) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":  # openpyxl dates the file at the moment of saving
                start, end = content.index(b"<dcterms:modified"), content.index(b"</dcterms:modified>")
                opened = content.index(b">", start) + 1
                content = content[:opened] + f"{DATED:%Y-%m-%dT%H:%M:%S}Z".encode() + content[end:]
            entry = zipfile.ZipInfo(name, (DATED.year, DATED.month, DATED.day, 0, 0, 0))
            new.writestr(entry, content, zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    main()
