"""Finds fat: beside heart, aorta and wall it is dense and smooth, and no opacity has its density.

Consolidation without air lies above water, and with air in it it is uneven; fat lies at −100 HU and
is even.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.connected import Masks
from models.shifts import diamond, grown
from radiology.region import box_around

_MEAN_HU = (-140.0, -60.0)
_EVEN_BELOW_HU = 20.0  # standard deviation; across the border of a consolidation it is far larger
_AROUND = 5  # pixels a side
# At its edge: what fat is measured in (Yoshizumi and others, Radiology 1999;211:283).
_EDGE_HU = (-190.0, -30.0)
_EDGE_PIXELS = 2


def find_fat(hounsfield: NDArray[np.float32], even: NDArray[np.float32], wanted: Masks) -> Masks:
    """Fat on slices where something is wanted, where that lies.

    Parameters
    ----------
    hounsfield : shape (slices, rows, columns), HU
    even : means of 3 x 3 pixels; same shape
    wanted : same shape
    """
    found = np.zeros_like(wanted)
    box = box_around(wanted)
    if box is None:
        return found
    rows, columns = (slice(max(one.start - _AROUND, 0), one.stop + _AROUND) for one in box[1:])
    for index in np.flatnonzero(wanted.any(axis=(1, 2))):
        seen = hounsfield[index, rows, columns]
        mean = ndimage.uniform_filter(seen, _AROUND)
        deviation = np.sqrt(np.maximum(ndimage.uniform_filter(seen * seen, _AROUND) - mean**2, 0.0))
        found[index, rows, columns] = _between(mean, _MEAN_HU) & (deviation < _EVEN_BELOW_HU)
    return grown(found, diamond(_EDGE_PIXELS)) & _between(even, _EDGE_HU) & wanted


def _between(values: NDArray[np.float32], limits: tuple[float, float]) -> Masks:
    within: Masks = (values > limits[0]) & (values < limits[1])
    return within
