"""Masks grown and shrunk within their slices, by shifting whole stacks.

The same as `scipy.ndimage.binary_dilation` and `binary_erosion` with nothing beyond the edges, in
a tenth of the time: a processor joins dozens of voxels in one step where they lie side by side.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.connected import Masks


def diamond(radius: int) -> Masks:
    """What can be reached in so many steps by the sides of pixels."""
    down, right = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    within: Masks = np.abs(down) + np.abs(right) <= radius
    return within


def grown(mask: Masks, shape: Masks) -> Masks:
    """What lies within a shape around any voxel of a mask, slice by slice.

    Parameters
    ----------
    mask : shape (slices, rows, columns)
    shape : symmetric about its middle, each of its rows without gaps
    """
    made = np.zeros_like(mask)
    middle = shape.shape[0] // 2
    # Of the middle row and those below it; those above are alike.
    reach = [int(np.count_nonzero(row)) // 2 if row.any() else -1 for row in shape[middle:]]
    wide, width = mask.copy(), 0
    for down in sorted(range(len(reach)), key=lambda one: reach[one]):
        if reach[down] < 0:
            continue
        while width < reach[down]:
            width += 1
            wide[:, :, width:] |= mask[:, :, :-width]
            wide[:, :, :-width] |= mask[:, :, width:]
        if down == 0:
            made |= wide
        else:
            made[:, down:] |= wide[:, :-down]
            made[:, :-down] |= wide[:, down:]
    return made


def grown_by_ball(mask: Masks, nearer_than_mm: float, spacing_mm: NDArray[np.float64]) -> Masks:
    """What lies nearer than a distance to any voxel of a mask, in space."""
    reach = [int(nearer_than_mm / one) for one in spacing_mm]
    down, right = np.mgrid[-reach[1] : reach[1] + 1, -reach[2] : reach[2] + 1]
    within = (down * spacing_mm[1]) ** 2 + (right * spacing_mm[2]) ** 2
    made = np.zeros_like(mask)
    for up in range(reach[0] + 1):
        shape = np.sqrt(within + (up * spacing_mm[0]) ** 2) < nearer_than_mm
        if not shape.any():
            continue
        wide = grown(mask, shape)
        if up == 0:
            made |= wide
        else:
            made[up:] |= wide[:-up]
            made[:-up] |= wide[up:]
    return made


def shrunk(mask: Masks, shape: Masks) -> Masks:
    """Where a shape fits into a mask, slice by slice; beyond the edges there is nothing."""
    rows, columns = (size // 2 for size in shape.shape)
    padded = np.pad(~mask, ((0, 0), (rows, rows), (columns, columns)), constant_values=True)
    inner = (slice(None), slice(rows, -rows or None), slice(columns, -columns or None))
    fits: Masks = ~grown(padded, shape)[inner]
    return fits


def grown_within(mask: Masks, steps: int, limit: Masks) -> Masks:
    """What can be reached from a mask in so many steps by the sides of pixels, within a limit."""
    reached = mask
    for _ in range(steps):
        wider = reached.copy()
        wider[:, 1:] |= reached[:, :-1]
        wider[:, :-1] |= reached[:, 1:]
        wider[:, :, 1:] |= reached[:, :, :-1]
        wider[:, :, :-1] |= reached[:, :, 1:]
        wider &= limit
        wider |= mask
        reached = wider
    return reached
