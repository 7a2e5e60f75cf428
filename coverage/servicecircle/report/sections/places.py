"""The maps, and the zones one by one: a page per street and township, a table per village."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from servicecircle.assess.coverage import OWN
from servicecircle.kinds import COUNTING_STATUS, KINDS
from servicecircle.maps.clause_words import asked, deadline, figure, unit_word, verdict
from servicecircle.maps.clauses import MOST_NAMED, ordered, phrase
from servicecircle.maps.pages import file_names
from servicecircle.maps.tables import unit_counts
from servicecircle.report.figures import known
from servicecircle.report.model import Figure, Paragraph, Section
from servicecircle.report.sections.columns import field, laid, less, records, worded, written
from servicecircle.report.sections.coverage import added, first_circle, first_name, whole_rows, zone_tables
from servicecircle.report.sections.gaps import largest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from servicecircle.report.model import Block, Table
    from servicecircle.report.sections.ground import Ground

    Row = Mapping[str, Any]

LARGEST_GAPS = 5
MOST_VERDICTS = 15
"""Clauses that a township's page lists."""

MOST_PAGES, MOST_TABLES = 400, 5_000
"""Townships with pages of their own, and villages with tables: with more nobody could open the report."""


def maps(ground: Ground) -> Section | None:
    """Return the section with the pictures of the whole; None where none were drawn."""
    stems = (("overview", "picture_overview"), ("verdicts", "picture_verdicts"))
    found = [_picture(ground, stem, ground.say(key)) for stem, key in stems]
    figures = tuple(one for one in found if one is not None)
    return Section("maps", ground.say("maps"), figures) if figures else None


def _picture(ground: Ground, stem: str, title: str) -> Figure | None:
    folder = ground.material.run.folder
    path = folder / "pictures" / f"{stem}.png" if folder else None
    if path is None or not path.is_file():
        return None
    study, date = ground.material.study.name, ground.text.date(ground.material.as_of)
    told = ground.say("picture", what=title, study=study, date=date)
    return Figure(f"picture-{stem.replace('/', '-')}", told, path, title)


def overall(ground: Ground) -> Section:
    """Return the section on the whole: by circle, by county and reporting unit, facilities by kind."""
    say = ground.say
    first, whole = first_circle(ground), whole_rows(ground)
    blocks: list[Block] = [*zone_tables(ground, "circles", say("by_circle"), first, whole)]
    for level in ("prefecture", "county"):
        codes = _codes(ground, level)
        if len(codes) > 1 and level != ground.lowest:
            name = ground.text.label("level", level)
            rows = [ground.own(code) for code in codes]
            blocks += zone_tables(
                ground, level, say("by", what=ground.inside(name)), first_name(ground, name), rows
            )
    return Section("overall", say("overall"), (*blocks, *_reporting_units(ground), _by_kind(ground)))


def _by_kind(ground: Ground) -> Table:
    """Return the facilities of the ledger by kind: listed, operating, counted, on the map."""
    frame = ground.material.run.facilities
    marks = {
        "operating": frame["status"].eq(COUNTING_STATUS), "used": frame["used"].eq(other=True),
        "mapped": frame[["lon", "lat"]].notna().all(axis=1),
    }  # fmt: skip
    rows: list[dict[str, Any]] = []
    for kind in [*KINDS, *sorted({*frame["kind"]} - KINDS.keys())]:
        of = frame["kind"].eq(kind)
        counts = {key: int((of & mark).sum()) for key, mark in marks.items()}
        rows.append({"kind": ground.text.kind(kind), "listed": int(of.sum()), **counts})
    rows = [row for row in rows if row["listed"]]
    rows.sort(key=lambda row: (-row["used"], -row["listed"]))
    whole = {key: int(mark.sum()) for key, mark in marks.items()}
    rows.append({"kind": ground.say("in_all"), "listed": len(frame), **whole})
    counted = [field(ground, key, "count", title=ground.say(f"kind_{key}"))
               for key in ("listed", "mapped", "operating", "used")]  # fmt: skip
    return laid("facility-kinds", ground.say("facility_kinds"), [field(ground, "kind", width=2.4), *counted],
                rows, strong=frozenset({len(rows) - 1}))  # fmt: skip


