"""A classifier of schema 2 says where it looked, and looks at the lesions."""

from __future__ import annotations

import numpy as np

from chest.reader import Reader
from models.schema_2.bundle import Bundle
from phantom.grid import phantom_grid
from phantom.synthesis import make_phantom
from radiology.algorithm import ExecutionProvider

GRID = phantom_grid(shape=(60, 256, 256), spacing_mm=(5.0, 1.4, 1.4))


def test_heat_lies_on_the_lesions(shipped: Bundle) -> None:
    """Where the classifier looked is lesion far more often than a place in the lungs is."""
    diseased = make_phantom(seed=1, grid=GRID, twigs=200)
    reading, _ = Reader.of(shipped, provider=ExecutionProvider.CPU).read(diseased.volume)
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
