"""Fixtures of a small chest: a bundle whose answers can be worked out, and a coarse phantom."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from phantom import Phantom, make_phantom, phantom_grid
from tests.builders.bundles import write_bundle

__all__ = ["bundles", "grey", "phantom"]


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one small bundle that segments by thresholds and classifies by lesion area."""
    root = tmp_path_factory.mktemp("bundles")
    write_bundle(root)
    return root


@pytest.fixture(scope="session")
def phantom() -> Phantom:
    """A coarse chest with pneumonia in both lungs; slices from the feet to the head."""
    grid = phantom_grid(shape=(36, 128, 128), spacing_mm=(8.0, 2.8, 2.8))
    return make_phantom(seed=1, grid=grid, twigs=60)


@pytest.fixture(scope="session")
def grey(phantom: Phantom) -> NDArray[np.uint8]:
    """The phantom as 8-bit slices in a lung window."""
    share = np.clip((phantom.volume.hounsfield + 1350.0) / 1500.0, 0.0, 1.0)
    levels: NDArray[np.uint8] = (255.0 * share).round().astype(np.uint8)
    return levels
