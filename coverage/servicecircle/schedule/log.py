"""The log of scheduled runs: one JSON object a line, in a file that is rotated by size."""

from __future__ import annotations

import datetime as dt
import json
import logging
import math
import re
import time
from collections.abc import Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from servicecircle.database import redacted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    OnProgress = Callable[[str, float], None]

Level = Literal["info", "warning", "error"]

LOG_FILE = "schedule.log"
_BYTES, _FILES = 1_000_000, 5
"""Size at which a file of the log is put aside, and how many of those are kept."""

# what a terminal obeys or a viewer takes for the end of a line, besides what JSON escapes by itself
_UNSEEN = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_OWN = ("run_id", "stage", "seconds")
"""Facts that stand beside the event; all others are gathered under `facts`."""


@contextmanager
def stage_log(folder: Path) -> Iterator[Log]:
    """
    Open the log of a folder for the length of a block.

    A log that cannot be written, on a full disk or in a folder that may not be written, stops nothing.

    Parameters
    ----------
    folder
        Where `schedule.log` and the files put aside, `schedule.log.1` to `.5`, stand; made where absent.
    """
    path = Path(folder) / LOG_FILE
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):
        _end_line(path)
    handler = _Rotating(
        path, maxBytes=_BYTES, backupCount=_FILES, encoding="utf-8", errors="backslashreplace", delay=True
    )
    handler.setFormatter(_Line())
    try:
        yield Log(handler)
    finally:
        with suppress(OSError):  # what a full disk still owes
            handler.close()


@dataclass(frozen=True, slots=True)
class Log:
    """
    A log that is open.

    Parameters
    ----------
    handler
        Writes the lines; `logging` knows of no logger behind it, so the program's own stay untouched.
    run_id
        Stands in every line.
    """

    handler: logging.Handler
    run_id: str = ""

    def of_run(self, run_id: str) -> Log:
        """Return the same log with a run's id in every line."""
        return replace(self, run_id=run_id)

    def event(self, name: str, /, *, level: Level = "info", **facts: Any) -> None:
        """Write one line; facts are anything that JSON knows or `str` makes a text of."""
        given = {"run_id": self.run_id, **facts} if self.run_id else facts
        record = logging.makeLogRecord({"levelname": level, "msg": name, "given": given})
        with suppress(OSError):
            self.handler.handle(record)

    def stage(self, name: str, seconds: float, /, *, level: Level = "info", **facts: Any) -> None:
        """Write that a stage has ended, and how long it took."""
        self.event("stage", level=level, stage=name, seconds=round(seconds, 3), **facts)

    def on_progress(self, report: OnProgress | None = None) -> StageWatch:
        """Return a callback for `run` and `write` that logs each stage; `with` ends the last of them."""
        return StageWatch(self, report)


@dataclass(slots=True)
class StageWatch:
    """
    Called as each stage begins: writes a line on the one before, and hands the call on.

    As a context manager it writes the line on the last stage too, as an error if the block raised.
    """

    log: Log
    report: OnProgress | None = None
    _stage: str = field(default="", init=False)
    _since: float = field(default=0.0, init=False)

    def __call__(self, stage: str, share: float) -> None:
        """Begin a stage."""
        self.end()
        self._stage, self._since = stage, time.perf_counter()
        if self.report:
            self.report(stage, share)

    def end(self, *, level: Level = "info", **facts: Any) -> None:
        """End the stage that is under way, if any."""
        if self._stage:
            self.log.stage(self._stage, time.perf_counter() - self._since, level=level, **facts)
        self._stage = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.end()
        else:
            self.end(level="error", error=kind.__name__)


def read_log(folder: Path, *, last: int = 100) -> list[dict[str, Any]]:
    """
    Return the newest lines of a log, oldest first, across the files put aside.

    A line that a killed process left half written is passed over.
    """
    found: list[dict[str, Any]] = []
    names = [LOG_FILE, *(f"{LOG_FILE}.{n}" for n in range(1, _FILES + 1))]
    for name in names:
        if len(found) >= last:
            break
        with suppress(OSError):
            lines = (Path(folder) / name).read_bytes().split(b"\n")
            found = [entry for line in lines if (entry := _entry(line))] + found
    return found[-last:] if last > 0 else []


def plain(value: Any) -> Any:
    """Return a value as JSON knows it: no NaN, no infinity, and no password of a database."""
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(part) for part in value]
    if hasattr(value, "item"):  # a number of numpy's
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int) else redacted(str(value))


class _Line(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        given = dict(plain(getattr(record, "given", {})))
        at = dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds")
        line = {"time": at, "level": record.levelname, "event": record.msg}
        line |= {key: given.pop(key) for key in _OWN if key in given}
        text = json.dumps({**line, "facts": given}, ensure_ascii=False)
        return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class _Rotating(RotatingFileHandler):
    """A full disk, or a file held open by another program on Windows, costs lines but never a run."""

    def doRollover(self) -> None:  # noqa: N802  the name is the standard library's
        with suppress(OSError):
            super().doRollover()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  as above
        """Pass over a line that cannot be written."""


def _end_line(path: Path) -> None:
    """End the line that a killed process left half written, so that the next one stands by itself."""
    if not path.is_file() or path.stat().st_size == 0:
        return
    with path.open("rb") as stream:
        stream.seek(-1, 2)
        ended = stream.read(1) == b"\n"
    if not ended:
        with path.open("ab") as stream:  # at the end, whoever else has written since
            stream.write(b"\n")


def _entry(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None
