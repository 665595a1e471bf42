"""What a page shows of the viewer before its script is there: the same words in the same places.

`static/shown.js` and `static/offers.js` say the same when the viewer has begun; then nothing moves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from worklist.viewer.first_picture import FirstPicture, first_picture
from worklist.viewer.outlines import lines_of
from worklist.viewer.slice_stack import SliceStack
from worklist.viewer.stack_words import region_words, slice_names
from worklist.viewer.windows import WindowLine
from worklist.words.translations import translated

_KNOWN_WINDOWS = ((40.0, 400.0), (400.0, 1800.0))  # those of viewer.html, which fit any body


@dataclass(frozen=True, slots=True)
class FirstView:
    """The viewer of one result as it is when it has begun.

    Attributes
    ----------
    address, picture : where the picture of the key slice is, and what is drawn over it
    place : number of the slice, what it is called, where it lies and what it holds
    ratio : width by height of a slice
    windows : those that the bundle declares, beside the ones that fit any body
    legend : what each line goes around
    """

    result_id: int
    address: str
    picture: FirstPicture
    key: int
    count: int
    place: tuple[str, ...]
    ratio: float
    windows: tuple[WindowLine, ...]
    legend: tuple[str, ...]
    has_heat: bool
    has_possible: bool
    withdrawn: bool

    @property
    def words(self) -> str:
        """All that is said of the slice, in a line."""
        return ", ".join(self.place)

    def is_pressed(self, level_hu: float, width_hu: float) -> bool:
        """Whether the button of a window is pressed."""
        return (level_hu, width_hu) == (self.picture.level_hu, self.picture.width_hu)


def first_view(
    stack: SliceStack,
    result_id: int,
    *,
    windows: Sequence[WindowLine],
    words: Mapping[str, str],
    withdrawn: bool,
) -> FirstView | None:
    """How the viewer begins with a stack; None where its index is damaged, or says too little.

    Parameters
    ----------
    windows : those that the bundle declares
    words : what the reading calls its regions, by their names
    withdrawn : whether the result is; then nothing is outlined
    """
    facts, picture = stack.index(), first_picture(stack)
    if facts is None or picture is None:
        return None
    said = {**region_words(facts), **words}
    try:
        return FirstView(
            result_id=result_id,
            address=f"/results/{result_id}/slices/first?v={picture.digest}",
            picture=picture,
            key=facts["key"],
            count=facts["slices"],
            place=_place(facts, withdrawn=withdrawn),
            ratio=picture.columns * picture.column_mm / (picture.rows * picture.row_mm),
            windows=tuple(
                one for one in windows if (one.centre_hu, one.width_hu) not in _KNOWN_WINDOWS
            ),
            legend=tuple(
                ", ".join(said.get(name) or name for name in line.names)
                for line in lines_of(facts["regions"])
            ),
            has_heat=bool(facts["heat_slices"]),
            has_possible=bool(facts["possible_slices"]),
            withdrawn=withdrawn,
        )
    except (KeyError, TypeError, ValueError, IndexError, ArithmeticError):
        return None


def _place(facts: Mapping[str, Any], *, withdrawn: bool) -> tuple[str, ...]:
    key = facts["key"]
    held = ""
    if not withdrawn and key in facts["lesion_slices"]:
        held = translated("holds a lesion")
    elif not withdrawn and key in facts["possible_slices"]:
        held = translated("holds what may be a lesion")
    number = translated("Slice %(number)s of %(count)s", number=key + 1, count=facts["slices"])
    said = (number, slice_names(facts)[key], f"z {_whole(facts['heights_mm'][key])} mm", held)
    return (*(one for one in said if one), translated("key slice"))


def _whole(value: float) -> str:
    """As a script writes a number without decimals, with a true minus sign."""
    return f"{'−' if value < 0 else ''}{math.floor(abs(value) + 0.5)}"
