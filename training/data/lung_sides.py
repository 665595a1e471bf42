"""Separates the right lung from the left in a mask of both."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

RIGHT = 1
LEFT = 2

_CENTRAL_PART = (0.35, 0.65)  # of the mask's width: where the mediastinum is looked for


def dividing_column(mask: NDArray[np.bool_]) -> int:
    """Column in the middle part of a mask that crosses the fewest of its pixels."""
    columns = np.flatnonzero(mask.any(axis=0))
    if columns.size == 0:
        return int(mask.shape[1] // 2)
    first, last = int(columns[0]), int(columns[-1])
    width = last - first + 1
    lower = first + int(_CENTRAL_PART[0] * width)
    upper = max(first + int(_CENTRAL_PART[1] * width), lower + 1)
    counts = ndimage.uniform_filter1d(mask.sum(axis=0).astype(np.float64), 7)[lower:upper]
    lowest = np.flatnonzero(counts <= counts.min() + 1e-9)
    return lower + int(lowest[lowest.size // 2])


def split_lung_sides(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Label a lung mask by side: 1 at the image's left (patient's right), 2 at its right.

    Parameters
    ----------
    mask : shape (rows, columns), radiological display

    Returns
    -------
    uint8, same shape
        A component mostly on one side goes there whole; one that straddles (the lungs touch
        at the anterior junction line) is cut at the dividing column.
    """
    column = dividing_column(mask)
    labels, count = ndimage.label(mask)
    at_left = np.zeros(mask.shape, dtype=bool)
    at_left[:, :column] = True
    sides = np.zeros(mask.shape, dtype=np.uint8)
    for label in range(1, count + 1):
        part = labels == label
        share = float(at_left[part].mean())
        if share > 0.9:
            sides[part] = RIGHT
        elif share < 0.1:
            sides[part] = LEFT
        else:
            sides[part & at_left] = RIGHT
            sides[part & ~at_left] = LEFT
    return sides
