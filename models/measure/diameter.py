"""The largest distance between two voxels of one connected part."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.distance import pdist

from models.connected import parts
from radiology.image.volume import Volume

Points = NDArray[np.float64]
_CONNECTIVITY: Final = 26
_FEW = 64  # points whose distances are sooner compared than a hull is built


def largest_diameter_mm(mask: NDArray[np.bool_], volume: Volume) -> float:
    """The largest distance in mm between centres of voxels of one part; 0 for a single voxel.

    Parameters
    ----------
    mask : shape of the volume
    """
    labels, _ = parts(mask, _CONNECTIVITY)
    boxes = enumerate(find_objects(labels.astype(np.int32)), start=1)
    longest = 0.0
    for reach, number, box in sorted(
        ((_reach_mm(box, volume), number, box) for number, box in boxes),
        key=lambda one: -one[0],
    ):
        if reach <= longest:
            break
        indices = np.argwhere(labels[box] == number) + [one.start for one in box]
        longest = max(longest, _longest(volume.positions_mm(_ends(indices))))
    return longest


def _reach_mm(box: tuple[slice, ...], volume: Volume) -> float:
    """No two voxels of a box are farther apart than its corners."""
    far = [one.stop - one.start - 1 for one in box]
    corners = np.array([[0, 0, 0], far, [far[0], 0, 0], [0, far[1], 0], [0, 0, far[2]]])
    axes = volume.positions_mm(corners[2:]) - volume.positions_mm(corners[:1])
    return float(np.linalg.norm(axes, axis=1).sum())


def _ends(indices: NDArray[np.int64]) -> Points:
    """First and last voxel of each line along the last axis: the farthest two are among them."""
    order = np.lexsort((indices[:, 2], indices[:, 1], indices[:, 0]))
    indices = indices[order]
    new = np.any(np.diff(indices[:, :2], axis=0), axis=1)
    first = np.concatenate([[True], new])
    last = np.concatenate([new, [True]])
    ends: Points = indices[first | last].astype(np.float64)
    return ends


def _longest(points: Points) -> float:
    if len(points) < 2:
        return 0.0
    if len(points) > _FEW:
        points = points[_outermost(points)]
    return float(pdist(points).max())


def _outermost(points: Points) -> NDArray[np.int64]:
    """The corners of the convex hull; of a flat part in its plane, of a line its ends."""
    centred = points - points.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    turned = centred @ axes.T
    for dimensions in (3, 2):
        try:
            return np.asarray(ConvexHull(turned[:, :dimensions]).vertices, dtype=np.int64)
        except QhullError:  # all in one plane, or in one line
            continue
    return np.array([turned[:, 0].argmin(), turned[:, 0].argmax()])
