"""A power cut: a process ends between two steps, and what it had not told the disk to keep is gone."""

import os
import warnings
from pathlib import Path

import pytest

RENAMES = ("rename", "replace", "symlink")
STEPS = (*RENAMES, "fsync", "link", "mkdir", "rmdir", "unlink")
CUT = 77
OWN = (".sqlite", ".sqlite-journal")
"""SQLite tells the disk itself, unseen by Python; its own tests cut its power."""


def steps_of(action, root):
    """Return the names of the steps of an action, which is done by a process of its own."""
    reader, writer = os.pipe()
    status = _in_child(lambda: _told(action, writer), root, at=None)
    os.close(writer)
    with os.fdopen(reader) as stream:
        names = stream.read().split()
    assert status == 0
    return names


def cut_before(step, action, root):
    """Do an action in a process of its own whose power is cut before a step; return whether it got there."""
    status = _in_child(action, root, at=step)
    assert status in {0, CUT}
    return status == CUT


def worth_a_cut(names):
    """Return the steps to cut before: each rename, what follows it, the middle of each series of others."""
    found = {len(names)}
    series = 0
    for i, name in enumerate([*names, ""]):
        if name in RENAMES:
            found |= {i, i + 1}
        if name != names[series]:
            found.add((series + i) // 2)
            series = i
    return sorted(found)


def _told(action, writer):
    names = _COUNTED
    action()
    os.write(writer, " ".join(names).encode())


_COUNTED = []


def _in_child(action, root, *, at):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a process with threads is forked
        child = os.fork()
    if child == 0:
        status = 1
        try:
            _live(action, Path(root), at)
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _live(action, root, at):
    _COUNTED.clear()
    kept = {path.stat().st_ino: _seen(path.stat()) for path in _files(root)}
    patch = pytest.MonkeyPatch()
    for name in STEPS:
        patch.setattr(os, name, _step(name, getattr(os, name), kept, root, at))
    action()


def _step(name, function, kept, root, at):
    def wrapped(*args, **more):
        if len(_COUNTED) == at:
            _lose(root, kept)
            os._exit(CUT)
        _COUNTED.append(name)
        if name == "fsync":  # noted only: the disk is a thought one
            about = os.fstat(args[0])
            kept[about.st_ino] = _seen(about)
            return None
        return function(*args, **more)

    return wrapped


def _lose(root, kept):
    """Take from each file what was not on the disk: what was added to it, or all."""
    for path in _files(root):
        now = _seen(path.stat())
        known = kept.get(path.stat().st_ino)
        if known == now or path.name.endswith(OWN):
            continue
        grown = known is not None and now[0] > known[0]
        os.truncate(path, known[0] if grown else 0)


def _files(root):
    return [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]


def _seen(about):
    return about.st_size, about.st_mtime_ns
