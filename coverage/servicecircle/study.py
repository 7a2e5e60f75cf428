"""The study file: which inputs, which rules, where to write. Its keys are the contract with the user."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from servicecircle import words
from servicecircle.database import as_part, as_source, redacted
from servicecircle.edition import Output
from servicecircle.errors import InputError
from servicecircle.keeping import History
from servicecircle.kinds import KINDS, RURAL_KINDS, URBAN_KINDS
from servicecircle.reporting import Reporting
from servicecircle.scheduling import Schedule
from servicecircle.slips import toml_slip, wrong_value
from servicecircle.units import metres_in

Level = Literal["prefecture", "county", "township", "village"]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Source = Annotated[str, Field(min_length=1)]
Origin = Annotated[Source, AfterValidator(as_source)]
"""A file, or a database whose table the key `layer` before it names."""

Part = Annotated[Source, AfterValidator(as_part)]
"""A file, or a database whose table follows behind a `#`."""

Share = Annotated[float, Field(ge=0, le=1)]


def _known_datum(datum: str) -> str:
    if datum not in {"auto", "wgs84", "cgcs2000", "gcj02", "bd09"} and not datum.upper().startswith("EPSG:"):
        raise PydanticCustomError("unknown_datum", "unknown datum {datum}", {"datum": datum})
    return datum


Datum = Annotated[str, AfterValidator(_known_datum)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


REGISTERS = ("units", "estates", "medical", "family_beds", "assigned", "indicators", "tasks")
"""Tables beside the facilities, each with a `source`, that clauses may need."""


class StudyTable(_Table):
    """`[study]`: what the study is called and dated, its language and CRS, and what was verified on site."""

    name: str = ""
    id: Annotated[str, Field(pattern=r"^[a-z0-9_-]*$")] = ""
    language: Literal["zh", "en"] = "zh"
    as_of: dt.date | None = None
    crs: str = "auto"
    verified: str | None = None
    maker: str = ""


class Streets(_Table):
    """`[streets]`: one street source, more roads to add to it, and a layer of barriers."""

    layer: str | None = None
    source: Annotated[str, AfterValidator(as_source)] = ""
    extra: tuple[Part, ...] = ()
    barriers: Part | None = None
    place: str | None = None
    credit: str | None = None

    @model_validator(mode="after")
    def _one_of(self) -> Streets:
        if not self.source and not self.place:
            raise PydanticCustomError("no_source", "streets need a `source`")
        return self


class FacilityTable(_Table):
    """One `[[facilities]]` entry."""

    layer: str | None = None
    source: Origin
    datum: Datum = "auto"
    sheet: str | None = None
    kind: str | None = None
    corrections: str | None = None
    columns: dict[str, str] = {}

    @field_validator("kind")
    @classmethod
    def _known_kind(cls, kind: str | None) -> str | None:
        return kind if kind is None else _known(kind)


class ZoneTable(_Table):
    """One `[[zones]]` entry: the zones of one level."""

    level: Level
    layer: str | None = None
    source: Origin
    sheet: str | None = None
    columns: dict[str, str] = {}


class People(_Table):
    """`[people]`: where people live, in which groups, and the census totals to scale them to."""

    layer: str | None = None
    source: Origin
    column: str | None = None
    basis: Literal["resident", "registered"] = "resident"
    year: int | None = None
    spread_m: Positive = 50.0
    groups: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], str] = {}
    totals: str | None = None
    buildings: str | None = None
    household: bool = False

    @field_validator("groups", mode="before")
    @classmethod
    def _ids_of_groups(cls, groups: Any) -> Any:
        """Call a group that is named as a table's header would, such as 失能, by its id."""
        if not isinstance(groups, dict):
            return groups
        ids = {header: field for field, headers in words.table("fields").items() for header in headers}
        return {
            ids.get(name, name) if not name.isascii() else name: source for name, source in groups.items()
        }


class RegisterTable(_Table):
    """A register beside the facilities, such as `[units]` or `[tasks]`."""

    layer: str | None = None
    source: Origin
    sheet: str | None = None
    columns: dict[str, str] = {}


