"""A 3-D patch segmenter of three classes: fluid, tissue, and what is denser than tissue.

The network compares each voxel with limits in HU and knows nothing of its neighbours, so what it
answers for a volume can be counted without it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from tests.builders.declared.write import Declaration, code, model, released, write_declared

NAME = "head-ct-dense"
SIZE = (8, 16, 16)
TISSUE_HU = (15.0, 60.0)
DENSE_HU = (60.0, 100.0)
CLIP_HU, MEAN_HU, DEVIATION_HU = (-200.0, 200.0), 40.0, 25.0


def declaration() -> Declaration:
    """The whole declaration, without its files."""
    return released(NAME) | {
        "accepts": [
            {"keyword": "Modality", "comparison": "equals", "limit": "CT", "required": True},
            {
                "keyword": "SliceThickness",
                "comparison": "at_most",
                "limit": 6.0,
                "required": False,
            },
            {
                "keyword": "BodyPartExamined",
                "comparison": "contains_any",
                "limit": ["HEAD", "BRAIN"],
                "required": False,
            },
        ],
        "report": {
            "title": "head CT",
            "subject": "bleeding",
            "procedure": code("24725-4", "CT Head", "LN"),
            "body_region": code("69536005", "Head"),
            "window_hu": [40.0, 80.0],
        },
        "words": {"zh": {"head CT": "头部 CT", "bleeding": "出血", "Hemorrhage": "出血"}},
        "networks": {"main": {"float32": "dense.onnx", "on_cpu": "float32"}},
        "inputs": {
            "main": {
                "kind": "patches-3d",
                "tensor": "patch",
                "orientation": "SPL",
                "spacing_mm": [3.0, 1.0, 1.0],
                "size": list(SIZE),
                "overlap": 0.5,
                "weighting": "gaussian",
                "interpolation": "linear",
                "channels": [
                    {"clip_hu": list(CLIP_HU), "mean_hu": MEAN_HU, "deviation_hu": DEVIATION_HU}
                ],
            }
        },
        "outputs": [
            {
                "name": "areas",
                "kind": "mask",
                "network": "main",
                "tensor": "logits",
                "activation": "softmax",
                "classes": [
                    {"name": "rest", "background": True},
                    {
                        "name": "brain",
                        "is": "anatomy",
                        "code": code("12738006", "Brain"),
                        "colour": "#56b4e9",
                    },
                    {
                        "name": "dense",
                        "is": "finding",
                        "code": code("50960005", "Hemorrhage"),
                        "site": code("12738006", "Brain"),
                        "colour": "#e69f00",
                        "threshold": 0.4,
                    },
                ],
            }
        ],
        "measurements": [
            {"name": "dense_ml", "kind": "volume", "of": ["areas.dense"]},
            {
                "name": "dense_share",
                "kind": "share",
                "of": ["areas.dense"],
                "within": ["areas.brain", "areas.dense"],
                "code": code("DENSE_SHARE", "Share of dense areas", "99TESTS"),
            },
            {"name": "dense_hu", "kind": "mean-hu", "of": ["areas.dense"]},
            {"name": "dense_parts", "kind": "count", "of": ["areas.dense"]},
            {"name": "largest_mm", "kind": "largest-diameter", "of": ["areas.dense"]},
            {"name": "largest_ml", "kind": "largest-volume", "of": ["areas.dense"]},
            {
                "name": "brain_ml",
                "kind": "volume",
                "of": ["areas.brain"],
                "normal": [0.5, 2000.0],
            },
        ],
        "findings": [
            {
                "name": "bleeding",
                "code": code("50960005", "Hemorrhage"),
                "site": code("12738006", "Brain"),
                "regions": ["areas.dense"],
                "measurements": [
                    "dense_ml",
                    "dense_share",
                    "dense_hu",
                    "dense_parts",
                    "largest_mm",
                ],
                "least_ml": 0.05,
            }
        ],
        "suspicion": [
            {
                "name": "bleeding seen",
                "finding": "bleeding",
                "value": "dense_ml",
                "comparison": "at_least",
                "limit": 0.2,
                "presence": "suspected",
            }
        ],
        "urgency": [
            {
                "name": "large bleeding",
                "level": "urgent",
                "finding": "bleeding",
                "value": "dense_ml",
                "comparison": "at_least",
                "limit": 2.0,
            }
        ],
        "gates": [
            {"check": "least-slices", "limit": 5, "action": "refuse"},
            {"check": "most-slice-spacing", "limit": 6.0, "action": "warn"},
            {
                "check": "anatomy-found",
                "of": ["areas.brain"],
                "limit": 1.0,
                "action": "refuse",
                "reason": "No brain was found.",
            },
            {
                "check": "measurement",
                "value": "dense_share",
                "comparison": "at_most",
                "limit": 60.0,
                "action": "warn",
                "reason": "More is dense than a bleeding is.",
            },
        ],
    }


def write_patch_segmenter(root: Path) -> Path:
    """Write the bundle under `root`; returns its folder."""
    return write_declared(root, declaration(), {"dense.onnx": network()})


def network(size: tuple[int, int, int] = SIZE, classes: int = 3) -> onnx.ModelProto:
    """Logits (n, classes, planes, rows, columns): 8 for the class whose limits hold."""
    levels = {"fluid": TISSUE_HU[0], "tissue": DENSE_HU[0], "bone": DENSE_HU[1]}
    nodes = [helper.make_node("Greater", ["patch", name], [f"above_{name}"]) for name in levels]
    nodes += [
        helper.make_node("Cast", [f"above_{name}"], [f"over_{name}"], to=onnx.TensorProto.FLOAT)
        for name in levels
    ]
    nodes += [
        helper.make_node("Sub", ["over_fluid", "over_tissue"], ["brain"]),
        helper.make_node("Sub", ["over_tissue", "over_bone"], ["dense"]),
        helper.make_node("Add", ["brain", "dense"], ["some"]),
        helper.make_node("Sub", ["one", "some"], ["rest"]),
        helper.make_node("Concat", ["rest", "brain", "dense", "rest"][:classes], ["all"], axis=1),
        helper.make_node("Mul", ["all", "eight"], ["logits"]),
    ]
    constants = {name: (hu - MEAN_HU) / DEVIATION_HU for name, hu in levels.items()}
    constants |= {"one": 1.0, "eight": 8.0}
    return model(
        nodes,
        {"patch": ["n", 1, *size]},
        {"logits": ["n", classes, *size]},
        [
            numpy_helper.from_array(np.array([value], dtype=np.float32), name)
            for name, value in constants.items()
        ],
    )
