"""The positions of patches, and the weight of each of their voxels."""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import NDArray

from models.declared.inputs import Weighting

Floats = NDArray[np.float32]

# Of a patch's length: what nnU-Net (compute_gaussian) and MONAI (sliding_window_inference) use.
_SIGMA_SHARE = 1 / 8


def starts(length: int, patch: int, overlap: float) -> list[int]:
    """Where patches begin along an axis: evenly spread, the first at 0, the last at the end.

    Parameters
    ----------
    length : of the axis, at least that of a patch
    overlap : least share of a patch that the next one covers too (nnU-Net: 1 − tile_step_size)
    """
    room = length - patch
    if room <= 0:
        return [0]
    steps = ceil(room / max(1.0, patch * (1.0 - overlap)))
    return sorted({round(room * at / steps) for at in range(steps + 1)})


def weights(patch: int, weighting: Weighting) -> Floats:
    """How much each voxel of a patch counts along one axis, float32, at most 1.

    Over all axes the weights are multiplied, which is a Gaussian in space.
    """
    if weighting is Weighting.EVEN:
        return np.ones(patch, dtype=np.float32)
    away = np.arange(patch) - (patch - 1) / 2
    bell: Floats = np.exp(-0.5 * (away / (patch * _SIGMA_SHARE)) ** 2).astype(np.float32)
    return bell


def total_weights(length: int, patch: int, begins: list[int], along: Floats) -> NDArray[np.float64]:
    """The weights of all patches at each place of an axis; none is 0."""
    total = np.zeros(length)
    for begin in begins:
        total[begin : begin + patch] += along
    return total
