"""A report with every kind of block, of numbers one can check and of names that try to break out."""

from __future__ import annotations

import datetime as dt

import numpy as np
from PIL import Image

from servicecircle.report.model import Column, Figure, Paragraph, Points, Report, Section, Table

HOSTILE = (
    "{{7*7}}",
    "{% raw %}",
    "<img src=x onerror=alert(1)>",
    "</style><script>alert(2)</script>",
    "=1+2",
    "@SUM(A1)",
    "-2+3|cmd",
    "مركز الرعاية",
    "evil\x00\x0b\u202egnp.exe\ud800",
    "长" * 5000,
)
COLUMNS = (
    ("name", ("名称", "Name"), "text", 2.0), ("code", ("代码", "Code"), "code", 1.0),
    ("facilities", ("设施（处）", "Facilities"), "count", 1.0), ("people", ("人口", "People"), "people", 1.0),
    ("share_within", ("人口覆盖率", "Share of people covered"), "share", 1.0),
    ("change", ("较上月", "Against last month"), "points", 1.0),
    ("metres", ("步行距离（米）", "Walk (m)"), "metres", 1.0),
    ("median_seconds", ("步行时间（分钟）", "Walk (min)"), "minutes", 1.0),
    ("beds_per_1000", ("每千名老年人床位", "Beds per 1000 elderly"), "decimal", 1.0),
    ("deadline", ("期限", "Deadline"), "date", 1.0),
)  # fmt: skip
SHARES = (0.9999, 1.0, 0.89999, 0.9, 0.0, 0.29, 0.58, 0.57, 0.0005, float("nan"))


def columns(language):
    at = 0 if language == "zh" else 1
    return tuple(Column(key, title[at], form, width) for key, title, form, width in COLUMNS)


def rows():
    """Return a row per hostile name, with shares that rounding would lift, and with unknown figures."""
    found = []
    for number, (name, share) in enumerate(zip(HOSTILE, SHARES, strict=True)):
        odd = number % 2
        people = None if number == 3 else 1234.5 * number + 0.4 * odd
        seconds = float("inf") if odd else 61.0 * number
        found.append((
            name, f"0{410921001000 + number}", float(number), people, share, (share - 0.5) * 100,
            812.4 + number, seconds, 3.25, "" if odd else "2025-12-31",
        ))  # fmt: skip
    return tuple(found)


def table(language, name="all", title=None, **options):
    title = title or {"zh": "各乡镇覆盖情况", "en": "Townships"}[language]
    return Table(name, title, columns(language), rows(), **options)


def village(language, number):
    """Return the small table of a village."""
    heads = {"zh": ("指标", "数值", "占比"), "en": ("Item", "Figure", "Share")}[language]
    forms = ("text", "people", "share")
    lines = tuple(
        (f"{heads[0]}{row}", 10.0 * row + number, ((row * 37 + number) % 101) / 100) for row in range(8)
    )
    of = {"zh": f"第{number}村覆盖情况", "en": f"Village {number}"}[language]
    found = tuple(
        Column(f"c{k}", head, form) for k, (head, form) in enumerate(zip(heads, forms, strict=True))
    )
    return Table(f"village-{410921001000 + number}", of, found, lines)


def drawn(path, size=(1600, 900)):
    """Draw a picture as wide as the maps are."""
    across, up = np.meshgrid(np.linspace(0, 255, size[0]), np.linspace(0, 255, size[1]))
    image = Image.fromarray(np.dstack([across, up, np.full_like(up, 120)]).astype("uint8") // 32 * 32)
    image.save(path, dpi=(170, 170))
    return path


def made_report(language, folder, *, villages=3, kind="full", stamp=True):
    """Return a report; its picture is drawn into a folder."""
    zh = language == "zh"
    figure = Figure("overview", "覆盖缺口图" if zh else "Gap map", drawn(folder / "overview.png"),
                    "各村覆盖率分布" if zh else "Villages by share covered")  # fmt: skip
    wide = Table("wide", "宽表" if zh else "A wide table",
                 tuple(Column(f"k{k}", f"第{k}列" if zh else f"Column {k}", "count") for k in range(16)),
                 tuple(tuple(float(row * k) for k in range(16)) for row in range(40)))  # fmt: skip
    units = tuple(
        Section(
            f"village-{number}", f"第{number}村" if zh else f"Village {number}", (village(language, number),)
        )
        for number in range(villages)
    )
    sections = (
        Section("coverage", "覆盖情况" if zh else "Coverage", (
            Paragraph("各乡镇（街道）覆盖情况如下。" if zh else "Townships one by one."),
            table(language, notes=("只舍不入。", "含待核实。") if zh else ("Cut.", "With doubtful ones."),
                  strong=frozenset({0})),
            figure,
        ), (
            Section("gaps", f"未覆盖片区{HOSTILE[2]}" if zh else f"Gaps {HOSTILE[2]}", (
                Points(("第一条", HOSTILE[3]) if zh else ("One", HOSTILE[3])),
                Paragraph("推算人口" if zh else "Modelled people", "note"),
                Table("empty", "空表" if zh else "Empty", columns(language), ()),
            )),
        )),
        Section("wide", "宽表" if zh else "Wide", (wide,), new_page=True),
        Section("villages", "一村一表" if zh else "Villages", (), units, new_page=True),
    )  # fmt: skip
    return Report(
        kind=kind, language=language,
        title=f"示例县{HOSTILE[0]}养老服务设施" if zh else f"Sample {HOSTILE[0]}",
        subtitle="覆盖评估报告" if zh else "Coverage report", maker="示例县民政局" if zh else "Civil affairs",
        as_of=dt.date(2026, 6, 30), stamp=("送审稿" if zh else "Draft for sign-off") if stamp else "",
        front=(
            Paragraph("达标率45.5%。" if zh else "45.5% meet it.", "lead"),
            Points(("甲", "乙") if zh else ("a", "b")),
            Paragraph("人口为推算人口。" if zh else "People are modelled.", "caution"),
        ),
        sections=sections,
        cautions=("供绩效考核参考，非考核结果。", "内部工作用图，不得公开。") if zh
        else ("Reference for assessment, not its result.", 'Not "public" </style>.'),
        provenance="程序版本0.6" if zh else "Version 0.6",
    )  # fmt: skip
