"""A bundle of schema 3 that is read as a chest: two networks that can be worked out by hand.

The one of slabs calls what has the density of lung lung, the left half of the image the patient's
right, and what is denser than lung but less than tissue ground glass. The other's score "viral" is
the mean level of the slice, "ground_glass" that of its left half.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from tests.builders.declared.write import Declaration, code, model, released, write_declared

NAME = "slab-chest"
MASKS, SCORES = "masks.onnx", "scores.onnx"
SIZE = 140  # a slice of the tests' chest is as large: nothing is averaged at its edges
CELLS = 7  # of the heat map, along rows and columns
LOW_HU, HIGH_HU = -1250.0, 250.0
LUNG_HU, HAZE_HU = (-950.0, -300.0), (-700.0, -300.0)
NEIGHBOUR_MM, PLANE_MM = 3.0, 2.5
SIGNS = ("ground_glass", "consolidation", "crazy_paving", "air_bronchogram", "septal_thickening")

_LUNG = code("39607008", "Lung")


def declaration() -> Declaration:
    """The whole declaration, without its files."""
    finding = {"is": "finding", "threshold": 0.5, "site": _LUNG}
    lung = {"is": "anatomy", "code": _LUNG}
    return released(NAME) | {
        "accepts": [
            {"keyword": "Modality", "comparison": "equals", "limit": "CT", "required": True}
        ],
        "report": {
            "title": "chest CT",
            "subject": "pneumonia",
            "procedure": code("24627-2", "CT Chest", "LN"),
            "body_region": code("51185008", "Chest"),
        },
        "networks": {"masks": {"float32": MASKS}, "scores": {"float32": SCORES}},
        "inputs": {
            "masks": _input("slices-2.5d", "slab") | {"neighbours": 1},
            "scores": _input("slices", "slice"),
        },
        "outputs": [
            {
                "name": "lungs",
                "network": "masks",
                "kind": "mask",
                "tensor": "lungs",
                "activation": "none",
                "classes": [
                    {"name": "background", "background": True},
                    {"name": "right", "laterality": "right", "colour": "#56b4e9", **lung},
                    {"name": "left", "laterality": "left", "colour": "#009e73", **lung},
                ],
            },
            {
                "name": "lesions",
                "network": "masks",
                "kind": "mask",
                "tensor": "lesions",
                "activation": "none",
                "classes": [
                    {"name": "none", "background": True},
                    {
                        "name": "ground_glass",
                        "code": code("112120", "Ground glass opacity", "DCM"),
                        "colour": "#e69f00",
                        **finding,
                    },
                    {
                        "name": "consolidation",
                        "code": code("95436008", "Lung consolidation"),
                        "colour": "#d55e00",
                        **finding,
                    },
                ],
            },
            *(_score(name, column) for column, name in enumerate(("viral", *SIGNS))),
        ],
        "measurements": [
            {
                "name": "share",
                "kind": "share",
                "of": ["lesions.ground_glass", "lesions.consolidation"],
                "within": ["lungs.right", "lungs.left"],
            }
        ],
        "findings": [
            {
                "name": "opacity",
                "code": code("112033", "Abnormal opacity", "DCM"),
                "regions": ["lesions.ground_glass", "lesions.consolidation"],
            }
        ],
        "suspicion": [
            {
                "name": "lesions",
                "finding": "opacity",
                "value": "share",
                "comparison": "at_least",
                "limit": 1.0,
            }
        ],
        "reader": {
            "entry_point": "chest-ct",
            "parameters": {
                "neighbour_mm": NEIGHBOUR_MM,
                "plane_mm": PLANE_MM,
                "lesion_peak": 0.9,
                "possible_peak": 0.6,
                "viral_threshold": 0.5,
                "sign_thresholds": [0.5] * len(SIGNS),
                "case": {
                    "rule": "lesion_share",
                    "even_share_percent": 1.0,
                    "slope": 6.5,
                    "suspicion_threshold": 0.5,
                    "viral_low": 0.3,
                    "viral_high": 0.7,
                    "greatest_spread": 0.2,
                },
            },
        },
    }


def _input(kind: str, tensor: str) -> dict[str, Any]:
    return {
        "kind": kind,
        "tensor": tensor,
        "orientation": "SPL",
        "spacing_mm": ["own", "own", "own"],
        "size": [SIZE, SIZE],
        "fit": "whole-slice",
        "channels": [{"window_hu": [LOW_HU, HIGH_HU]}],
    }


def _score(name: str, column: int) -> dict[str, Any]:
    return {
        "name": name,
        "network": "scores",
        "kind": "slice-score",
        "tensor": "scores",
        "activation": "none",
        "column": column,
    }


def write_slab_chest(root: Path) -> Path:
    """Write the bundle under `root`; returns its folder."""
    return write_declared(root, declaration(), networks())


def networks() -> dict[str, onnx.ModelProto]:
    """Both networks by the names of their files."""
    return {MASKS: masks(), SCORES: scores()}


def _level(hounsfield: float) -> float:
    return (hounsfield - LOW_HU) / (HIGH_HU - LOW_HU)


def add_heat(values: Declaration) -> None:
    """Declare the heat map of `scores(heat=True)`."""
    heat = {"name": "heat", "kind": "heat-map", "tensor": "heat"}
    values["outputs"].append(_score("heat", 0) | heat)


def scores(*, heat: bool = False) -> onnx.ModelProto:
    """scores (n, 6) of slices (n, 1, size, size): mean levels of the whole and of its left half.

    With `heat` also (n, 1, cells, cells): the mean level of each cell.
    """
    constants = [
        numpy_helper.from_array(np.array([at], dtype=np.int64), name)
        for name, at in (("from", 0), ("to", SIZE // 2), ("columns", 3))
    ]
    nodes = [
        helper.make_node("Slice", ["slice", "from", "to", "columns"], ["half"]),
        helper.make_node("ReduceMean", ["slice"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("ReduceMean", ["half"], ["mean_of_half"], axes=[2, 3], keepdims=0),
        helper.make_node("Sub", ["mean", "mean"], ["nothing"]),
        helper.make_node("Concat", ["mean", "mean_of_half", *["nothing"] * 4], ["scores"], axis=1),
    ]
    shape: list[int | str] = ["n", 1, SIZE, SIZE]
    outputs: dict[str, list[int | str]] = {"scores": ["n", 6]}
    if heat:
        cell = [SIZE // CELLS] * 2
        nodes.append(
            helper.make_node("AveragePool", ["slice"], ["heat"], kernel_shape=cell, strides=cell)
        )
        outputs["heat"] = ["n", 1, CELLS, CELLS]
    return model(nodes, {"slice": shape}, outputs, constants)


def neighbours_as_lungs() -> onnx.ModelProto:
    """In place of `masks`: the right lung is the level of the slice below, the left that above."""
    constants = [
        numpy_helper.from_array(np.array([1, 0, 2], dtype=np.int64), "order"),
        numpy_helper.from_array(np.float32(0.0), "zero"),
    ]
    nodes = [
        helper.make_node("Gather", ["slab", "order"], ["lungs"], axis=1),
        helper.make_node("Mul", ["slab", "zero"], ["lesions"]),
    ]
    shape: list[int | str] = ["n", 3, SIZE, SIZE]
    return model(nodes, {"slab": shape}, {"lungs": shape, "lesions": shape}, constants)


def masks() -> onnx.ModelProto:
    """lungs and lesions (n, 3, size, size)."""
    at_left = np.zeros((1, 1, 1, SIZE), dtype=np.float32)
    at_left[..., : SIZE // 2] = 1.0
    constants = [
        numpy_helper.from_array(at_left, "at_left"),
        numpy_helper.from_array(1.0 - at_left, "at_right"),
        numpy_helper.from_array(np.float32(1.0), "one"),
        numpy_helper.from_array(np.float32(0.0), "zero"),
        numpy_helper.from_array(np.array([1], dtype=np.int64), "axis"),
        *(numpy_helper.from_array(np.array([at], dtype=np.int64), f"at_{at}") for at in (1, 2)),
        *(
            numpy_helper.from_array(np.float32(_level(limit)), f"{name}_{place}")
            for name, limits in (("lung", LUNG_HU), ("haze", HAZE_HU))
            for place, limit in enumerate(limits)
        ),
    ]
    nodes = [helper.make_node("Slice", ["slab", "at_1", "at_2", "axis"], ["middle"])]
    for name in ("lung", "haze"):
        nodes += [
            helper.make_node("Greater", ["middle", f"{name}_0"], [f"{name}_over"]),
            helper.make_node("Less", ["middle", f"{name}_1"], [f"{name}_under"]),
            helper.make_node("And", [f"{name}_over", f"{name}_under"], [f"is_{name}"]),
            helper.make_node("Cast", [f"is_{name}"], [name], to=onnx.TensorProto.FLOAT),
            helper.make_node("Sub", ["one", name], [f"no_{name}"]),
        ]
    nodes += [
        helper.make_node("Mul", ["lung", "at_left"], ["right"]),
        helper.make_node("Mul", ["lung", "at_right"], ["left"]),
        helper.make_node("Mul", ["haze", "zero"], ["dense"]),
        helper.make_node("Concat", ["no_lung", "right", "left"], ["lungs"], axis=1),
        helper.make_node("Concat", ["no_haze", "haze", "dense"], ["lesions"], axis=1),
    ]
    shape: list[int | str] = ["n", 3, SIZE, SIZE]
    return model(nodes, {"slab": shape}, {"lungs": shape, "lesions": shape}, constants)
