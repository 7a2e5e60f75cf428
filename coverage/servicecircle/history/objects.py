"""Copies of input files, each content once, under its SHA-256."""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

from servicecircle.errors import OutputError
from servicecircle.outputs.lasting import to_disk

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def keep(path: Path, store: Path) -> str:
    """
    Copy a file into a store, unless its content is there, and return its SHA-256.

    It is a true copy: a hard link would change with the file when that is edited in place.

    Raises
    ------
    OutputError
        The disk is full, or nothing may be written there; no half copy is left.
    """
    new = store / f".new-{uuid.uuid4().hex}"
    try:
        store.mkdir(parents=True, exist_ok=True)
        total = hashlib.sha256()
        with path.open("rb") as source:
            while chunk := source.read(1 << 20):
                total.update(chunk)
        place = place_of(total.hexdigest(), store)
        if place.is_file() and place.stat().st_size == path.stat().st_size:
            return total.hexdigest()
        shutil.copyfile(path, new)
        if _sha256(new) != total.hexdigest():  # it was written to meanwhile
            return keep(path, store)
        place.parent.mkdir(exist_ok=True)
        to_disk(new)  # the database is on the disk once it tells of the copy, and so must that be
        new.replace(place)
        to_disk(place.parent)
        to_disk(store)
    except OSError as error:
        why = error.strerror or str(error)
        raise OutputError("history.not_written", where=str(store), why=why) from error
    finally:
        new.unlink(missing_ok=True)
    return total.hexdigest()


def place_of(sha256: str, store: Path) -> Path:
    """Return where the content of a digest stands."""
    return store / sha256[:2] / sha256


def put_back(sha256: str, store: Path, path: Path) -> bool:
    """Give a kept content a name again, by a hard link where possible; False where it is gone or damaged."""
    kept = place_of(sha256, store)
    if not kept.is_file() or _sha256(kept) != sha256:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(kept, path)
    except FileExistsError:
        return True
    except OSError:
        shutil.copyfile(kept, path)
    return True


def prune(store: Path, needed: Iterable[str]) -> int:
    """Remove the contents that are not needed, and return the bytes that those left take up."""
    wanted, left = set(needed), 0
    for path in sorted(store.glob("*/*")):
        if path.name in wanted:
            left += path.stat().st_size
        else:
            with suppress(OSError):  # held open somewhere: the next run removes it
                path.unlink()
    return left


def _sha256(path: Path) -> str:
    total = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            total.update(chunk)
    return total.hexdigest()
