"""A lung turned so that a fissure lies flat: one height above each place of its mean plane.

The axes of a slab are aside (to the left), along (up the mean plane, to the back) and height
(across the plane, to the head), in mm from the middle of the lung's crop. Nodes are wide apart
aside and along, where a fissure changes little, and close in height.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from chest.lobes.reduced_lung import FloatArray, ReducedLung

Millimetres = NDArray[np.float64]

PLACE_MM = 4.0
HEIGHT_MM = 2.0
_POINTS = 4000


@dataclass(frozen=True)
class Tilt:
    """How a slab lies in the lung: turned about the axis from right to left."""

    sine: float
    cosine: float

    @classmethod
    def of(cls, degrees: float) -> Tilt:
        """Rise to the back by so many degrees."""
        return cls(float(np.sin(np.radians(degrees))), float(np.cos(np.radians(degrees))))

    def along_height(self, up: Millimetres, back: Millimetres) -> tuple[Millimetres, Millimetres]:
        """From mm up and back to mm along and height."""
        return back * self.cosine + up * self.sine, up * self.cosine - back * self.sine

    def up_back(self, along: Millimetres, height: Millimetres) -> tuple[Millimetres, Millimetres]:
        """From mm along and height to mm up and back."""
        return along * self.sine + height * self.cosine, along * self.cosine - height * self.sine


@dataclass(frozen=True)
class Slab:
    """A lung on the axes of a fissure.

    Attributes
    ----------
    aside_mm, along_mm, height_mm : of the nodes
    texture : float32, shape (aside, along, height), HU above the surroundings times `visible`
    visible, vessels, aerated, lung : float32, same shape, the share of each node
    lung_mm : shape (n, 3), places spread evenly over the lung, on the slab's axes
    """

    tilt: Tilt
    aside_mm: Millimetres
    along_mm: Millimetres
    height_mm: Millimetres
    texture: FloatArray
    visible: FloatArray
    vessels: FloatArray
    aerated: FloatArray
    lung: FloatArray
    lung_mm: Millimetres


def slab_of(lung: ReducedLung, tilt: Tilt) -> Slab:
    """Turn a lung about the axis from right to left, and average it on the nodes of a slab."""
    voxels = np.argwhere(lung.lung)
    voxels = voxels[:: max(1, len(voxels) // _POINTS)]
    up, back, aside = (voxels * lung.spacing_mm - lung.centre_mm).T
    along, height = tilt.along_height(up, back)
    along_mm = np.arange(along.min() - PLACE_MM, along.max() + 2 * PLACE_MM, PLACE_MM)
    height_mm = np.arange(height.min() - HEIGHT_MM, height.max() + 2 * HEIGHT_MM, HEIGHT_MM)
    turn = _turning(lung, tilt, along_mm, height_mm)
    pooled = max(1, round(PLACE_MM / lung.spacing_mm[2]))
    columns = -(-lung.lung.shape[2] // pooled)
    aside_mm = (np.arange(columns) * pooled + (pooled - 1) / 2) * lung.spacing_mm[2]

    def turned(values: NDArray[Any]) -> FloatArray:
        wide = np.zeros((*values.shape[:2], columns * pooled), dtype=np.float32)
        wide[:, :, : values.shape[2]] = values
        narrow = wide.reshape(-1, columns, pooled).mean(axis=2, dtype=np.float32)
        nodes = (turn @ narrow).reshape(along_mm.size, height_mm.size, columns)
        return np.ascontiguousarray(nodes.transpose(2, 0, 1))

    return Slab(
        tilt=tilt,
        aside_mm=aside_mm - lung.centre_mm[2],
        along_mm=along_mm,
        height_mm=height_mm,
        texture=turned(lung.texture),
        visible=turned(lung.visible),
        vessels=turned(lung.vessels),
        aerated=turned(lung.aerated),
        lung=turned(lung.lung),
        lung_mm=np.stack([aside, along, height], axis=1),
    )


def _turning(
    lung: ReducedLung, tilt: Tilt, along_mm: Millimetres, height_mm: Millimetres
) -> sparse.csr_array[Any]:
    """Weights that take (up, back) voxels to (along, height) nodes.

    Each node is the mean of two places along, each interpolated between four voxels.
    """
    nodes = along_mm.size * height_mm.size
    rows, columns, weights = [], [], []
    for offset in (-PLACE_MM / 4, PLACE_MM / 4):
        along, height = np.meshgrid(along_mm + offset, height_mm, indexing="ij")
        up, back = tilt.up_back(along, height)
        place = [
            ((mm + centre) / size).ravel()
            for mm, centre, size in zip((up, back), lung.centre_mm, lung.spacing_mm, strict=False)
        ]
        low = [np.floor(one).astype(np.int64) for one in place]
        part = [one - whole for one, whole in zip(place, low, strict=True)]
        for corner in ((0, 0), (0, 1), (1, 0), (1, 1)):
            index = [whole + one for whole, one in zip(low, corner, strict=True)]
            share = [one if at else 1 - one for one, at in zip(part, corner, strict=True)]
            inside = np.logical_and.reduce(
                [(i >= 0) & (i < size) for i, size in zip(index, lung.lung.shape, strict=False)]
            )
            rows.append(np.flatnonzero(inside))
            columns.append((index[0] * lung.lung.shape[1] + index[1])[inside])
            weights.append((0.5 * share[0] * share[1])[inside])
    return sparse.csr_array(
        (
            np.concatenate(weights).astype(np.float32),
            (np.concatenate(rows), np.concatenate(columns)),
        ),
        shape=(nodes, lung.lung.shape[0] * lung.lung.shape[1]),
    )
