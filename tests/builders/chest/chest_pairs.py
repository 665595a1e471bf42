"""Two CTs of one phantom whose change is known, as they are compared."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from chest.course.compare_prior import MappedStudy
from chest.registration.map_chest import map_chest
from chest.values.chest_map import ChestMap
from chest.values.regions import ChestRegions, LesionLabel
from chest.values.territory import Territories, Territory
from phantom import (
    TYPICAL_LESIONS,
    Lesion,
    Phantom,
    Posture,
    make_phantom,
    phantom_grid,
)

LOBES = {
    1: Territory.RIGHT_UPPER_LOBE,
    2: Territory.RIGHT_MIDDLE_LOBE,
    3: Territory.RIGHT_LOWER_LOBE,
    4: Territory.LEFT_UPPER_LOBE,
    5: Territory.LEFT_LOWER_LOBE,
}
"""The phantom's lobe labels."""


def scan(
    *,
    posture: Posture | None = None,
    lesions: Sequence[Lesion] = TYPICAL_LESIONS,
    seed: int = 3,
    orientation: str = "axial_to_head",
    spacing_mm: float = 3.0,
) -> Phantom:
    """A chest in a field that is large enough for any posture."""
    height, width = round(372.0 / spacing_mm), round(408.0 / spacing_mm)
    axial = orientation.startswith("axial")
    shape = (height, width, width) if axial else (width, height, width)
    grid = phantom_grid(shape, (spacing_mm,) * 3, orientation, posture)
    return make_phantom(seed=seed, grid=grid, lesions=lesions, twigs=250)


def mapped(phantom: Phantom) -> ChestMap:
    """The map of a phantom, from its truth."""
    chest = map_chest(
        phantom.volume,
        ChestRegions(phantom.lungs, phantom.lesions),
        Territories(phantom.lobes, LOBES, ()),
        tracking_uid=lambda number: f"2.25.{number}",
    )
    assert chest is not None
    return chest


def study(
    phantom: Phantom, *, uid: str = "2.25.1", acquired_at: datetime | None = None
) -> MappedStudy:
    """A phantom as a study that was read."""
    return MappedStudy(uid, acquired_at, mapped(phantom))


def lobe_ml(phantom: Phantom) -> dict[Territory, float]:
    """True volume of each lobe."""
    return {
        territory: np.count_nonzero(phantom.lobes == value) * phantom.volume.voxel_ml
        for value, territory in LOBES.items()
    }


def diseased_ml(phantom: Phantom) -> dict[Territory, float]:
    """True volume of the lesions in each lobe."""
    diseased = phantom.lesions != LesionLabel.NONE
    return {
        territory: np.count_nonzero(diseased & (phantom.lobes == value)) * phantom.volume.voxel_ml
        for value, territory in LOBES.items()
    }
