"""Static pictures of a run's maps as PNG and PDF: the same bytes from the same results."""

from __future__ import annotations

import io
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import repeat
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import matplotlib.style
import numpy as np
import shapely
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from servicecircle.maps import captions, headline, layers, looks
from servicecircle.maps.ink import paint, trace
from servicecircle.maps.letters import find_face, letters_of, texts_of
from servicecircle.maps.overview import overview
from servicecircle.maps.pages import OVERVIEW, file_names
from servicecircle.maps.parts import county_part, township_part
from servicecircle.maps.scene import Scene
from servicecircle.maps.sheet import Entry, Sheet, Words
from servicecircle.maps.text import EMPTY
from servicecircle.maps.township import township

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from servicecircle.assess.results import Results
    from servicecircle.maps.drawings import Drawing, Theme
    from servicecircle.maps.letters import Letters
    from servicecircle.maps.looks import Look
    from servicecircle.maps.page import Page

DPI, COLOURS = 170, 240
SMALL, SMALL_BYTES = ((1000, 48), (1000, 24), (900, 24), (800, 16), (640, 12)), 120_000
"""Of the picture inside a page: pixels and colours, the finest first, and its most bytes."""

MOST_LISTED = 12
"""So many uncovered areas are numbered and listed at most."""

_GREYS = tuple((level, level, level) for level in range(40, 256, 43))
"""In every palette, lest the rims of thin grey lines be tinted."""

SUFFIXES = (".png", ".pdf")
FEW_PICTURES = 12
"""Fewer pictures than this are drawn one after the other: starting other processes takes as long."""

_STYLE = ("default", {"pdf.fonttype": 42, "pdf.compression": 9, "hatch.linewidth": 0.9, "text.usetex": False,
                      "text.hinting": "no_hinting",
                      "path.simplify": True, "axes.linewidth": 0.8})  # fmt: skip
_BARE = {"Creator": None, "Producer": None, "CreationDate": None}
_MANY_PLACES = 60
_NAME_PT = {"townships": 8.6, "units": 6.6}


@dataclass(frozen=True, slots=True)
class Drawn:
    """The files written, and per page the small picture that it carries."""

    files: list[Path] = field(default_factory=list)
    small: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Studio:
    """What all pictures of a run share: its scene, its letters, and what lies around a township in metres."""

    scene: Scene
    letters: Letters
    units: gpd.GeoSeries
    segments: gpd.GeoSeries
    facilities: gpd.GeoDataFrame
    reach: gpd.GeoDataFrame

    def metres(self, frame: gpd.GeoDataFrame) -> np.ndarray[Any, Any]:
        """Return a frame's shapes in the study's CRS."""
        return np.asarray(frame.geometry.to_crs(self.scene.crs), dtype=object)


def write_pictures(results: Results, folder: Path, *, workers: int = 1) -> Drawn:
    """
    Write `pictures/overview`, `pictures/verdicts` and one per county and township, each as PNG and PDF.

    Nothing is written where the study wants no pictures, or no font has the letters of its language.

    Parameters
    ----------
    folder
        An existing folder.
    workers
        Processes that draw; the pictures do not depend on it.
    """
    drawn = Drawn()
    if not results.study.output.pictures:
        return drawn
    scene = replace(Scene.from_results(results), cutter=None)
    with studio(scene, texts_of(results.study, results.zones, results.facilities)) as room:
        if room is None:
            return drawn
        jobs = list(_jobs(room.scene))
        for job in jobs:
            (folder / job.stem).parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            pool = None
            if workers > 1 and len(jobs) >= FEW_PICTURES:
                spawn = multiprocessing.get_context("spawn")
                pool = stack.enter_context(ProcessPoolExecutor(workers, mp_context=spawn))
            shares = [jobs[first::workers] for first in range(workers)] if pool else [jobs]
            done = (pool.map if pool else map)(_draw_all, repeat(room), shares, repeat(folder))
            small = {stem: picture for share in done for stem, picture in share.items()}
    for job in jobs:
        drawn.files.extend(folder / f"{job.stem}{suffix}" for suffix in SUFFIXES)
        drawn.small.setdefault(job.code, small[job.stem])
    return drawn


