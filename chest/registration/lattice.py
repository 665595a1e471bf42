"""A smooth field of displacements: cubic B-splines on a lattice, evaluated axis by axis.

Rueckert and others, IEEE Transactions on Medical Imaging 1999;18:712 (free-form deformations).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float32]
Values = NDArray[np.float32]


@dataclass(frozen=True)
class Lattice:
    """Weights of control points, one matrix for each of z, y and x.

    Attributes
    ----------
    weights : each of shape (voxels, control points) along its axis
    """

    weights: tuple[Weights, Weights, Weights]

    @classmethod
    def over(cls, shape: tuple[int, int, int], every: float) -> Lattice:
        """A lattice over a grid, with a control point every so many voxels."""
        depth, height, width = (_weights(size, every) for size in shape)
        return cls((depth, height, width))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Control points along z, y and x."""
        depth, height, width = (one.shape[1] for one in self.weights)
        return depth, height, width

    @property
    def voxels_per_point(self) -> float:
        """Voxels of the grid for each control point."""
        return float(np.prod([one.shape[0] / one.shape[1] for one in self.weights]))

    def spread(self, points: Values) -> Values:
        """From control points, shape (n, *lattice), to voxels, shape (n, *grid)."""
        depth, height, width = self.weights
        return _along(_along(_along(points, depth, 1), height, 2), width, 3)

    def gather(self, voxels: Values) -> Values:
        """The transpose of `spread`."""
        depth, height, width = self.weights
        return _along(_along(_along(voxels, width.T, 3), height.T, 2), depth.T, 1)


def _along(values: Values, matrix: Weights, axis: int) -> Values:
    """Apply a matrix along one axis."""
    moved = np.moveaxis(values, axis, -1) @ matrix.T
    return np.moveaxis(moved, -1, axis)


def _weights(size: int, every: float) -> Weights:
    place = np.arange(size, dtype=np.float64) / every
    first = np.floor(place).astype(int)
    t = place - first
    found = np.zeros((size, int(first[-1]) + 4), dtype=np.float32)
    rows = np.arange(size)
    pieces = (
        (1.0 - t) ** 3,
        3.0 * t**3 - 6.0 * t**2 + 4.0,
        -3.0 * t**3 + 3.0 * t**2 + 3.0 * t + 1.0,
        t**3,
    )
    for offset, piece in enumerate(pieces):
        found[rows, first + offset] = piece / 6.0
    return found
