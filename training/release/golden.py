"""Write the golden test of a bundle: a recipe for its input, and the released answers to it.

float32 is held against PyTorch's answer; int8 against its own on the machine that made it, with a
wider tolerance, since processors round integer convolutions differently.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.schema_2.golden import RECIPE, describe
from training.data.slices import GRID

SEED = 7
COUNT = 2
TOLERANCE = 1e-3
INT8_TOLERANCE = 0.1
RASTER = {"first": 16, "step": 32}  # rows and columns between the values that are written down

Answers = Mapping[str, NDArray[np.float32]]


def recipe(seed: int = SEED, count: int = COUNT, size: int = GRID) -> dict[str, Any]:
    """Recipe of an input, for `models.schema_2.golden.make_patches` and `make_views`."""
    return {"name": RECIPE, "seed": seed, "patches": count, "size": size}


def golden_record(float32: Answers, int8: Answers) -> dict[str, Any]:
    """Recipe and expected answers: means of each class, and values on a coarse raster."""
    return {
        "recipe": recipe(),
        "raster": RASTER,
        "tolerance": TOLERANCE,
        "expected": {name: describe(answer, RASTER) for name, answer in float32.items()},
        "int8": {
            "tolerance": INT8_TOLERANCE,
            "expected": {name: describe(answer, RASTER) for name, answer in int8.items()},
        },
    }


def write_golden(path: Path, record: dict[str, Any]) -> None:
    """Write `golden.json`."""
    path.write_text(json.dumps(record) + "\n", encoding="utf-8")
