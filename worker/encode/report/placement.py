"""The place of each group of a report in the images: its slices, and a point on each.

What OHIF 3.11 to 3.13 needs, found by trying: it draws the first image region of a group only, and
its first five figures; it writes the figures of all groups of a slice over that slice. So few
groups stand on the key slice, and what stands there keeps apart.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from radiology.answer.anchor import Anchor, AnchorPlacement
from radiology.answer.measurement import MeasurementGroup
from radiology.region import Mask
from worker.encode.derived_object import ResultContext
from worker.encode.key_slices import fullest, fullest_beside, spread
from worker.encode.outline import OutlineLimits, interior_point, outlines

# An outline costs 0.4 kB and 8 bytes a point. With such limits the groups stay below 45 kB, and
# parts of organs add 4 kB each; the evidence adds 0.12 kB for each instance that was analysed.
ANATOMY_OUTLINES = OutlineLimits(most_points=96, most_outlines=2, least_area_px=60)
FINDING_OUTLINES = OutlineLimits(most_points=48, most_outlines=3)

_ANSWER_SLICES = 3  # that answers are spread over: the key slice and two more


class Placing:
    """Places the groups of one report.

    Parameters
    ----------
    groups : all that are anchored; which one leads on the key slice is seen from all of them
    """

    def __init__(self, context: ResultContext, groups: Sequence[MeasurementGroup]) -> None:
        self._masks = context.masks
        self._key = context.masks.key_slice
        leading = [
            group.anchor
            for group in groups
            if group.anchor is not None and group.anchor.placement is AnchorPlacement.LEADING
        ]
        self._leading = max(
            leading, key=lambda one: int(self._masks.areas(one.regions)[self._key]), default=None
        )

    def is_shown(self, anchor: Anchor) -> bool:
        """Whether there is a voxel of it at all."""
        return bool(self._masks.areas(anchor.regions, anchor.within).any())

    def slices(self, anchor: Anchor) -> list[int]:
        """The slices that a group stands on, the first one first of all."""
        areas = self._masks.areas(anchor.regions, anchor.within)
        if anchor.place:
            places = spread(areas, self._key, _ANSWER_SLICES)
            return [places[min(anchor.place, len(places) - 1)]]
        on_the_key = anchor.placement is AnchorPlacement.KEY or anchor is self._leading
        first = (fullest if on_the_key else fullest_beside)(areas, self._key)
        return [first] if anchor.slices == 1 else spread(areas, first, anchor.slices)

    def mask(self, anchor: Anchor, index: int) -> Mask:
        """What a group is about on a slice."""
        return self._masks.mask(anchor.regions, index, anchor.within)

    def point(self, anchor: Anchor, index: int) -> tuple[float, float]:
        """Column and row of the point that a group stands at."""
        mask = self.mask(anchor, index)
        if anchor.halves:
            mask = self._in_the_emptier(anchor.halves, mask, index)
        spared = self._masks.mask(anchor.spared, index)
        clear = mask & ~spared
        if anchor.off_centre:
            column, row = interior_point(mask)
            spared[int(row), int(column)] = True
        return interior_point(clear if clear.any() else mask, spared)

    def _in_the_emptier(self, halves: Sequence[str], mask: Mask, index: int) -> Mask:
        """The mask within the half without the largest outline of the leading group.

        That outline's own figures are written beside it. Where the half has nothing of the mask,
        the half itself.
        """
        if self._leading is None:
            return mask
        drawn = outlines(self.mask(self._leading, index), FINDING_OUTLINES)
        if not drawn:
            return mask
        left, top = drawn[0].min(axis=0).astype(int)
        right, bottom = drawn[0].max(axis=0).astype(int)
        outlined = np.zeros_like(mask)
        outlined[top:bottom, left:right] = True
        other = min(
            (self._masks.mask((one,), index) for one in halves),
            key=lambda half: int(np.count_nonzero(half & outlined)),
        )
        if not other.any():
            return mask
        return other & mask if (other & mask).any() else other
