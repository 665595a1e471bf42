"""The grid that a network works on: a volume at the declared spacing, cut or padded to size."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from models.declared.inputs import Fit, InputKind, NetworkInput
from models.input.resample import AxisPlan
from radiology.errors import VolumeRefused

_MOST_VOXELS = 2**32  # more would take a CPU hours: a spacing that was meant for another scan


@dataclass(frozen=True)
class Grid:
    """How the planes, rows and columns of an oriented volume lie on a network's grid."""

    planes: AxisPlan
    rows: AxisPlan
    columns: AxisPlan

    @classmethod
    def of(
        cls,
        shape: tuple[int, int, int],
        spacing_mm: tuple[float, float, float],
        fed: NetworkInput,
    ) -> Grid:
        """Lay a volume of this shape and spacing on the grid of an input.

        Raises
        ------
        VolumeRefused
            It would have too many voxels at that spacing.
        """
        counts = [
            count if wanted is None else max(1, round(count * spacing / wanted))
            for count, spacing, wanted in zip(shape, spacing_mm, fed.spacing_mm, strict=True)
        ]
        if fed.fit is Fit.WHOLE_SLICE:
            counts[1:] = _fitted(shape[1:], spacing_mm[1:], fed.size)
        patches = fed.kind is InputKind.PATCHES_3D
        sizes = list(fed.size) if patches else [counts[0], *fed.size]
        canvases = [max(one, size) for one, size in zip(counts, sizes, strict=True)]
        canvases = canvases if patches else sizes
        if prod(canvases) > _MOST_VOXELS:
            raise VolumeRefused("At the network's spacing the volume has too many voxels")
        plans = [
            AxisPlan(count, resampled, canvas, (canvas - resampled) // 2)
            for count, resampled, canvas in zip(shape, counts, canvases, strict=True)
        ]
        return cls(*plans)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Planes, rows and columns of the canvas."""
        return self.planes.canvas, self.rows.canvas, self.columns.canvas


def _fitted(
    shape: tuple[int, ...], spacing_mm: tuple[float, ...], size: tuple[int, ...]
) -> list[int]:
    """Rows and columns of a slice whose longer side fills the network's."""
    lengths = [count * one for count, one in zip(shape, spacing_mm, strict=True)]
    scale = min(room / length for room, length in zip(size, lengths, strict=True))
    return [max(1, round(length * scale)) for length in lengths]
