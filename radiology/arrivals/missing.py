"""Whether images of a series seem to be missing between those that are there.

PS3.3 C.7.6.1 (Instance Number: Type 2, so it may be empty, and need not begin at 1), C.7.6.2 (Image
Position and Orientation), PS3.4 C.3.4 (Number of Series Related Instances: what a sender claims).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

_MOST_CLAIMED: Final = 10_000  # a greater number of images in a series is taken for nonsense
_SAME_MM: Final = 0.01  # positions nearer than this are one: a series may show a place many times
_GAP: Final = 1.5  # of the usual step; neighbours of an image that is missing are two steps apart
_FEWEST: Final = 3  # with fewer nobody knows what the usual step is


@dataclass(frozen=True, slots=True)
class ArrivedSeries:
    """What the images of a series that are there say of their place in it.

    Attributes
    ----------
    numbers : Instance Number of each image; None where it has none
    positions_mm : of each image, along the normal of its plane; None where it has none
    claimed : how many images the sender says that the series has; None where it says nothing
    """

    numbers: tuple[int | None, ...]
    positions_mm: tuple[float | None, ...]
    claimed: int | None = None

    def __len__(self) -> int:
        return len(self.numbers)


def misses_images(series: ArrivedSeries) -> bool:
    """Whether a series has a gap, or fewer images than its sender claims.

    Numbers decide where each image has one of its own, positions otherwise. A gap is looked for
    between images: one that has not come before the first or after the last cannot be seen. Steps
    are compared with the usual one of the series, so numbers may go up by two.
    """
    if series.claimed is not None and len(series) < series.claimed <= _MOST_CLAIMED:
        return True
    numbers = {number for number in series.numbers if number is not None}
    if len(numbers) == len(series):
        return _has_gap(sorted(numbers))
    return _has_gap(_places(series.positions_mm))


def _places(positions_mm: Sequence[float | None]) -> list[float]:
    """The places that the images show, each once, in order."""
    places: list[float] = []
    for position in sorted(one for one in positions_mm if one is not None):
        if not places or position - places[-1] > _SAME_MM:
            places.append(position)
    return places


def _has_gap(places: Sequence[float]) -> bool:
    if len(places) < _FEWEST:
        return False
    steps = sorted(after - before for before, after in pairwise(places))
    return steps[-1] > _GAP * steps[len(steps) // 3]  # usual: a third are no longer
