"""The sheet of verifications, `verify.xlsx`: what a look on site would settle, township by township."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pandas as pd
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from servicecircle import words
from servicecircle.assess.verified import gaps_meant
from servicecircle.checks.named_zones import BESIDE
from servicecircle.checks.verified import QUESTIONS, TO_FILL_IN, read_answers
from servicecircle.errors import InputError, OutputError
from servicecircle.outputs.cells import harmless, plain_value
from servicecircle.outputs.workbook import EMPTY, save_dated

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from servicecircle.assess.results import Results
    from servicecircle.checks.verified import Answer

SHEET = "verify.xlsx"
MOST_GAPS = 50
"""Gaps listed per township, those of most people."""

HARDLY_COVERED = 0.5
LEAST_PEOPLE = 1.0
"""A gap of fewer people is not worth the way."""

_RANK = {"village": 0, "gap": 1, "facility": 2}
_SENTENCES = {"think": 44, "ask": 36, "place": 24, "note": 24}
_WIDTHS = {"what": 16, "item": 18, "zone_code": 15, "zone_name": 16, "people": 8, "date": 12, "by": 10}
_FORMATS = {"people": "#,##0", "lon": "0.000000", "lat": "0.000000"}
_HEADER, _TO_FILL = (PatternFill("solid", fgColor=color) for color in ("DDEBF0", "FFE8C4"))


@dataclass(frozen=True, slots=True)
class _Item:
    """
    A row of the sheet.

    Parameters
    ----------
    key
        What it is about: the gap's position, the facility's id, or what stood in an earlier sheet.
    township
        Code and name of its township; '' where it is in none.
    cells
        What stands in it, by our names of the columns.
    """

    key: tuple[str, Any]
    township: tuple[str, str]
    cells: dict[str, Any]
    weight: float = 0.0

    @property
    def order(self) -> tuple[Any, ...]:
        """Sort by what comes first, then by people."""
        return _RANK[self.cells["kind"]], -self.weight, str(self.cells["item"])


@dataclass(slots=True)
class _Townships:
    """The names of zones, and the township that each lies in."""

    names: dict[str, str]
    township_of: dict[str, tuple[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, zones: pd.DataFrame) -> _Townships:
        each = zones.drop_duplicates("code")
        names = dict(zip(each["code"], each["name"], strict=True))
        parents = dict(zip(each["code"], each["parent_code"], strict=True))
        levels = dict(zip(each["code"], each["level"], strict=True))
        found = cls(names)
        for code in names:
            above = code
            while above in names and levels[above] != "township":
                above = parents[above]
            found.township_of[code] = (above, names[above]) if above in names else ("", "")
        return found

    def holding(self, code: str) -> tuple[str, str]:
        """Return code and name of the township of a zone."""
        return self.township_of.get(code, ("", ""))


@dataclass(frozen=True, slots=True)
class _Words:
    language: words.Language

    def say(self, key: str, **facts: Any) -> str:
        """Return a sentence of the sheet; facts are inserted as they are."""
        return self.of(words.table("verify")[key]).format_map(facts)

    def of(self, entry: list[str]) -> str:
        """Return the entry of a word list in this language."""
        return entry[0 if self.language == "zh" else 1]

    def header(self, column: str) -> str:
        """Return a column's header."""
        return self.of(words.table("verify")["column"][column])

    def metres(self, metres: float, otherwise: str) -> str:
        """Say a distance; `otherwise` where there is none."""
        plain = plain_value(metres)
        return self.say(otherwise) if plain is None else self.say("metres", metres=f"{plain:.0f}")


