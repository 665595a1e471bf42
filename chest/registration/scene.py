"""A chest as registration sees it: where each lung ends, and the vessels in it, on even voxels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from chest.values.chest_map import WHOLE, ChestMap
from chest.values.regions import LungLabel
from radiology.image.volume import Affine

Field = NDArray[np.float32]

VOXEL_MM = 5.0
"""Voxels of registration; vessels of some millimetres still show as a ridge."""

REACH_MM = 30.0
"""Distances to the surface of a lung count up to this; farther away there is nothing to see."""

_HALF = 0.5
_SOME_LESION = 0.05  # of a voxel
_DENSEST = 3.0  # times the lung's own density; a vessel of a voxel's size


@dataclass(frozen=True)
class Scene:
    """The features by which two chests are aligned.

    Attributes
    ----------
    affine : shape (4, 4), mm, LPS; (z, y, x, 1) of a voxel to its centre; axes along LPS
    surfaces : shape (2, z, y, x), mm; distance to the surface of the right and of the left lung,
        negative inside, at most `REACH_MM`
    density : shape (z, y, x); 1 is the lung's usual density, air is 0; lesions are filled with 1
    lungs : 0 to 1, the share of lung
    diseased : bool; lesions and their edge
    """

    affine: Affine
    surfaces: Field
    density: Field
    lungs: Field
    diseased: NDArray[np.bool_]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along z, y and x."""
        depth, height, width = self.lungs.shape
        return depth, height, width


def scene_of(chest: ChestMap, *, margin_mm: float = 0.0) -> Scene:
    """Bring a chest map to even voxels along the patient's axes.

    Parameters
    ----------
    margin_mm : beyond the blocks of the map, on every side
    """
    affine, shape = even_grid(chest, VOXEL_MM, margin_mm=margin_mm)
    share = chest.lung_share.astype(np.float32) / WHOLE
    right, left = (
        resampled(np.where(chest.lungs == side, share, 0.0), chest, affine, shape)
        for side in (LungLabel.RIGHT, LungLabel.LEFT)
    )
    lesion = resampled(chest.lesion_share / np.float32(WHOLE), chest, affine, shape)
    hounsfield = resampled(chest.hounsfield, chest, affine, shape, outside=-1000.0)
    lungs = np.minimum(right + left, 1.0)
    diseased = ndimage.maximum_filter(lesion, 3) > _SOME_LESION
    return Scene(
        affine=affine,
        surfaces=np.stack([_distance(right), _distance(left)]),
        density=_density(hounsfield, lungs, diseased),
        lungs=lungs,
        diseased=diseased,
    )


def even_grid(
    chest: ChestMap, voxel_mm: float, *, margin_mm: float = 0.0
) -> tuple[Affine, tuple[int, int, int]]:
    """A grid of cubes along the patient's axes that holds all blocks of a map."""
    ends = [(-0.5, size - 0.5) for size in chest.hounsfield.shape]
    corners = np.array(np.meshgrid(*ends)).reshape(3, -1)
    places = chest.affine[:3, :3] @ corners + chest.affine[:3, 3:]
    low, high = places.min(axis=1) - margin_mm, places.max(axis=1) + margin_mm
    width, height, depth = (int(one) for one in np.ceil((high - low) / voxel_mm))
    affine = np.zeros((4, 4))
    affine[2, 0] = affine[1, 1] = affine[0, 2] = voxel_mm
    affine[:3, 3] = low + voxel_mm / 2.0
    affine[3, 3] = 1.0
    return affine, (depth, height, width)


def resampled(
    blocks: NDArray[np.generic],
    chest: ChestMap,
    affine: Affine,
    shape: tuple[int, int, int],
    *,
    outside: float = 0.0,
    nearest: bool = False,
) -> Field:
    """Values of a map's array at the voxels of another grid."""
    matrix = np.linalg.solve(chest.affine, affine)
    values = blocks.astype(np.float32)
    voxel_mm = float(np.linalg.norm(affine[:3, 0]))
    if not nearest:  # a larger voxel sees all blocks that lie in it
        sizes = np.linalg.norm(chest.affine[:3, :3], axis=0)
        values = ndimage.gaussian_filter(
            values, [0.4 * max(voxel_mm / one - 1.0, 0.0) for one in sizes], mode="nearest"
        )
    found: Field = ndimage.affine_transform(
        values,
        matrix[:3, :3].astype(np.float64),
        matrix[:3, 3].astype(np.float64),
        output_shape=shape,
        order=0 if nearest else 1,
        mode="constant",
        cval=outside,
    )
    return found


def _distance(share: Field) -> Field:
    """Distance in mm to where half of a voxel is lung."""
    inside = share >= _HALF
    if not inside.any():
        return np.full(share.shape, REACH_MM, dtype=np.float32)
    away = ndimage.distance_transform_edt(~inside) - ndimage.distance_transform_edt(inside)
    # Within a voxel of the surface the share tells the place better than the nearest centre.
    sharp = np.clip((_HALF - share) * 2.0, -1.0, 1.0) * _HALF
    away = np.where(np.abs(away) <= 1.0, sharp, away - np.sign(away) * _HALF)
    distance: Field = np.clip(away * VOXEL_MM, -REACH_MM, REACH_MM).astype(np.float32)
    return ndimage.gaussian_filter(distance, 0.7).astype(np.float32)


def _density(hounsfield: Field, lungs: Field, diseased: NDArray[np.bool_]) -> Field:
    healthy = (lungs > 0.9) & ~diseased
    air_to_lung = float(np.median(hounsfield[healthy])) + 1000.0 if healthy.any() else 150.0
    relative: Field = np.clip((hounsfield + 1000.0) / max(air_to_lung, 30.0), 0.0, _DENSEST).astype(
        np.float32
    )
    relative[diseased] = 1.0
    return relative
