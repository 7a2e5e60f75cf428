"""Static pictures of a run's maps as PNG and PDF: the same bytes from the same results."""

from __future__ import annotations

import datetime as dt
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import repeat
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import matplotlib as mpl
import matplotlib.style
import numpy as np
import PIL
import shapely
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from servicecircle.maps import captions, headline, layers, looks, themes
from servicecircle.maps.ink import paint, trace
from servicecircle.maps.kept import Kept
from servicecircle.maps.letters import find_face, letters_of, texts_of
from servicecircle.maps.overview import overview
from servicecircle.maps.pages import OVERVIEW, file_names
from servicecircle.maps.parts import bytes_of, county_part, digest, township_part
from servicecircle.maps.pixels import packed
from servicecircle.maps.scene import Scene
from servicecircle.maps.sheet import Entry, Sheet, Words
from servicecircle.maps.text import EMPTY
from servicecircle.maps.township import township
from servicecircle.sources.files import digest as file_digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from servicecircle.assess.results import Results
    from servicecircle.maps.drawings import Drawing, Theme
    from servicecircle.maps.letters import Letters
    from servicecircle.maps.looks import Look
    from servicecircle.maps.page import Page

DPI, COLOURS = 170, 240
MOST_LISTED = 12
"""So many uncovered areas are numbered and listed at most."""

SUFFIXES = (".png", ".pdf")
FEW_PICTURES = 40
"""Fewer pictures than this are drawn one after the other: starting other processes takes as long."""

_STYLE = ("default", {"pdf.fonttype": 42, "pdf.compression": 9, "hatch.linewidth": 0.9, "text.usetex": False,
                      "text.hinting": "no_hinting",
                      "path.simplify": True, "axes.linewidth": 0.8})  # fmt: skip
_BARE = {"Creator": None, "Producer": None, "CreationDate": None}
_MANY_PLACES = 60
_NAME_PT = {"townships": 8.6, "units": 6.6}


@dataclass(frozen=True, slots=True)
class Drawn:
    """The files written with the digest of what each was made from, and the PNG file of each page's map."""

    files: dict[Path, str] = field(default_factory=dict)
    of_pages: dict[str, Path] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Studio:
    """
    What all pictures of a run share: its scene, its letters, and what lies around a township in metres.

    Parameters
    ----------
    tools
        Digest of the letters and of what draws them.
    made_on
        The day that is printed. It is no part of what a picture is made from: one that is kept keeps its day.
    """

    scene: Scene
    letters: Letters
    tools: str
    units: gpd.GeoDataFrame
    segments: gpd.GeoDataFrame
    facilities: gpd.GeoDataFrame
    reach: gpd.GeoDataFrame
    made_on: dt.date | None

    def metres(self, frame: gpd.GeoDataFrame) -> np.ndarray[Any, Any]:
        """Return a frame's shapes in the study's CRS."""
        return np.asarray(frame.geometry.to_crs(self.scene.crs), dtype=object)


def write_pictures(results: Results, folder: Path, *, earlier: Path | None = None, workers: int = 1) -> Drawn:
    """
    Write `pictures/overview`, `shares`, `verdicts` and one per county and township, each as PNG and PDF.

    The overview shows what the page's does: the four classes of villages, or shares where there are none.

    Nothing is written where the study wants no pictures, or no font has the letters of its language.

    Parameters
    ----------
    folder
        An existing folder.
    earlier
        The folder of an earlier run: its pictures that would be the same are copied.
    workers
        Processes that draw; the pictures do not depend on it.
    """
    drawn = Drawn()
    if not results.study.output.pictures:
        return drawn
    scene = replace(Scene.from_results(results), cutter=None)
    texts = texts_of(results.study, results.zones, results.facilities)
    with studio(scene, texts, made_on=_day(results.manifest)) as room:
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
            kept = Kept.of(earlier, "pictures")
            done = (pool.map if pool else map)(_draw_all, repeat(room), shares, repeat(folder), repeat(kept))
            made_from = {stem: of for share in done for stem, of in share.items()}
    for job in jobs:
        drawn.files.update({folder / name: made_from[job.stem] for name in job.names})
        drawn.of_pages.setdefault(job.code, folder / job.names[0])
    return drawn


