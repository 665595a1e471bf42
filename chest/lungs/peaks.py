"""Judges opacities by their surest pixel: an outline reaches far, and counts only where it is sure.

A threshold that outlines a pneumonia to its faint border calls vessels and dependent lung of the
healthy opacities too. The two are told apart by how sure the network is at the best place of each
(thresholding with hysteresis, as in Canny 1986, IEEE PAMI 8:679, for edges).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.connected import Masks, in_plane_cross


def by_peak(
    outlined: Masks, probability: NDArray[np.uint8], peak: float, possible_peak: float
) -> tuple[Masks, Masks]:
    """Split what is outlined into what counts and what is possible; the rest is dropped.

    What hangs together in a slice is judged as one. Judged in three dimensions, vessels would join
    every faint spot to the one that is sure.

    Parameters
    ----------
    outlined : shape (slices, rows, columns)
    probability : same shape, 255 = certain
    peak : probability that something must reach somewhere to count
    possible_peak : likewise, to be possible
    """
    counts, possible = np.zeros_like(outlined), np.zeros_like(outlined)
    for box in ndimage.find_objects(outlined.view(np.uint8)):
        labels, count = ndimage.label(outlined[box], structure=in_plane_cross())
        best = np.zeros(count + 1, dtype=np.uint8)
        at = np.flatnonzero(labels)
        np.maximum.at(best, labels.ravel()[at], probability[box].ravel()[at])
        sure = best >= np.rint(peak * 255.0)
        unsure = (best >= np.rint(possible_peak * 255.0)) & ~sure
        sure[0] = unsure[0] = False
        counts[box], possible[box] = sure[labels], unsure[labels]
    return counts, possible
