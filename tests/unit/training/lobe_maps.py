"""A map of lobes of which one knows what is where."""

from __future__ import annotations

import numpy as np

from training.lobes.maps import LEFT, RIGHT, Labels


def lobe_map(shape: tuple[int, int, int] = (40, 30, 50)) -> Labels:
    """Two boxes of lung: the left one in two halves, the right one in three thirds."""
    labels = np.zeros(shape, dtype=np.uint8)
    slices, _, columns = shape
    half, third = slices // 2, slices // 3
    right, left = slice(0, columns // 2 - 3), slice(columns // 2 + 3, columns)
    labels[:half, :, left], labels[half:, :, left] = LEFT
    labels[:third, :, right], labels[third : 2 * third, :, right] = RIGHT[:2]
    labels[2 * third :, :, right] = RIGHT[2]
    return labels
