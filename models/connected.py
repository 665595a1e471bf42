"""Connected parts of stacks of masks."""

from __future__ import annotations

from typing import Literal

import cc3d
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Masks = NDArray[np.bool_]


def parts(
    mask: Masks, connectivity: Literal[6, 26]
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Connected parts of a stack and the voxel count of each; part 0 is the background."""
    labels = np.asarray(cc3d.connected_components(mask, connectivity=connectivity))
    counts = np.bincount(labels.ravel()).astype(np.int64)
    counts[0] = 0
    return labels.astype(np.uint32, copy=False), counts


def keep_large(
    mask: Masks, least: float, connectivity: Literal[6, 26], share_of_largest: float = 0.0
) -> Masks:
    """Drop connected parts of fewer than `least` voxels, or of a smaller share of the largest."""
    if not mask.any():
        return mask
    labels, counts = parts(mask, connectivity)
    least = max(least, share_of_largest * float(counts.max()), 1.0)
    kept: Masks = (counts >= least)[labels]
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
        reached[np.unique(edge)] = True
    return reached
