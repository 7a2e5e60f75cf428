"""What is remembered of each run, and for how long: `[history]` of the study file."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from servicecircle.database import Database, is_database

Runs = Annotated[int, Field(ge=1)]


def _place(database: str) -> str:
    return Database(database) if is_database(database) else database


class History(BaseModel):
    """
    `[history]`: the database that keeps each run, and how many runs stay in it.

    Parameters
    ----------
    database
        A file, or `postgresql://…` for several machines; None: `history/<id>.sqlite` beside the study.
    keep_runs
        Newest runs whose figures are kept.
    keep_inputs
        Newest runs whose input files are kept too, each content once.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    database: Annotated[str, Field(min_length=1), AfterValidator(_place)] | None = None
    keep_runs: Runs = 60
    keep_inputs: Annotated[int, Field(ge=0)] = 12
