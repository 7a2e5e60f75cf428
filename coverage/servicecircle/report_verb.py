"""The command `servicecircle report`: reports of a run that is already written, of any kind and language."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from servicecircle.terminal import show_text


class ReportKind(StrEnum):
    """The kinds of report."""

    full = "full"
    sheets = "sheets"
    monthly = "monthly"
    quarterly = "quarterly"
    half_year = "half_year"
    annual = "annual"


def report(
    study: Annotated[Path, typer.Argument(metavar="STUDY", help="Study file (TOML). 研究文件。")],
    kind: Annotated[
        list[ReportKind] | None,
        typer.Option(
            "--kind", "-k", help="May be given several times; default: full. 报告种类。", show_default=False
        ),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(
            "--run", help="Folder of the run; default: the study's. 运行成果文件夹。", show_default=False
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Folder to write; default: reports-<date> beside the study. 输出文件夹。",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write reports of the last run: full, one per township, bulletins. 由已有成果编写报告。"""
    from servicecircle.outputs.reading import read_run
    from servicecircle.pipeline import measure
    from servicecircle.report.material import SignOff
    from servicecircle.report.remembered import material_of
    from servicecircle.report.write import write_report_folder
    from servicecircle.study import Study

    read = Study.from_file(study)
    written = read_run(run or read.folder)
    read = read.in_language("en" if written.manifest["study"]["language"] == "en" else "zh")
    asked = read.report.model_copy(update={"kinds": tuple(k.value for k in kind or [ReportKind.full])})
    read = read.model_copy(update={"report": asked})
    material = material_of(read, written, sign_off=SignOff(), measure=measure)
    folder = output or study.parent / f"reports-{material.as_of}"
    for path in write_report_folder(material, folder):
        show_text(str(path))