@dataclass(frozen=True, slots=True)
class Job:
    """A picture to be drawn: its file without suffix, and the zone or the theme that it shows."""

    stem: str
    code: str = OVERVIEW
    theme: str = ""

    @property
    def upper(self) -> bool:
        """Whether it shows a county or the whole study."""
        return self.code == OVERVIEW or bool(self.theme)

    @property
    def names(self) -> list[str]:
        """Its files, below the folder of the run."""
        return [self.stem + suffix for suffix in SUFFIXES]


def _jobs(scene: Scene) -> Iterator[Job]:
    for name, theme in _overviews(scene).items():
        yield Job(f"pictures/{name}", theme=theme)
    counties, theme = scene.uppers["county"]["code"], next(iter(_overviews(scene).values()))
    townships = file_names(scene.townships["code"])
    for code, name in file_names(counties).items() if len(counties) > 1 and townships else ():
        yield Job(f"pictures/counties/{name.removesuffix('.html')}", code, theme)
    for code, name in townships.items():
        yield Job(f"pictures/townships/{name.removesuffix('.html')}", code)


def _draw_all(room: Studio, jobs: Sequence[Job], folder: Path, kept: Kept) -> dict[str, str]:
    """Draw some pictures and write them, but for those that are kept; return what each was made from."""
    with matplotlib.style.context(list(_STYLE)):
        return {job.stem: _draw(room, job, folder, kept) for job in jobs}


def _draw(room: Studio, job: Job, folder: Path, kept: Kept) -> str:
    begun = begin(room, job)
    around = (room.units, room.segments, room.facilities, room.reach)
    near = (piece for frame in around for piece in bytes_of(_near(frame, begun.sheet)))
    made_from = digest(begun.scene, job.code, job.theme, room.tools, *near)
    if not all(kept.copied(name, made_from, folder / name) for name in job.names):
        _write(finish(begun), *(folder / name for name in job.names))
    return made_from


@contextmanager
def studio(scene: Scene, texts: Sequence[str], *, made_on: dt.date | None = None) -> Iterator[Studio | None]:
    """Find and cut a font for some texts; None where there is no font."""
    face = find_face(scene.study, texts)
    if face is None:
        yield None
        return
    with letters_of(face, texts, scene.study.language) as letters:
        tools = "/".join((file_digest(letters.path), mpl.__version__, PIL.__version__))
        units, segments = (frame[["geometry"]].to_crs(scene.crs) for frame in (scene.units, scene.segments))
        facilities, reach = (frame.to_crs(scene.crs) for frame in (scene.facilities, scene.reach))
        around = reach.explode(ignore_index=True)
        yield Studio(scene, letters, tools, units, segments, facilities, around, made_on)


def _day(manifest: Mapping[str, Any]) -> dt.date | None:
    """Return the day on which a run was started, where the machine stands."""
    started_at = manifest.get("started_at")
    return dt.datetime.fromisoformat(started_at).astimezone().date() if started_at else None


def _overviews(scene: Scene) -> dict[str, str]:
    """Return the overviews' names, and the label of the theme that each shows; the page's own comes first."""
    text = scene.text
    share = text.say("share_elderly" if scene.elderly else "share_people")
    verdicts = {"verdicts": text.label("column", "verdict")}
    if not themes.classed(scene.units):
        return {"overview": share, **verdicts}
    return {"overview": text.label("column", "village_class"), "shares": share, **verdicts}


@dataclass(frozen=True, slots=True, eq=False)
class Begun:
    """A picture of which all but the map is settled: its part of the scene, its page and its sheet."""

    room: Studio
    job: Job
    scene: Scene
    page: Page
    sheet: Sheet


