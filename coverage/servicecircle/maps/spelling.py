"""How Chinese names are spelled in pinyin, so that a page finds them by what a keyboard types."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_CHARACTERS = 40

SEVERAL = {
    "长": "chang/zhang", "重": "chong/zhong", "朝": "chao/zhao", "行": "hang/xing", "乐": "le/yue/lao",
    "会": "hui/kuai", "单": "shan/dan", "查": "zha/cha", "尉": "wei/yu", "曾": "zeng/ceng", "都": "du/dou",
    "厦": "xia/sha", "堡": "bao/pu/bu", "六": "liu/lu", "番": "pan/fan", "埔": "pu/bu", "蚌": "beng/bang",
    "泊": "bo/po", "莘": "shen/xin", "浚": "xun/jun", "泌": "bi/mi", "牟": "mu/mou", "解": "xie/jie",
    "盖": "gai/ge", "柏": "bai/bo", "圩": "wei/xu", "宿": "su/xiu", "巷": "xiang/hang", "荥": "xing/ying",
    "覃": "qin/tan", "仇": "qiu/chou", "任": "ren", "翟": "zhai/di", "朴": "piao/pu", "冼": "xian",
    "漯": "luo/ta", "洗": "xi/xian", "系": "xi/ji", "藏": "zang/cang", "大": "da/dai", "石": "shi/dan",
}  # fmt: skip
"""Characters that stand in names of places and families with more than one reading."""


def spelled(names: Iterable[str]) -> list[str]:
    """
    Return each name's syllables without tones, with spaces between them and strokes between readings.

    Only Chinese characters are spelled, whatever else a name holds; ü is written v, as keyboards do.
    """
    from pypinyin import lazy_pinyin

    written = []
    for name in names:
        characters = re.sub(r"[^\u3400-\u9fff]", "", name)[:MOST_CHARACTERS]
        syllables = lazy_pinyin(characters, errors=_unspelled)
        found = (SEVERAL.get(one, syllable) for one, syllable in zip(characters, syllables, strict=True))
        written.append(" ".join(filter(None, found)))
    return written


def _unspelled(unknown: str) -> Any:
    """Return nothing for each character without a reading: pypinyin takes a list, its types do not say so."""
    return [""] * len(unknown)
