"""Connected parts of stacks of masks."""

from __future__ import annotations

from typing import Literal

import cc3d
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from radiology.region import box_around

Masks = NDArray[np.bool_]
Labels = NDArray[np.integer]


def parts(mask: Masks, connectivity: Literal[6, 26]) -> tuple[Labels, NDArray[np.int64]]:
    """Connected parts of a stack and the voxel count of each; part 0 is the background."""
    # As bytes: cc3d takes twice as long with what it knows to be a mask.
    labels = np.asarray(cc3d.connected_components(mask.view(np.uint8), connectivity=connectivity))
    return labels, _counted(labels)


def parts_by_slice(mask: Masks) -> tuple[Labels, NDArray[np.int64]]:
    """What hangs together by the sides of pixels within each slice, and the pixel count of each.

    Slices are told apart by turns: cc3d joins neighbours of one value alone.
    """
    turns = 1 + np.arange(len(mask), dtype=np.uint8)[:, None, None] % 2
    labels = np.asarray(cc3d.connected_components(mask * turns, connectivity=6))
    return labels, _counted(labels)


def _counted(labels: Labels) -> NDArray[np.int64]:
    """Voxels of each part; few voxels belong to any, and the others need no counting."""
    flat = labels.ravel()
    counts = np.bincount(flat[np.flatnonzero(flat)], minlength=1).astype(np.int64)
    counts[0] = 0
    return counts


def keep_large(
    mask: Masks, least: float, connectivity: Literal[6, 26], share_of_largest: float = 0.0
) -> Masks:
    """Drop connected parts of fewer than `least` voxels, or of a smaller share of the largest."""
    box = box_around(mask)
    if box is None:
        return mask
    labels, counts = parts(mask[box], connectivity)
    least = max(least, share_of_largest * float(counts.max()), 1.0)
    kept = np.zeros_like(mask)
    kept[box] = (counts >= least)[labels]
    return kept


def in_plane_cross() -> Masks:
    """Neighbours within a slice only, so that one pass treats every slice by itself."""
    cross = np.zeros((3, 3, 3), dtype=bool)
    cross[1] = ndimage.generate_binary_structure(2, 1)
    return cross


def at_edge_of_slice(labels: NDArray[np.integer], count: int) -> Masks:
    """Which of the labels 0 to `count` reach an edge of their slice, shape (count + 1,)."""
    reached = np.zeros(count + 1, dtype=bool)
    for edge in (labels[:, 0], labels[:, -1], labels[:, :, 0], labels[:, :, -1]):
        reached[edge] = True
    return reached
