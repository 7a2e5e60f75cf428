"""The one door to the internet: streets and facilities of a place from OpenStreetMap, by OSMnx."""

from __future__ import annotations

import datetime as dt
import json
import re
import socket
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
from shapely.geometry import shape

from servicecircle.errors import InputError, OutputError
from servicecircle.kinds import recognise_kind
from servicecircle.sources.answers import Gate
from servicecircle.sources.files import digest
from servicecircle.sources.osm_places import place_kind
from servicecircle.sources.tables import read_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import networkx as nx
    from shapely.geometry.base import BaseGeometry

    Progress = Callable[[str, float], None]

MARGIN_M = 2000.0
"""Streets and facilities are fetched this far beyond the area: its people walk across the border."""

_OUTLINE_M = 50.0  # the margin's edge is a convenience; a coarse one keeps the query short
_EVERY_HIGHWAY = '["highway"]'
_TAGS_KEPT = (
    "foot", "oneway:foot", "foot:forward", "foot:backward", "motorroad", "layer", "bridge", "tunnel",
)  # fmt: skip
_FACILITY_TAGS: dict[str, bool | str | list[str]] = {
    "amenity": [
        "social_facility",
        "nursing_home",
        "clinic",
        "hospital",
        "doctors",
        "community_centre",
        "social_centre",
    ],
    "social_facility": True,
    "healthcare": ["centre", "clinic", "doctor", "hospital"],
}
_KIND_TAGS = ("amenity", "healthcare", "social_facility", "social_facility:for", "community_centre:for")
_COLUMNS = {"name": "name", "capacity:beds": "beds", "operator": "operator", "start_date": "opened"}
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class FetchResult:
    """
    What was downloaded.

    Parameters
    ----------
    streets, facilities, provenance
        The files; `facilities` is None where none were asked for.
    area
        The place as OpenStreetMap names it in full, or the boundary file's name.
    osm_timestamp
        State of the OpenStreetMap data, the oldest of all answers; empty where the server does not tell.
    digests
        SHA-256 by file name.
    counts
        How many `junctions`, `segments` (directed) and `facilities`.
    """

    streets: Path
    facilities: Path | None
    provenance: Path
    area: str
    osm_timestamp: str
    digests: dict[str, str]
    counts: dict[str, int]


def fetch(
    place: str | None,
    boundary: Path | None,
    folder: Path,
    *,
    facilities: bool,
    today: dt.date,
    overpass_url: str | None = None,
    nominatim_url: str | None = None,
    on_progress: Progress | None = None,
) -> FetchResult:
    """
    Download the streets, and where wanted the facilities, of an area into dated, digested files.

    Every way with a `highway` tag is kept: which ones people walk on is decided when the file is read.

    Parameters
    ----------
    place, boundary
        One of the two: a name that OpenStreetMap knows with a boundary, or a file of polygons.
    on_progress
        Called with the step (`area`, `streets`, `facilities`, `files`) and the share done, 0 to 1.

    Raises
    ------
    InputError
        The place is unknown, ambiguous or without area; the server is out of reach or busy, refuses,
        breaks off, or has nothing there. Nothing is written then.
    OutputError
        The files cannot be written.
    """
    if (place is None) == (boundary is None):
        raise InputError("fetch.place_or_boundary")
    tell = on_progress or (lambda _step, _share: None)
    gate = Gate()
    with _osmnx(gate, overpass_url=overpass_url, nominatim_url=nominatim_url) as ox:
        tell("area", 0.0)
        area, polygon = (
            _area_of_file(boundary) if boundary is not None else _area_of_place(ox, gate, str(place))
        )
        wide = _with_margin(polygon)
        tell("streets", 0.1)
        graph = _streets(ox, wide)
        tell("facilities", 0.7)
        points = _facilities(ox, wide) if facilities else None
        server = ox.settings.overpass_url
    tell("files", 0.9)
    provenance = {
        "area": area,
        "query": {
            "place": place,
            "boundary_sha256": None if boundary is None else digest(boundary),
            "ways": _EVERY_HIGHWAY,
            "facilities": _FACILITY_TAGS if facilities else None,
            "margin_m": MARGIN_M,
        },
        "server": server,
        "fetched": today.isoformat(),
        "osm_timestamp": min(gate.timestamps, default=""),
        "licence": "ODbL 1.0",
        "attribution": "© OpenStreetMap contributors",
        "versions": {package: version(package) for package in ("servicecircle", "osmnx")},
    }
    result = _write(graph, points, folder, provenance=provenance)
    tell("files", 1.0)
    return result