def write_verify(results: Results, path: Path, *, earlier: Path | None = None) -> Path:
    """
    Write the sheet of verifications, in the study's language.

    Everything that was filled in in the study's own sheet stays, whether it is still to be verified or not;
    so does what was filled in in an earlier sheet of the output folder and not fed back.

    Raises
    ------
    OutputError
        The earlier sheet cannot be read: what is filled in in it would be lost.
    """
    say = _Words(results.study.language)
    townships = _Townships.of(results.zones)
    gaps, left_off = _gaps(results, say, townships)
    villages = _villages(results, say, townships)
    told = {item.key for item in villages}
    items = [*villages, *gaps, *(i for i in _facilities(results, say, townships) if i.key not in told)]
    answers = [answer for answer in _answers(results, earlier) if answer.what]
    items = _answered(items, answers, results, say, townships)
    by_township: dict[tuple[str, str], list[_Item]] = defaultdict(list)
    for item in sorted(items, key=lambda item: item.order):
        by_township[item.township].append(item)
    book = Workbook()
    titles = _titles(sorted(by_township, key=lambda t: (t == ("", ""), t)), say)
    _cover(book.active, results, say, {titles[t]: (by_township[t], left_off[t]) for t in titles})
    for township, title in titles.items():
        _fill(book.create_sheet(title), by_township[township], say)
    return save_dated(book, path, as_of=results.study.study.as_of)


def _answers(results: Results, earlier: Path | None) -> list[Answer]:
    """Return what is filled in: the study's own sheet, then an earlier one of the output folder."""
    study = results.study
    own = study.locate(study.study.verified) if study.study.verified else None
    found: list[Answer] = read_answers(own) if own is not None and own.is_file() else []
    if earlier is None or not earlier.is_file() or (own is not None and earlier.resolve() == own):
        return found
    try:
        return [*found, *read_answers(earlier)]
    except InputError as error:
        raise OutputError("output.in_the_way", path=str(earlier)) from error


def _gaps(
    results: Results, say: _Words, townships: _Townships
) -> tuple[list[_Item], dict[tuple[str, str], int]]:
    """Return the suspected gaps, those of most people in each township, and how many more there are."""
    gaps = results.gaps.reset_index(drop=True)
    suspected = gaps.loc[gaps["class"].isin(["to_verify", "detour"])].sort_values(
        ["people", "gap_id"], ascending=[False, True], kind="stable"
    )
    listed: list[_Item] = []
    count: dict[tuple[str, str], int] = defaultdict(int)
    left_off: dict[tuple[str, str], int] = defaultdict(int)
    for i, gap in zip(suspected.index, suspected.to_dict("records"), strict=True):
        township = townships.holding(gap["zone_code"])
        if gap["people"] < LEAST_PEOPLE or count[township] == MOST_GAPS:
            left_off[township] += 1
            continue
        count[township] += 1
        think = say.say(
            "think_gap", people=f"{gap['people']:.0f}", facility=gap["nearest_facility"] or EMPTY,
            metres=say.metres(gap["metres"], "unreached"), straight=say.metres(gap["straight_m"], "far"),
            reason=words.label("reason", gap["reason"], say.language),
        )  # fmt: skip
        cells = {"kind": "gap", "item": gap["gap_id"], "think": think, "ask": say.say("ask_road")}
        cells |= {key: gap[key] for key in ("zone_code", "zone_name", "place", "people", "lon", "lat")}
        listed.append(_Item(("gap", i), township, cells, float(gap["people"])))
    return listed, left_off


def _villages(results: Results, say: _Words, townships: _Townships) -> list[_Item]:
    """Return the operating facilities of villages of which they cover less than half, as yet another item."""
    zones = results.zones
    units = zones.loc[zones["level"].eq(zones["level"].iloc[-1]) & zones["circle"].ne("own")]
    units = units.drop_duplicates("code")
    hardly = units.loc[units["state"].eq("judged") & units["share_within"].lt(HARDLY_COVERED)].set_index(
        "code"
    )
    once = units.drop_duplicates("name", keep=False)
    called = dict(zip(once["name"], once["code"], strict=True)) | {code: code for code in units["code"]}
    items = []
    for facility in results.facilities.loc[results.facilities["used"]].to_dict("records"):
        stands = facility["zone_code"]
        hints = (facility.get("zone_hint") or "").split(BESIDE)
        belongs = next((called[hint] for hint in hints if hint in called), stands)
        own = next((code for code in (belongs, stands) if code in hardly.index), None)
        if own is None:
            continue
        facts = {
            "zone": townships.names[own], "facility": facility["name"] or facility["facility_id"],
            "share": f"{100 * hardly.loc[own, 'share_within']:.0f}%",
            "other": townships.names.get(stands) or say.say("no_zone"),
        }  # fmt: skip
        think = say.say("think_village" if stands == own else "think_elsewhere", **facts)
        cells = {"kind": "village", "zone_code": own, "think": think, "people": hardly.loc[own, "people"]}
        items.append(_of_facility(facility, cells, say, townships, float(hardly.loc[own, "gap_people"])))
    return items


