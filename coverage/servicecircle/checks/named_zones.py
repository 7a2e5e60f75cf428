"""Which zone a text names: the longest name or code found in it, of the township it also names."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import geopandas as gpd

_COMMITTEE = "社区居民委员会|社区居委会|社区村民委员会|居民委员会|村民委员会|居委会|村委会|行政村|社区|村"
_VILLAGE_END = re.compile(f"({_COMMITTEE})$")
_VILLAGE_NEXT = re.compile(f"{_COMMITTEE}|居委|村委")
_TOWNSHIP = "街道办事处|办事处|管理委员会|管委会|街道|镇|乡"
_TOWNSHIP_END, _TOWNSHIP_NEXT = re.compile(f"({_TOWNSHIP})$"), re.compile(_TOWNSHIP)
_OF_A_VILLAGE = re.compile("农村|村级|幸福|日间|居家|社区|养老服务|老年助餐|助餐|托老|互助|卫生|敬老|嵌入")
"""What follows a village's name in that of its facility; a brand (阳光养老院) is followed by other words."""

_ANOTHER_VILLAGE = frozenset("大小东西南北前后上中下新老")
_FURNITURE = re.compile(r"[\s()\[\]【】<>《》,，、。;；:：\"'“”]")
_CODE = re.compile(r"(?<!\d)(?:\d{12}|\d{9})(?!\d)")
_LONGEST_TEXT = 200
BESIDE = "|"
"""Parts the columns of a row that each name a zone: its village, its township, its county."""

_UPPER = ("county", "prefecture")


@dataclass(frozen=True, slots=True)
class _Index:
    """Names, each with the positions of its zones, and how long names are."""

    positions: dict[str, list[int]]
    lengths: tuple[int, ...]

    @classmethod
    def of(cls, named: Iterable[tuple[int, str]], ending: re.Pattern[str]) -> _Index:
        positions: defaultdict[str, list[int]] = defaultdict(list)
        for i, name in named:
            whole = _plain(name)
            for form in {whole, ending.sub("", whole)} - {""}:
                positions[form].append(i)
        return cls(dict(positions), tuple(sorted({len(form) for form in positions})))

    def pieces(self, text: str) -> Iterator[tuple[int, str]]:
        """Return every piece of a text that is one of the names, with its start."""
        for start in range(len(text)):
            for length in self.lengths:
                piece = text[start : start + length]
                if len(piece) == length and piece in self.positions:
                    yield start, piece


@dataclass(frozen=True, slots=True)
class ZoneNames:
    """
    The names of a study's townships and villages.

    Parameters
    ----------
    townships, villages
        Name without its ending, or whole -> positions of the zones of that name.
    uppers
        Whole name of a county or prefecture -> positions, the counties first.
    codes, positions
        Code -> position, of the zones that have a place and of all.
    parents
        Of each zone, the code above it.
    own_codes
        Of each zone.
    """

    townships: _Index
    villages: _Index
    uppers: dict[str, list[int]]
    codes: dict[str, int]
    positions: dict[str, int]
    parents: list[str]
    own_codes: list[str]

    @classmethod
    def of(cls, zones: gpd.GeoDataFrame) -> ZoneNames:
        """Return the names of villages that have a place, and of what lies above them."""
        shapes = zones.geometry.to_numpy()
        placed = np.flatnonzero(~shapely.is_missing(shapes) & ~shapely.is_empty(shapes)).tolist()
        names, levels, codes = list(zones["name"]), list(zones["level"]), list(zones["code"])

        def of(level: str, among: Iterable[int]) -> list[tuple[int, str]]:
            return [(i, names[i]) for i in among if levels[i] == level]

        uppers: defaultdict[str, list[int]] = defaultdict(list)
        for level in _UPPER:
            for i, name in enumerate(names):
                if levels[i] == level and name:
                    uppers[_plain(name)].append(i)
        return cls(
            _Index.of(of("township", range(len(zones))), _TOWNSHIP_END),
            _Index.of(of("village", placed), _VILLAGE_END), dict(uppers),
            {codes[i]: i for i in placed}, {code: i for i, code in enumerate(codes)},
            list(zones["parent_code"]), codes,
        )  # fmt: skip

    def find(self, unit: str, address: str = "", name: str = "") -> tuple[int, ...]:
        """
        Return the positions of the zones that a facility's unit, address and name may mean.

        One: it is named; several: the texts do not tell which; none: no zone is named. `unit` may hold
        several texts, parted by `BESIDE`.
        """
        parts = [("unit", text) for text in unit.split(BESIDE)] + [("address", address), ("name", name)]
        texts = [(column, _plain(text)) for column, text in parts]
        for code in _CODE.findall(_plain(unit)):
            if (own := code.ljust(12, "0")) in self.codes:
                return (self.codes[own],)
        above = self._above(text for _, text in texts)
        towns = self._inside({i for _, text in texts for i in self._townships_in(text)}, above)
        for column, text in texts:
            if found := self._villages_in(text, column):
                return tuple(sorted(self._inside(self._inside(found, above), towns)))
        return tuple(sorted(i for i in towns if self.own_codes[i] in self.codes))

    def find_upper(self, unit: str, name: str = "") -> tuple[int, ...]:
        """Return the county that a facility's unit or name names, else the prefecture."""
        return tuple(sorted(self._above([_plain(unit), _plain(name)])))

    def _above(self, texts: Iterable[str]) -> set[int]:
        together = BESIDE.join(texts)
        named = (positions for upper, positions in self.uppers.items() if upper in together)
        return set(next(named, ()))

    def _inside(self, found: Iterable[int], above: Iterable[int]) -> list[int]:
        """Keep the zones that lie in some others; all, where none does."""
        wanted = {self.own_codes[i] for i in above}
        every = list(found)
        return [i for i in every if wanted & set(self.uppers_of(i))] or every

    def uppers_of(self, i: int) -> Iterator[str]:
        """Yield the codes of the zones that hold one, the nearest first."""
        while code := self.parents[i]:
            yield code
            if code not in self.positions:
                return
            i = self.positions[code]

    def _townships_in(self, text: str) -> Iterator[int]:
        for start, piece in self.townships.pieces(text):
            after = text[start + len(piece) :]
            if piece == text or _TOWNSHIP_END.search(piece) or _TOWNSHIP_NEXT.match(after):
                yield from self.townships.positions[piece]

    def _villages_in(self, text: str, column: str) -> list[int]:
        """Return the villages of the longest name in a text."""
        found: list[int] = []
        longest = 0
        for start, piece in self.villages.pieces(text):
            if len(piece) < longest or not _is_village(text, start, piece, column):
                continue
            found = found if len(piece) == longest else []
            longest = len(piece)
            found.extend(i for i in self.villages.positions[piece] if i not in found)
        return found


def _is_village(text: str, start: int, piece: str, column: str) -> bool:
    """Tell whether a name found in a text is a village there, not part of another name, a road or a brand."""
    after = text[start + len(piece) :]
    if start and text[start - 1] in _ANOTHER_VILLAGE:
        return False
    if _VILLAGE_END.search(piece) or _VILLAGE_NEXT.match(after):
        return True
    alone = (column == "unit" and not after) or (column == "name" and _OF_A_VILLAGE.match(after))
    return bool(alone) and len(piece) > 1


def _plain(text: str) -> str:
    return _FURNITURE.sub("", unicodedata.normalize("NFKC", text))[:_LONGEST_TEXT]
