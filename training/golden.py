"""Write the golden test of a bundle: a recipe for its input, and PyTorch's answer to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.golden import RECIPE
from training.slices import GRID

SEED = 7
COUNT = 2
TOLERANCE = 1e-3
_FIRST = 16  # row and column
_STEP = 32  # rows and columns between the values that are written down


def recipe(seed: int = SEED, count: int = COUNT) -> dict[str, Any]:
    """Recipe of an input, for `models.golden.make_patches`."""
    return {"name": RECIPE, "seed": seed, "patches": count, "size": GRID}


def golden_record(answers: list[NDArray[np.float32]], names: tuple[str, ...]) -> dict[str, Any]:
    """Recipe and expected answer: means of each class, and values on a coarse raster."""
    expected = {
        name: {
            "class_means": answer.mean(axis=(0, 2, 3), dtype=np.float64).round(6).tolist(),
            "raster": answer[:, :, _FIRST::_STEP, _FIRST::_STEP].round(5).tolist(),
        }
        for name, answer in zip(names, answers, strict=True)
    }
    return {
        "recipe": recipe(),
        "raster": {"first": _FIRST, "step": _STEP},
        "tolerance": TOLERANCE,
        "expected": expected,
    }


def write_golden(path: Path, record: dict[str, Any]) -> None:
    """Write `golden.json`."""
    path.write_text(json.dumps(record) + "\n", encoding="utf-8")
