"""Invented names of the sample county: townships, communities, villages and streets."""

from __future__ import annotations

import numpy as np

COUNTY_CODE = "419921"
"""No county of Henan carries this code, so that nobody mistakes the sample for a place."""
COUNTY_NAME = "示例县"

URBAN_NAMES = (
    "朝阳 和平 光明 文昌 钟楼 北关 西关 府前 书院 新华 建业 幸福里 双桥 锦绣 滨河 桃园 杏坛 翠湖 金穗 团结 康乐 永安 "
    "站前 纺织 机床 临河 望河 柳林 石桥 双庙 黄台 白塔 高岗 柳林北 白塔东"
).split()
_FIRST = (
    "槐树 柳沟 石榴 梨园 枣林 竹园 桑园 榆树 杨树 桐树 芦花 荷塘 莲池 菱角 水磨 石碾 铁匠 油坊 豆腐 瓦窑 砖窑 染坊 老鸦 白鹭 "
    "黄龙 青龙 卧牛 马蹄 羊角 凤凰 三官 五里 七里 九里 十二里 王 李 张 刘 陈 赵 周 吴 徐 孙 朱 马 胡 郭 何 林 罗 郑 梁 谢"
).split()
_LAST = "庄 楼 寨 营 湾 岗 屯 店 堂 坡 集 铺".split()
_AVENUES_NS = "建设路 解放路 文化路 中原路 迎宾路 工业路 朝阳路 颍川路".split()
_AVENUES_EW = "人民路 滨河路 新华街 光明街 健康街 丰收街 胜利街 和平街".split()
_STREETS = (
    "槐荫 柳荫 梧桐 银杏 丁香 玉兰 石榴 海棠 桂花 青年 工人 农业 育才 学府 文昌 书院 钟楼 鼓楼 府前 关帝 城隍 米市 "
    "盐店 布市 铁市 竹器 车站 仓前 东升 西园 南湖 北苑 兴业 振兴 富强 民主 团结 友谊 幸福 长寿 安康 永宁 清泉 碧水"
).split()


def village_names(count: int, rng: np.random.Generator) -> list[str]:
    """Return distinct village names; no first part is used more than four times."""
    pairs = [(first, last) for first in _FIRST for last in _LAST]
    order = rng.permutation(len(pairs))
    used: dict[str, int] = {}
    names = []
    for first, last in (pairs[i] for i in order):
        if used.get(first, 0) < 4 and len(names) < count:
            used[first] = used.get(first, 0) + 1
            names.append(f"{first}{last}村")
    return names


def street_name(axis: int, number: int, rank: str) -> str:
    """Return the name of a town street: avenues have their own names, lanes are 巷."""
    if rank == "avenue":
        names = _AVENUES_NS if axis == 0 else _AVENUES_EW
        return names[number % len(names)]
    stem = _STREETS[(number * 7 + axis * 3) % len(_STREETS)]
    ending = ("路", "街")[axis] if rank == "street" else "巷"
    return stem + ending
