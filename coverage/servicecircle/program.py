"""The version of this program."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import metadata, resources


@cache
def code_version() -> str:
    """Return the version of this program with a digest of its source: a change of code is a change."""
    total = hashlib.sha256()
    package = resources.files("servicecircle")
    folders = [package]
    while folders:
        for entry in sorted(folders.pop().iterdir(), key=lambda e: e.name):
            if entry.is_dir() and entry.name != "__pycache__":
                folders.append(entry)
            elif entry.name.endswith((".py", ".toml")):
                total.update(f"\n{entry.name}\n".encode() + entry.read_bytes())
    return f"{metadata.version('servicecircle')}+{total.hexdigest()[:12]}"