def _facilities(results: Results, say: _Words, townships: _Townships) -> list[_Item]:
    """Return the facilities whose position is doubtful."""
    doubtful = results.facilities["reason"].isin(["position_doubtful", "off_streets"])
    items = []
    for facility in results.facilities.loc[doubtful].to_dict("records"):
        think = say.say("think_facility", snap=say.metres(facility["snap_m"], "far"))
        cells = {"kind": "facility", "zone_code": facility["zone_code"], "think": think, "people": None}
        items.append(_of_facility(facility, cells, say, townships, 0.0))
    return items


def _of_facility(
    facility: Mapping[str, Any], cells: dict[str, Any], say: _Words, townships: _Townships, weight: float
) -> _Item:
    cells = cells | {
        "item": facility["facility_id"], "zone_name": townships.names.get(cells["zone_code"], ""),
        "place": facility["name"], "lon": facility["lon"], "lat": facility["lat"],
        "ask": say.say("ask_village"),
    }  # fmt: skip
    key = ("facility", facility["facility_id"])
    return _Item(key, townships.holding(cells["zone_code"]), cells, weight)


def _answered(
    items: list[_Item], answers: list[Answer], results: Results, say: _Words, townships: _Townships
) -> list[_Item]:
    """Return the rows with what is filled in for them, and those filled in but not asked any more."""
    meant = gaps_meant(results.gaps, answers, join_m=results.study.rules.gap_join_m)
    row_of = {item.key: i for i, item in enumerate(items)}
    done: set[tuple[str, Any]] = set()
    items = list(items)
    for answer, gap in zip(answers, meant, strict=True):
        key: tuple[str, Any] = ("gap", gap) if answer.is_gap else ("facility", answer.item)
        if answer.is_gap and gap is None:
            key = "gap", (answer.zone_code, answer.cells["lon"], answer.cells["lat"])
        if key in done:
            continue
        done.add(key)
        filled_in = {column: answer.cells[column] for column in TO_FILL_IN}
        if key in row_of:
            i = row_of[key]
            items[i] = replace(items[i], cells=items[i].cells | filled_in)
            continue
        shown = {key: answer.cells[key] for key in ("item", "zone_code", "zone_name", "place", "think")}
        numbers = {"people": _number(answer.cells["people"]), "lon": answer.lon, "lat": answer.lat}
        cells = shown | numbers | filled_in | {"kind": answer.what, "ask": say.say("earlier")}
        items.append(_Item(key, townships.holding(answer.zone_code), cells, -1.0))
    return items


def _number(written: str) -> float | None:
    try:
        return float(written)
    except ValueError:
        return None


def _titles(townships: Iterable[tuple[str, str]], say: _Words) -> dict[tuple[str, str], str]:
    """Return a sheet title for each township that Excel takes: 31 characters, none of its own signs, once."""
    titles: dict[tuple[str, str], str] = {}
    taken = {say.say("cover").lower()}
    for township in townships:
        called = " ".join(part for part in township if part) or say.say("elsewhere")
        plain = re.sub(r"[\[\]:*?/\\'\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]+", " ", called)
        title, again = _cut(plain, 31), 1
        while title.lower() in taken:
            again += 1
            title = f"{_cut(plain, 27)} {again}"
        taken.add(title.lower())
        titles[township] = title
    return titles