@dataclass(frozen=True, slots=True)
class Job:
    """A picture to be drawn: its file without suffix, and the zone or the theme that it shows."""

    stem: str
    code: str = OVERVIEW
    theme: str = ""


def _jobs(scene: Scene) -> Iterator[Job]:
    for name, theme in _overviews(scene).items():
        yield Job(f"pictures/{name}", theme=theme)
    counties, theme = scene.uppers["county"]["code"], next(iter(_overviews(scene).values()))
    townships = file_names(scene.townships["code"])
    for code, name in file_names(counties).items() if len(counties) > 1 and townships else ():
        yield Job(f"pictures/counties/{name.removesuffix('.html')}", code, theme)
    for code, name in townships.items():
        yield Job(f"pictures/townships/{name.removesuffix('.html')}", code)


def _draw_all(room: Studio, jobs: Sequence[Job], folder: Path) -> dict[str, bytes]:
    """Draw some pictures and write them; return the small one of each."""
    with matplotlib.style.context(list(_STYLE)):
        return {job.stem: _write(_draw(room, job), folder / job.stem) for job in jobs}


def _draw(room: Studio, job: Job) -> Sheet:
    if job.code == OVERVIEW:
        return draw_overview(room, room.scene, theme=job.theme)
    if job.theme:
        return draw_overview(room, county_part(room.scene, job.code), theme=job.theme)
    return draw_township(room, township_part(room.scene, job.code), job.code)


@contextmanager
def studio(scene: Scene, texts: Sequence[str]) -> Iterator[Studio | None]:
    """Find and cut a font for some texts; None where there is no font."""
    face = find_face(scene.study, texts)
    if face is None:
        yield None
        return
    with letters_of(face, texts, scene.study.language) as letters:
        units, segments = (frame.geometry.to_crs(scene.crs) for frame in (scene.units, scene.segments))
        facilities, reach = (frame.to_crs(scene.crs) for frame in (scene.facilities, scene.reach))
        yield Studio(scene, letters, units, segments, facilities, reach.explode(ignore_index=True))


def _overviews(scene: Scene) -> dict[str, str]:
    """Return the overviews' names, and the label of the theme that each shows."""
    text = scene.text
    share = text.say("share_elderly" if scene.elderly else "share_people")
    return {"overview": share, "verdicts": text.label("column", "verdict")}


def draw_overview(room: Studio, scene: Scene, *, theme: str) -> Sheet:
    """Draw the villages of a scene under the theme with a label, with the rule of each marked."""
    page = overview(scene, dict.fromkeys(scene.townships["code"], ""))
    drawings = {drawing.name: drawing for drawing in page.drawings}
    units = _themed(drawings["units"], theme)
    gaps = _kept(drawings["gaps"], np.arange(len(scene.gaps)) < MOST_LISTED)
    shown = [units, layers.townships(scene), _smaller(drawings["facilities"]), gaps]
    named = "townships" if len(scene.townships) else "units"
    return _drawn(room, scene, _sheet(room, scene, page), shown, named=named)


def draw_township(room: Studio, scene: Scene, code: str) -> Sheet:
    """Draw a township: its villages, its segments by walking time, circles, facilities and gaps."""
    page = township(scene, code, asked=False)
    drawings = {drawing.name: drawing for drawing in page.drawings}
    sheet = _sheet(room, scene, page)
    near = room.reach.iloc[np.sort(room.reach.sindex.intersection(sheet.seen))]
    near = near[near["circle"].isin(scene.units["circle"])]
    reach = layers.dissolved(scene, near, straight=False, shown=True)
    reach = replace(reach, themes=[_wash(theme) for theme in reach.themes])
    places = layers.facilities(
        scene, room.facilities.iloc[np.sort(room.facilities.sindex.intersection(sheet.seen))]
    )
    units = replace(drawings["units"], themes=drawings["units"].themes[:1])
    shown = [units, reach, drawings["segments"], layers.townships(scene), places, drawings["gaps"]]
    return _drawn(room, scene, sheet, shown, named="units")


