"""
The job of one run, scripted the usual way: OSMnx, NetworkX, GeoPandas and folium, each as its manual shows.

It does what `servicecircle run` does on the same inputs, as far as such scripts go: people on the same 50 m
grid, a walk to the nearest facility for each of them, shares per zone, an isochrone per facility, the gaps, a
GeoPackage, and a page for the whole and for each township. It snaps to junctions, as they do; it has no
islets, no reasons, no doubt, no verdicts and no checks.
"""

from __future__ import annotations

from pathlib import Path

import folium
import geopandas as gpd
import networkx as nx
import numpy as np
import osmnx as ox
import pandas as pd
import shapely

LIMIT_M, SPREAD_M, STREET_M = 1000.0, 50.0, 25.0
TOWNSHIP_DIGITS = 9


def run(folder: Path, out: Path, *, crs: str) -> dict[str, float]:
    """Read `streets.osm`, `cells.gpkg` and `facilities.csv`, write maps, and return the shares."""
    out.mkdir(parents=True, exist_ok=True)
    graph = read_streets(folder / "streets.osm", crs)
    cells = gpd.read_file(folder / "cells.gpkg").to_crs(crs)
    table = pd.read_csv(folder / "facilities.csv")
    facilities = gpd.GeoDataFrame(
        table, geometry=gpd.points_from_xy(table["lon"], table["lat"]), crs="EPSG:4326"
    ).to_crs(crs)
    facilities["node"] = ox.distance.nearest_nodes(graph, facilities.geometry.x, facilities.geometry.y)
    people = spread(cells)
    measure(graph, people, facilities)
    villages = add_up(cells, people)
    circles = isochrones(graph, facilities)
    reach = gpd.GeoDataFrame(geometry=[circles.union_all()], crs=crs)
    covered = gpd.overlay(cells[["code", "geometry"]], reach, how="intersection")
    villages["area_share"] = villages["code"].map(covered.set_index("code").area) / villages.area
    streets = time_streets(graph, villages)
    gaps = find_gaps(people)
    write(villages, facilities, circles, reach, streets, people, gaps, out)
    total = people["people"].sum()
    return {
        "people": float(total),
        "within": float(people["people"][people["metres"] <= LIMIT_M].sum() / total),
        "straight": float(people["people"][people["straight_m"] <= LIMIT_M].sum() / total),
    }


def read_streets(path: Path, crs: str) -> nx.MultiDiGraph:
    graph = ox.graph_from_xml(path, bidirectional=True, retain_all=True)
    return ox.project_graph(graph, to_crs=crs)


