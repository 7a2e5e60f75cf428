"""The manifest of a run with its reports, and where they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from servicecircle.outputs.manifest import MANIFEST, write_manifest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from servicecircle.report.material import SignOff


def write_described(
    manifest: Mapping[str, Any],
    files: Iterable[Path],
    reports: Iterable[Path],
    folder: Path,
    *,
    sign_off: SignOff,
) -> Path:
    """Write the manifest of a run with its reports, and who signed them off."""
    signed = {"state": sign_off.state, "by": sign_off.by, "on": sign_off.on}
    listed = sorted(path.relative_to(folder).as_posix() for path in reports)
    return write_manifest(
        {**manifest, "reports": listed, "sign_off": signed}, [*files, *reports], folder / MANIFEST
    )
