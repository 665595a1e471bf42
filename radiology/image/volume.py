"""A CT volume: voxels in Hounsfield units and the affine that places them in the patient.

Patient space is LPS in mm (PS3.3 C.7.6.2.1.1): x grows to the patient's left, y to the back,
z to the head.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Affine = NDArray[np.float64]


@dataclass(frozen=True)
class SourceFrame:
    """Where one slice of a Volume came from: an instance, and in a multi-frame one the frame."""

    sop_instance_uid: str
    frame_number: int | None = None  # counted from 1, as in DICOM; None for single-frame CT


@dataclass(frozen=True)
class AxisOrder:
    """How a volume's axes were turned to the canonical ones, and how to turn a mask back."""

    permutation: tuple[int, int, int]
    flipped: tuple[bool, bool, bool]  # of the axes after the permutation

    def apply(self, voxels: NDArray[Any]) -> NDArray[Any]:
        """Source axes to canonical axes, as a view."""
        turned = voxels.transpose(self.permutation)
        return turned[tuple(slice(None, None, -1 if flip else 1) for flip in self.flipped)]

    def undo(self, voxels: NDArray[Any]) -> NDArray[Any]:
        """Canonical axes to source axes, as a view."""
        straight = voxels[tuple(slice(None, None, -1 if flip else 1) for flip in self.flipped)]
        return straight.transpose(tuple(np.argsort(self.permutation)))


@dataclass(frozen=True)
class Volume:
    """Voxels in HU and the place of each in the patient.

    Attributes
    ----------
    hounsfield : float32, shape (slices, rows, columns), HU
        Not changed after the volume was made.
    affine : float64, shape (4, 4), mm, LPS
        Takes (slice, row, column, 1) to (x, y, z, 1) of the voxel's centre.
    frames : one per slice, in the order of the slices
        Empty for a volume that was not read from DICOM.
    """

    hounsfield: FloatArray
    affine: Affine
    frames: tuple[SourceFrame, ...] = field(default=())

    def __post_init__(self) -> None:
        if self.hounsfield.ndim != 3:
            raise ValueError(f"a volume has three axes, not {self.hounsfield.ndim}")
        if self.affine.shape != (4, 4):
            raise ValueError(f"an affine is 4 x 4, not {self.affine.shape}")
        if self.frames and len(self.frames) != self.hounsfield.shape[0]:
            raise ValueError("a volume has one source frame per slice")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Slices, rows, columns."""
        slices, rows, columns = self.hounsfield.shape
        return slices, rows, columns

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between neighbours along slice, row and column index, in mm."""
        lengths = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(lengths[0]), float(lengths[1]), float(lengths[2])

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel in ml, right for sheared grids (gantry tilt) too."""
        return float(abs(np.linalg.det(self.affine[:3, :3]))) / 1000.0

    def positions_mm(self, indices: NDArray[Any]) -> NDArray[np.float64]:
        """Centres of voxels in patient space.

        Parameters
        ----------
        indices : shape (n, 3), slice, row, column; fractions are allowed

        Returns
        -------
        float64, shape (n, 3), mm, LPS
        """
        placed: NDArray[np.float64] = indices @ self.affine[:3, :3].T + self.affine[:3, 3]
        return placed

    def canonical(self) -> tuple[Volume, AxisOrder]:
        """The same voxels with axes turned to (to the head, to the back, to the left).

        Only swaps and flips axes, so every voxel keeps its value and its place, and a mask made
        on the canonical volume goes back with `AxisOrder.undo`. A coronal or sagittal
        acquisition becomes a stack of axial slices; an oblique one the nearest such stack.

        Returns
        -------
        The turned volume (a view; `frames` is empty, since a slice of it need not be a frame),
        and the order that was applied.
        """
        direction = self.affine[:3, :3] / np.linalg.norm(self.affine[:3, :3], axis=0)
        order = _nearest_axes(direction)
        voxels = order.apply(self.hounsfield)
        affine = self.affine.copy()
        affine[:3, :3] = affine[:3, :3][:, list(order.permutation)]
        for axis, flip in enumerate(order.flipped):
            if flip:
                affine[:3, 3] += affine[:3, axis] * (voxels.shape[axis] - 1)
                affine[:3, axis] *= -1.0
        return Volume(hounsfield=voxels, affine=affine), order


def _nearest_axes(direction: NDArray[np.float64]) -> AxisOrder:
    """Which source axis runs nearest to each of head (z), back (y) and left (x).

    All six assignments are compared, not each axis alone: near 45° two axes could otherwise
    claim the same source axis.
    """
    wanted = (2, 1, 0)  # patient axis that canonical slice, row and column index follow
    orders = [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
    best = max(
        orders,
        key=lambda order: sum(abs(direction[wanted[i], order[i]]) for i in range(3)),
    )
    flips = [bool(direction[wanted[i], best[i]] < 0) for i in range(3)]
    return AxisOrder(permutation=best, flipped=(flips[0], flips[1], flips[2]))
