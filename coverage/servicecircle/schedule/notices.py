"""
Who wants to know is told: by a command of the user's, and by e-mail.

Nothing here stops a run. Names come from files and may hold anything, so whatever is printed is one line, and
facts are handed to the command as JSON on its standard input, never as arguments.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, Literal

from servicecircle import words
from servicecircle.database import redacted
from servicecircle.schedule import mail
from servicecircle.schedule.log import plain
from servicecircle.units import percent

if TYPE_CHECKING:
    from servicecircle.scheduling import Mail
    from servicecircle.study import Study

Event = Literal["published", "refused", "failed", "verdict_changed"]

_WAIT_S = 60
"""What a command may take."""

_SHORT, _LONG, _TAIL, _LINES = 120, 1000, 500, 50
"""Most characters of a name, of a value and of what a command printed last; most lines of a list."""


def notify(study: Study, event: Event, facts: Mapping[str, Any]) -> list[str]:
    """
    Tell of an event as the study's `[schedule]` asks for, and return what went wrong.

    What is returned is in the study's language. Each way is tried, whatever becomes of the other.

    Parameters
    ----------
    facts
        Known here: `status` ("draft", "final"), `as_of`, `run_id`, `headlines` (shares), `verdicts` (counts
        `changed`, `better`, `worse`), `why` (lines), `error`, `folder`, `latest`. The command gets all
        others too, the e-mail none of them.
    """
    schedule = study.schedule
    if schedule is None:
        return []
    given = plain(facts)
    wrong: list[str] = []
    if schedule.command:
        wrong += _command(study, schedule.command, event, given)
    if schedule.mail:
        wrong += _mail(study, schedule.mail, event, given)
    return wrong


# ---------------------------------------------------------------- what is said


def subject_of(study: Study, event: Event, facts: Mapping[str, Any]) -> str:
    """Return the subject of the e-mail: what happened, the study, and the date of its data."""
    said = _say(study, "subject", _kind(event, facts), name=_line(study.name, _SHORT))
    as_of = _line(facts.get("as_of") or "", _SHORT)
    return f"{said} {as_of}".strip()


def body_of(study: Study, event: Event, facts: Mapping[str, Any]) -> str:
    """Return the text of the e-mail: study, date, headlines, why, and where the reports are."""
    kind, name = _kind(event, facts), _line(study.name, _SHORT)
    lines = [_say(study, "lead", kind, name=name), ""]
    lines += [
        _say(study, "field", key, value=_line(facts[key])) for key in ("as_of", "run_id") if facts.get(key)
    ]
    lines += _headlines(study, facts.get("headlines"))
    lines += _verdicts(study, facts.get("verdicts"))
    if facts.get("why"):
        lines += [_say(study, "field", "why"), *_listed(study, _texts(facts["why"]))]
    keys = ("error", "folder", "latest")
    lines += [_say(study, "field", key, value=_line(facts[key])) for key in keys if facts.get(key)]
    lines += ["", _say(study, "next", kind), _caution(study), _say(study, "field", "closing"), ""]
    return "\n".join(lines)


def _kind(event: Event, facts: Mapping[str, Any]) -> str:
    return "draft" if event == "published" and facts.get("status") == "draft" else event


def _headlines(study: Study, shares: Any) -> list[str]:
    if not isinstance(shares, Mapping) or not shares:
        return []
    named = words.table("history")
    lines = []
    for key, share in shares.items():
        label = named[key][_side(study)] if key in named else _line(key, _SHORT)
        value = percent(share) if isinstance(share, float | int) and math.isfinite(share) else "—"
        lines.append(_say(study, "field", "pair", label=label, value=value))
    return [_say(study, "field", "headlines"), *_listed(study, lines)]


def _verdicts(study: Study, counts: Any) -> list[str]:
    if not isinstance(counts, Mapping) or not counts.get("changed"):
        return []
    return [_say(study, "field", "verdicts", **{k: counts.get(k, 0) for k in ("changed", "better", "worse")})]


def _listed(study: Study, lines: list[str]) -> list[str]:
    more = len(lines) - _LINES
    rest = [_say(study, "field", "more", count=more)] if more > 0 else []
    return [f"  - {line}" for line in (*lines[:_LINES], *rest)]


def _texts(value: Any) -> list[str]:
    several = isinstance(value, Iterable) and not isinstance(value, str | Mapping)
    return [_line(part) for part in (value if several else [value])]


def _caution(study: Study) -> str:
    said: str = words.table("cautions")["assessment"][_side(study)]
    return said


def _say(study: Study, group: str, key: str, **facts: Any) -> str:
    entry: list[str] = words.table("notices")[group][key]
    return entry[_side(study)].format_map(facts)


def _side(study: Study) -> int:
    return 0 if study.language == "zh" else 1


def _line(value: Any, most: int = _LONG) -> str:
    """Return a value of unknown origin as one line that any mail can hold, without what is not seen."""
    text = " ".join(redacted(str(value)).split())
    text = "".join(c for c in text if c.isprintable())
    return f"{text[:most]}…" if len(text) > most else text


# ---------------------------------------------------------------- by a command


def _command(study: Study, command: tuple[str, ...], event: Event, facts: Mapping[str, Any]) -> list[str]:
    told = {
        "event": event,
        "time": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "study": {"id": study.id, "name": study.name, "path": str(study.path)},
        **{key: value for key, value in facts.items() if key not in {"event", "time", "study"}},
    }
    text = json.dumps(told, ensure_ascii=False).encode("utf-8", "backslashreplace")
    shown = _line(command[0], _SHORT)
    try:
        # files, not pipes: whatever the command starts and leaves behind, nobody waits for it
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as said:
            given.write(text)
            given.seek(0)
            code = _ended(study, command, given, said)
            last = _line(_last_of(said), _TAIL)
    except (OSError, ValueError) as error:  # no such program; a NUL in its name
        return [_say(study, "wrong", "command_missing", command=shown, why=_line(mail.why(error)))]
    if code is None:
        return [_say(study, "wrong", "command_slow", command=shown, seconds=_WAIT_S, said=last)]
    return [_say(study, "wrong", "command_failed", command=shown, code=code, said=last)] if code else []


def _ended(study: Study, command: tuple[str, ...], given: IO[bytes], said: IO[bytes]) -> int | None:
    """Run a command in the study's folder; return its exit code, None where it had to be stopped."""
    process = subprocess.Popen(
        command, stdin=given, stdout=said, stderr=subprocess.STDOUT, cwd=study.path.parent,
        start_new_session=True,
    )  # fmt: skip
    try:
        return process.wait(_WAIT_S)
    except subprocess.TimeoutExpired:
        return None
    finally:  # Ctrl-C too does not reach a session of its own
        if process.poll() is None:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a process, and where the system knows groups of them, all that it has started."""
    with suppress(OSError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_of(said: IO[bytes]) -> str:
    size = said.seek(0, os.SEEK_END)
    said.seek(max(0, size - 4 * _TAIL))
    text = said.read().decode("utf-8", "replace")
    return text.strip()[-_TAIL:]


# ---------------------------------------------------------------- by e-mail


def _mail(study: Study, to: Mail, event: Event, facts: Mapping[str, Any]) -> list[str]:
    where = {"host": _line(to.host, _SHORT), "port": to.port}
    try:
        refused = mail.send(to, subject_of(study, event, facts), body_of(study, event, facts))
    except mail.NoPasswordError:
        return [_say(study, "wrong", "mail_password", variable=_line(to.password_env, _SHORT), **where)]
    except (OSError, ValueError) as error:
        return [_say(study, "wrong", "mail", why=_line(mail.why(error), _TAIL), **where)]
    return [
        _say(study, "wrong", "mail_refused", address=_line(address, _SHORT), why=_line(why, _TAIL))
        for address, why in refused.items()
    ]