class EstateTable(RegisterTable):
    """`[estates]`: housing estates; those built on `new_from` or later are new where nothing else tells."""

    datum: Datum = "auto"
    new_from: dt.date | None = None


class MedicalTable(RegisterTable):
    """`[medical]`: medical institutions."""

    datum: Datum = "auto"


class SnapLimits(_Table):
    """How far a point may lie from the streets and still be placed on them."""

    facilities: Positive = 300.0
    urban: Positive = 200.0
    rural: Positive = 300.0


class CircleRule(_Table):
    """One `[[rules.circles]]` entry: a further circle beside the two."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    name: str = ""
    applies: Literal["all", "urban", "rural"] = "all"
    minutes: Positive | None = None
    metres: Positive | None = None
    kinds: tuple[str, ...]

    @field_validator("kinds")
    @classmethod
    def _known_kinds(cls, kinds: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_known(kind) for kind in kinds)

    @model_validator(mode="after")
    def _one_limit(self) -> CircleRule:
        if (self.minutes is None) == (self.metres is None):
            raise PydanticCustomError("one_limit", "circle {id} needs one limit", {"id": self.id})
        if self.id in {"15min", "1km", "own"}:
            raise PydanticCustomError("taken_id", "circle id {id} is taken", {"id": self.id})
        return self


class Rules(_Table):
    """`[rules]`: the profile and every parameter the documents leave open."""

    profile: str = "puyang"
    walk_kmh: Positive = 4.0
    urban_minutes: Positive = 15.0
    rural_metres: Positive = 1000.0
    measure: Literal["network", "straight"] = "network"
    share_required: Share = 0.9
    snap_m: SnapLimits = SnapLimits()
    islet_m: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1000.0
    doubt_detour: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 2.0
    gap_join_m: Positive = 150.0
    circle_buffer_m: Positive = 25.0
    walk_trunk: bool = True
    barriers: bool | None = None
    connector_m: Positive = 100.0
    class_share: Share = 0.5
    beds_per_1000: Positive = 40.0
    compare: str = ""
    urban_kinds: tuple[str, ...] = URBAN_KINDS
    rural_kinds: tuple[str, ...] = RURAL_KINDS
    default_class: Literal["urban", "rural", "none"] = "rural"
    circles: tuple[CircleRule, ...] = ()

    @field_validator("snap_m", mode="before")
    @classmethod
    def _one_number_sets_all(cls, value: Any) -> Any:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return {"facilities": value, "urban": value, "rural": value}
        return value

    @field_validator("urban_kinds", "rural_kinds")
    @classmethod
    def _known_kinds(cls, kinds: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_known(kind) for kind in kinds)

    @field_validator("circles")
    @classmethod
    def _each_id_once(cls, circles: tuple[CircleRule, ...]) -> tuple[CircleRule, ...]:
        ids = [circle.id for circle in circles]
        again = next((i for i in ids if ids.count(i) > 1), None)
        if again is not None:
            raise PydanticCustomError("taken_id", "circle id {id} is taken", {"id": again})
        return circles


class Circle(_Table):
    """A service circle as it is judged: who it applies to, its limit, and which facilities count."""

    id: str
    name: str
    applies: Literal["all", "urban", "rural"]
    limit: float
    limit_unit: Literal["min", "m"]
    limit_m: float
    kinds: tuple[str, ...]


class Study(_Table):
    """
    A study file, read and checked.

    Parameters
    ----------
    path
        The file it came from; relative paths in it are relative to that file's folder.
    text
        The file's text, without passwords.
    online
        Whether what the study names on the web may be read; never set by the file.
    """

    study: StudyTable = StudyTable()
    streets: Streets
    facilities: Annotated[tuple[FacilityTable, ...], Field(min_length=1)]
    zones: Annotated[tuple[ZoneTable, ...], Field(min_length=1)]
    people: People
    units: RegisterTable | None = None
    estates: EstateTable | None = None
    medical: MedicalTable | None = None
    family_beds: RegisterTable | None = None
    assigned: RegisterTable | None = None
    indicators: RegisterTable | None = None
    tasks: RegisterTable | None = None
    rules: Rules = Rules()
    output: Output = Output()
    history: History | None = None
    report: Reporting = Reporting()
    schedule: Schedule | None = None
    path: Path = Field(default=Path("study.toml"), exclude=True)
    text: str = Field(default="", exclude=True, repr=False)
    online: bool = Field(default=False, exclude=True)

    @classmethod
    def from_file(cls, path: str | Path) -> Study:
        """
        Read a study file.

        Raises
        ------
        InputError
            With the line and the mend: no such file, not UTF-8, not TOML, unknown key, wrong value.
        """
        path = Path(path)
        text = _read_text(path)
        try:
            data = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise toml_slip(path, text, error) from error
        try:
            return cls.model_validate(
                {**data, "path": path.resolve(), "text": redacted(text), "online": False}
            )
        except ValidationError as error:
            raise wrong_value(path, text, error) from error

    @property
    def id(self) -> str:
        """The study's id; the file's stem where none is given."""
        return self.study.id or re.sub(r"[^a-z0-9_-]+", "-", self.path.stem.lower()).strip("-") or "study"

    @property
    def name(self) -> str:
        """The title on maps and reports."""
        return self.study.name or self.id

    @property
    def language(self) -> Literal["zh", "en"]:
        """The language of pages, workbooks and findings."""
        return self.study.language

    @property
    def folder(self) -> Path:
        """The folder that `run` writes."""
        return self.locate(self.output.folder) if self.output.folder else self.path.parent / "maps" / self.id

    @property
    def registers(self) -> dict[str, RegisterTable]:
        """The registers that the study names, by their table."""
        named = {name: getattr(self, name) for name in REGISTERS}
        return {name: table for name, table in named.items() if table is not None}

    @property
    def circles(self) -> tuple[Circle, ...]:
        """The circles that are judged: the urban one, the rural one, then the study's own."""
        rules = self.rules
        urban_m = metres_in(rules.urban_minutes, rules.walk_kmh)
        return (
            Circle(id="15min", name="", applies="urban", limit=rules.urban_minutes, limit_unit="min",
                   limit_m=urban_m, kinds=rules.urban_kinds),
            Circle(id="1km", name="", applies="rural", limit=rules.rural_metres, limit_unit="m",
                   limit_m=rules.rural_metres, kinds=rules.rural_kinds),
            *(self._further(circle) for circle in rules.circles),
        )  # fmt: skip

    def _further(self, rule: CircleRule) -> Circle:
        named = {"id": rule.id, "name": rule.name or rule.id, "applies": rule.applies, "kinds": rule.kinds}
        if rule.minutes is None:
            limits = {"limit": rule.metres, "limit_unit": "m", "limit_m": rule.metres}
        else:
            limit_m = metres_in(rule.minutes, self.rules.walk_kmh)
            limits = {"limit": rule.minutes, "limit_unit": "min", "limit_m": limit_m}
        return Circle.model_validate({**named, **limits})

    def in_language(self, language: Literal["zh", "en"]) -> Study:
        """Return the same study with its outputs in another language."""
        return self.model_copy(update={"study": self.study.model_copy(update={"language": language})})

    def going_online(self) -> Study:
        """Return the same study, allowed to read what it names on the web."""
        return self.model_copy(update={"online": True})

    def locate(self, source: str) -> Path:
        """Return the path of a file that the study names."""
        try:
            return (self.path.parent / source).resolve()
        except (ValueError, OSError) as error:  # a NUL character, a loop of links
            raise InputError("study.no_path", where=str(self.path), source=source) from error


def _known(kind: str) -> str:
    if kind not in KINDS:
        facts = {"kind": kind, "known": ", ".join(KINDS)}
        raise PydanticCustomError("unknown_kind", "unknown facility kind {kind}", facts)
    return kind


def _read_text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise InputError("study.missing", where=str(path), path=str(path)) from error
    except OSError as error:
        raise InputError("study.unreadable", where=str(path), why=error.strerror or str(error)) from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise InputError("study.not_utf8", where=f"{path}:{line}") from error
