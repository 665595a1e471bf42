"""Separate lesions: connected parts of a class, the largest first.

A lesion has one class, so that its segment has one coded type: a consolidation within ground glass
is a lesion beside it. Which lesions become segments of their own is a choice; which is which is
not: rank and name follow from the masks alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import cc3d
import numpy as np
from numpy.typing import NDArray

from radiology.region import Box, LabelMap, box_around

LEAST_TRACKED_ML = 0.15  # the least that a bundle keeps of what stands alone


@dataclass(frozen=True, slots=True)
class LesionPart:
    """One connected part of one class.

    Attributes
    ----------
    kind : its class, a value of the label map of findings
    rank : 1 for the largest of its class
    voxels : how many it has
    part : its value in `NumberedLesions.parts`
    """

    kind: int
    rank: int
    voxels: int
    part: int


@dataclass(frozen=True)
class NumberedLesions:
    """Every lesion of a reading.

    Attributes
    ----------
    box : where lesions lie within the volume
    parts : shape of the box; 0 where there is none
    lesions : largest first, whatever their class
    """

    box: Box
    parts: NDArray[np.integer]
    lesions: tuple[LesionPart, ...]

    def largest(self, most: int, *, voxel_ml: float) -> tuple[LesionPart, ...]:
        """The lesions that are tracked one by one."""
        large = [one for one in self.lesions if one.voxels * voxel_ml >= LEAST_TRACKED_ML]
        return tuple(large[:most])

    def relabelled(self, regions: LabelMap, values: Mapping[int, int]) -> LabelMap:
        """A lesion label map in which some lesions have a value of their own.

        Parameters
        ----------
        values : new value by `LesionPart.part`; other lesions keep that of their class

        Returns
        -------
        A copy, or `regions` itself where nothing changes.
        """
        if not values:
            return regions
        made: LabelMap = regions.copy()
        lookup = np.zeros(int(self.parts.max()) + 1, np.uint8)
        lookup[list(values)] = list(values.values())
        new_labels = lookup[self.parts]
        np.copyto(made[self.box], new_labels, where=new_labels > 0)
        return made


def number_lesions(lesions: LabelMap) -> NumberedLesions:
    """Tell lesions apart: voxels of one class that touch, by corners too.

    Parameters
    ----------
    lesions : uint8, shape of the volume; a value for each class, 0 where there is none
    """
    box = box_around(lesions)
    if box is None:
        nothing = (slice(0, 0), slice(0, 0), slice(0, 0))
        return NumberedLesions(nothing, np.zeros((0, 0, 0), np.uint16), ())
    inside = np.ascontiguousarray(lesions[box])
    parts: NDArray[np.integer] = np.asarray(cc3d.connected_components(inside, connectivity=26))
    at = np.flatnonzero(parts)  # few: what follows would be slow on the whole box
    part_at = parts.ravel()[at]
    counts = np.bincount(part_at)
    first_at = np.zeros(len(counts), dtype=np.intp)
    first_at[part_at[::-1]] = at[::-1]  # of several the last one is kept: the first voxel
    kinds = inside.ravel()[first_at]
    # Equal ones in the order of their first voxels: the same masks give the same ranks.
    order = sorted(
        range(1, len(counts)), key=lambda part: (-int(counts[part]), int(first_at[part]))
    )
    ranks: Counter[int] = Counter()
    found = []
    for part in order:
        kind = int(kinds[part])
        ranks[kind] += 1
        found.append(LesionPart(kind, ranks[kind], int(counts[part]), part))
    return NumberedLesions(box, parts, tuple(found))
