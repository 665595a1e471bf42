"""Where the body lies in a volume, for pictures of a reading that outlines no anatomy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from radiology.image.volume import Volume

BODY_FROM_HU = -300.0  # between fat and what clothes, blankets and air are
_COARSE_MM = 3.0
_OPENED = 2  # coarse pixels: a table top is thinner than four of them, a body is not

Box = tuple[slice, slice]


def body_areas(volume: Volume) -> NDArray[np.int64]:
    """Number of pixels of body, table and all else that is no air, on each slice."""
    return np.array(
        [np.count_nonzero(one > BODY_FROM_HU) for one in volume.hounsfield], dtype=np.int64
    )


def body_box(volume: Volume) -> Box:
    """Rows and columns between which the body lies; all of them where there is none.

    Of what lies over all slices in one plane, the largest part that is left when thin things,
    such as the table, are taken away.
    """
    steps = [max(1, round(_COARSE_MM / mm)) for mm in volume.spacing_mm]
    coarse = volume.hounsfield[:: steps[0], :: steps[1], :: steps[2]]
    seen = np.asarray((coarse > BODY_FROM_HU).any(axis=0))
    solid = ndimage.binary_opening(np.pad(seen, _OPENED, mode="edge"), iterations=_OPENED)
    solid = solid[_OPENED:-_OPENED, _OPENED:-_OPENED]
    labels, count = ndimage.label(solid if solid.any() else seen)
    rows, columns = volume.shape[1:]
    if not count:
        return slice(0, rows), slice(0, columns)
    largest = int(np.argmax(np.bincount(labels.ravel())[1:])) + 1
    down, across = ndimage.find_objects(labels)[largest - 1]
    return (
        slice(down.start * steps[1], min(down.stop * steps[1], rows)),
        slice(across.start * steps[2], min(across.stop * steps[2], columns)),
    )