def _sheet(room: Studio, scene: Scene, page: Page) -> Sheet:
    shapes = room.metres(scene.units)
    west, south, east, north = shapely.total_bounds(shapes)
    return Sheet((west, south, east, north), _words(scene, page), room.letters)


def _drawn(room: Studio, scene: Scene, sheet: Sheet, drawings: Sequence[Drawing], *, named: str) -> Sheet:
    gaps = scene.gaps
    _draw_neighbours(room, sheet)
    shapes = {}
    for order, drawing in enumerate(drawings, start=2):
        shapes[drawing.name] = room.metres(drawing.frame)
        if len(drawing.frame):
            paint(sheet.map, drawing, shapes[drawing.name], drawing.themes[0], order=order)
    sections = [_legend_of(drawing) for drawing in drawings if len(drawing.frame)]
    listed = sheet.legend(sections, _gap_rows(scene, gaps), scene.text.say("first_gaps", count="{count}"))
    taken = sheet.furnish()
    taken += captions.spots(sheet, shapes["gaps"][:listed], 1.4)
    captions.write_numbers(sheet, gaps["number"].iloc[:listed], shapes["gaps"][:listed], taken)
    for drawing in drawings:
        if drawing.name == named:
            captions.write_names(
                sheet, drawing.columns[0][1], shapes[named], _NAME_PT[named], taken, colour="#111111"
            )
    return sheet


def _draw_neighbours(room: Studio, sheet: Sheet) -> None:
    """Draw what lies around in light grey: streets and borders."""
    for shapes, colour in ((room.segments, "#d4d7da"), (room.units, "#c4c8cc")):
        near = shapes.iloc[np.sort(shapes.sindex.intersection(sheet.seen))].to_numpy()
        trace(sheet.map, near, looks.line(colour, 0.8), order=1)


def _words(scene: Scene, page: Page) -> Words:
    text = scene.text
    figures = [figure.label + text.say("colon") + figure.value for figure in page.figures]
    lead = [*page.lead, text.say("comma").join(figures)]
    return Words(
        title=page.title, lead=text.say("space").join(lead), north=text.say("north"),
        scale=text.say("scale", scale="{scale}"), metres=text.say("metres"),
        kilometres=text.say("kilometres"), foot=headline.imprint(scene),
    )  # fmt: skip


def _legend_of(drawing: Drawing) -> list[Entry]:
    theme = drawing.themes[0]
    marks = drawing.marks if drawing.marks and len(drawing.marks.classes) > 1 else None
    rows = [Entry(label, drawing.shape, look) for label, look in theme.classes if _filled(theme, look)]
    if all(row.look == rows[0].look for row in rows):
        rows = [Entry(drawing.label, drawing.shape, rows[0].look)]
    else:
        rows = [Entry(theme.label or drawing.label, heading=True), *rows]
    if marks:
        base = theme.classes[0][1]
        rows += [Entry(label, "line", {**base, **look}) for label, look in marks.classes]
    return rows


def _filled(theme: Theme, look: Look) -> bool:
    """Tell a symbol from the hollow one of the same kind: the foot says what hollow means."""
    twins = (other for _, other in theme.classes if other.get("shape") == look.get("shape") is not None)
    hollow = look["fillColor"] == "#ffffff" if "shape" in look else False
    return not (hollow and any(other["fillColor"] == look["color"] for other in twins))