def _codes(ground: Ground, level: str) -> list[str]:
    zones = ground.material.run.zones
    return [str(code) for code in zones.loc[zones["level"].eq(level), "code"].unique()]


def _reporting_units(ground: Ground) -> list[Table]:
    """Return the units added up by reporting unit, where any is given; the others by their township."""
    villages = ground.villages
    given = villages["report_unit"].fillna("").astype(str).str.strip()
    if not given.ne("").any():
        return []
    unit = given.where(given.ne(""), villages["parent_code"].map(lambda code: ground.name(str(code))))
    rows = [_summed(ground, str(name), part) for name, part in villages.groupby(unit.to_numpy(), sort=False)]
    name = ground.text.label("column", "report_unit")
    return zone_tables(
        ground, "report-units", ground.say("by", what=ground.inside(name)), first_name(ground, name), rows
    )


def _summed(ground: Ground, name: str, part: pd.DataFrame) -> Row:
    counts = unit_counts(part)
    sums = {f"{g}_{p}": part[f"{g}_{p}"].sum(skipna=False)
            for g in ground.groups for p in ("judged", "within", "doubtful")}  # fmt: skip
    shares = {
        ("share_within" if g == "people" else f"{g}_share_within"):
            sums[f"{g}_within"] / sums[f"{g}_judged"] if sums[f"{g}_judged"] > 0 else None
        for g in ground.groups
    }  # fmt: skip
    ranges = added(part, "people")
    return {
        "name": name, "units": counts["units"], "units_judged": counts["judged"], "units_met": counts["met"],
        "units_not_met": counts["not_met"], "units_to_verify": counts["to_verify"],
        "units_with_facility": int(part["units_with_facility"].gt(0).sum()),
        **{key: ranges.get(key) for key in ("share_high", "share_straight")}, **sums, **shares,
    }  # fmt: skip


def townships(ground: Ground) -> Section:
    """Return the section of streets and townships, one to a page, each with its villages one by one."""
    by_parent = {str(code): part for code, part in ground.villages.groupby("parent_code", sort=False)}
    codes = [str(code) for code in ground.townships["code"]]
    pages = _facilities_by(ground)
    if len(codes) > MOST_PAGES:
        left = Paragraph(ground.say("no_township_pages", count=ground.text.count(len(codes))), "note")
        blocks = (left, *_listed(ground, codes), *_elsewhere(ground, pages.get("", [])))
        return Section("townships", ground.say("townships"), blocks, new_page=True)
    files = file_names(ground.townships["code"])
    parts = [
        _township(ground, code, by_parent[code], files[code], pages.get(code, []))
        for code in codes
        if code in by_parent
    ]
    rest = ground.villages[~ground.villages["parent_code"].isin(codes)]
    if len(rest):
        key = "other_villages" if codes else "villages"
        parts.append(Section("villages", ground.say(key), _villages(ground, rest), new_page=True))
    listed = (*_listed(ground, codes), *_elsewhere(ground, pages.get("", [])))
    return Section("townships", ground.say("townships"), listed, tuple(parts), new_page=True)


def _elsewhere(ground: Ground, rows: list[Row]) -> list[Block]:
    """Say how many facilities stand on no page, so that none is lost."""
    if not rows or not len(ground.townships):
        return []
    key, count = "facilities_elsewhere" if ground.zone_of else "facilities_unplaced", ground.text.count
    used = sum(bool(row["used"]) for row in rows)
    return [Paragraph(ground.say(key, count=count(len(rows)), used=count(used)), "note")]


def _listed(ground: Ground, codes: list[str]) -> tuple[Block, ...]:
    """Return all townships side by side, and their sum."""
    if not codes:
        return ()
    name = ground.text.label("level", "township")
    rows = [*(ground.own(code) for code in codes), whole_rows(ground)[0]]
    by = ground.say("by", what=ground.inside(name))
    return tuple(zone_tables(ground, "townships", by, first_name(ground, name), rows,
                             strong=frozenset({len(rows) - 1})))  # fmt: skip


