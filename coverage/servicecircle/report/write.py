"""The reports of a run, written into its output folder."""

from __future__ import annotations

import os
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from servicecircle.errors import InputError
from servicecircle.history.trend import write_history
from servicecircle.outputs.folder import atomic_folder
from servicecircle.outputs.manifest import MANIFEST, write_manifest
from servicecircle.report.bulletin import bulletin
from servicecircle.report.bundle import write_zip
from servicecircle.report.charts import draw_charts
from servicecircle.report.docx import write_docx
from servicecircle.report.full import full_report
from servicecircle.report.page import write_html
from servicecircle.report.pictures import Album
from servicecircle.report.sheet import sheet_codes, sheet_name, township_sheet
from servicecircle.report.style import read_style
from servicecircle.report.workbook import write_xlsx

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servicecircle.report.material import Material
    from servicecircle.report.model import Report
    from servicecircle.report.style import Style

SHEETS = "reports/townships"


def write_report_folder(material: Material, folder: Path) -> list[Path]:
    """
    Write the reports of a run into a folder of their own, all or nothing.

    Raises
    ------
    InputError
        The folder is that of a run.
    OutputError
        It cannot be written, or holds something else.
    """
    if (folder / "zones.csv").exists():
        raise InputError("report.over_run", where=str(folder))
    with atomic_folder(folder, run_id=f"{os.getpid()}-{uuid.uuid4().hex[:8]}") as new:
        written = write_reports(material, new)
        told = {key: material.run.manifest[key] for key in ("study", "started_at", "version")}
        write_manifest(told, written, new / MANIFEST)
        names = [path.relative_to(new) for path in written]
    return [folder / name for name in names]


def write_reports(material: Material, folder: Path) -> list[Path]:
    """
    Write every kind of report that the study asks for.

    Parameters
    ----------
    folder
        The run's output folder, with its tables and pictures.

    Returns
    -------
    paths
        What was written: `report.*`, `reports/<kind>.*`, `reports/townships/*.docx` and a zip of them,
        charts, and `history.csv` where there is a history.

    Raises
    ------
    InputError
        The style file cannot be used.
    """
    wanted = material.study.report
    style = read_style(material.study.locate(wanted.style) if wanted.style else None)
    album = Album()
    charts = draw_charts(material, folder)
    material = replace(material, charts=charts)
    written = [chart.path for chart in charts]
    if len(material.clauses):
        written.append(write_history(material.clauses, folder / "history.csv"))
    for kind in wanted.kinds:
        if kind == "sheets":
            written += _write_sheets(material, folder / SHEETS, style, album)
            continue
        report = full_report(material) if kind == "full" else bulletin(kind, material)
        place = folder / "report" if kind == "full" else folder / "reports" / kind
        place.parent.mkdir(exist_ok=True)
        written += _write(style.ordered(report), place, wanted.formats, style, album)
    return written


def _write(
    report: Report, place: Path, formats: tuple[str, ...], style: Style, album: Album
) -> Iterator[Path]:
    """Write a report in each format, beside each other."""
    if "html" in formats:
        yield write_html(report, place.with_name(f"{place.name}.html"), style=style, album=album)
    if "docx" in formats:
        yield write_docx(report, place.with_name(f"{place.name}.docx"), style=style, album=album)
    if "xlsx" in formats:
        yield write_xlsx(report, place.with_name(f"{place.name}.xlsx"))


def _write_sheets(material: Material, folder: Path, style: Style, album: Album) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    names = {row["code"]: row["name"] for row in material.run.zones[["code", "name"]].to_dict("records")}
    written = [
        write_docx(
            township_sheet(material, code),
            folder / sheet_name(code, str(names[code])),
            style=style,
            album=album,
        )
        for code in sheet_codes(material)
    ]
    return [*written, write_zip(written, folder.with_suffix(".zip"))] if written else []
