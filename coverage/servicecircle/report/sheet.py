"""一街一表: the sheet of a street or township, one page, as plain data."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any

import pandas as pd

from servicecircle.assess.coverage import OWN
from servicecircle.maps.pages import file_names
from servicecircle.report.cautions import cautions, provenance, stamp
from servicecircle.report.figures import known, shown
from servicecircle.report.model import Column, Figure, Paragraph, Report, Table
from servicecircle.report.progress import largest
from servicecircle.report.ranking import figures_of, lowest_level, own_rows, points, standings
from servicecircle.report.sections.whereabouts import zones_of_facilities
from servicecircle.report.standing_tables import why_not_ranked
from servicecircle.report.voice import ELDERLY, Voice, table_of, written

if TYPE_CHECKING:
    from pathlib import Path

    from servicecircle.report.material import Material
    from servicecircle.report.model import Block
    from servicecircle.report.ranking import Standing

MOST_GAPS = 5
MOST_TASKS = 3
MOST_VILLAGES, IN_A_LINE = 21, 3
"""So many villages fit."""

MOST_NAMES, LONGEST_NAME = 15, 20
"""Facilities named in a sentence, and characters of their names."""

BLANK = "\u3000"
"""A cell to be filled in by hand: a dash would say that something is unknown."""

_SUFFIX = ".docx"
_MOST_CHARACTERS, _MOST_BYTES = 80, 200
_PLAIN_CODE = re.compile(r"[0-9a-z][0-9a-z_]{0,39}")
_RESERVED = re.compile(r"con|prn|aux|nul|com\d|lpt\d")
_UNSAFE = re.compile(r'[<>:"/\\|?*\s]+')
_DIGITS = 12


def sheet_codes(material: Material) -> tuple[str, ...]:
    """Return the streets and townships that get a sheet, in official order."""
    zones = material.run.zones
    return tuple(dict.fromkeys(str(code) for code in zones.loc[zones["level"].eq("township"), "code"]))


def sheet_name(code: str, name: str) -> str:
    """
    Return the file name of a sheet, code and name, which every system takes.

    Codes differ in the part before the hyphen; one that is no plain word has its digest there.
    """
    mark = code if _PLAIN_CODE.fullmatch(code) and not _RESERVED.fullmatch(code) else _marked(code)
    said = unicodedata.normalize("NFC", name)
    said = "".join(sign for sign in said if sign.isspace() or unicodedata.category(sign)[0] not in "CZ")
    said = _UNSAFE.sub("_", said.strip()).strip("._- ")
    room = _MOST_BYTES - len(f"{mark}-{_SUFFIX}".encode())
    said = said[: _MOST_CHARACTERS - len(f"{mark}-{_SUFFIX}")]
    said = said.encode()[:room].decode(errors="ignore").rstrip("._- ")
    return f"{mark}-{said}{_SUFFIX}" if said else f"{mark}{_SUFFIX}"


def township_sheet(material: Material, code: str) -> Report:
    """
    Return the sheet of a street or township.

    Parameters
    ----------
    code
        One of `sheet_codes`.

    Raises
    ------
    LookupError
        There is no such township.
    """
    voice = Voice.of(material)
    own = own_rows(material.run.zones)
    found = own[own["code"].eq(code) & own["level"].eq("township")].to_dict("records")
    if not found:
        raise LookupError(code)
    row, villages = found[0], _villages_of(material.run.zones, code)
    name = written(row["name"]) or code
    places = {code, *villages["code"]}
    say = voice.say
    blocks = (
        *_map(voice, code, name), *_key_figures(voice, row, places),
        _gaps(voice, places), *_tasks(voice, places), *_villages(voice, villages),
    )  # fmt: skip
    return Report(
        kind="sheet", language=material.study.language, title=say("sheet_title", township=name),
        subtitle=say("sheet_subtitle", name=material.study.name, code=code),
        maker=material.study.study.maker, as_of=material.as_of, stamp=stamp(material),
        front=blocks, sections=(), cautions=cautions(material),
        provenance=provenance(material),
    )  # fmt: skip


def _marked(code: str) -> str:
    return f"zone_{hashlib.sha256(code.encode(errors='replace')).hexdigest()[:_DIGITS]}"


def _villages_of(zones: pd.DataFrame, code: str) -> pd.DataFrame:
    """Return the villages of a township, each once with its own circle; none where it has no level below."""
    level = lowest_level(zones)
    if level != "village":
        return zones.iloc[:0]
    rows = zones[zones["level"].eq(level) & zones["circle"].ne(OWN) & zones["parent_code"].eq(code)]
    return rows.drop_duplicates("code")


def _map(voice: Voice, code: str, name: str) -> tuple[Block, ...]:
    path = _picture(voice.material, code)
    if path is None:
        return ()
    say = voice.say
    return (Figure("map", say("map_of", township=name), path, say("map_alt", township=name)),)


def _picture(material: Material, code: str) -> Path | None:
    folder = material.run.folder
    if folder is None:
        return None
    page = file_names(sheet_codes(material))[code]
    path = folder / "pictures" / "townships" / page.replace(".html", ".png")
    return path if path.is_file() else None


def _key_figures(voice: Voice, row: dict[Any, Any], places: set[str]) -> tuple[Block, ...]:
    """Return the main figures in one row, with the changes that are remembered; rank and facilities."""
    figures = figures_of([row], group=voice.group)
    text, say, earlier = voice.text, voice.say, voice.material.earlier
    elderly = voice.group == ELDERLY
    changes = [
        points(figures.share, then.shares.get((str(row["code"]), voice.headline)))
        if (then := earlier.get(when)) and not voice.material.study.output.public else None
        for when in ("last_month", "year_start")
    ]  # fmt: skip
    cells: list[tuple[Column, Any]] = [
        (Column("people", text.heading("people"), "people"), row["people"]),
        *([(Column("elderly_people", text.heading("elderly"), "people"), row["elderly_people"])]
          if elderly else []),
        (voice.column(voice.share_key, "share", 1.1), figures.share),
        (Column(f"{voice.group}_share_high", say("share_high"), "share", 1.3), figures.share_high),
        *([(voice.column("share_within", "share"), row["share_within"])] if elderly else []),
        (Column("units_met", say("units_met"), "count"), figures.units_met),
        (Column("units_judged", say("units_judged"), "count"), figures.units_judged),
        (voice.column("facilities", "count"), row["facilities"]),
        (voice.left_column(f"{voice.group}_left", 1.5), figures.left),
        *((Column(f"change_{when}", say(when), "points"), change)
          for when, change in zip(("last_month", "year_start"), changes, strict=True)),
    ]  # fmt: skip
    columns, values = zip(*cells, strict=True)
    table = Table("key_figures", say("key_figures"), columns, (values,))
    said = [*_standing(voice, row), *_facilities(voice, places)]
    return (table, Paragraph(say("space").join(said), "note"))


def _standing(voice: Voice, row: dict[Any, Any]) -> list[str]:
    units = standings(voice.material.run.zones, group=voice.group)
    unit = next((unit for unit in units if unit.code == row["code"]), None)
    return [_rank(voice, unit, units)] if unit else []


def _rank(voice: Voice, unit: Standing, units: tuple[Standing, ...]) -> str:
    if unit.why:
        return voice.say("unranked_because", why=why_not_ranked(voice, unit))
    of = sum(other.group == unit.group and not other.why for other in units)
    return voice.say("standing", group=voice.say(unit.group), rank=unit.rank, of=of)


def _facilities(voice: Voice, places: set[str]) -> list[str]:
    """Return the names of the facilities that count, and of those that do not."""
    say, facilities = voice.say, voice.material.run.facilities
    where = zones_of_facilities(voice.material.run)
    if not where and len(facilities):
        return [say("facilities_unknown")]
    here = facilities[facilities["facility_id"].map(where).isin(places)]
    if here.empty:
        return [say("no_facilities")]
    used = here["used"].astype(bool)
    said = [say("facilities", all=len(here), used=int(used.sum()), names=_names(voice, here[used]))]
    if not used.all():
        said.append(say("facilities_left_out", count=int((~used).sum()), names=_names(voice, here[~used])))
    return said


def _names(voice: Voice, part: pd.DataFrame) -> str:
    names = [written(name) or str(key) for name, key in zip(part["name"], part["facility_id"], strict=True)]
    short = [name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…" for name in names]
    named = voice.say("list_comma").join(short[:MOST_NAMES]) or voice.say("none")
    return named + (voice.say("and_more") if len(short) > MOST_NAMES else "")


def _gaps(voice: Voice, places: set[str]) -> Block:
    """Return the largest gaps with room for what is found on site."""
    say = voice.say
    gaps = voice.material.run.gaps
    here = gaps[gaps["zone_code"].isin(places)]
    if here.empty:
        key = "gaps_not_published" if voice.material.study.output.public else "no_gaps"
        return Paragraph(say(key), "note")
    columns = (
        voice.column("gap_id", "code", 1.6), voice.column("zone_name", width=1.3),
        voice.column("place", width=2.2), Column("people", voice.text.heading("gap_people"), "people", 1.1),
        voice.column("class", width=2.4), Column("finding", say("finding"), "text", 1.6),
        Column("verified_by", say("verified_by"), "text", 0.9),
        Column("verified_on", say("verified_on"), "text", 0.9),
    )  # fmt: skip
    rows = tuple(
        (row["gap_id"], written(row["zone_name"]), written(row["place"]), row["people"],
         voice.text.label("gap_class", row["class"]),
         BLANK, BLANK, BLANK)
        for row in largest(here, "people", MOST_GAPS)
    )  # fmt: skip
    return Table("gaps", say("gap_form", most=MOST_GAPS), columns, rows)


def _tasks(voice: Voice, places: set[str]) -> tuple[Block, ...]:
    tasks = table_of(voice.material, "tasks")
    own = [] if tasks is None else tasks[tasks["unit_code"].isin(places)].to_dict("records")
    if not own:
        return (Paragraph(voice.say("no_unit_tasks"), "note"),)
    said = [_task(voice, row) for row in own[:MOST_TASKS]]
    if len(own) > MOST_TASKS:
        said.append(voice.say("more_tasks", all=len(own), listed=MOST_TASKS))
    return tuple(Paragraph(sentence, "note") for sentence in said)


def _task(voice: Voice, row: dict[Any, Any]) -> str:
    text = voice.text
    return voice.say(
        "unit_task", task=written(row["task"]) or text.written(None), target=text.count(row["target"]),
        done=text.count(row["done"]), completion=text.share(row["completion_share"]),
        state=text.label("task_state", row["task_state"]),
        deadline=shown(written(row["deadline"]), "date", text),
        responsible=shown(written(row["responsible"]), "text", text),
    )  # fmt: skip


def _villages(voice: Voice, villages: pd.DataFrame) -> tuple[Block, ...]:
    """Return the villages, three to a line; of more than fit those with most people not covered."""
    if villages.empty:
        return ()
    say = voice.say
    left = villages[f"{voice.group}_judged"] - villages[f"{voice.group}_within"]
    chosen = villages.assign(_left=left)
    notes: tuple[str, ...] = ()
    if len(villages) > MOST_VILLAGES:
        codes = {row["code"] for row in largest(chosen, "_left", MOST_VILLAGES)}
        chosen = chosen[chosen["code"].isin(codes)]
        notes = (say("villages_left", all=len(villages), listed=MOST_VILLAGES),)
    cells = [
        (written(row["name"]) or row["code"], row[voice.share_key], _verdict(voice, row))
        for row in chosen.to_dict("records")
    ]
    each = -(-len(cells) // IN_A_LINE)
    blocks = [cells[part * each : (part + 1) * each] for part in range(IN_A_LINE)]
    lines = zip_longest(*blocks, fillvalue=(BLANK, None, BLANK))
    columns = tuple(column for part in range(IN_A_LINE) for column in _village_columns(voice, part))
    rows = tuple(tuple(chain.from_iterable(line)) for line in lines)
    return (Table("villages", say("village_rows"), columns, rows, notes),)


def _village_columns(voice: Voice, part: int) -> tuple[Column, ...]:
    suffix = f"_{part + 1}" if part else ""
    return (
        Column(f"name{suffix}", voice.say("village_rows"), "text", 1.3),
        voice.column(f"{voice.share_key}{suffix}", "share", 0.8, title=voice.label(voice.share_key)),
        voice.column(f"verdict{suffix}", width=1.6, title=voice.label("verdict")),
    )


def _verdict(voice: Voice, row: dict[Any, Any]) -> str:
    key = row["verdict"] if known(row["verdict"]) else "not_judged"
    return voice.text.label("verdict", key)
