"""
Ready files that let a system's own timer call the program.

Each calls every quarter of an hour, and the program knows by itself whether the study is due: so one cron
expression holds everywhere, with its time zone, and what was missed while the machine was off is caught up.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, Literal
from xml.sax.saxutils import escape

from servicecircle.errors import InputError
from servicecircle.schedule.facts import said
from servicecircle.schedule.timing import Timetable
from servicecircle.scheduling import Schedule

if TYPE_CHECKING:
    from servicecircle.study import Study

System = Literal["systemd", "cron", "windows"]

_SYSTEMD = """\
# {unit_file}
[Unit]
Description=servicecircle: {id}

[Service]
Type=oneshot
WorkingDirectory={folder}
ExecStart={command}

# {timer_file}
[Unit]
Description=servicecircle: {id}

[Timer]
OnCalendar=*:0/15
AccuracySec=1min
Persistent=true

[Install]
WantedBy=timers.target

# systemctl --user daemon-reload && systemctl --user enable --now servicecircle-{id}.timer
# loginctl enable-linger
"""

_WINDOWS = """\
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>schtasks /Create /TN "servicecircle {id}" /XML servicecircle-{id}.xml</Description>
  </RegistrationInfo>
  <Triggers>
    <TimeTrigger>
      <Repetition><Interval>PT15M</Interval><StopAtDurationEnd>false</StopAtDurationEnd></Repetition>
      <StartBoundary>2026-01-01T00:00:00</StartBoundary>
      <Enabled>true</Enabled>
    </TimeTrigger>
  </Triggers>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <ExecutionTimeLimit>PT72H</ExecutionTimeLimit>
  </Settings>
  <Actions>
    <Exec>
      <Command>{program}</Command>
      <Arguments>{arguments}</Arguments>
      <WorkingDirectory>{folder}</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
"""


def timer_file(study: Study, system: System) -> str:
    """
    Return the file, or files one below the other, that a system's timer wants.

    Raises
    ------
    InputError
        The path holds a line break or another control character; the cron expression or time zone is none.
    """
    Timetable.of(study)
    path = str(study.path)
    if not path.isprintable():
        raise InputError("schedule.path", where="", path=path)
    words = [sys.executable, "-m", "servicecircle", "schedule", path, "--if-due", "--quiet"]
    return {"systemd": _systemd, "cron": _cron, "windows": _windows}[system](study, words)


def _systemd(study: Study, words: list[str]) -> str:
    place = "~/.config/systemd/user/servicecircle-"
    return _SYSTEMD.format(
        id=study.id, unit_file=f"{place}{study.id}.service", timer_file=f"{place}{study.id}.timer",
        folder=str(study.path.parent).replace("%", "%%"), command=" ".join(map(_systemd_word, words)),
    )  # fmt: skip


def _systemd_word(word: str) -> str:
    """Return a word of a command line as a unit file writes it: quoted, with its own signs doubled."""
    for sign, written in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("$", "$$")):
        word = word.replace(sign, written)
    return f'"{word}"'


def _cron(study: Study, words: list[str]) -> str:
    line = " ".join(map(shlex.quote, words)).replace("%", "\\%")  # cron takes a bare % for a line break
    schedule = study.schedule or Schedule()
    note = said("cron_note", study.language, cron=schedule.cron, zone=schedule.timezone)
    return f"# {note}\n*/15 * * * * {line}\n"


def _windows(study: Study, words: list[str]) -> str:
    # as character references: the file is the same whatever encoding a console or an editor writes it in
    plain = [
        escape(text).encode("ascii", "xmlcharrefreplace").decode("ascii")
        for text in (words[0], subprocess.list2cmdline(words[1:]), str(study.path.parent))
    ]
    program, arguments, folder = plain
    return _WINDOWS.format(id=study.id, program=program, arguments=arguments, folder=folder)