def spread(cells: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return each cell's people in equal parts at the points of one square grid that lie in it."""
    west, south, east, north = cells.total_bounds
    xs = (np.arange(np.floor(west / SPREAD_M), np.ceil(east / SPREAD_M)) + 0.5) * SPREAD_M
    ys = (np.arange(np.floor(south / SPREAD_M), np.ceil(north / SPREAD_M)) + 0.5) * SPREAD_M
    x, y = (side.ravel() for side in np.meshgrid(xs, ys))
    grid = gpd.GeoDataFrame(geometry=gpd.points_from_xy(x, y), crs=cells.crs)
    people = gpd.sjoin(grid, cells[["code", "population", "geometry"]], predicate="within")
    people["people"] = people["population"] / people.groupby("code")["code"].transform("size")
    return people.drop(columns="index_right").reset_index(drop=True)


def measure(graph: nx.MultiDiGraph, people: gpd.GeoDataFrame, facilities: gpd.GeoDataFrame) -> None:
    """Add the walk to the nearest facility, and the straight line to it."""
    node_m = nx.multi_source_dijkstra_path_length(graph, set(facilities["node"]), weight="length")
    nx.set_node_attributes(graph, node_m, "metres")
    nodes, snap_m = ox.distance.nearest_nodes(graph, people.geometry.x, people.geometry.y, return_dist=True)
    people["metres"] = pd.Series(nodes, index=people.index).map(node_m).fillna(np.inf) + snap_m
    near = gpd.sjoin_nearest(people[["geometry"]], facilities[["geometry"]], distance_col="straight_m")
    people["straight_m"] = near.loc[~near.index.duplicated(), "straight_m"]


def add_up(cells: gpd.GeoDataFrame, people: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    villages = cells.copy()
    within = people["people"].where(people["metres"] <= LIMIT_M, 0.0)
    villages["people"] = villages["code"].map(people.groupby("code")["people"].sum()).fillna(0.0)
    villages["within"] = villages["code"].map(within.groupby(people["code"]).sum()).fillna(0.0)
    villages["share_within"] = villages["within"] / villages["people"].where(villages["people"] > 0)
    villages["township"] = villages["code"].str[:TOWNSHIP_DIGITS]
    return villages


def isochrones(graph: nx.MultiDiGraph, facilities: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Buffer the streets around each facility's junction, as the OSMnx examples do."""
    shapes = []
    for node in facilities["node"]:
        near = nx.ego_graph(graph, node, radius=LIMIT_M, distance="length")
        if near.number_of_edges() == 0:
            shapes.append(shapely.Point(graph.nodes[node]["x"], graph.nodes[node]["y"]).buffer(STREET_M))
            continue
        edges = ox.graph_to_gdfs(near, nodes=False)
        drawn = edges.geometry.buffer(STREET_M, quad_segs=2).union_all()
        outer = [shapely.Polygon(part.exterior) for part in shapely.get_parts(drawn)]
        shapes.append(shapely.union_all(outer))
    return gpd.GeoDataFrame(facilities[["name"]], geometry=shapes, crs=facilities.crs)


def time_streets(graph: nx.MultiDiGraph, villages: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the streets with the minutes from their middle, and the village that it lies in."""
    edges = ox.graph_to_gdfs(ox.convert.to_undirected(graph), nodes=False).reset_index()
    metres = pd.Series(dict(graph.nodes(data="metres")), dtype=float)
    ends = np.column_stack([edges["u"].map(metres), edges["v"].map(metres)])
    edges["minutes"] = (np.nanmin(np.nan_to_num(ends, nan=np.inf), axis=1) + edges["length"] / 2) / 4000 * 60
    middle = edges[["geometry"]].set_geometry(edges.geometry.interpolate(0.5, normalized=True))
    joined = gpd.sjoin(middle, villages[["township", "geometry"]], predicate="within")
    edges["township"] = joined.loc[~joined.index.duplicated(), "township"]
    return edges[["length", "minutes", "township", "geometry"]]


def find_gaps(people: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Join the people who are not covered into patches."""
    out = people[people["metres"] > LIMIT_M]
    patches = out.geometry.buffer(75.0, quad_segs=2).union_all()
    gaps = gpd.GeoDataFrame(geometry=list(shapely.get_parts(patches)), crs=people.crs)
    joined = gpd.sjoin(out[["people", "geometry"]], gaps, predicate="within")
    gaps["people"] = joined.groupby("index_right")["people"].sum()
    return gaps


def write(
    villages: gpd.GeoDataFrame, facilities: gpd.GeoDataFrame, circles: gpd.GeoDataFrame,
    reach: gpd.GeoDataFrame, streets: gpd.GeoDataFrame, people: gpd.GeoDataFrame, gaps: gpd.GeoDataFrame,
    out: Path,
) -> None:  # fmt: skip
    layers = {
        "villages": villages, "facilities": facilities, "circles": circles, "streets": streets,
        "people": people, "gaps": gaps,
    }  # fmt: skip
    for name, layer in layers.items():
        layer.to_file(out / "coverage.gpkg", layer=name)
    villages.drop(columns="geometry").to_csv(out / "zones.csv", index=False)
    villages.drop(columns="geometry").to_excel(out / "zones.xlsx", index=False)
    shown = {name: layer.to_crs("EPSG:4326") for name, layer in {**layers, "reach": reach}.items()}
    townships = (
        shown["villages"].dissolve("township", aggfunc={"people": "sum", "within": "sum"}).reset_index()
    )
    townships["share"] = townships["within"] / townships["people"].where(townships["people"] > 0)
    page(shown, townships, "share", "township").save(out / "index.html")
    (out / "townships").mkdir(exist_ok=True)
    for code, here in shown["villages"].groupby("township"):
        one = page(shown, here[["code", "share_within", "geometry"]], "share_within", "code")
        near = shown["streets"][shown["streets"]["township"] == code]
        if len(near):
            folium.GeoJson(near, style_function=colour_of).add_to(one)
        one.fit_bounds(
            [[here.total_bounds[1], here.total_bounds[0]], [here.total_bounds[3], here.total_bounds[2]]]
        )
        one.save(out / "townships" / f"{code}.html")


def page(shown: dict[str, gpd.GeoDataFrame], zones: gpd.GeoDataFrame, column: str, key: str) -> folium.Map:
    west, south, east, north = zones.total_bounds
    one = folium.Map(location=[(south + north) / 2, (west + east) / 2], zoom_start=12, tiles=None)
    folium.Choropleth(
        geo_data=zones.to_json(), data=zones, columns=[key, column], key_on=f"feature.properties.{key}"
    ).add_to(one)
    box = shapely.box(west, south, east, north)
    for name in ("reach", "circles", "gaps"):
        near = shown[name][shown[name].intersects(box)]
        if len(near):
            folium.GeoJson(near).add_to(one)
    for facility in shown["facilities"][shown["facilities"].intersects(box)].itertuples():
        folium.CircleMarker([facility.geometry.y, facility.geometry.x], tooltip=facility.name).add_to(one)
    return one


def colour_of(feature: dict) -> dict:
    return {"color": "green" if (feature["properties"]["minutes"] or np.inf) <= 15 else "red"}
