"""Names and numbers on a picture: of those that would overlap, the first is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import shapely

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from servicecircle.maps.sheet import Box, Sheet

NUMBER_PT = 7.2
_LONGEST_MM = 34.0


def write_names(
    sheet: Sheet, names: Sequence[str], shapes: NDArray[Any], size_pt: float, taken: list[Box], *, colour: str
) -> None:
    """Write names in the middle of what they name, the largest first where there is no room for all."""
    middle = shapely.point_on_surface(shapes)
    order = sorted(range(len(names)), key=lambda row: (-float(shapely.area(shapes[row])), row))
    for row in order:
        if shapely.is_missing(middle[row]) or shapely.is_empty(middle[row]):
            continue
        text = sheet.letters.cut(names[row], _LONGEST_MM, size_pt)
        x, y = sheet.place_mm(shapely.get_x(middle[row]), shapely.get_y(middle[row]))
        wide, high = sheet.letters.width_mm(text, size_pt) / 2, size_pt * 0.36 / 2
        for up in (0.0, -1.6 * high, 1.6 * high, -4 * high, 4 * high):
            box = (x - wide, y + up - high, x + wide, y + up + high)
            if text and _free(box, sheet.frame_mm, taken):
                taken.append(box)
                sheet.write(text, x, y + up + high * 0.75, size_pt, halo=True, ha="center", color=colour)
                break


def write_numbers(sheet: Sheet, numbers: Iterable[int], shapes: NDArray[Any], taken: list[Box]) -> None:
    """Write a number beside each symbol, where it is free first."""
    for number, place in zip(numbers, shapes, strict=True):
        x, y = sheet.place_mm(shapely.get_x(place), shapely.get_y(place))
        text, high = str(number), NUMBER_PT * 0.36 / 2
        wide = sheet.letters.width_mm(text, NUMBER_PT)
        sides = ((x + 1.9, y), (x - 1.9 - wide, y), (x - wide / 2, y - 3), (x - wide / 2, y + 3))
        boxes = [(left, mid - high, left + wide, mid + high) for left, mid in sides]
        box = next((box for box in boxes if _free(box, sheet.frame_mm, taken)), boxes[0])
        taken.append(box)
        sheet.write(text, box[0], box[3] - 0.3, NUMBER_PT, halo=True, color="#8f1d00")


def spots(sheet: Sheet, shapes: NDArray[Any], radius_mm: float) -> list[Box]:
    """Return the boxes that symbols take."""
    found = []
    for place in shapes:
        if not (shapely.is_missing(place) or shapely.is_empty(place)):
            x, y = sheet.place_mm(shapely.get_x(place), shapely.get_y(place))
            found.append((x - radius_mm, y - radius_mm, x + radius_mm, y + radius_mm))
    return found


def _free(box: Box, frame: Box, taken: Iterable[Box]) -> bool:
    left, top, right, bottom = box
    if left < frame[0] + 0.5 or top < frame[1] + 0.5 or right > frame[2] - 0.5 or bottom > frame[3] - 0.5:
        return False
    return all(right < other[0] or left > other[2] or bottom < other[1] or top > other[3] for other in taken)