def _gap_rows(scene: Scene, gaps: gpd.GeoDataFrame) -> list[Entry]:
    text, key = scene.text, "gap_row_elderly" if scene.elderly else "gap_row"
    rows = []
    for row in gaps.head(MOST_LISTED).to_dict("records"):
        people, elderly = text.people(row["people"]), text.people(row.get("elderly"))
        told = {"number": row["number"], "name": text.written(row["zone_name"]), "elderly": elderly,
                "people": people if people == EMPTY else text.say("about_people", people=people)}  # fmt: skip
        rows.append(Entry(text.say("gap_row" if elderly == EMPTY else key, **told)))
    return rows


def _themed(drawing: Drawing, label: str) -> Drawing:
    """Return a layer under one of its themes; under its first where none has this label."""
    found: list[Theme] = [theme for theme in drawing.themes if theme.label == label]
    return replace(drawing, themes=found[:1] or list(drawing.themes[:1]))


def _wash(theme: Theme) -> Theme:
    """Return a theme of areas as a wash of colour, over which lines stay visible."""
    soft = {"weight": 0.4, "fillOpacity": 0.12}
    return replace(theme, classes=[(label, {**look, **soft}) for label, look in theme.classes])


def _kept(drawing: Drawing, rows: np.ndarray[Any, np.dtype[np.bool_]]) -> Drawing:
    """Return a layer with some of its rows."""
    at = np.flatnonzero(rows).tolist()
    return replace(
        drawing,
        frame=drawing.frame.iloc[at].reset_index(drop=True),
        themes=[replace(theme, of=[theme.of[row] for row in at]) for theme in drawing.themes],
        columns=[(label, [texts[row] for row in at]) for label, texts in drawing.columns],
    )


def _smaller(drawing: Drawing) -> Drawing:
    """Return a layer of many symbols with smaller ones, so that the villages below stay visible."""
    if len(drawing.frame) <= _MANY_PLACES:
        return drawing
    theme = drawing.themes[0]
    radii = drawing.radii or [theme.classes[number][1]["radius"] for number in theme.of]
    return replace(drawing, radii=[radius * 0.6 for radius in radii])


def _write(sheet: Sheet, stem: Path) -> bytes:
    """Write a sheet as PNG and PDF; return the small picture."""
    png, pdf = (stem.with_name(stem.name + suffix) for suffix in SUFFIXES)
    image = picture(sheet)
    png.write_bytes(packed(image, dpi=DPI, colours=COLOURS))
    title = sheet.letters.written(sheet.words.title)
    sheet.figure.savefig(pdf, format="pdf", metadata={**_BARE, "Title": title})
    return small(image)


def picture(sheet: Sheet) -> Image.Image:
    """Return a sheet as pixels."""
    sheet.figure.set_dpi(DPI)
    canvas = FigureCanvasAgg(sheet.figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    return Image.fromarray(pixels[..., :3])


def packed(image: Image.Image, *, dpi: float, colours: int) -> bytes:
    """Return a PNG of a palette: the commonest colours as they are, each other one as the nearest of them."""
    found: Any = image.getcolors(image.width * image.height)
    kept: dict[tuple[int, ...], tuple[int, ...]] = {}
    for _, colour in sorted(found, key=lambda one: (-one[0], one[1])):  # two that are alike would be mixed up
        kept.setdefault(tuple(part >> 3 for part in colour), colour)
    chosen = [*list(kept.values())[: colours - len(_GREYS)], *_GREYS]
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for colour in chosen for part in colour])
    few = image.quantize(palette=palette, dither=Image.Dither.NONE)
    written = io.BytesIO()
    few.save(written, "PNG", dpi=(dpi, dpi))
    return written.getvalue()


def small(image: Image.Image) -> bytes:
    """Return the PNG that a page carries for browsers that cannot draw: as fine as its size allows."""
    made = b""
    for pixels, colours in SMALL:
        share = pixels / max(image.size)
        size = round(image.width * share), round(image.height * share)
        made = packed(image.resize(size, Image.Resampling.LANCZOS), dpi=DPI * share, colours=colours)
        if len(made) <= SMALL_BYTES:
            break
    return made
