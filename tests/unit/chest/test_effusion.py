"""Plain pleural effusion is told apart from lung, muscle, fat and consolidation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from chest.effusion import find_effusion, without_effusion
from chest.values.regions import ChestRegions, LesionLabel, LungLabel
from radiology.image.volume import Volume

SHAPE = (40, 110, 120)  # cells of 3 mm
FLUID = (slice(5, 25), slice(78, 92), slice(14, 50))  # behind the right lung
FLUID_ML = 20 * 14 * 36 * 0.027


def _chest(hounsfield: float = 10.0, noise_hu: float = 25.0) -> tuple[Volume, ChestRegions]:
    """Two lungs in a body; behind the right one a body of some density."""
    random = np.random.default_rng(1)
    hu = np.full(SHAPE, -1000.0, dtype=np.float32)
    hu[:, 10:105, 5:115] = 55.0
    lungs = np.zeros(SHAPE, dtype=np.uint8)
    lungs[3:38, 25:92, 14:50] = LungLabel.RIGHT
    lungs[3:38, 25:92, 70:106] = LungLabel.LEFT
    lungs[FLUID] = LungLabel.NONE
    hu[lungs > 0] = -850.0
    hu[FLUID] = hounsfield
    hu += random.normal(0.0, noise_hu, SHAPE).astype(np.float32)
    affine = np.diag([0.0, 0.0, 0.0, 1.0])
    affine[2, 0], affine[1, 1], affine[0, 2] = 3.0, 3.0, 3.0
    return Volume(hu, affine), ChestRegions(lungs, np.zeros_like(lungs))


def test_water_behind_a_lung_is_effusion_of_its_side() -> None:
    found = find_effusion(*_chest())
    assert found is not None
    assert found.effusion.right_ml == pytest.approx(FLUID_ML, rel=0.15)
    assert found.effusion.left_ml == 0.0
    assert found.effusion.mean_hu == pytest.approx(10.0, abs=4.0)
    inside = np.zeros(SHAPE, dtype=bool)
    inside[FLUID] = True
    assert (found.mask & inside).sum() > 0.85 * inside.sum()


@pytest.mark.parametrize("hounsfield", [-40.0, 32.0, 55.0, 90.0])
def test_other_densities_are_none(hounsfield: float) -> None:
    """Fat beside muscle, unenhanced and enhanced lung, liver."""
    assert find_effusion(*_chest(hounsfield)) is None


def test_what_changes_from_fat_to_muscle_is_none() -> None:
    """Its mean is that of water."""
    volume, regions = _chest()
    steps = np.linspace(-30.0, 50.0, FLUID[2].stop - FLUID[2].start)
    hu = volume.hounsfield.copy()
    hu[FLUID] = steps
    assert find_effusion(Volume(hu, volume.affine), regions) is None


def test_water_in_front_of_a_lung_is_none() -> None:
    """Fluid runs to the back of a patient who lies on it."""
    volume, regions = _chest()
    upside_down = Volume(np.ascontiguousarray(volume.hounsfield[:, ::-1]), volume.affine)
    lungs = np.ascontiguousarray(regions.lungs[:, ::-1])
    assert find_effusion(upside_down, ChestRegions(lungs, np.zeros_like(lungs))) is None


def test_water_that_was_called_consolidation_is_none_any_more() -> None:
    volume, regions = _chest()
    lungs, lesions = regions.lungs.copy(), regions.lesions.copy()
    lungs[FLUID], lesions[FLUID] = LungLabel.RIGHT, LesionLabel.CONSOLIDATION
    lesions[30, 40, 30] = LesionLabel.CONSOLIDATION
    taken = replace(regions, lungs=lungs, lesions=lesions)
    found = find_effusion(volume, taken)
    assert found is not None
    cleaned = without_effusion(taken, found)
    assert (cleaned.lesions[FLUID] > 0).mean() < 0.15
    assert cleaned.lesions[30, 40, 30] == LesionLabel.CONSOLIDATION
    assert (cleaned.lungs == LungLabel.LEFT).sum() == (lungs == LungLabel.LEFT).sum()
    assert lesions[FLUID].all()  # what was given is not changed
