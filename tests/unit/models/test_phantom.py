"""The shipped bundle finds the phantom's pneumonia at its place, and none in a clear chest."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from firstread.phantom.grid import phantom_grid
from firstread.phantom.synthesis import Phantom, make_phantom
from models.bundle import Bundle
from models.onnx_session import NetworkSession
from models.read_study import read_study
from radiology.finding import Outcome, Side
from radiology.region import LungLabel
from settings.environment import ExecutionProvider

GRID = phantom_grid(shape=(60, 256, 256), spacing_mm=(5.0, 1.4, 1.4))


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
    reading = read_study(phantom.volume, shipped, session)
    assert reading.outcome is Outcome.NO_FINDINGS
    assert reading.figures[Side.TOTAL].lesion_share_percent < 0.1


def test_pneumonia_is_found_at_its_place(
    shipped: Bundle, session: NetworkSession, diseased: Phantom
) -> None:
    reading = read_study(diseased.volume, shipped, session)
    assert reading.outcome is Outcome.FINDINGS
    assert reading.regions is not None
    for side in (LungLabel.RIGHT, LungLabel.LEFT):
        assert _dice(reading.regions.lungs == side, diseased.lungs == side) > 0.95
    assert _dice(reading.regions.lesions > 0, diseased.lesions > 0) > 0.7


def test_pneumonia_is_measured(shipped: Bundle, session: NetworkSession, diseased: Phantom) -> None:
    """Lesion edges are soft: a third more or less is what this bundle promises."""
    total = read_study(diseased.volume, shipped, session).figures[Side.TOTAL]
    assert total.lung_volume_ml == pytest.approx(diseased.lung_ml(), rel=0.05)
    assert total.lesion_volume_ml == pytest.approx(diseased.lesion_ml(), rel=0.33)
    assert total.ground_glass_ml > total.consolidation_ml > 0
