"""Regions: voxel masks on a Volume's grid, and what can be measured on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiology.image.volume import Volume

Mask = NDArray[np.bool_]
LabelMap = NDArray[np.uint8]


@dataclass(frozen=True)
class Region:
    """A mask on the grid of a volume."""

    mask: Mask
    volume: Volume

    def __post_init__(self) -> None:
        if self.mask.shape != self.volume.shape:
            raise ValueError("a region has the shape of its volume")

    @property
    def volume_ml(self) -> float:
        """Number of voxels times the volume of one, in ml."""
        return int(np.count_nonzero(self.mask)) * self.volume.voxel_ml

    @property
    def mean_hu(self) -> float | None:
        """Mean attenuation in HU; None for an empty region."""
        inside: NDArray[Any] = self.volume.hounsfield[self.mask]
        return float(inside.mean(dtype=np.float64)) if inside.size else None

    @property
    def slices_involved(self) -> int:
        """How many slices (first axis) hold at least one voxel."""
        return int(np.count_nonzero(self.mask.any(axis=(1, 2))))
