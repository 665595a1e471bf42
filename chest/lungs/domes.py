"""Finds what is no lesion but the dome of the diaphragm, or the edge of an organ under it.

A slice through the top of a dome averages lung with liver or spleen, and looks like consolidation.
What gives it away is its height: such a thing is as high as a slice or two and rests on soft tissue
that is no lung, while a pneumonia at the base of a lung reaches up from it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.connected import Masks

_SOFT_ABOVE_HU = -300.0
_LEAST_HEIGHT_MM = 9.0
_LEAST_SLICES = 2


def resting_on_diaphragm(
    lesion: Masks, lung: Masks, hounsfield: NDArray[np.float32], slice_mm: float
) -> Masks:
    """The lesions that rest on soft tissue outside the lungs and are too low to be any.

    Parameters
    ----------
    lesion, lung : shape (slices, rows, columns), slices to the head
    hounsfield : same shape, HU

    Returns
    -------
    Same shape. Each column of voxels is judged by itself: a run of lesion from soft tissue upwards
    that is lower than 9 mm, or than two slices.
    """
    rests = np.zeros_like(lesion)
    ground = (hounsfield > _SOFT_ABOVE_HU) & ~lung
    # How high the run is that each voxel stands in, if that run rests on the ground.
    height = np.zeros(lesion.shape[1:], dtype=np.int32)
    grounded = np.zeros(lesion.shape[1:], dtype=bool)
    least = max(_LEAST_SLICES, int(np.ceil(_LEAST_HEIGHT_MM / slice_mm)))
    for at in range(1, lesion.shape[0] + 1):
        here = lesion[at] if at < lesion.shape[0] else np.zeros_like(grounded)
        ended = grounded & ~here & (height > 0) & (height < least)
        if ended.any():
            for down in range(1, least):
                rests[at - down] |= ended & (height >= down)
        begins = here & ~lesion[at - 1]
        grounded = np.where(begins, ground[at - 1], grounded & here)
        height = np.where(here, np.where(begins, 1, height + 1), 0)
    return rests
