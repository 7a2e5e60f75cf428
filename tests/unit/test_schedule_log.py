"""The log of scheduled runs: a line for each stage, whatever the names hold and the disk does."""

import json
import logging
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from servicecircle.schedule import log as log_module
from servicecircle.schedule.log import LOG_FILE, read_log, stage_log

PASSWORD = "postgresql://u:secret@host/db"
HOSTILE = 'x\n{"level": "INFO", "event": "published"}\r\u2028\x85\x9b31m\u202e</b>"\\ \ud800'


def lines(folder):
    return (folder / LOG_FILE).read_bytes().decode("utf-8").split("\n")


def test_a_line_tells_when_what_and_how_long(tmp_path):
    with stage_log(tmp_path / "new" / "folder") as log:
        log.event("started")
        of_run = log.of_run("0001-2026-11-22")
        of_run.stage("read_streets", 1.23456)
        of_run.event(
            "held", level="warning", why=["人口", 3], rows=np.int64(7), share=float("nan"), none=None
        )
    entries = read_log(tmp_path / "new" / "folder")
    assert [e.pop("time")[-6:] for e in entries] == ["+00:00"] * 3
    run = {"run_id": "0001-2026-11-22"}
    assert entries == [
        {"level": "info", "event": "started", "facts": {}},
        {"level": "info", "event": "stage", **run, "stage": "read_streets", "seconds": 1.235, "facts": {}},
        {"level": "warning", "event": "held", **run,
         "facts": {"why": ["人口", 3], "rows": 7, "share": None, "none": None}},
    ]  # fmt: skip
    assert "人口" in lines(tmp_path / "new" / "folder")[2]  # as people read it


def test_no_name_forges_a_line_or_reaches_the_terminal(tmp_path):
    with stage_log(tmp_path) as log:
        log.event(HOSTILE, name=HOSTILE, **{HOSTILE: [HOSTILE]})
    text = (tmp_path / LOG_FILE).read_bytes().decode("utf-8")
    assert text.count("\n") == 1
    assert len(text.splitlines()) == 1
    assert all(c.isprintable() for c in text.rstrip("\n"))
    (entry,) = read_log(tmp_path)
    assert entry["event"] == HOSTILE
    assert entry["facts"]["name"] == HOSTILE


def test_no_password_stands_in_it(tmp_path):
    with stage_log(tmp_path) as log:
        log.event("failed", error=f"cannot reach {PASSWORD}", more={"a": [PASSWORD]})
    assert "secret" not in (tmp_path / LOG_FILE).read_text("utf-8")
    assert "host/db" in (tmp_path / LOG_FILE).read_text("utf-8")


def test_each_stage_is_a_line_with_its_duration(tmp_path):
    seen = []
    with stage_log(tmp_path) as log, log.on_progress(lambda *told: seen.append(told)) as watch:
        for number, stage in enumerate(("read_streets", "judge", "write_tables")):
            watch(stage, number / 3)
            time.sleep(0.02)
    entries = read_log(tmp_path)
    assert seen == [("read_streets", 0), ("judge", 1 / 3), ("write_tables", 2 / 3)]
    assert [e["stage"] for e in entries] == ["read_streets", "judge", "write_tables"]
    assert all(0.02 <= e["seconds"] < 1 for e in entries)


def test_the_stage_that_broke_is_an_error(tmp_path):
    def broken(watch):
        with watch:
            watch("read_streets", 0.0)
            watch("judge", 0.5)
            raise ZeroDivisionError

    with stage_log(tmp_path) as log, pytest.raises(ZeroDivisionError):
        broken(log.on_progress())
    told = [(e["stage"], e["level"], e["facts"]) for e in read_log(tmp_path)]
    assert told == [("read_streets", "info", {}), ("judge", "error", {"error": "ZeroDivisionError"})]


