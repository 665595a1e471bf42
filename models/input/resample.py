"""Resamples along an axis: each new value is a weighted sum of a few old values.

Grids share their outer edges, not the centres of their first voxels: as scikit-image and Pillow
resize, and with them nnU-Net. MONAI's Spacing keeps the first centre; the two differ by at most
half a voxel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.declared.inputs import Interpolation

Floats = NDArray[np.float32]
_CUBIC = -0.5  # Keys, IEEE Trans. ASSP 1981;29:1153


@dataclass(frozen=True)
class AxisPlan:
    """How one axis of a volume lies on one of a network's grid.

    Attributes
    ----------
    count : voxels of the volume
    resampled : as many at the network's spacing
    canvas : of the network's grid
    offset : where on it the first resampled voxel lies; negative where the edge is cut off
    """

    count: int
    resampled: int
    canvas: int
    offset: int

    @property
    def inside(self) -> slice:
        """The part of the canvas that the volume covers."""
        return slice(max(0, self.offset), min(self.canvas, self.offset + self.resampled))

    @property
    def step(self) -> float:
        """Voxels of the volume for one of the network's."""
        return self.count / self.resampled

    def forward(self, interpolation: Interpolation) -> Weights:
        """From the volume to the part of the canvas that it covers."""
        places = np.arange(self.inside.start, self.inside.stop) - self.offset
        return Weights.of((places + 0.5) * self.step - 0.5, self.count, interpolation, self.step)

    def backward(self) -> Weights:
        """From the canvas to the volume, linear; 0 for voxels that the canvas does not cover."""
        places = (np.arange(self.count) + 0.5) / self.step - 0.5 + self.offset
        seen = (places >= self.inside.start - 0.5) & (places <= self.inside.stop - 0.5)
        held = np.clip(places, self.inside.start, self.inside.stop - 1)
        return Weights.of(held, self.canvas, Interpolation.LINEAR, 1.0, seen)


@dataclass(frozen=True)
class Weights:
    """Of each new value, the weights of the old ones.

    Attributes
    ----------
    matrix : sparse, float32, shape (new, old); None where nothing changes
    """

    matrix: Any

    @classmethod
    def of(
        cls,
        places: NDArray[np.float64],
        count: int,
        interpolation: Interpolation,
        step: float,
        seen: NDArray[np.bool_] | None = None,
    ) -> Weights:
        """Weights of values at places between `count` old ones; 0 where not `seen`."""
        if (seen is None or seen.all()) and np.array_equal(places, np.arange(count)):
            return cls(None)
        radius = 2.0 if interpolation is Interpolation.CUBIC else 1.0
        stretch = max(1.0, step) if interpolation is Interpolation.AVERAGED else 1.0
        reach = int(np.ceil(radius * stretch))
        neighbours = np.floor(places)[:, None].astype(np.int64) + np.arange(1 - reach, reach + 1)
        distance = np.abs(places[:, None] - neighbours) / stretch
        weights = _kernel(distance, interpolation)
        weights /= weights.sum(axis=1, keepdims=True)
        if seen is not None:
            weights[~seen] = 0.0
        columns = np.clip(neighbours, 0, count - 1)  # beyond the edge lies more of the edge
        rows = np.broadcast_to(np.arange(len(places))[:, None], columns.shape)
        matrix = sparse.coo_matrix(
            (weights.ravel(), (rows.ravel(), columns.ravel())), shape=(len(places), count)
        )
        return cls(matrix.tocsr().astype(np.float32))

    def apply(self, values: Floats, axis: int) -> Floats:
        """Resample an array along one axis."""
        if self.matrix is None:
            return values
        moved = np.moveaxis(values, axis, 0)
        flat = np.ascontiguousarray(moved).reshape(moved.shape[0], -1)
        mixed = np.asarray(self.matrix @ flat, dtype=np.float32)
        result: Floats = np.moveaxis(mixed.reshape(-1, *moved.shape[1:]), 0, axis)
        return result

    def needed(self, place: int) -> dict[int, float]:
        """Which old values a new one is made of, with their weights."""
        if self.matrix is None:
            return {place: 1.0}
        row = self.matrix[[place]].tocoo()
        found: dict[int, float] = {}
        for at, weight in zip(row.col.tolist(), row.data.tolist(), strict=True):
            found[at] = found.get(at, 0.0) + weight
        return {at: weight for at, weight in found.items() if weight}


def _kernel(distance: NDArray[np.float64], interpolation: Interpolation) -> NDArray[np.float64]:
    if interpolation is not Interpolation.CUBIC:
        return np.clip(1.0 - distance, 0.0, None)
    near = (_CUBIC + 2) * distance**3 - (_CUBIC + 3) * distance**2 + 1
    far = _CUBIC * (distance**3 - 5 * distance**2 + 8 * distance - 4)
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0.0))
