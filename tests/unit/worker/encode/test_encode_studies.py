"""The synthetic studies of the tests of `worker.encode`: what they promise."""

from __future__ import annotations

import numpy as np
import pytest

from chest.values.figures import Side
from tests.unit.worker.encode.encoded_chest import ORIENTATIONS, Chest, result_context


@pytest.mark.parametrize("name", ORIENTATIONS)
def test_a_synthetic_study_has_the_same_anatomy_in_every_orientation(name: str) -> None:
    """Volumes in ml and sides do not depend on how the patient was cut into slices."""
    figures = result_context(
        chest=Chest(orientation=ORIENTATIONS[name], spacing_mm=(4, 4, 4), shape=(70, 70, 70))
    ).chest.figures
    expected = 4 / 3 * np.pi * 42 * 60 * 60 / 1000
    assert figures[Side.RIGHT].lung_volume_ml == pytest.approx(expected, rel=0.03)
    assert figures[Side.LEFT].lung_volume_ml == pytest.approx(expected, rel=0.03)
    assert figures[Side.RIGHT].ground_glass_ml > 0
    assert figures[Side.LEFT].ground_glass_ml == 0
