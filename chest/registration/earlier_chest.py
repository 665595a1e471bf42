"""An earlier chest as seen from places of a later one: the way back through a registration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from chest.registration.register import Registration
from chest.values.chest_map import WHOLE, ChestMap

Places = NDArray[np.float64]
Values = NDArray[np.float32]

_STEPS = 8  # each leaves less than a third of what is missing; breath bends by a few millimetres
_OUTSIDE_HU = -1024.0
_EVERY = 4  # voxels of the registration, for the even mapping that the search starts from


@dataclass(frozen=True)
class EarlierChest:
    """What was kept of an earlier study, with its registration with a later one."""

    chest: ChestMap
    registration: Registration

    @property
    def block_mm(self) -> float:
        """The longest side of a block: finer detail is not stored."""
        return float(np.linalg.norm(self.chest.affine[:3, :3], axis=0).max())

    def seen_from(self, later_mm: Places) -> tuple[Values, Values]:
        """What lay, in the earlier chest, at places of the later one.

        Parameters
        ----------
        later_mm : shape (n, 3), LPS

        Returns
        -------
        HU, and the share of lesion from 0 to 1, each of shape (n,); air where no voxel is stored.
        """
        affine = self.chest.affine
        origins = _origins(self.registration, later_mm)
        at = np.linalg.solve(affine[:3, :3], origins.T - affine[:3, 3:])
        hounsfield = ndimage.map_coordinates(
            self.chest.hounsfield, at, order=1, cval=_OUTSIDE_HU, output=np.float32
        )
        lesions = ndimage.map_coordinates(
            self.chest.lesion_share, at, order=1, cval=0.0, output=np.float32
        )
        return hounsfield, lesions / np.float32(WHOLE)


def _origins(registration: Registration, later_mm: Places) -> Places:
    """Where places of the later chest lie in the earlier one, by Newton's steps with one slope.

    The slope is that of the even mapping that comes nearest to the registration.
    """
    slope, shift = _even_mapping(registration)
    back = np.linalg.inv(slope)
    origins = (later_mm - shift) @ back.T
    for _ in range(_STEPS):
        origins = origins + (later_mm - registration.places(origins)) @ back.T
    return origins


def _even_mapping(registration: Registration) -> tuple[Places, Places]:
    """Slopes, shape (3, 3), and shift, shape (3,), by least squares over the earlier chest."""
    displacements = registration.displacements
    shape = displacements.places_mm.shape[1:]
    grid = np.stack(np.meshgrid(*(np.arange(0, n, _EVERY) for n in shape), indexing="ij"), axis=-1)
    indices = grid.reshape(-1, 3)
    affine = displacements.affine
    earlier_mm = indices @ affine[:3, :3].T + affine[:3, 3]
    later_mm = displacements.places_mm[:, *indices.T].T.astype(np.float64)
    known = np.column_stack([earlier_mm, np.ones(len(indices))])
    found = np.linalg.lstsq(known, later_mm, rcond=None)[0].astype(np.float64)
    return found[:3].T, found[3]