def fetched_streets(place: str, folder: Path, *, today: dt.date | None = None) -> Path | None:
    """
    Return the newest street file that was fetched for a place, whole and unchanged; None where there is none.

    With `today`, only a file of that day.
    """
    for note in sorted(folder.glob("streets-*.json"), reverse=True):
        streets = note.with_suffix(".graphml")
        try:
            told = json.loads(note.read_text("utf-8"))
            day = dt.date.fromisoformat(told["fetched"])
            asked = told["query"]["place"] == place and today in {None, day}
            if asked and digest(streets) == told["files"][streets.name]:
                return streets
        except (OSError, ValueError, KeyError, TypeError):
            continue  # not ours, or damaged: as good as not there
    return None


def streets_of_place(
    place: str, folder: Path, *, today: dt.date, on_progress: Progress | None = None
) -> Path:
    """Return the street file of a place as of today, downloading it where today's is not there yet."""
    there = fetched_streets(place, folder, today=today)
    return there or fetch(place, None, folder, facilities=False, today=today, on_progress=on_progress).streets


@contextmanager
def _osmnx(gate: Gate, *, overpass_url: str | None, nominatim_url: str | None) -> Iterator[Any]:
    """
    Lend OSMnx with our settings and give its own back afterwards, whatever happens.

    Its cache never expires, its retries never end, and it replaces `socket.getaddrinfo` for everybody.
    """
    import osmnx as ox

    settings = ox.settings
    wanted: dict[str, Any] = {
        "use_cache": False,
        "cache_only_mode": False,
        "all_oneway": False,
        "doh_url_template": None,
        "http_user_agent": f"servicecircle/{version('servicecircle')} (OSMnx {version('osmnx')})",
        "requests_kwargs": {**settings.requests_kwargs, "hooks": {"response": gate}},
        "useful_tags_way": sorted({*settings.useful_tags_way, *_TAGS_KEPT}),
    }
    if overpass_url:  # a server of one's own has no slots to wait for
        wanted |= {"overpass_url": overpass_url, "overpass_rate_limit": False}
    if nominatim_url:
        wanted["nominatim_url"] = nominatim_url
    before = {name: getattr(settings, name) for name in wanted}
    resolver = socket.getaddrinfo
    try:
        for name, value in wanted.items():
            setattr(settings, name, value)
        yield ox
    except OSError as error:
        raise InputError("fetch.unreachable", why=_reason(error)) from error
    finally:
        for name, value in before.items():
            setattr(settings, name, value)
        socket.getaddrinfo = resolver