def _facilities_by(ground: Ground) -> dict[str, list[Row]]:
    """Return the facilities that stand in each township; those that stand in none under an empty code."""
    parents = dict(zip(ground.villages["code"], ground.villages["parent_code"], strict=True))
    found: dict[str, list[Row]] = {}
    for row in records(ground.material.run.facilities):
        zone = ground.zone_of.get(str(row["facility_id"]), "")
        found.setdefault(parents.get(zone, ""), []).append({**row, "zone": ground.name(zone) if zone else ""})
    return found


def _township(ground: Ground, code: str, villages: pd.DataFrame, file: str, facilities: list[Row]) -> Section:
    name, text = ground.name(code), ground.text
    rows = sorted(ground.rows[code], key=lambda row: row["circle"] != OWN)
    picture = _picture(ground, f"townships/{file.removesuffix('.html')}", name)
    found = ground.found("gaps", villages["code"])
    blocks: list[Block] = [
        Paragraph(text.say("township_summary", township=name, **unit_counts(villages)), "lead"),
        *([picture] if picture else []),
        *(chart for chart in ground.material.charts if chart.name == f"trend-headlines-{code}"),
        *zone_tables(ground, f"zone-{code}", name, first_circle(ground), rows),
        *([_facilities(ground, code, name, facilities)] if facilities else []),
        largest(ground, code, found, LARGEST_GAPS) if len(found)
        else Paragraph(ground.say("no_gaps_here")),
        *_of_note(ground, code, name),
    ]  # fmt: skip
    each = Section(f"villages-{code}", ground.say("villages"), _villages(ground, villages))
    return Section(f"township-{code}", name, tuple(blocks), (each,), new_page=True)


def _facilities(ground: Ground, code: str, name: str, rows: list[Row]) -> Table:
    text = ground.text
    fields = [
        field(ground, "name", title=ground.say("facility"), width=2.2),
        field(ground, "kind", value=lambda row: text.kind(row["kind"]), width=1.8),
        field(ground, "zone", title=text.label("column", "zone_name"), width=1.3),
        worded(ground, "status", width=1.1),
        field(ground, "used", value=lambda row: text.label("used", str(bool(row["used"])).lower())),
        field(ground, "reason", value=lambda row: text.label("reason", row["reason"]),
              title=ground.say("facility_reason"), width=1.4),
        field(ground, "people_within", "people", title=text.say("people_within")),
    ]  # fmt: skip
    return laid(f"facilities-{code}", ground.say("facilities_of", name=name), fields, rows)


def _of_note(ground: Ground, code: str, name: str) -> list[Block]:
    """Return the clauses that a township does not meet, or that are to be verified, the gravest first."""
    found = ground.found("verdicts", [code])
    noted = ordered(found[found["verdict"].isin(["not_met", "to_verify"]) & found["severity"].ne("report")])
    if noted.empty:
        return [Paragraph(ground.say("nothing_of_note", name=name))] if len(found) else []
    text, rows = ground.text, []
    for row in records(noted.head(MOST_VERDICTS)):
        clause = ground.clauses.get(str(row["clause_id"]))
        rows.append({
            "phrase": phrase(text, clause, str(row["clause_id"])), "asked": asked(text, clause, row),
            "measured": figure(text, row["measured"], row["unit"]), "verdict": verdict(text, row),
            "deadline": deadline(text, row), "place": clause.clause if clause else "",
            "unit": unit_word(text, row["unit"]),
        })  # fmt: skip
    more = len(noted) - MOST_VERDICTS
    fields = [
        field(ground, "phrase", width=3.4), field(ground, "asked", title=text.say("asked")),
        field(ground, "measured"), field(ground, "unit", width=1.2), field(ground, "verdict"),
        field(ground, "deadline", width=1.6),
        field(ground, "place", title=text.say("clause_source"), width=1.6),
    ]  # fmt: skip
    notes = (ground.say("more_rows", count=text.count(more)),) if more > 0 else ()
    return [laid(f"verdicts-{code}", ground.say("of_note", name=name), fields, rows, notes=notes)]


