"""The golden test of a bundle: an input that anyone can make again, and PyTorch's answer to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.slices import GRID

RECIPE = "chest-phantom-1"
SEED = 7
COUNT = 2
TOLERANCE = 1e-3
_SAMPLED_EVERY = 32  # rows and columns of the answer that are written down


def golden_patches(seed: int, count: int) -> NDArray[np.float32]:
    """Make crude chests: an oval body, two oval lungs, a haze in one, noise. Values 0…1.

    `models.golden` makes the same patches from the same recipe, without this package; a test
    compares the two.
    """
    random = np.random.Generator(np.random.PCG64(seed))
    rows, columns = np.mgrid[0:GRID, 0:GRID].astype(np.float64) / GRID - 0.5
    patches = np.empty((count, 1, GRID, GRID), dtype=np.float32)
    for patch in patches:
        scale = random.uniform(0.8, 1.1)
        chest = np.full((GRID, GRID), 0.17)
        chest[(rows / 0.33) ** 2 + (columns / 0.46) ** 2 < scale] = 0.86
        for side in (-1.0, 1.0):
            lung = (rows / 0.23) ** 2 + ((columns - side * 0.2) / 0.14) ** 2 < scale
            chest[lung] = 0.26
        haze = ((rows - 0.1) / 0.08) ** 2 + ((columns + 0.22) / 0.06) ** 2 < scale
        chest[haze] = random.uniform(0.4, 0.8)
        patch[0] = np.clip(chest + random.normal(0.0, 0.02, chest.shape), 0.0, 1.0)
    return patches


def golden_record(answers: list[NDArray[np.float32]], names: tuple[str, ...]) -> dict[str, Any]:
    """Recipe and expected answer: means of each class, and values on a coarse raster."""
    expected = {
        name: {
            "class_means": answer.mean(axis=(0, 2, 3), dtype=np.float64).round(6).tolist(),
            "raster": answer[:, :, 16::_SAMPLED_EVERY, 16::_SAMPLED_EVERY].round(5).tolist(),
        }
        for name, answer in zip(names, answers, strict=True)
    }
    return {
        "recipe": {"name": RECIPE, "seed": SEED, "patches": COUNT, "size": GRID},
        "raster": {"first": 16, "step": _SAMPLED_EVERY},
        "tolerance": TOLERANCE,
        "expected": expected,
    }


def write_golden(path: Path, record: dict[str, Any]) -> None:
    """Write `golden.json`."""
    path.write_text(json.dumps(record) + "\n", encoding="utf-8")
