"""Measures what other disease than pneumonia may show: air in place of lung, and dependent bands.

Low attenuation: the share of the lungs below −950 HU on CT in inspiration (Gevenois and others,
Am J Respir Crit Care Med 1995;152:653). In means over at least 2 mm, because noise alone makes
single voxels that light.

Dependent bands: lung collapses where the patient lies on it, on both sides and along the pleura.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from chest.values.other_disease import DEPENDENT_WITHIN_MM, LOW_ATTENUATION_HU, OtherDisease
from chest.values.regions import ChestRegions, LungLabel
from radiology.image.blocks import joined_blocks
from radiology.image.volume import Volume

Masks = NDArray[np.bool_]

_MEAN_OVER_MM = 2.0
_ROUNDED_MM = 0.05  # as stated spacings are
_LEAST_OF_SIDE = 0.1  # of what is dependent; ours
_TO_THE_BACK: Final[Mapping[str, bool]] = {"HFS": True, "FFS": True, "HFP": False, "FFP": False}
"""By Patient Position (PS3.3 C.7.3.1.1.2): whether the back lies down. On a side, none is told."""


def measure_other_disease(
    volume: Volume, regions: ChestRegions, patient_position: str, *, noisy: bool
) -> OtherDisease:
    """Measure both.

    Parameters
    ----------
    volume, regions : canonical, on the same grid
    patient_position : as the header states it; empty where it does not
    noisy : whether noise is too strong for means to tell what is below −950 HU
    """
    to_the_back = _TO_THE_BACK.get(patient_position)
    return OtherDisease(
        None if noisy else low_attenuation_percent(volume, regions),
        None if to_the_back is None else dependent_percent(volume, regions, to_the_back),
    )


def low_attenuation_percent(volume: Volume, regions: ChestRegions) -> float | None:
    """Share of the lungs below −950 HU; None where no block lies within them."""
    thick, high, wide = (
        max(1, int(np.ceil((_MEAN_OVER_MM - _ROUNDED_MM) / one))) for one in volume.spacing_mm
    )
    step, box = (thick, high, wide), regions.box
    voxels = thick * high * wide
    lungs = (regions.lungs[box] > 0).astype(np.uint8)
    within = joined_blocks(lungs, step, np.uint32) == voxels
    if not within.any():
        return None
    sums = joined_blocks(volume.hounsfield[box], step, np.float32)[within]
    return 100.0 * float(np.mean(sums < LOW_ATTENUATION_HU * voxels))


def dependent_percent(volume: Volume, regions: ChestRegions, to_the_back: bool) -> float | None:
    """Share of the opacities near the dependent pleura; None where one side has hardly any there.

    Parameters
    ----------
    to_the_back : whether the back lies down, and not the front
    """
    box = regions.box
    lesions = regions.lesions[box] > 0
    shown = np.any(lesions, axis=(1, 2))
    lungs, lesions = regions.lungs[box][shown], lesions[shown]
    if not to_the_back:
        lungs, lesions = lungs[:, ::-1], lesions[:, ::-1]
    there = [
        _near_the_lowest(lungs == side, lesions, volume.spacing_mm[1])
        for side in (LungLabel.RIGHT, LungLabel.LEFT)
    ]
    if not sum(there) or min(there) < _LEAST_OF_SIDE * sum(there):
        return None
    return 100.0 * sum(there) / int(np.count_nonzero(lesions))


def _near_the_lowest(lung: Masks, lesions: Masks, row_mm: float) -> int:
    """Voxels of lesions a little above a lung's lowest voxel, in the lower half of each slice."""
    slices, rows, columns = np.nonzero(lung & lesions)
    in_rows: Masks = np.any(lung, axis=2)
    middle = (in_rows.argmax(axis=1) + _last(in_rows)) / 2.0
    depth_mm = (_last(lung)[slices, columns] - rows) * row_mm
    return int(np.count_nonzero((depth_mm < DEPENDENT_WITHIN_MM) & (rows > middle[slices])))


def _last(mask: Masks) -> NDArray[np.intp]:
    """Index of the last row that is set; of no meaning where none is."""
    last: NDArray[np.intp] = mask.shape[1] - 1 - mask[:, ::-1].argmax(axis=1)
    return last
