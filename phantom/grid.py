"""Grids to evaluate the phantom on: any acquisition is a shape and an affine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from phantom.posture import PIVOT_MM, Posture
from radiology.image.volume import Affine

Coordinates = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
Block = tuple[slice, slice, slice]
Box = tuple[tuple[float, float, float], tuple[float, float, float]]

CENTRE_MM = PIVOT_MM
"""Where grids are centred: the middle of the lungs, a little to the back to see the table."""

_LEFT, _BACK, _HEAD = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
_RIGHT, _FRONT, _FEET = (-1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, -1.0)


def _directions(
    slices: tuple[float, ...], rows: tuple[float, ...], columns: tuple[float, ...]
) -> NDArray[np.float64]:
    return np.array([slices, rows, columns], dtype=np.float64).T


ORIENTATIONS: Mapping[str, NDArray[np.float64]] = {
    # columns: where slice, row and column index grow to
    "axial_to_head": _directions(_HEAD, _BACK, _LEFT),
    "axial_to_feet": _directions(_FEET, _BACK, _LEFT),
    "coronal_to_back": _directions(_BACK, _FEET, _LEFT),
    "coronal_to_front": _directions(_FRONT, _FEET, _LEFT),
    "sagittal_to_left": _directions(_LEFT, _FEET, _BACK),
    "sagittal_to_right": _directions(_RIGHT, _FEET, _BACK),
}
"""The six axis-aligned ways to cut a patient, with the rows and columns that scanners use."""


@dataclass(frozen=True)
class PhantomGrid:
    """Voxels to evaluate: their number and their place in the patient.

    Attributes
    ----------
    affine : takes (slice, row, column, 1) to mm, LPS, as in `radiology.image.volume.Volume`
    posture : how the patient lies in that space
    """

    shape: tuple[int, int, int]
    affine: Affine
    posture: Posture = field(default_factory=Posture)

    @property
    def spacing_mm(self) -> NDArray[np.float64]:
        """Distance of neighbours along slice, row and column index."""
        lengths: NDArray[np.float64] = np.linalg.norm(self.affine[:3, :3], axis=0)
        return lengths

    def slabs(self, slices: int) -> Iterator[Block]:
        """The grid cut along its first axis into pieces of at most `slices`."""
        for start in range(0, self.shape[0], slices):
            stop = min(start + slices, self.shape[0])
            yield slice(start, stop), slice(0, self.shape[1]), slice(0, self.shape[2])

    def block_of(self, box: Box, within: Block | None = None) -> Block | None:
        """The smallest block of voxels that holds a box given in body space.

        Returns
        -------
        None when no voxel of the grid (or of `within`) lies in it.
        """
        corners = np.array(np.meshgrid(*zip(*box, strict=True))).reshape(3, -1)
        placed = self.posture.place(corners.T).T
        indices = np.linalg.solve(self.affine[:3, :3], placed - self.affine[:3, 3:])
        limits = within or tuple(slice(0, count) for count in self.shape)
        pieces = []
        for low, high, limit in zip(indices.min(1), indices.max(1), limits, strict=True):
            start = max(int(np.floor(low)), limit.start)
            stop = min(int(np.ceil(high)) + 1, limit.stop)
            if start >= stop:
                return None
            pieces.append(slice(start, stop))
        return pieces[0], pieces[1], pieces[2]

    def coordinates(self, block: Block) -> Coordinates:
        """Body coordinates of the voxels of a block, each in a shape that broadcasts to it.

        An axis that runs along a patient axis gives a thin array: most grids are axis-aligned,
        and what depends on one coordinate alone then costs next to nothing.
        """
        x, y, z = (self._coordinate(axis, block) for axis in range(3))
        breath = self.posture.breath
        return x, breath.body_y(y), breath.body_z(z)

    @cached_property
    def _to_body(self) -> Affine:
        """From voxel indices to where a chest that has breathed was before it was placed."""
        affine: Affine = np.linalg.solve(self.posture.placing, self.affine).astype(np.float64)
        return affine

    def _coordinate(self, axis: int, block: Block) -> NDArray[np.float32]:
        total = np.full((1, 1, 1), self._to_body[axis, 3])
        for index_axis, piece in enumerate(block):
            step = self._to_body[axis, index_axis]
            if abs(step) > 1e-9:
                shape = [1, 1, 1]
                shape[index_axis] = -1
                total = total + (step * np.arange(piece.start, piece.stop)).reshape(shape)
        return total.astype(np.float32)


def phantom_grid(
    shape: tuple[int, int, int] = (150, 512, 512),
    spacing_mm: tuple[float, float, float] = (2.0, 0.7, 0.7),
    orientation: str | NDArray[np.float64] = "axial_to_head",
    posture: Posture | None = None,
) -> PhantomGrid:
    """A grid around the middle of the chest.

    Parameters
    ----------
    shape : slices, rows, columns
    spacing_mm : between slices, rows, columns
    orientation : a name of `ORIENTATIONS`, or a 3 x 3 matrix whose columns are the directions
        (LPS) in which slice, row and column index grow; they need not be at right angles to the
        slices (gantry tilt)
    posture : how the patient lies and breathes; straight and with a full breath when not given
    """
    directions = ORIENTATIONS[orientation] if isinstance(orientation, str) else orientation
    affine = np.eye(4)
    affine[:3, :3] = directions * np.asarray(spacing_mm)
    middle = (np.asarray(shape) - 1) / 2.0
    affine[:3, 3] = np.asarray(CENTRE_MM) - affine[:3, :3] @ middle
    return PhantomGrid(shape, affine, posture or Posture())
