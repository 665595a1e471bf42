"""A reading turned to how radiologists look at a chest: axial slices, the patient's right on the
left of the picture, the front on top.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiology.image.heat_map import HeatMap
from radiology.image.volume import AxisOrder, Volume
from radiology.language import Language
from radiology.region import LabelMap
from worker.encode.key_slices import fullest, key_slice
from worker.encode.picture.montage import montage_slices
from worker.encode.shown_reading import ShownReading

OTHER_SLICES = 5  # beside the key slice: as many as can be read at 1024 pixels


@dataclass(frozen=True)
class AxialStack:
    """Volume and regions with axes to the head, to the back and to the left.

    Attributes
    ----------
    lungs, lesions : views of the regions, shape of `volume`
    names : what each slice is called in the source, empty where a slice is none of its frames
    key : the slice to show large
    others : the slices to show beside it, from head to feet
    heat_maps : by slice, where the classifier looked
    language : of the slices' names
    """

    volume: Volume
    lungs: LabelMap
    lesions: LabelMap
    names: tuple[str, ...]
    key: int
    others: tuple[int, ...]
    heat_maps: Mapping[int, HeatMap]
    language: Language = field(default=Language.ENGLISH, kw_only=True)

    @classmethod
    def of(cls, shown: ShownReading) -> AxialStack:
        """Turn a reading and choose the slices to show."""
        volume, order = shown.volume.canonical()
        lungs, lesions = order.apply(shown.regions.lungs), order.apply(shown.regions.lesions)
        filled = np.count_nonzero(lungs, axis=(1, 2))
        counts = np.count_nonzero(lesions, axis=(1, 2)) if shown.has_findings else filled
        if not counts.any():
            counts = filled
        key = fullest(counts, _key(shown, order))
        others = montage_slices(counts, filled, key, OTHER_SLICES, volume.spacing_mm[0])
        return cls(
            volume=volume,
            lungs=lungs,
            lesions=lesions,
            names=_names(shown, order),
            key=key,
            others=tuple(reversed(others)),
            heat_maps=_heat_maps(shown, order, volume.shape),
            language=shown.language,
        )

    @property
    def row_and_column_mm(self) -> tuple[float, float]:
        """Distance between rows and between columns."""
        _, row_mm, column_mm = self.volume.spacing_mm
        return row_mm, column_mm

    def height_mm(self, index: int) -> float:
        """The z coordinate of the middle of a slice, in mm."""
        _, rows, columns = self.volume.shape
        middle = np.array([[index, (rows - 1) / 2, (columns - 1) / 2]])
        return float(self.volume.positions_mm(middle)[0, 2])

    def lung_box(self) -> tuple[slice, slice]:
        """Rows and columns between which the lungs of all slices lie."""
        held: NDArray[Any] = np.asarray(self.lungs.any(axis=0))
        return _extent(np.count_nonzero(held, axis=1)), _extent(np.count_nonzero(held, axis=0))


def _extent(counts: NDArray[Any]) -> slice:
    indices = np.flatnonzero(counts)
    return slice(int(indices[0]), int(indices[-1]) + 1)


def _key(shown: ShownReading, order: AxisOrder) -> int | None:
    """The key slice of the reading in the turned volume, if its slices are the same ones."""
    if order.permutation[0] != 0:
        return None
    index = key_slice(shown)
    return shown.volume.shape[0] - 1 - index if order.flipped[0] else index


def _heat_maps(
    shown: ShownReading, order: AxisOrder, shape: tuple[int, int, int]
) -> dict[int, HeatMap]:
    """The reading's heat maps in the turned volume; there are none across its slices."""
    turned: dict[int, HeatMap] = {}
    for index, given in shown.reading.heat_maps.items():
        heat = given.transposed() if order.permutation == (0, 2, 1) else given
        heat = heat.upside_down(shape[1]) if order.flipped[1] else heat
        heat = heat.mirrored(shape[2]) if order.flipped[2] else heat
        turned[shape[0] - 1 - index if order.flipped[0] else index] = heat
    return turned


def _names(shown: ShownReading, order: AxisOrder) -> tuple[str, ...]:
    if order.permutation[0] != 0:
        return ("reformatted",) * shown.volume.shape[order.permutation[0]]
    numbers = shown.image_numbers
    names = tuple("" if number is None else f"image {number}" for number in numbers)
    return names[::-1] if order.flipped[0] else names