def _cut(text: str, units: int) -> str:
    """Return a text cut to so many characters, counted as Excel does."""
    return text.encode("utf-16-le")[: 2 * units].decode("utf-16-le", "ignore").strip()


def _cover(
    sheet: Any, results: Results, say: _Words, contents: Mapping[str, tuple[list[_Item], int]]
) -> None:
    """Write what the workbook is for, how it is filled in and fed back, and what is in it."""
    sheet.title = say.say("cover")
    date = results.manifest.get("study", {}).get("as_of", "")
    lines = [
        say.say("title"),
        say.say("of", name=results.study.name, date=date),
        say.say("lead", most=MOST_GAPS),
        say.say("how", first=say.header(QUESTIONS[0]), last=say.header(QUESTIONS[-1])),
        *(say.say(key) for key in ("how_position", "how_person", "how_back", "how_effect")),
    ]
    for row, line in enumerate(lines, 1):
        cell = _write(sheet, row, 1, line)
        sheet.merge_cells(start_row=row, end_row=row, start_column=1, end_column=4)
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        sheet.row_dimensions[row].height = 20 if row <= 2 else 48
    sheet["A1"].font = Font(bold=True, size=16)
    top = len(lines) + 2
    for column, key in enumerate(("contents", "rows", "answered", "left_off"), 1):
        cell = _write(sheet, top, column, say.say(key))
        cell.font, cell.fill = Font(bold=True), _HEADER
        sheet.column_dimensions[get_column_letter(column)].width = 40 if column == 1 else 16
    for row, (title, (items, left_off)) in enumerate(contents.items(), top + 1):
        answered = sum(any(item.cells.get(column) for column in TO_FILL_IN) for item in items)
        for column, value in enumerate((title, len(items), answered, left_off), 1):
            _write(sheet, row, column, value)


def _fill(sheet: Any, items: list[_Item], say: _Words) -> None:
    columns = list(words.table("verify")["column"])
    for number, column in enumerate(columns, 1):
        cell = _write(sheet, 1, number, say.header(column))
        cell.font, cell.alignment = Font(bold=True), Alignment(vertical="center", wrap_text=True)
        cell.fill = _TO_FILL if column in TO_FILL_IN else _HEADER
        width = _SENTENCES.get(column) or _WIDTHS.get(column, 11)
        sheet.column_dimensions[get_column_letter(number)].width = width
    for row, item in enumerate(items, 2):
        what = say.of(words.table("verify")["what"][item.cells["kind"]])
        for number, column in enumerate(columns, 1):
            value = what if column == "what" else plain_value(item.cells.get(column))
            if value in {None, ""}:
                value = None if column in TO_FILL_IN else EMPTY
            cell = _write(sheet, row, number, value)
            cell.number_format = _FORMATS.get(column, "@")
            cell.alignment = Alignment(vertical="top", wrap_text=column in _SENTENCES)
    _offer_yes_and_no(sheet, columns, len(items) + 1, say)
    sheet.freeze_panes = "C2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{len(items) + 1}"
    sheet.page_setup.orientation, sheet.page_setup.fitToHeight = "landscape", 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.print_title_rows = "1:1"


def _offer_yes_and_no(sheet: Any, columns: list[str], last_row: int, say: _Words) -> None:
    offered = DataValidation("list", formula1=f'"{say.say("yes")},{say.say("no")}"', allow_blank=True)
    first, last = (get_column_letter(columns.index(QUESTIONS[end]) + 1) for end in (0, -1))
    offered.add(f"{first}2:{last}{last_row}")
    sheet.add_data_validation(offered)


def _write(sheet: Any, row: int, column: int, value: Any) -> Any:
    """Write a cell; a text is a text, whatever it looks like."""
    cell = sheet.cell(row, column)
    if isinstance(value, str):
        cell.value = harmless(value)[:32_767]
        cell.data_type = "s"
    else:
        cell.value = value
    return cell