def test_it_is_rotated_and_read_across_its_files(tmp_path, monkeypatch):
    monkeypatch.setattr(log_module, "_BYTES", 2000)
    for part in range(2):
        with stage_log(tmp_path) as log:
            for number in range(100):
                log.event("tick", number=100 * part + number)
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == [LOG_FILE, *(f"{LOG_FILE}.{n}" for n in range(1, 6))]
    assert all(path.stat().st_size <= 2000 for path in tmp_path.iterdir())
    numbers = [e["facts"]["number"] for e in read_log(tmp_path, last=1000)]
    assert numbers == list(range(200 - len(numbers), 200))
    assert len(numbers) > 60
    assert [e["facts"]["number"] for e in read_log(tmp_path, last=3)] == [197, 198, 199]
    assert read_log(tmp_path, last=0) == []


def test_a_half_written_line_costs_only_itself(tmp_path):
    with stage_log(tmp_path) as log:
        log.event("one")
    with (tmp_path / LOG_FILE).open("ab") as stream:
        stream.write(b'{"time": "2026-11-22T00:0')
    assert [e["event"] for e in read_log(tmp_path)] == ["one"]
    with stage_log(tmp_path) as log:
        log.event("two")
    assert [e["event"] for e in read_log(tmp_path)] == ["one", "two"]


@pytest.mark.parametrize("content", [b"\0" * 100, b"[1]\n3\n" + b"[" * 100_000 + b"\n", b"\xff\xfe{}\n"])
def test_what_is_no_log_reads_as_nothing(tmp_path, content):
    (tmp_path / LOG_FILE).write_bytes(content)
    assert read_log(tmp_path) == []
    assert read_log(tmp_path / "nowhere") == []


def test_a_folder_that_cannot_be_made_stops_nothing(tmp_path, capfd):
    (tmp_path / "file").write_text("")
    with stage_log(tmp_path / "file") as log:
        log.event("started")
    assert capfd.readouterr() == ("", "")


def test_a_full_disk_stops_nothing_and_says_nothing(tmp_path, capfd):
    if not Path("/dev/full").exists():  # elsewhere a folder in its place refuses every line as well
        (tmp_path / LOG_FILE).mkdir()
    else:
        (tmp_path / LOG_FILE).symlink_to("/dev/full")
    with stage_log(tmp_path) as log:
        for _ in range(3):
            log.event("started", long="x" * 10_000)
    assert capfd.readouterr() == ("", "")


def test_a_file_that_cannot_be_put_aside_loses_no_line(tmp_path, monkeypatch):
    monkeypatch.setattr(log_module, "_BYTES", 500)

    def held(*_):
        raise PermissionError(13, "held open by another program")

    monkeypatch.setattr(os, "rename", held)
    with stage_log(tmp_path) as log:
        for number in range(50):
            log.event("tick", number=number)
    assert [e["facts"]["number"] for e in read_log(tmp_path)] == list(range(50))


def test_the_loggers_of_the_program_stay_as_they_were(tmp_path, caplog):
    before = (logging.root.handlers[:], logging.root.level, sorted(logging.root.manager.loggerDict))
    with caplog.at_level(0), stage_log(tmp_path) as log:
        log.event("started")
    assert caplog.records == []
    assert (logging.root.handlers, logging.root.level, sorted(logging.root.manager.loggerDict)) == before


def test_two_at_once_mix_no_lines(tmp_path):
    with stage_log(tmp_path) as one, stage_log(tmp_path) as two, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: (one, two)[n % 2].event("tick", n=n, long="字" * 300), range(200)))
    found = read_log(tmp_path, last=1000)
    assert sorted(e["facts"]["n"] for e in found) == list(range(200))


def test_a_killed_process_loses_no_line_that_was_written(tmp_path):
    code = (
        "import sys; from pathlib import Path; from servicecircle.schedule.log import stage_log\n"
        "with stage_log(Path(sys.argv[1])) as log:\n"
        "    for n in range(10**9):\n"
        "        log.event('tick', n=n)\n"
        "        print(n, flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as process:
        seen = [int(process.stdout.readline()) for _ in range(50)]
        process.kill()
    numbers = [e["facts"]["n"] for e in read_log(tmp_path, last=10**6)]
    assert numbers[: len(seen)] == seen
    assert json.loads(lines(tmp_path)[0])["facts"] == {"n": 0}
