"""The power is cut between any two steps that publish or approve a report; what was not synced is lost."""

import errno
import os
import shutil
import sys

import pytest
from sqlalchemy import select

from faults.power import cut_before, steps_of, worth_a_cut
from faults.real_town import digest, settled, shown
from servicecircle.history.objects import place_of
from servicecircle.history.places import objects_of
from servicecircle.history.schema import inputs
from servicecircle.history.store import opened
from servicecircle.report import renew
from servicecircle.schedule.approve import approve
from servicecircle.schedule.publish import waiting
from servicecircle.schedule.runner import remembering
from unit.scheduled_town import MORE_PEOPLE


@pytest.fixture
def desk(desk, monkeypatch):
    """A desk whose reports are really rewritten, but are a line each."""

    def write_reports(material, folder):
        path = folder / "report.html"
        path.write_text(f"{material.by}, in full", "utf-8")
        return [path]

    def material_of(study, run, *, sign_off, measure):
        return sign_off

    monkeypatch.setattr(renew, "write_reports", write_reports)
    monkeypatch.setattr(renew, "material_of", material_of)
    monkeypatch.setitem(sys.modules, "servicecircle.report.renew", renew)
    return desk


def run_first(desk):
    return desk.once


def run_again(desk):
    desk.once()
    desk.change()
    return desk.once


def hold_back(desk):
    desk.keys('publish = "final"\n')
    desk.once()
    desk.change(people=MORE_PEOPLE)
    desk.changes = {"people": 145.0}
    return desk.once


def approve_a_draft(desk):
    desk.once()
    return lambda: approved(desk)


def release(desk):
    hold_back(desk)()
    return lambda: approved(desk)


def approved(desk):
    if waiting(desk.reports):
        approve(desk.study, desk.conduct, by="养老服务科")


def kept_inputs(desk):
    """Return what the history says it keeps, which must be there."""
    study = remembering(desk.study)
    with opened(study) as store:
        rows = [row.sha256 for row in store.connection.execute(select(inputs).where(inputs.c.kept == 1))]
        assert [digest(place_of(sha256, objects_of(study))) for sha256 in rows] == rows
        return len(store.runs())


def state_of(desk):
    newest = next(state for state in desk.reports.states() if state.status != "failed")
    return newest.status, newest.approved_by, newest.recorded, desk.latest()["sign_off"], kept_inputs(desk)


@pytest.mark.parametrize(
    ("situation", "links"),
    [
        (run_first, True), (run_again, True), (run_again, False), (hold_back, True),
        (approve_a_draft, True), (approve_a_draft, False), (release, True),
    ],
)  # fmt: skip
def test_cut_at_any_step_a_whole_report_is_shown_and_the_work_can_be_done_again(
    desk, tmp_path, monkeypatch, situation, links
):
    if not links:
        monkeypatch.setattr(os, "symlink", _refused)
    action = situation(desk)
    before, root = tmp_path / "before", desk.town.folder
    shutil.copytree(root, before, symlinks=True)
    old = shown(desk.reports) if desk.reports.latest.exists() else None
    names = steps_of(action, root)
    new = shown(desk.reports)
    expected = state_of(desk)
    assert {"fsync", "replace"} <= set(names)
    for step in worth_a_cut(names):
        shutil.rmtree(root)
        shutil.copytree(before, root, symlinks=True)
        assert cut_before(step, action, root) == (step < len(names))
        if links and old:  # elsewhere a folder steps aside for a moment
            assert shown(desk.reports) in (old, new)
        settled(desk)
        if old:
            assert shown(desk.reports) in (old, new)
        action()
        desk.once()
        assert shown(desk.reports) == new
        assert state_of(desk) == expected


def _refused(*_args, **_more):
    raise OSError(errno.EPERM, "a required privilege is not held by the client")
