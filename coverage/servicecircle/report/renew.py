"""The reports of a written run anew, as when a draft was approved; all else of the run stays as it is."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING

from servicecircle.history.find import study_of
from servicecircle.outputs.folder import atomic_folder, bring_over
from servicecircle.outputs.lasting import make_lasting
from servicecircle.outputs.reading import read_manifest, read_run
from servicecircle.report.manifest import write_described
from servicecircle.report.remembered import material_of
from servicecircle.report.write import write_reports

if TYPE_CHECKING:
    from pathlib import Path

    from servicecircle.history.hybrid import Measure
    from servicecircle.report.material import SignOff
    from servicecircle.study import Study


def renew_reports(folder: Path, study: Study, *, sign_off: SignOff, measure: Measure) -> None:
    """
    Write the reports of a run once more, all or nothing.

    Parameters
    ----------
    folder
        The run's output folder.
    study
        The study file as it is now: its history is used, and its place; the run's own study is that of its
        manifest.
    measure
        What measures checked inputs, `pipeline.measure`.

    Raises
    ------
    InputError
        The folder holds no run.
    OutputError
        It cannot be written; what stood there is kept.
    """
    manifest = read_manifest(folder)
    # a public edition does not tell its study: it is the one that stands there
    was = study_of(manifest, study.path) if "study_text" in manifest else study
    was = was.model_copy(update={"history": study.history})
    reports = set(manifest["reports"])
    with atomic_folder(folder, run_id=f"{os.getpid()}-{uuid.uuid4().hex[:8]}") as new:
        kept = [entry["name"] for entry in manifest["files"] if entry["name"] not in reports]
        for name in kept:
            bring_over(folder / name, new / name)
        files = [new / name for name in kept]
        described = {key: value for key, value in manifest.items() if key not in {"files", "reports"}}
        write_described(described, files, [], new, sign_off=sign_off)
        material = material_of(was, read_run(new), sign_off=sign_off, measure=measure)
        write_described(described, files, write_reports(material, new), new, sign_off=sign_off)
        make_lasting(new)  # the old reports go as the new ones take their place
