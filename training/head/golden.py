"""The golden test of the head bundle: crude heads from a recipe, and the released answers.

The heads need numpy alone, so that whoever checks a bundle can make them without the phantom.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.golden import describe
from models.onnx_session import runner_on_cpu
from training.golden import RASTER, TOLERANCE
from training.head.network import SIZE
from training.head.vary import to_network_input

RECIPE: Mapping[str, Any] = {"name": "crude-head-1", "seed": 7, "slices": 2, "size": SIZE}


def make_heads(recipe: Mapping[str, Any]) -> NDArray[np.float32]:
    """Crude heads in HU, shape (slices, size, size): skull, brain, ventricles, and blood in some.

    Every second head bleeds.
    """
    size, count = int(recipe["size"]), int(recipe["slices"])
    random = np.random.Generator(np.random.PCG64(int(recipe["seed"])))
    rows, columns = np.mgrid[0:size, 0:size].astype(np.float64) / size - 0.5
    heads = np.full((count, size, size), -1000.0, dtype=np.float32)
    for index, head in enumerate(heads):
        scale = random.uniform(0.9, 1.1)
        outline = (rows / 0.38) ** 2 + (columns / 0.31) ** 2
        head[outline < scale] = 1000.0
        head[outline < 0.84 * scale] = 34.0
        for side in (-1.0, 1.0):
            horn = (rows / 0.09) ** 2 + ((columns - side * 0.04) / 0.018) ** 2
            head[horn < scale] = 6.0
        x, y = random.uniform(0.08, 0.14), random.uniform(-0.1, 0.1)
        blood = ((rows - y) / 0.07) ** 2 + ((columns - x) / 0.05) ** 2
        if index % 2:
            head[blood < scale] = random.uniform(60.0, 72.0)
        head += random.normal(0.0, 3.0, head.shape).astype(np.float32)
    return heads


def write_golden(network: Path, name: str, outputs: tuple[str, ...], into: Path) -> None:
    """Write `golden.json`: recipe, raster, tolerance, and what ONNX Runtime answers on a CPU."""
    inputs = to_network_input(torch.from_numpy(make_heads(RECIPE))).numpy()
    answers = runner_on_cpu(network, name, outputs, threads=1)(inputs)
    expected = {
        output: describe(answer, RASTER) for output, answer in zip(outputs, answers, strict=True)
    }
    record = {"recipe": dict(RECIPE), "raster": RASTER, "tolerance": TOLERANCE}
    text = json.dumps({**record, "expected": expected})
    into.write_text(text + "\n", encoding="utf-8")
