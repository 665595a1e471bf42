"""A reading turned to how radiologists look at a body: axial slices, the patient's right on the
left of the picture, the front on top.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from radiology.image.heat_map import HeatMap
from radiology.image.volume import AxisOrder, Volume
from radiology.language import Language
from radiology.region import LabelMap, Mask, Region
from worker.encode.key_slices import fullest
from worker.encode.picture.body import body_areas
from worker.encode.picture.montage import montage_slices
from worker.encode.shown_reading import ShownReading

OTHER_SLICES = 5  # beside the key slice: as many as can be read at 1024 pixels
SOFT_TISSUE_HU = (40.0, 400.0)  # centre and width, where a bundle declares no other window

Areas = NDArray[np.int64]


@dataclass(frozen=True)
class AxialStack:
    """Volume and regions with axes to the head, to the back and to the left.

    Attributes
    ----------
    anatomy, findings : their label maps have the shape of `volume`; of findings those that may be
        claimed, whether they are or not
    possible : what was seen below the operating point; pictures do not outline it
    names : what each slice is called in the source, empty where a slice is none of its frames
    key : the slice to show large
    others : the slices to show beside it, from head to feet
    heat_maps : by slice, where a network looked
    window_hu : centre and width of the grey scale
    language : of the slices' names
    key_instance : SOP Instance UID of the key slice; "" where it is none of the source's frames
    """

    volume: Volume
    anatomy: tuple[Region, ...]
    findings: tuple[Region, ...]
    possible: tuple[Region, ...]
    names: tuple[str, ...]
    key: int
    others: tuple[int, ...]
    heat_maps: Mapping[int, HeatMap]
    window_hu: tuple[float, float] = SOFT_TISSUE_HU
    language: Language = field(default=Language.ENGLISH, kw_only=True)
    key_instance: str = field(default="", kw_only=True)

    @classmethod
    def of(cls, shown: ShownReading) -> AxialStack:
        """Turn a reading and choose the slices to show."""
        volume, order = shown.volume.canonical()
        turned = _turned((*shown.anatomy, *shown.findings), order)
        anatomy = tuple(one for one in turned if not one.is_finding)
        findings = tuple(one for one in turned if one.is_finding)
        filled = _areas(shown, order, anatomy)
        if not filled.any():
            filled = body_areas(volume)
        claimed = _areas(shown, order, findings if shown.has_findings else ())
        key = fullest(claimed if claimed.any() else filled, _turned_index(shown, order))
        wanted = claimed if claimed.any() else _stated(shown, order, len(filled))
        others = montage_slices(wanted, filled, key, OTHER_SLICES, volume.spacing_mm[0])
        return cls(
            volume=volume,
            anatomy=anatomy,
            findings=findings,
            possible=_turned(shown.possible, order),
            names=_names(shown, order),
            key=key,
            others=tuple(reversed(others)),
            heat_maps=_heat_maps(shown, order, volume.shape),
            window_hu=shown.reading.report.window_hu or SOFT_TISSUE_HU,
            language=shown.language,
            key_instance=_instance(shown, order, key),
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


def mask_of(regions: Sequence[Region], index: int) -> Mask | None:
    """Where any of some regions lies on a slice; None without a region.

    Regions that share a label map are looked up together, in one pass over it.
    """
    united: Mask | None = None
    for labels, lookup in lookups(regions):
        mask: Mask = lookup[labels[index]]
        united = mask if united is None else united | mask
    return united


def lookups(regions: Sequence[Region]) -> list[tuple[LabelMap, NDArray[np.bool_]]]:
    """Each label map of some regions once, with which of its values, 0 to 255, are of them."""
    found: dict[int, tuple[LabelMap, NDArray[np.bool_]]] = {}
    for region in regions:
        if region.labels is not None:
            _, lookup = found.setdefault(
                id(region.labels), (region.labels, np.zeros(256, np.bool_))
            )
            lookup[list(region.values)] = True
    return list(found.values())


def _turned(regions: Sequence[Region], order: AxisOrder) -> tuple[Region, ...]:
    """The regions with their label maps as views on the axes of the picture."""
    maps: dict[int, LabelMap] = {}
    for region in regions:
        if region.labels is not None and id(region.labels) not in maps:
            maps[id(region.labels)] = order.apply(region.labels)
    return tuple(replace(one, labels=maps[id(one.labels)]) for one in regions)


def _areas(shown: ShownReading, order: AxisOrder, regions: Sequence[Region]) -> Areas:
    """Number of pixels of regions on each turned slice; they overlap little, if at all."""
    if order.permutation[0] == 0:
        areas = shown.masks.areas([one.name for one in regions])
        return areas[::-1] if order.flipped[0] else areas
    slices = shown.volume.shape[order.permutation[0]]
    masks = [mask_of(regions, index) for index in range(slices)]
    return np.array([0 if one is None else np.count_nonzero(one) for one in masks], np.int64)


def _turned_index(shown: ShownReading, order: AxisOrder) -> int | None:
    """The key slice in the turned volume, if its slices are the same ones."""
    if order.permutation[0] != 0:
        return None
    return _flipped(shown.masks.key_slice, shown, order)


def _flipped(index: int, shown: ShownReading, order: AxisOrder) -> int:
    return shown.volume.shape[0] - 1 - index if order.flipped[0] else index


def _stated(shown: ShownReading, order: AxisOrder, slices: int) -> Areas:
    """The slices that a reading without outlines names beside its first one."""
    areas = np.zeros(slices, np.int64)
    if order.permutation[0] == 0 and shown.has_findings:
        for index in shown.reading.key_slices[1:]:
            areas[_flipped(index, shown, order)] = 1
    return areas


def _heat_maps(
    shown: ShownReading, order: AxisOrder, shape: tuple[int, int, int]
) -> dict[int, HeatMap]:
    """The reading's heat maps in the turned volume; there are none across its slices."""
    turned: dict[int, HeatMap] = {}
    for index, given in shown.reading.heat_maps.items():
        heat = given.transposed() if order.permutation == (0, 2, 1) else given
        heat = heat.upside_down(shape[1]) if order.flipped[1] else heat
        heat = heat.mirrored(shape[2]) if order.flipped[2] else heat
        turned[_flipped(index, shown, order)] = heat
    return turned


def _instance(shown: ShownReading, order: AxisOrder, index: int) -> str:
    """The instance that a slice of the turned volume is a frame of, if it is one."""
    if order.permutation[0] != 0 or not shown.volume.frames:
        return ""
    return shown.volume.frames[_flipped(index, shown, order)].sop_instance_uid


def _names(shown: ShownReading, order: AxisOrder) -> tuple[str, ...]:
    if order.permutation[0] != 0:
        return ("reformatted",) * shown.volume.shape[order.permutation[0]]
    numbers = shown.image_numbers
    names = tuple("" if number is None else f"image {number}" for number in numbers)
    return names[::-1] if order.flipped[0] else names
