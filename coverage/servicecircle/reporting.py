"""Which reports a run writes, and how they look: `[report]` of the study file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class Reporting(BaseModel):
    """
    `[report]`: the kinds of report, their file formats, and a style file.

    Parameters
    ----------
    kinds
        `full` is report.html, .docx and .xlsx; `sheets` one page per street and township, and a zip of them;
        the others are the bulletins.
    style
        A TOML file: fonts, logo, order of sections.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kinds: tuple[Literal["full", "sheets", "monthly", "quarterly", "half_year", "annual"], ...] = (
        "full",
        "sheets",
    )
    formats: tuple[Literal["html", "docx", "xlsx"], ...] = ("html", "docx", "xlsx")
    style: Annotated[str, Field(min_length=1)] | None = None
