"""Bulletins: 月通报, 季观摩排序, 半年初评 and 全年总评 as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from servicecircle.assess.coverage import OWN
from servicecircle.history.headlines import WHOLE
from servicecircle.report.cautions import cautions, provenance, stamp
from servicecircle.report.model import Column, Paragraph, Report, Table
from servicecircle.report.problems import problems_section
from servicecircle.report.progress import changes_section, clauses_section, overdue_section, tasks_section
from servicecircle.report.ranking import lowest_level, points, whole_figures
from servicecircle.report.standing_tables import BEST, quarter_start, ranking_section
from servicecircle.report.voice import PEOPLE, Voice

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from servicecircle.report.material import Material, When
    from servicecircle.report.model import Section
    from servicecircle.report.standing_tables import Since

Bulletin = Literal["monthly", "quarterly", "half_year", "annual"]

_SINCE: dict[Bulletin, tuple[When | Literal["quarter_start"], ...]] = {
    "monthly": ("last_month", "year_start"),
    "quarterly": ("quarter_start", "year_start"),
    "half_year": ("year_start", "last_year"),
    "annual": ("year_start", "last_year"),
}
_SECTIONS: dict[Bulletin, tuple[Callable[[Voice], Section], ...]] = {
    "monthly": (changes_section, overdue_section),
    "quarterly": (changes_section,),
    "half_year": (changes_section, clauses_section, tasks_section, problems_section),
    "annual": (changes_section, clauses_section, tasks_section, problems_section),
}


def bulletin(kind: Bulletin, material: Material) -> Report:
    """
    Return a bulletin.

    All of them rank 街道 and 乡镇. The monthly one adds what opened and closed and the tasks past due, and
    fits two pages; the quarterly one names both ends of each group; those of the half-year and the year add
    clauses against their deadlines, all tasks, and the problems with their remedies.
    """
    voice = Voice.of(material)
    since = _since(kind, material)
    ranking = ranking_section(voice, since, ends=BEST if kind == "quarterly" else 0)
    return Report(
        kind=kind, language=material.study.language,
        title=voice.say("title", name=material.study.name, kind=voice.say(kind)),
        subtitle=_period(voice, kind),
        maker=material.study.study.maker, as_of=material.as_of, stamp=stamp(material),
        front=_front(voice, since),
        sections=(ranking, *(section(voice) for section in _SECTIONS[kind])),
        cautions=cautions(material), provenance=provenance(material),
    )  # fmt: skip


def _since(kind: Bulletin, material: Material) -> Since:
    """Return the earlier runs; a public edition lacks the figures of villages that theirs are made of."""
    if material.study.output.public:
        return dict.fromkeys(_SINCE[kind])
    return {
        when: quarter_start(material) if when == "quarter_start" else material.earlier.get(when)
        for when in _SINCE[kind]
    }


def _period(voice: Voice, kind: Bulletin) -> str:
    day = voice.material.as_of
    key = {
        "monthly": "in_month", "quarterly": "in_quarter", "annual": "in_year",
        "half_year": "in_half" if day.month <= 6 else "in_second_half",
    }[kind]  # fmt: skip
    return voice.say(key, year=day.year, month=day.month, quarter=(day.month + 2) // 3)


def _front(voice: Voice, since: Since) -> tuple[Paragraph | Table, ...]:
    """Return the headlines: in words, and as a table with what may yet change and what did."""
    villages, text = own_villages(voice.material.run.zones), voice.text
    judged = villages[villages["state"].eq("judged")]
    counts = {key: int(judged["verdict"].eq(key).sum()) for key in ("met", "not_met", "to_verify")}
    holding = int(villages["units_with_facility"].gt(0).sum())
    rate, held = _share(counts["met"], len(judged)), _share(holding, len(villages))
    lead = voice.say(
        "lead", date=text.date(voice.material.as_of), all=text.count(len(villages)),
        judged=text.count(len(judged)), not_judged=text.count(len(villages) - len(judged)),
        share=text.share(rate), people=_people(voice),
        **{key: text.count(count) for key, count in counts.items()},
    )  # fmt: skip
    high = _share(counts["met"] + counts["to_verify"], len(judged))
    rows: list[tuple[Any, ...]] = [
        ("met_rate", rate, high, None, None),
        ("unit_coverage", held, None, None, None),
    ]
    for group in dict.fromkeys((voice.group, PEOPLE)):
        sums = whole_figures(voice.material.run.zones, group=group)
        rows.append((f"{group}_share", sums.share, sums.share_high, sums.certain, sums.doubtful))
    return Paragraph(lead, "lead"), _headlines(voice, since, rows)


def _headlines(voice: Voice, since: Since, rows: list[tuple[Any, ...]]) -> Table:
    columns = (
        Column("headline", voice.say("headline"), "text", 3.0), Column("share", voice.say("now"), "share"),
        *(Column(f"change_{when}", voice.say(when), "points") for when in since),
        Column("share_high", voice.say("share_high"), "share", 1.6),
        Column("certain", voice.say("certain"), "people", 1.4),
        Column("doubtful", voice.say("doubtful"), "people", 1.4),
    )  # fmt: skip
    told = tuple(
        (voice.say(key), share,
         *(points(share, run.shares.get((WHOLE, key)) if run else None) for run in since.values()), *rest)
        for key, share, *rest in rows
    )  # fmt: skip
    return Table("headlines", voice.say("headlines"), columns, told)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _people(voice: Voice) -> str:
    figures = whole_figures(voice.material.run.zones, group=voice.group)
    about = voice.text.about
    return voice.say(
        f"{voice.group}_lead", share=voice.text.share(figures.share), certain=about(figures.certain),
        doubtful=about(figures.doubtful),
    )  # fmt: skip


def own_villages(zones: pd.DataFrame) -> pd.DataFrame:
    """Return the villages, or what stands for them, each once with its own circle."""
    lowest = zones[zones["level"].eq(lowest_level(zones)) & zones["circle"].ne(OWN)]
    return lowest.drop_duplicates("code")
