"""Writes the pages of a run: an overview, one per township, and one per county where there are several."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import re
from collections import deque
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from servicecircle.maps import layers
from servicecircle.maps.graph import plan_of
from servicecircle.maps.index import index
from servicecircle.maps.kept import Kept
from servicecircle.maps.overview import overview
from servicecircle.maps.parts import county_part, digest, township_part
from servicecircle.maps.pixels import small
from servicecircle.maps.scene import Scene
from servicecircle.maps.township import township
from servicecircle.sources.files import digest as file_digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from servicecircle.assess.results import Results
    from servicecircle.maps.graph import Plan
    from servicecircle.maps.page import Page

_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)

OVERVIEW = ""
"""The overview's key among pages that go by their township's code."""

FEW_PAGES = 40
"""Fewer pages than this are made one after the other: starting other processes takes as long."""

_NONE: Mapping[str, Path] = MappingProxyType({})


def write_pages(
    results: Results, folder: Path, *, pictures: Mapping[str, Path] = _NONE, earlier: Path | None = None,
    workers: int = 1,
) -> dict[Path, str]:  # fmt: skip
    """
    Write `index.html`, `townships/<code>.html`, and `counties/<code>.html` where there are several counties.

    A study without a township level above its zones has the overview only, and everything on it.

    Parameters
    ----------
    folder
        An existing folder.
    pictures
        PNG files of the maps, by code: a page carries a smaller one for browsers that cannot draw it.
    earlier
        The folder of an earlier run: its pages that would be the same are copied.
    workers
        Processes that make pages; the pages do not depend on it.

    Returns
    -------
    The files written, and the digest of what each was made from.
    """
    plans = Plans(Scene.from_results(results), pictures)
    for name in plans.folders:
        (folder / name).mkdir(exist_ok=True)
    kept = Kept.of(earlier, "pages")
    written: dict[Path, str] = {}
    with ExitStack() as stack:
        pool = None
        if workers > 1 and plans.count >= FEW_PAGES:
            pool = stack.enter_context(
                ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
            )
        waiting: deque[tuple[Path, Future[bytes]]] = deque()
        for job in plans.jobs():
            path = folder / job.name
            written[path] = job.digest
            if kept.copied(job.name, job.digest, path):
                continue
            if pool is None:
                path.write_bytes(made(job))
                continue
            waiting.append((path, pool.submit(made, job)))
            while len(waiting) > 3 * workers:
                _take(waiting)
        while waiting:
            _take(waiting)
    return written


def _take(waiting: deque[tuple[Path, Future[bytes]]]) -> None:
    path, page = waiting.popleft()
    path.write_bytes(page.result())


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """
    A page to be made: all that it is made from, and a digest of that.

    Parameters
    ----------
    name
        Its file, below the folder of the run.
    kind
        `index`, `overview` or `township`.
    code
        Of its township.
    addresses
        Of other pages, by code.
    """

    name: str
    kind: str
    part: Scene
    code: str = ""
    links: tuple[tuple[str, str], ...] = ()
    addresses: tuple[Mapping[str, str], ...] = ({},)
    plan: Plan | None = None
    picture: Path | None = None
    digest: str = field(default="")

    def digested(self) -> Job:
        """Return the job with its digest."""
        plan = (json.dumps(self.plan.spec, sort_keys=True, default=str), self.plan.body) if self.plan else ()
        picture = file_digest(self.picture) if self.picture else ""
        around = json.dumps([self.kind, self.code, self.links, [dict(a) for a in self.addresses]])
        return replace(self, digest=digest(self.part, around, picture, *plan))


def made(job: Job) -> bytes:
    """Return a page as it is written; nothing but the job decides on its bytes."""
    picture = small(job.picture) if job.picture else b""
    page = replace(_page(job), plan=job.plan, picture=picture)
    return page.map().get_root().render().encode("utf-8", errors="replace")


def _page(job: Job) -> Page:
    if job.kind == "index":
        return index(job.part, *job.addresses)
    if job.kind == "overview":
        return overview(job.part, *job.addresses, links=job.links)
    return township(job.part, job.code, links=job.links, asked=False)


class Plans:
    """Which pages a scene has, what they are called, and how they lead to each other."""

    def __init__(self, scene: Scene, pictures: Mapping[str, Path]) -> None:
        self.scene, self.pictures = scene, pictures
        self.townships = file_names(scene.townships["code"])
        counties = scene.uppers["county"]
        several = len(counties) > 1 and bool(self.townships)
        self.counties = file_names(counties["code"]) if several else {}
        folders = {"counties": self.counties, "townships": self.townships}
        self.folders = [name for name, pages in folders.items() if pages]
        self.count = 1 + len(self.counties) + len(self.townships)

    def jobs(self) -> Iterator[Job]:
        """Give the pages one by one; each holds its part of the scene only while it is made."""
        scene, first = self.scene, self.pictures.get(OVERVIEW)
        townships, counties = (
            {code: f"{folder}/{name}" for code, name in pages.items()}
            for folder, pages in (("townships", self.townships), ("counties", self.counties))
        )
        whole = replace(scene, cutter=None)
        if not self.counties:
            yield Job("index.html", "overview", whole, addresses=(townships,), plan=self._asked_here(),
                      picture=first).digested()  # fmt: skip
        else:
            upper = replace(whole, segments=scene.segments.iloc[:0], people=scene.people.iloc[:0])
            yield Job("index.html", "index", upper, addresses=(counties, townships), picture=first).digested()
        for code in self.counties:
            yield self._county(code).digested()
        yield from self._streets()

    def _asked_here(self) -> Plan | None:
        """Return the streets of a study without townships, if its only page has room for them."""
        room = not self.townships and len(self.scene.segments) <= layers.MOST_DRAWN
        return plan_of(self.scene, self.scene.units) if room else None

    def _county(self, code: str) -> Job:
        part = county_part(self.scene, code)
        pages = {c: f"../townships/{self.townships[c]}" for c in part.townships["code"]}
        links = _around(self.scene, self.counties, code, of="_county")
        return Job(f"counties/{self.counties[code]}", "overview", part, links=links, addresses=(pages,),
                   picture=self.pictures.get(code))  # fmt: skip

    def _streets(self) -> Iterator[Job]:
        upper, lower = self.scene.uppers["county"], self.scene.townships
        counties = dict(zip(upper["code"], upper["name"], strict=True))
        parents = dict(zip(lower["code"], lower["parent_code"], strict=True))
        for code, name in self.townships.items():
            part = township_part(self.scene, code)
            links = _around(self.scene, self.townships, code)
            county = parents[code]
            if county in self.counties:
                up = self.scene.text.say("to_county", name=self.scene.text.brief(counties[county]))
                links = (links[0], (up, f"../counties/{self.counties[county]}"), *links[1:])
            yield Job(
                f"townships/{name}", "township", part, code, links,
                plan=plan_of(self.scene, part.units), picture=self.pictures.get(code),
            ).digested()  # fmt: skip


def _around(
    scene: Scene, names: Mapping[str, str], code: str, *, of: str = ""
) -> tuple[tuple[str, str], ...]:
    """Return the ways to the first page, and to the pages before and after."""
    codes, text = list(names), scene.text
    at = codes.index(code)
    links = [(text.say("to_overview"), "../index.html")]
    if at:
        links.append((text.say(f"previous{of}"), names[codes[at - 1]]))
    if at + 1 < len(codes):
        links.append((text.say(f"next{of}"), names[codes[at + 1]]))
    return tuple(links)


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
