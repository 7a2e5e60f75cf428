"""What an earlier run wrote that this run would write again: it is copied instead of made."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from servicecircle.sources.files import digest as file_digest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Kept:
    """
    The pages or pictures of an earlier run that nobody touched since.

    Parameters
    ----------
    made_from
        Digest of what each was made from, by its name in the folder.
    files
        SHA-256 of each as it was written.
    """

    folder: Path | None
    made_from: Mapping[str, str]
    files: Mapping[str, str]

    @classmethod
    def of(cls, folder: Path | None, what: str) -> Kept:
        """Read `what` of the manifest of an earlier run; without a sound one nothing is kept."""
        try:
            manifest: dict[str, Any] = json.loads((folder / "run.json").read_text("utf-8")) if folder else {}
            files = {str(entry["name"]): str(entry["sha256"]) for entry in manifest.get("files", [])}
            return cls(folder, {str(k): str(v) for k, v in manifest.get(what, {}).items()}, files)
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return cls(None, {}, {})

    def copied(self, name: str, made_from: str, path: Path) -> bool:
        """Copy a file where it would be the same, byte for byte as it was written."""
        if self.folder is None or self.made_from.get(name) != made_from:
            return False
        old = self.folder / name
        try:
            if file_digest(old) != self.files.get(name):
                return False
            shutil.copyfile(old, path)
        except OSError:
            return False
        return True
