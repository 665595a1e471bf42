"""The place in the images to which the figures of a group refer, defined without an image.

A viewer writes the figures of all groups of a slice over it. So a group says which regions it is
about and what it leaves room for; which pixels these are is found where the images are.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    """How a group is shown in an image."""

    POINT = "point"  # its figures stand at a point inside its regions
    OUTLINE = "outline"  # its regions are outlined, and its figures stand beside the outline


class AnchorPlacement(StrEnum):
    """On which slice a group is shown. The key slice is the one that a reading is shown by."""

    KEY = "key"  # on the key slice, or where that shows nothing of it on the fullest one
    LEADING = "leading"  # as KEY for the one group of these that the key slice has most of
    BESIDE = "beside"  # on the fullest of the other slices


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where the figures of a group stand.

    Attributes
    ----------
    regions : names; the group is shown in all of them together
    within : names; only in that part of `regions` which lies within these, together
    mark : a point inside, or outlines
    slices : on how many slices it is outlined; they divide what there is into equal parts
    place : 0 for the slice of `placement`; n for the n-th of the slices beside the key slice that
        divide what there is into equal parts, so that answers do not overlap
    spared : names; the point lies outside of these where it can, and far from them
    off_centre : the point lies far from the middle of `regions` too, where their own figures stand
    halves : names of regions; the point lies in that one of them which holds least of the largest
        outline of the leading group of the slice
    """

    regions: tuple[str, ...]
    within: tuple[str, ...] = ()
    mark: Mark = Mark.OUTLINE
    placement: AnchorPlacement = AnchorPlacement.KEY
    slices: int = 1
    place: int = 0
    spared: tuple[str, ...] = ()
    off_centre: bool = False
    halves: tuple[str, ...] = ()