def begin(room: Studio, job: Job) -> Begun:
    """Lay out a sheet: only then is it known how far around its zones it shows the study."""
    scene = room.scene
    if job.upper:
        scene = county_part(scene, job.code) if job.code != OVERVIEW else scene
        page = overview(scene, dict.fromkeys(scene.townships["code"], ""))
    else:
        scene = township_part(scene, job.code)
        page = township(scene, job.code, asked=False)
    west, south, east, north = shapely.total_bounds(room.metres(scene.units))
    sheet = Sheet((west, south, east, north), _words(scene, page, room.made_on), room.letters)
    return Begun(room, job, scene, page, sheet)


def finish(begun: Begun) -> Sheet:
    """Draw the map and its legend."""
    if begun.job.upper:
        named = "townships" if len(begun.scene.townships) else "units"
        return _drawn(begun, _of_overview(begun), named=named)
    return _drawn(begun, _of_township(begun), named="units")


def _of_overview(begun: Begun) -> list[Drawing]:
    """Return the villages of a scene under the job's theme, with the rule of each marked."""
    scene, drawings = begun.scene, {drawing.name: drawing for drawing in begun.page.drawings}
    gaps = _kept(drawings["gaps"], np.arange(len(scene.gaps)) < MOST_LISTED)
    units = _themed(drawings["units"], begun.job.theme)
    return [units, layers.townships(scene), _smaller(drawings["facilities"]), gaps]


def _of_township(begun: Begun) -> list[Drawing]:
    """Return a township's villages, its segments by walking time, circles, facilities and gaps."""
    scene, drawings = begun.scene, {drawing.name: drawing for drawing in begun.page.drawings}
    near = _near(begun.room.reach, begun.sheet)
    near = near[near["circle"].isin(scene.units["circle"])]
    reach = layers.dissolved(scene, near, straight=False, shown=True)
    reach = replace(reach, themes=[_wash(theme) for theme in reach.themes])
    places = layers.facilities(scene, _near(begun.room.facilities, begun.sheet))
    units = replace(drawings["units"], themes=drawings["units"].themes[:1])
    return [units, reach, drawings["segments"], layers.townships(scene), places, drawings["gaps"]]


def _near(frame: gpd.GeoDataFrame, sheet: Sheet) -> gpd.GeoDataFrame:
    """Return the rows of a frame in metres that a sheet may show."""
    return frame.iloc[np.sort(frame.sindex.intersection(sheet.seen))]


def _drawn(begun: Begun, drawings: Sequence[Drawing], *, named: str) -> Sheet:
    room, scene, sheet, gaps = begun.room, begun.scene, begun.sheet, begun.scene.gaps
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
    for frame, colour in ((room.segments, "#d4d7da"), (room.units, "#c4c8cc")):
        trace(
            sheet.map,
            np.asarray(_near(frame, sheet).geometry, dtype=object),
            looks.line(colour, 0.8),
            order=1,
        )


def _words(scene: Scene, page: Page, made_on: dt.date | None) -> Words:
    text = scene.text
    figures = [figure.label + text.say("colon") + figure.value for figure in page.figures]
    lead = [*page.lead, text.say("comma").join(figures)]
    return Words(
        title=page.title, lead=text.say("space").join(lead), north=text.say("north"),
        scale=text.say("scale", scale="{scale}"), metres=text.say("metres"),
        kilometres=text.say("kilometres"), foot=headline.imprint(scene, made_on=made_on),
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
        people, elderly = text.about(row["people"]), text.about(row.get("elderly"))
        told = {"number": row["number"], "name": text.written(row["zone_name"]), "elderly": elderly,
                "people": people if people == EMPTY else text.say("of_so_many", people=people)}  # fmt: skip
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


def _write(sheet: Sheet, png: Path, pdf: Path) -> None:
    png.write_bytes(packed(picture(sheet), dpi=DPI, colours=COLOURS))
    title = sheet.letters.written(sheet.words.title)
    sheet.figure.savefig(pdf, format="pdf", metadata={**_BARE, "Title": title})


def picture(sheet: Sheet) -> Image.Image:
    """Return a sheet as pixels."""
    sheet.figure.set_dpi(DPI)
    canvas = FigureCanvasAgg(sheet.figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    return Image.fromarray(pixels[..., :3])
