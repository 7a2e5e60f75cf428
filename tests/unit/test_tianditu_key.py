"""A key for Tianditu stands in pages that others read: the user is told."""

from __future__ import annotations

import pytest

from servicecircle.pipeline import check
from servicecircle.study import Study
from unit.small_town import SmallTown

KEY = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("output", "environment", "code"),
    [
        (f'base_maps = ["tianditu"]\ntianditu_key = "{KEY}"', "", "study.key_shown"),
        ('base_maps = ["tianditu"]', KEY, "study.key_shown"),
        ('base_maps = ["osm", "tianditu"]', "", "study.no_key"),
        ('base_maps = ["osm"]', KEY, ""),
        ("", KEY, ""),
    ],
)
def test_who_names_tianditu_is_told_about_the_key(tmp_path, monkeypatch, output, environment, code):
    monkeypatch.setenv("TIANDITU_KEY", environment)
    town = SmallTown(tmp_path).write(keys={"rules": f"[output]\n{output}"})
    codes = {finding.code for finding in check(Study.from_file(town.study)).findings}
    assert codes & {"study.key_shown", "study.no_key"} == ({code} if code else set())
