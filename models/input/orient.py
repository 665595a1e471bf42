"""Turns a volume's axes to those that a network was trained on, and masks back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiology.image.heat_map import HeatMap
from radiology.image.volume import AxisOrder, Volume

_CANONICAL = ("SI", "PA", "LR")  # `Volume.canonical`: index grows to the first of each pair


@dataclass(frozen=True)
class Oriented:
    """A volume with its axes turned: planes, rows and columns of a network.

    Attributes
    ----------
    hounsfield : float32, a view, HU
    spacing_mm : of its planes, rows and columns
    """

    hounsfield: NDArray[np.float32]
    spacing_mm: tuple[float, float, float]
    canonical: AxisOrder
    further: AxisOrder

    @classmethod
    def of(cls, volume: Volume, orientation: str) -> Oriented:
        """Turn a volume to an orientation such as "SPL"; only swaps and flips axes."""
        turned, canonical = volume.canonical()
        families = [
            next(at for at, pair in enumerate(_CANONICAL) if direction in pair)
            for direction in orientation
        ]
        further = AxisOrder(
            permutation=(families[0], families[1], families[2]),
            flipped=_three(
                [
                    letter != _CANONICAL[family][0]
                    for letter, family in zip(orientation, families, strict=True)
                ]
            ),
        )
        spacing = [turned.spacing_mm[family] for family in families]
        return cls(
            hounsfield=further.apply(turned.hounsfield),
            spacing_mm=(spacing[0], spacing[1], spacing[2]),
            canonical=canonical,
            further=further,
        )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Planes, rows, columns."""
        planes, rows, columns = self.hounsfield.shape
        return planes, rows, columns

    def undo(self, voxels: NDArray[Any]) -> NDArray[Any]:
        """Voxels on these axes, on those of the volume as it was given."""
        return self.canonical.undo(self.further.undo(voxels))

    def _sources(self) -> list[tuple[int, bool]]:
        """Of each axis here: which of the volume's it is, and whether it runs the other way."""
        order, flips = self.canonical.permutation, self.canonical.flipped
        return [
            (order[between], flipped != flips[between])
            for between, flipped in zip(self.further.permutation, self.further.flipped, strict=True)
        ]

    def source_slice(self, plane: int) -> int | None:
        """The slice of the volume that a plane is; None where planes run across the slices."""
        axis, flipped = self._sources()[0]
        if axis != 0:
            return None
        return self.shape[0] - 1 - plane if flipped else plane

    def source_heat_map(self, heat: HeatMap) -> HeatMap:
        """The heat map of a plane, on the rows and columns of the slice that it is."""
        _, (row_axis, rows_flipped), (_, columns_flipped) = self._sources()
        _, rows, columns = self.shape
        heat = heat.upside_down(rows) if rows_flipped else heat
        heat = heat.mirrored(columns) if columns_flipped else heat
        return heat.transposed() if row_axis == 2 else heat


def _three(values: list[bool]) -> tuple[bool, bool, bool]:
    return values[0], values[1], values[2]
