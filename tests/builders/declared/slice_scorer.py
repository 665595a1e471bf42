"""A 2.5-D network that scores slices, and by the highest of them the study; with heat maps.

The score of a slice grows with the mean level of the slice and of its two neighbours, so that it
can be worked out without the network.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from tests.builders.declared.write import Declaration, code, model, released, write_declared

NAME = "abdomen-ct-fluid"
SIZE = (32, 32)
WINDOW_HU = (0.0, 100.0)
WEIGHTS = (0.25, 0.5, 0.25)  # of the lower neighbour, the slice, the upper one
SLOPE, OFFSET = 20.0, 4.0
CELL = 8


def declaration() -> Declaration:
    """The whole declaration, without its files."""
    return released(NAME) | {
        "accepts": [
            {"keyword": "Modality", "comparison": "equals", "limit": "CT", "required": True}
        ],
        "report": {
            "title": "abdomen CT",
            "subject": "free fluid",
            "procedure": code("36813-4", "CT Abdomen and Pelvis", "LN"),
            "body_region": code("818981001", "Abdomen"),
        },
        "networks": {"slices": {"float32": "fluid.onnx"}},
        "inputs": {
            "slices": {
                "kind": "slices-2.5d",
                "tensor": "stack",
                "orientation": "SPL",
                "spacing_mm": ["own", "own", "own"],
                "size": list(SIZE),
                "fit": "whole-slice",
                "neighbours": 1,
                "channels": [{"window_hu": list(WINDOW_HU)}],
            }
        },
        "outputs": [
            {
                "name": "fluid",
                "kind": "study-score",
                "tensor": "score",
                "activation": "sigmoid",
                "column": 0,
                "combine": "maximum",
                "calibration": {"kind": "temperature", "temperature": 2.0},
            },
            {
                "name": "fluid_by_slice",
                "kind": "slice-score",
                "tensor": "score",
                "activation": "sigmoid",
                "calibration": {"kind": "platt", "slope": 0.5, "intercept": 0.0},
            },
            {
                "name": "where",
                "kind": "heat-map",
                "tensor": "heat",
                "activation": "none",
            },
        ],
        "measurements": [
            {
                "name": "slices_with_fluid",
                "kind": "slices-above",
                "score": "fluid_by_slice",
                "threshold": 0.5,
            },
            {
                "name": "highest",
                "kind": "highest-slice-score",
                "score": "fluid_by_slice",
            },
            {"name": "fluid_score", "kind": "score", "score": "fluid"},
        ],
        "findings": [
            {
                "name": "free_fluid",
                "code": code("389026000", "Ascites"),
                "score": "fluid",
                "measurements": ["slices_with_fluid", "fluid_score"],
            }
        ],
        "suspicion": [
            {
                "name": "fluid likely",
                "finding": "free_fluid",
                "value": "fluid",
                "comparison": "at_least",
                "limit": 0.5,
            }
        ],
        "urgency": [
            {
                "name": "fluid on many slices",
                "level": "urgent",
                "finding": "free_fluid",
                "value": "slices_with_fluid",
                "comparison": "at_least",
                "limit": 4,
            },
            {
                "name": "fluid",
                "level": "suspected",
                "value": "fluid",
                "comparison": "at_least",
                "limit": 0.5,
            },
        ],
        "gates": [
            {"check": "least-length", "limit": 20.0, "action": "warn"},
            {"check": "least-age", "limit": 18, "action": "refuse"},
        ],
    }


def write_slice_scorer(root: Path) -> Path:
    """Write the bundle under `root`; returns its folder."""
    return write_declared(root, declaration(), {"fluid.onnx": network()})


def network(size: tuple[int, int] = SIZE, channels: int = 3) -> onnx.ModelProto:
    """score (n, 1): a logit; heat (n, 1, rows / 8, columns / 8): the middle slice, averaged."""
    rows, columns = size
    arrays = {
        "weights": np.full((channels, 1), 1.0 / channels) if channels != 3 else _column(WEIGHTS),
        "offset": np.array([OFFSET]),
        "slope": np.array([SLOPE]),
    }
    constants = [
        numpy_helper.from_array(np.asarray(array, dtype=np.float32), name)
        for name, array in arrays.items()
    ]
    for name, value in (("from", 1), ("to", 2), ("axis", 1)):
        constants.append(numpy_helper.from_array(np.array([value], dtype=np.int64), name))
    nodes = [
        helper.make_node("ReduceMean", ["stack"], ["means"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["means", "weights"], ["mean"]),
        helper.make_node("Mul", ["mean", "slope"], ["steep"]),
        helper.make_node("Sub", ["steep", "offset"], ["score"]),
        helper.make_node("Slice", ["stack", "from", "to", "axis"], ["middle"]),
        helper.make_node(
            "AveragePool", ["middle"], ["heat"], kernel_shape=[CELL, CELL], strides=[CELL, CELL]
        ),
    ]
    return model(
        nodes,
        {"stack": ["n", channels, rows, columns]},
        {"score": ["n", 1], "heat": ["n", 1, rows // CELL, columns // CELL]},
        constants,
    )


def _column(values: tuple[float, ...]) -> np.ndarray:
    return np.array(values)[:, None]
