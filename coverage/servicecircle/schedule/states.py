"""What is known of each scheduled run, kept beside its folder so that no crash leaves half of it."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from servicecircle.outputs.lasting import to_disk
from servicecircle.outputs.manifest import MADE_BY, MANIFEST

if TYPE_CHECKING:
    from servicecircle.study import Study

Status = Literal["running", "draft", "final", "held", "failed", "superseded"]
Result = Literal["published", "held", "unchanged", "failed"]
PUBLISHED = ("draft", "final")
FINISHED = ("draft", "final", "held")

_ID = re.compile(r"(\d{4,9})-\d{4}-\d{2}-\d{2}")
_TAIL = ".state.json"


class _File(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


_Kept = TypeVar("_Kept", bound=_File)


class Fact(_File):
    """
    A reason to hold a run back.

    Parameters
    ----------
    code
        Entry of the message catalogue.
    facts
        What its sentences name: what it is about, before, now, limit.
    """

    code: str
    facts: dict[str, str | float] = {}


class State(_File):
    """
    Where a scheduled run stands.

    Parameters
    ----------
    status
        `superseded`: before this one was approved, a newer run was published or the old inputs were put back.
    mark
        Digest of all it was made from; '' where that cannot be told.
    why
        What holds it back.
    error
        Why it failed, by language.
    headlines
        Shares of the whole by headline.
    verdicts
        How many villages have another verdict than in the run published before: changed, better, worse.
    published_at
        When `latest` first showed it.
    recorded
        Whether the history remembers it.
    """

    run_id: str = Field(pattern=f"^{_ID.pattern}$")
    status: Status
    started_at: AwareDatetime
    ended_at: AwareDatetime | None = None
    as_of: str = ""
    mark: str = ""
    why: tuple[Fact, ...] = ()
    error: dict[str, str] = {}
    headlines: dict[str, float] = {}
    verdicts: dict[str, int] = {}
    published_at: AwareDatetime | None = None
    recorded: bool = False
    approved_by: str = ""
    approved_on: dt.date | None = None


class Attempt(_File):
    """
    The last time that the study was due or asked for.

    Parameters
    ----------
    done_until
        All that was due until then is done with.
    """

    done_until: AwareDatetime
    result: Result
    run_id: str = ""


@dataclass(frozen=True, slots=True)
class Reports:
    """The folder in which the reports of a study are published."""

    root: Path

    @classmethod
    def of(cls, study: Study) -> Reports:
        """Return the folder that a study names, or `reports/<id>` beside it."""
        named = study.schedule.folder if study.schedule else None
        return cls(study.locate(named) if named else study.path.parent / "reports" / study.id)

    @property
    def runs(self) -> Path:
        """The folders of all runs, and their states."""
        return self.root / "runs"

    @property
    def latest(self) -> Path:
        """What shows the published run."""
        return self.root / "latest"

    @property
    def lock(self) -> Path:
        """Held while a run is under way."""
        return self.root / ".lock"

    @property
    def log(self) -> Path:
        """Where the log stands."""
        return self.root / "log"

    def folder(self, run_id: str) -> Path:
        """Return the output folder of a run."""
        return self.runs / run_id

    def whole(self, run_id: str) -> bool:
        """Tell whether a run's folder was written to its end."""
        return (self.folder(run_id) / MANIFEST).is_file()

    def manifest(self, run_id: str) -> dict[str, Any]:
        """Return what a run says of itself; nothing where that is lost or damaged."""
        return read_told(self.folder(run_id))

    def states(self) -> list[State]:
        """Return what is known of the runs, newest first; a damaged file tells nothing."""
        found = [_read(State, path) for path in self.runs.glob(f"*{_TAIL}")]
        known = [state for state in found if state is not None]
        return sorted(known, key=lambda state: serial(state.run_id), reverse=True)

    def unknown(self) -> list[str]:
        """Return the names of runs that nothing is known of: their state is lost or damaged."""
        known = {state.run_id for state in self.states()}
        return sorted({name for name in self._names() if name not in known})

    def next_id(self, today: dt.date) -> str:
        """Return a name for a new run. The number tells the order: a clock may be set back."""
        newest = max((serial(name) for name in self._names()), default=0)
        return f"{newest + 1:04d}-{today.isoformat()}"

    def save(self, state: State) -> None:
        """Write what is known of a run, all or nothing, and onto the disk."""
        write_safely(self.runs / f"{state.run_id}{_TAIL}", state.model_dump_json(indent=1))

    def forget(self, run_id: str) -> None:
        """Remove what is known of a run."""
        (self.runs / f"{run_id}{_TAIL}").unlink(missing_ok=True)

    def attempt(self) -> Attempt | None:
        """Return the last attempt; None where there was none, or its file is damaged."""
        return _read(Attempt, self.root / ".attempt.json")

    def save_attempt(self, attempt: Attempt) -> None:
        """Remember the last attempt."""
        write_safely(self.root / ".attempt.json", attempt.model_dump_json(indent=1))

    def _names(self) -> set[str]:
        names = {path.name.removesuffix(_TAIL) for path in self.runs.glob("*")}
        return {name for name in names if _ID.fullmatch(name)}


def read_told(folder: Path) -> dict[str, Any]:
    """Return the manifest of an output folder, without what reads its tables; empty where there is none."""
    try:
        told = json.loads((folder / MANIFEST).read_bytes())
        return dict(told) if told["made_by"] == MADE_BY else {}
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return {}


def serial(run_id: str) -> int:
    """Return the number of a run, which tells the order; 0 of what is no run."""
    found = _ID.fullmatch(run_id)
    return int(found.group(1)) if found else 0


def write_safely(path: Path, text: str) -> None:
    """Replace a file in one step that a power cut cannot halve."""
    new = path.with_name(f".{path.name}.tmp-{os.getpid()}")
    try:
        with new.open("w", encoding="utf-8") as stream:
            stream.write(text + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
    to_disk(path.parent)


def _read(kind: type[_Kept], path: Path) -> _Kept | None:
    try:
        return kind.model_validate_json(path.read_bytes())
    except (OSError, ValueError):
        return None
