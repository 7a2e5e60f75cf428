from __future__ import annotations

import pytest

from browser.made_results import HOSTILE
from servicecircle.maps.spelling import MOST_CHARACTERS, spelled
from servicecircle.maps.text import Shown, Text


def test_a_name_is_spelled_syllable_by_syllable():
    assert spelled(["濮城镇", "前王庄村"]) == ["pu cheng zhen", "qian wang zhuang cun"]


def test_characters_with_several_readings_keep_them():
    assert spelled(["长垣", "重庆"]) == ["chang/zhang yuan", "chong/zhong qing"]


def test_u_with_dots_is_typed_as_v():
    assert spelled(["吕楼"]) == ["lv lou"]


def test_what_is_not_chinese_is_found_as_it_is_written():
    assert spelled(["第3站 ABC", "Green Village"]) == ["di zhan", ""]


@pytest.mark.parametrize("name", [*HOSTILE, "", "\u202e村", "=1+1", "《》", "a" * 5000, "村" * 5000])
def test_only_letters_come_out_of_any_name(name):
    (written,) = spelled([name])
    assert not set(written) - set("abcdefghijklmnopqrstuvwxyz /")
    assert len(written) <= MOST_CHARACTERS * 12


def test_a_printed_number_remembers_what_it_was():
    text = Text("en")
    assert text.share(0.99961).value == 0.99961
    assert text.people(1234.4).value == 1234.4
    assert text.minutes(90).value == 90
    assert not isinstance(text.share(float("nan")), Shown)
    assert not isinstance(text.minutes(float("inf")), Shown)