def _area_of_place(ox: Any, gate: Gate, place: str) -> tuple[str, BaseGeometry]:
    try:
        found = ox.geocode_to_gdf(place).iloc[0]
    except TypeError as error:
        raise InputError("fetch.place_no_area", place=place) from error
    except (KeyError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("fetch.place_not_found", place=place) from error
    name = str(found.get("display_name", place))
    short = name.partition(",")[0]
    namesakes = [
        str(other.get("display_name"))
        for other in gate.places
        if str(other.get("display_name")).partition(",")[0] == short
        and other.get("type") == found.get("type")
        and other.get("geojson", {}).get("type") in {"Polygon", "MultiPolygon"}
        and shape(other["geojson"]).disjoint(found.geometry)
    ]  # fmt: skip
    if namesakes:
        raise InputError("fetch.place_ambiguous", place=place, found="; ".join([name, *namesakes]))
    return name, found.geometry


def _area_of_file(path: Path) -> tuple[str, BaseGeometry]:
    frame = read_table(path, what="boundary").frame
    shapes = frame.geometry if isinstance(frame, gpd.GeoDataFrame) else gpd.GeoSeries()
    polygons = shapes[shapes.geom_type.isin(["Polygon", "MultiPolygon"])]
    if polygons.empty:
        raise InputError("fetch.boundary_no_polygon", where=str(path))
    return path.name, polygons.make_valid().to_crs("EPSG:4326").union_all()


def _with_margin(area: BaseGeometry) -> BaseGeometry:
    series = gpd.GeoSeries([area], crs="EPSG:4326")
    metric = series.to_crs(series.estimate_utm_crs())
    wide: BaseGeometry = metric.buffer(MARGIN_M).simplify(_OUTLINE_M).to_crs("EPSG:4326").iloc[0]
    return wide


def _streets(ox: Any, area: BaseGeometry) -> nx.MultiDiGraph[Any]:
    try:
        # "walk" only makes OSMnx keep both directions of a one-way street: the filter decides which ways come
        graph: nx.MultiDiGraph[Any] = ox.graph_from_polygon(
            area, network_type="walk", custom_filter=_EVERY_HIGHWAY, retain_all=True, simplify=False
        )
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError("fetch.no_streets") from error
    if not graph.number_of_edges():
        raise InputError("fetch.no_streets")
    # ways are never merged: a piece that people may not walk on would close its neighbour too
    graph = ox.simplify_graph(graph, edge_attrs_differ=["osmid"], remove_rings=False)
    for *_, data in chain(graph.nodes(data=True), graph.edges(data=True)):
        data.update({key: _NOT_XML.sub("", value) for key, value in data.items() if isinstance(value, str)})
    return graph


def _facilities(ox: Any, area: BaseGeometry) -> gpd.GeoDataFrame:
    try:
        found = ox.features_from_polygon(area, _FACILITY_TAGS)
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError("fetch.no_facilities") from error
    found = found.reset_index().reindex(columns=["element", "id", *_COLUMNS, *_KIND_TAGS, "geometry"])
    texts = found[[*_COLUMNS, *_KIND_TAGS]].astype("string").fillna("").astype(object)
    kinds = [_kind(tags) for tags in texts.to_dict("records")]
    texts = texts[list(_COLUMNS)].rename(columns=_COLUMNS)
    ids = found["element"] + "/" + found["id"].astype(str)
    points = found.to_crs(found.estimate_utm_crs()).representative_point().to_crs("EPSG:4326")
    return gpd.GeoDataFrame(texts.assign(facility_id=ids, kind=kinds), geometry=points, crs="EPSG:4326")


def _kind(tags: dict[str, str]) -> str:
    """Return the kind of a facility by its tags, else by its name; empty where neither tells."""
    named = recognise_kind(tags["name"])
    return place_kind(tags) or (named[0] if named else "")


def _write(
    graph: nx.MultiDiGraph[Any],
    points: gpd.GeoDataFrame | None,
    folder: Path,
    *,
    provenance: dict[str, Any],
) -> FetchResult:
    """Write everything beside its place first and move it there at the end."""
    day = provenance["fetched"]
    graph.graph["created_date"] = provenance["osm_timestamp"] or day  # equal data, equal bytes
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as draft:
            paths = _drafts(graph, points, Path(draft))
            names = {path: f"{path.stem}-{day}-{digest(path)[:8]}{path.suffix}" for path in paths}
            digests = {name: digest(path) for path, name in names.items()}
            note = Path(draft, "provenance.json")
            names[note] = Path(names[paths[0]]).with_suffix(".json").name
            told = json.dumps({**provenance, "files": digests}, ensure_ascii=False, indent=2)
            note.write_text(told, "utf-8")
            for path, name in names.items():
                path.replace(folder / name)
    except OSError as error:
        raise OutputError("fetch.unwritable", where=str(folder), why=_reason(error)) from error
    return FetchResult(
        streets=folder / names[paths[0]],
        facilities=None if points is None else folder / names[paths[1]],
        provenance=folder / names[note],
        area=provenance["area"],
        osm_timestamp=provenance["osm_timestamp"],
        digests=digests,
        counts={"junctions": len(graph), "segments": graph.number_of_edges(),
                "facilities": 0 if points is None else len(points)},
    )  # fmt: skip


def _drafts(graph: nx.MultiDiGraph[Any], points: gpd.GeoDataFrame | None, folder: Path) -> list[Path]:
    import osmnx as ox

    paths = [folder / "streets.graphml"]
    ox.save_graphml(graph, paths[0])
    if points is not None:
        paths.append(folder / "facilities.geojson")
        paths[1].write_text(points.to_json(drop_id=True, ensure_ascii=False), "utf-8")
    return paths


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
