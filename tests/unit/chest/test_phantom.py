"""The bundle in use finds the phantom's pneumonia at its place, and none in a clear chest."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from chest.reader import Reader
from chest.values.figures import Side
from chest.values.reading import ChestReading
from chest.values.regions import LesionLabel, LungLabel
from chest.values.territory import Territory
from models.catalogue import UsableBundle
from phantom.chest import LobeLabel
from phantom.grid import phantom_grid
from phantom.lesions import EXTENSIVE_LESIONS
from phantom.synthesis import Phantom, make_phantom
from radiology.algorithm import ExecutionProvider
from radiology.outcome import Outcome

GRID = phantom_grid(shape=(60, 256, 256), spacing_mm=(5.0, 1.4, 1.4))


_LOBES = {
    LobeLabel.RIGHT_UPPER: Territory.RIGHT_UPPER_LOBE,
    LobeLabel.RIGHT_MIDDLE: Territory.RIGHT_MIDDLE_LOBE,
    LobeLabel.RIGHT_LOWER: Territory.RIGHT_LOWER_LOBE,
    LobeLabel.LEFT_UPPER: Territory.LEFT_UPPER_LOBE,
    LobeLabel.LEFT_LOWER: Territory.LEFT_LOWER_LOBE,
}


@pytest.fixture(scope="module")
def reader(in_use: UsableBundle) -> Reader:
    return Reader.of(in_use, provider=ExecutionProvider.CPU)


@pytest.fixture(scope="module")
def diseased() -> Phantom:
    return make_phantom(seed=1, grid=GRID, twigs=200)


@pytest.fixture(scope="module")
def diseased_reading(reader: Reader, diseased: Phantom) -> ChestReading:
    return reader.read(diseased.volume)[0]


def _dice(one: NDArray[np.bool_], two: NDArray[np.bool_]) -> float:
    return 2.0 * float((one & two).sum()) / float(one.sum() + two.sum())


def test_clear_phantom_is_not_suspected(reader: Reader) -> None:
    phantom = make_phantom(seed=1, grid=GRID, lesions=(), twigs=200)
    reading, _ = reader.read(phantom.volume)
    assert reading.outcome is Outcome.NO_FINDINGS
    assert reading.figures[Side.TOTAL].lesion_share_percent < 0.1


def test_pneumonia_is_found_at_its_place(diseased: Phantom, diseased_reading: ChestReading) -> None:
    reading = diseased_reading
    assert reading.outcome is Outcome.FINDINGS
    assert reading.regions is not None
    for side in (LungLabel.RIGHT, LungLabel.LEFT):
        assert _dice(reading.regions.lungs == side, diseased.lungs == side) > 0.95
    assert _dice(reading.regions.lesions > 0, diseased.lesions > 0) > 0.7


def test_pneumonia_is_measured(diseased: Phantom, diseased_reading: ChestReading) -> None:
    """Volumes within a tenth of what the phantom was made with."""
    total = diseased_reading.figures[Side.TOTAL]
    assert total.lung_volume_ml == pytest.approx(diseased.lung_ml(), rel=0.1)
    assert total.lesion_volume_ml == pytest.approx(diseased.lesion_ml(), rel=0.1)
    assert total.ground_glass_ml > total.consolidation_ml > 0


def test_consolidation_is_told_from_the_wall_and_from_ground_glass(reader: Reader) -> None:
    """With patches of ground glass along both walls, in slices of 4 mm."""
    grid = phantom_grid(shape=(75, 256, 256), spacing_mm=(4.0, 1.4, 1.4))
    grave = make_phantom(seed=3, grid=grid, lesions=EXTENSIVE_LESIONS)
    reading, _ = reader.read(grave.volume)
    total = reading.figures[Side.TOTAL]
    assert total.lesion_volume_ml == pytest.approx(grave.lesion_ml(), rel=0.05)
    truth_ml = grave.lesion_ml(LesionLabel.CONSOLIDATION)
    assert total.consolidation_ml == pytest.approx(truth_ml, rel=0.2)


def test_lobes_have_their_volumes(reader: Reader) -> None:
    """With slices of 2 mm all five lobes are told apart, each within 15 % of its true volume."""
    grid = phantom_grid(shape=(150, 256, 256), spacing_mm=(2.0, 1.4, 1.4))
    diseased = make_phantom(seed=1, grid=grid)
    reading, _ = reader.read(diseased.volume)
    found = {one.territory: one.volume_ml for one in reading.territories}
    truth = {
        territory: float(np.count_nonzero(diseased.lobes == label)) * diseased.volume.voxel_ml
        for label, territory in _LOBES.items()
    }
    assert found == pytest.approx(truth, rel=0.15)