def _villages(ground: Ground, villages: pd.DataFrame) -> tuple[Block, ...]:
    if len(ground.villages) > MOST_TABLES:
        return (Paragraph(ground.say("no_village_tables", count=ground.text.count(len(villages))), "note"),)
    return tuple(_village(ground, str(code)) for code in villages["code"])


def _village(ground: Ground, code: str) -> Table:
    """Return a village's key figures: a row per circle, and what else there is to know below."""
    elderly = (
        [
            field(ground, "elderly_people", "people", title=ground.text.say("elderly")),
            field(ground, "elderly_share_within", "share"),
            field(ground, "elderly_left", "people", _left("elderly"), title=ground.text.say("gap_elderly")),
        ]
        if ground.elderly
        else []
    )
    fields = [
        field(ground, "circle", value=lambda row: ground.circle(str(row["circle"])), width=1.5),
        field(ground, "people", "people"),
        *elderly,
        field(ground, "share_within", "share"),
        field(ground, "people_left", "people", _left("people"), title=ground.text.say("gap_people")),
        field(ground, "verdict", value=lambda row: _verdict(ground, row), width=1.6),
        worded(ground, "certainty"),
    ]
    notes = _village_notes(ground, code)
    return laid(f"village-{code}", ground.name(code), fields, ground.rows[code], notes=notes)


def _left(group: str) -> Any:
    return lambda row: less(row.get(f"{group}_judged"), row.get(f"{group}_within"))


def _verdict(ground: Ground, row: Row) -> str:
    first = ground.rows[str(row["code"])][0]
    if row is first:
        return ground.verdict_of[str(row["code"])]
    return ground.text.label("verdict", row["verdict"] or "not_judged")


def _village_notes(ground: Ground, code: str) -> tuple[str, ...]:
    row, text = ground.rows[code][0], ground.text
    said: list[str] = []
    if written(row, "village_class"):
        said.append(text.label("village_class", row["village_class"]))
    if written(row, "served_by_name"):
        said[-1:] = [ground.say("served", name=row["served_by_name"])]
    if written(row, "build_state"):
        said.append(text.label("build_state", row["build_state"]))
    if known(row["facilities"]):
        said.append(ground.say("counting_here", count=text.count(row["facilities"])))
    if known(row["people_doubtful"]) and row["people_doubtful"] > 0:
        said.append(ground.say("doubtful_here", people=text.about(row["people_doubtful"])))
    if written(row, "reason") and row["state"] == "judged":
        said.append(ground.say("because", why=text.label("reason", row["reason"])))
    unmet = _unmet(ground, code)
    if unmet:
        said.append(unmet)
    return (ground.say("semicolon").join(said) + ground.say("stop"),) if said else ()


def _unmet(ground: Ground, code: str) -> str:
    """Say how many clauses a village does not meet, and the first of them."""
    ids = [id_ for id_ in _failing(ground, code) if id_ in ground.clauses]
    if not ids:
        return ""
    text = ground.text
    names = text.say("semicolon").join(phrase(text, ground.clauses[id_], id_) for id_ in ids[:MOST_NAMED])
    more = text.say("and_more") if len(ids) > MOST_NAMED else ""
    return ground.say("unmet", what=text.say("unmet_named", count=len(ids), names=names + more))


def _failing(ground: Ground, code: str) -> Iterable[str]:
    """Return the clauses that a unit does not meet, those that fail first."""
    places = ground.in_zone["verdicts"].get(code)
    if places is None:
        return []
    found = [ground.verdict_rows[place] for place in places]
    unmet = [(severity, id_) for id_, verdict, severity in found
             if verdict == "not_met" and severity in ("fail", "warn")]  # fmt: skip
    return [id_ for _, id_ in sorted(unmet)]
