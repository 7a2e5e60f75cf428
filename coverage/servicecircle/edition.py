"""What a run writes, and for whom: `[output]` of the study file."""

from __future__ import annotations

import os
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from servicecircle.database import as_sink

KEY = r"^([0-9A-Za-z]{8,64})?$"


class Output(BaseModel):
    """
    `[output]`: the folder to write, the edition, and a database that gets the results too.

    The public edition needs the number of its map review (审图号); the internal one must not be published.

    Parameters
    ----------
    pictures
        Whether every map is written as PNG and PDF too.
    font
        The font file of the pictures; None: a known one that is installed.
    base_maps
        Online base maps that a reader of the pages may switch on.
    tianditu_key
        The user's own key for Tianditu, shown to every reader of the pages; or `TIANDITU_KEY` in the
        environment.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    folder: str | None = None
    pictures: bool = True
    font: str | None = None
    base_maps: tuple[Literal["osm", "tianditu", "gaode"], ...] = ()
    tianditu_key: Annotated[str, Field(pattern=KEY)] = Field(
        default_factory=lambda: os.environ.get("TIANDITU_KEY", ""), validate_default=True
    )
    edition: Literal["internal", "public"] = "internal"
    map_review: str = ""
    postgis: Annotated[str, AfterValidator(as_sink)] | None = None
    schema_: Annotated[str, Field(min_length=1)] | None = Field(default=None, alias="schema")

    @model_validator(mode="after")
    def _reviewed(self) -> Output:
        if self.edition == "public" and not self.map_review.strip():
            raise PydanticCustomError("no_review", "a public edition needs its `map_review`")
        return self

    @property
    def public(self) -> bool:
        """Whether anybody may read it."""
        return self.edition == "public"
