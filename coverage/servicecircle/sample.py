"""Where the sample study of a fictional county lies, in a wheel, an editable install or a source tree."""

from __future__ import annotations

from pathlib import Path

from servicecircle.errors import InputError


def sample_folder() -> Path:
    """Return the folder of the shipped sample study; copy it before changing anything in it."""
    package = Path(__file__).resolve().parent
    for folder in (package / "sample", package.parents[1] / "data" / "sample"):
        if (folder / "study.toml").is_file():
            return folder
    raise InputError("study.no_sample", path=str(package / "sample"))
