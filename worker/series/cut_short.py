"""Finds slices whose last rows were lost on the way, where somebody filled them up.

An instance that was cut short is refused when it is decoded. A PACS or router that packs images
anew as they arrive decodes it first, and fills up what is missing with one value: Orthanc's
IngestTranscoding takes the lowest that can be stored, which is air, or outside of the field of
view. What it sends on is whole again by every count.

Rows of one value are no fault by themselves: scanners fill them up outside the field of view,
anonymisers and segmentations around the body, resampling beyond the edge of a tilted stack. So a
slice is held against those on both sides of it. What grows or shrinks along the series is no loss
of one slice, and the first and last slice are not judged.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from radiology.image.volume import FloatArray

TISSUE_HU = -500.0
"""Above it lies neither air nor lung."""

LEAST_LOST = 0.05
"""Of the tissue of the slices beside it (ours): less is the table, which some masks keep."""

NOTHING_LEFT = 0.5
"""So much lost is a loss wherever the data ends: also where it ends above the body."""

LEAST_SPAN = 0.5
"""Data that breaks off within the body has it in its last row, nearly as wide as anywhere; at its
lower end, where a mask ends, the body is narrow (ours)."""

REACH = 3
"""Slices on either side: so many of them may be damaged as well."""


def slices_cut_short(hounsfield: FloatArray) -> list[int]:
    """The slices that end in rows of one value where those on both sides show the body.

    Parameters
    ----------
    hounsfield : shape (slices, rows, columns), HU; rows as they are stored
    """
    ends = np.array([_end_of_data(one) for one in hounsfield])
    return [
        index
        for index in np.flatnonzero(ends < hounsfield.shape[1]).tolist()
        if all(_lost(hounsfield, ends, index, side) for side in _sides(ends, index))
    ]


def frames_lost(hounsfield: FloatArray, stored: Sequence[int]) -> list[int]:
    """The slices of the last frames of a multi-frame instance, where these hold one value.

    So ends an instance that was cut short after some of its frames. Where the first frame holds one
    value too, the stack was made larger at both ends.

    Parameters
    ----------
    hounsfield : shape (slices, rows, columns), HU
    stored : the slices of the frames of one instance, in the order of their numbers
    """
    empty = [_end_of_data(hounsfield[index]) == 0 for index in stored]
    if not empty[-1] or empty[0]:
        return []
    return [index for number, index in enumerate(stored) if all(empty[number:])]


def _end_of_data(values: FloatArray) -> int:
    """How many rows there are before those that hold one value, the same in all of them."""
    last = values[-1, -1]
    if (values[-1] != last).any():
        return len(values)
    other = np.flatnonzero((values != last).any(axis=1))
    return int(other[-1]) + 1 if other.size else 0


def _sides(ends: NDArray[np.int64], index: int) -> list[NDArray[np.int64]]:
    places = np.arange(len(ends))
    return [places[max(index - REACH, 0) : index], places[index + 1 : index + 1 + REACH]]


def _lost(
    hounsfield: FloatArray, ends: NDArray[np.int64], index: int, side: NDArray[np.int64]
) -> bool:
    """Whether the slice that has most rows on one side shows the body where this one ends."""
    if not side.size:
        return False
    beside = side[ends[side].argmax()]
    end = ends[index]
    if ends[beside] <= end:
        return False
    tissue = hounsfield[beside] > TISSUE_HU
    all_of_it = max(int(np.count_nonzero(tissue)), 1)
    lost = int(np.count_nonzero(tissue[end:])) / all_of_it
    if lost < LEAST_LOST:
        return False
    # The last row itself may be whole only in part.
    last = hounsfield[index, end - 2] > TISSUE_HU if end > 1 else tissue[0] & False
    return bool(lost >= NOTHING_LEFT or _span(last) >= LEAST_SPAN * _span(tissue.any(axis=0)))


def _span(tissue: NDArray[np.bool_]) -> int:
    """Columns from the first to the last that holds tissue."""
    found = np.flatnonzero(tissue)
    return int(found[-1] - found[0]) + 1 if found.size else 0
