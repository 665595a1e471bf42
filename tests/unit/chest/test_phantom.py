"""The shipped bundle finds the phantom's pneumonia at its place, and none in a clear chest."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from chest.model.of_schema_2 import model_of_schema_2
from chest.read_study import read_study
from chest.values.figures import Side
from chest.values.regions import LungLabel
from chest.values.territory import Territory
from models.schema_2.bundle import Bundle
from models.schema_2.network_sessions import ClassifierSession, NetworkSession
from phantom.chest import LobeLabel
from phantom.grid import phantom_grid
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
def session(shipped: Bundle) -> NetworkSession:
    return NetworkSession(shipped, provider=ExecutionProvider.CPU)


@pytest.fixture(scope="module")
def diseased() -> Phantom:
    return make_phantom(seed=1, grid=GRID, twigs=200)


def _dice(one: NDArray[np.bool_], two: NDArray[np.bool_]) -> float:
    return 2.0 * float((one & two).sum()) / float(one.sum() + two.sum())


def test_clear_phantom_is_not_suspected(shipped: Bundle, session: NetworkSession) -> None:
    phantom = make_phantom(seed=1, grid=GRID, lesions=(), twigs=200)
    reading = read_study(phantom.volume, model_of_schema_2(shipped, session))
    assert reading.outcome is Outcome.NO_FINDINGS
    assert reading.figures[Side.TOTAL].lesion_share_percent < 0.1


def test_pneumonia_is_found_at_its_place(
    shipped: Bundle, session: NetworkSession, diseased: Phantom
) -> None:
    reading = read_study(diseased.volume, model_of_schema_2(shipped, session))
    assert reading.outcome is Outcome.FINDINGS
    assert reading.regions is not None
    for side in (LungLabel.RIGHT, LungLabel.LEFT):
        assert _dice(reading.regions.lungs == side, diseased.lungs == side) > 0.95
    assert _dice(reading.regions.lesions > 0, diseased.lesions > 0) > 0.7


def test_pneumonia_is_measured(shipped: Bundle, session: NetworkSession, diseased: Phantom) -> None:
    """Volumes within a tenth of what the phantom was made with."""
    total = read_study(diseased.volume, model_of_schema_2(shipped, session)).figures[Side.TOTAL]
    assert total.lung_volume_ml == pytest.approx(diseased.lung_ml(), rel=0.1)
    assert total.lesion_volume_ml == pytest.approx(diseased.lesion_ml(), rel=0.1)
    assert total.ground_glass_ml > total.consolidation_ml > 0


def test_lobes_have_their_volumes(shipped: Bundle, session: NetworkSession) -> None:
    """With slices of 2 mm all five lobes are told apart, each within 15 % of its true volume."""
    grid = phantom_grid(shape=(150, 256, 256), spacing_mm=(2.0, 1.4, 1.4))
    diseased = make_phantom(seed=1, grid=grid)
    reading = read_study(diseased.volume, model_of_schema_2(shipped, session))
    found = {one.territory: one.volume_ml for one in reading.territories}
    truth = {
        territory: float(np.count_nonzero(diseased.lobes == label)) * diseased.volume.voxel_ml
        for label, territory in _LOBES.items()
    }
    assert found == pytest.approx(truth, rel=0.15)


def test_heat_lies_on_the_lesions(
    shipped: Bundle, session: NetworkSession, diseased: Phantom
) -> None:
    """Where the classifier looked is lesion far more often than a place in the lungs is."""
    classifier = ClassifierSession(shipped, provider=ExecutionProvider.CPU)
    reading = read_study(diseased.volume, model_of_schema_2(shipped, session, classifier))
    assert reading.heat_maps
    warm, by_chance = [], []
    for index, heat in reading.heat_maps.items():
        lungs, lesions = diseased.lungs[index] > 0, diseased.lesions[index] > 0
        level = heat.on_slice(lungs.shape)
        # The warmest places, as many as there is lesion on the slice.
        hot = level >= np.sort(level[lungs])[-max(int(np.count_nonzero(lesions)), 1)]
        warm.append(float(lesions[hot & lungs].mean()))
        by_chance.append(float(lesions[lungs].mean()))
    assert np.mean(warm) > 0.5
    assert np.mean(warm) > 3.0 * np.mean(by_chance)
