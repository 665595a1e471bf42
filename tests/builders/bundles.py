"""Bundles of schema 2 for tests: real ONNX networks whose answers can be worked out by hand.

The segmentation network calls what has the density of lung lung, the left half of the image the
patient's right, and what is denser than lung but less than tissue a lesion. The classifier looks
at the lesion channel alone: the more lesion in the view, the more viral, and its heat map is the
lesion channel itself, averaged over 8 × 8 pixels. Both are untrained and know nothing.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import quantize_dynamic

from models.declared.network_files import Precision
from models.declared.released import file_digest
from models.onnx_session import runner_on_cpu
from models.schema_2.golden import RECIPE, describe, make_patches, make_views
from models.schema_2.sign import Sign
from models.schema_2.view import CHANNELS

NAME = "chest-ct-pneumonia"
VERSION = "2.0.0"
SIZE = 64  # of the segmentation network's square
VIEW = 48
MEMBERS = 3
RASTER = {"first": 2, "step": 8}
GOLDEN_RECIPE = {"name": RECIPE, "seed": 3, "patches": 2, "size": SIZE}

_LOW_HU, _HIGH_HU = -1250.0, 250.0
_OPSET = 17
_ALGORITHM = "Bundle for tests"

DECLARATION = """\
schema = 2
name = "{name}"
version = "{version}"
intended_use = "Tests."
research_only = true

[algorithm]
name = "{algorithm}"
manufacturer = "Firstread"

[files]
{files}

[[licences]]
data = "none"
licence = "Apache-2.0"

[[accepts]]
keyword = "Modality"
comparison = "equals"
limit = "CT"
required = true
{accepts}
[networks.segmentation]
float32 = "segmentation.onnx"
on_cpu = "float32"

[networks.classification]
float32 = "classification.onnx"
int8 = "classification-int8.onnx"
on_cpu = "int8"

[segmentation.input]
name = "patch"
axes = ["slice", "channel", "row", "column"]
size = {size}
window_low_hu = {low}
window_high_hu = {high}

[segmentation.outputs.lung]
name = "lung"
classes = ["background", "right", "left"]
threshold = 0.5

[segmentation.outputs.lesion]
name = "lesion"
classes = ["none", "ground_glass", "consolidation"]
threshold = 0.5

[classification.input]
name = "view"
axes = ["slice", "channel", "row", "column"]
channels = ["attenuation", "lung", "lesion", "whole", "whole_lesion"]
size = {view}
margin = 0.08

[classification.outputs]
viral = "viral"
signs = "signs"
heat = "heat"
sign_classes = [{signs}]
viral_threshold = 0.5
sign_thresholds = [0.5, 0.5, 0.5, 0.5, 0.5]

[case]
rule = "lesion_share"
even_share_percent = 1.0
slope = 7.0
suspicion_threshold = 0.5
viral_low = 0.35
viral_high = 0.65
greatest_spread = 0.25
"""


def accepts(keyword: str, limit: str) -> str:
    """One more criterion of a bundle: an element that a series must have, and its value."""
    lines = (
        "",
        "[[accepts]]",
        f'keyword = "{keyword}"',
        'comparison = "equals"',
        f'limit = "{limit}"',
        "required = true",
        "",
    )
    return "\n".join(lines)


def write_bundle(
    root: Path, *, name: str = NAME, version: str = VERSION, accepting: str = ""
) -> Path:
    """Write a whole bundle under `root`; returns its folder.

    Parameters
    ----------
    accepting : further criteria, see `accepts`
    """
    folder = root / name / version
    folder.mkdir(parents=True)
    onnx.save(segmentation_network(), folder / "segmentation.onnx")
    onnx.save(classification_network(), folder / "classification.onnx")
    quantize_dynamic(folder / "classification.onnx", folder / "classification-int8.onnx")
    (folder / "golden.json").write_text(json.dumps(_golden(folder)))
    declare(folder, accepting=accepting)
    return folder


def declare(folder: Path, *, accepting: str = "") -> None:
    """Write the declaration over the files that are there now."""
    name = folder.parent.name
    names = sorted(path.name for path in folder.iterdir() if path.name != "bundle.toml")
    files = "\n".join(f'"{name}" = "{file_digest(folder / name)}"' for name in names)
    text = DECLARATION.format(
        name=name,
        version=folder.name,
        algorithm=_ALGORITHM + ("" if name == NAME else f": {name}"),
        accepts=accepting,
        files=files,
        size=SIZE,
        view=VIEW,
        low=_LOW_HU,
        high=_HIGH_HU,
        channels=", ".join(f'"{channel}"' for channel in CHANNELS),
        signs=", ".join(f'"{sign}"' for sign in Sign),
    )
    (folder / "bundle.toml").write_text(text)


def drop_classifier(folder: Path) -> None:
    """Make a bundle of the segmentation alone out of one of both networks."""
    for path in folder.glob("classification*.onnx"):
        path.unlink()
    declare(folder)
    path = folder / "bundle.toml"
    sections = re.split(r"\n(?=\[)", path.read_text())
    kept = [one for one in sections if not re.match(r"\[(networks\.)?classification", one)]
    lines = "\n".join(kept).splitlines(keepends=True)
    path.write_text("".join(one for one in lines if not re.match("viral_|greatest_spread", one)))


def _golden(folder: Path) -> dict[str, Any]:
    patches, views = make_patches(GOLDEN_RECIPE), make_views(GOLDEN_RECIPE, VIEW, 0.08)

    def answers(precision: Precision) -> dict[str, Any]:
        suffix = "" if precision is Precision.FLOAT32 else f"-{precision}"
        path, names = folder / f"classification{suffix}.onnx", ("viral", "signs", "heat")
        found = dict(zip(names, runner_on_cpu(path, "view", names)(views), strict=True))
        if precision is Precision.FLOAT32:
            maps = runner_on_cpu(folder / "segmentation.onnx", "patch", ("lung", "lesion"))(patches)
            found |= {"lung": maps[0], "lesion": maps[1]}
        return {name: describe(answer, RASTER) for name, answer in found.items()}

    return {
        "recipe": GOLDEN_RECIPE,
        "raster": RASTER,
        "tolerance": 1e-3,
        "expected": answers(Precision.FLOAT32),
        "int8": {"tolerance": 0.02, "expected": answers(Precision.INT8)},
    }


def _level(hu: float) -> float:
    return (hu - _LOW_HU) / (_HIGH_HU - _LOW_HU)


def _constant(name: str, values: Any) -> onnx.TensorProto:
    return numpy_helper.from_array(np.asarray(values, dtype=np.float32), name)


def _value(name: str, shape: list[int | str]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _model(
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    constants: list[onnx.TensorProto],
) -> onnx.ModelProto:
    graph = helper.make_graph(nodes, "test", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    return model


def _between(source: str, target: str, low: str, high: str) -> list[onnx.NodeProto]:
    """1 where `low` < source < `high`, otherwise 0."""
    return [
        helper.make_node("Greater", [source, low], [f"{target}_above"]),
        helper.make_node("Less", [source, high], [f"{target}_below"]),
        helper.make_node("And", [f"{target}_above", f"{target}_below"], [f"{target}_both"]),
        helper.make_node("Cast", [f"{target}_both"], [target], to=TensorProto.FLOAT),
    ]


def _opened(source: str, target: str) -> list[onnx.NodeProto]:
    """Without what is narrower than 3 pixels: edges of lung are as dense as haze."""
    pool = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    return [
        helper.make_node("Sub", ["one", source], [f"{target}_not"]),
        helper.make_node("MaxPool", [f"{target}_not"], [f"{target}_not_wide"], **pool),
        helper.make_node("Sub", ["one", f"{target}_not_wide"], [f"{target}_narrowed"]),
        helper.make_node("MaxPool", [f"{target}_narrowed"], [target], **pool),
    ]


def segmentation_network(size: int = SIZE) -> onnx.ModelProto:
    """Lung from −950 to −300 HU, ground glass from −700, consolidation from −450 HU."""
    half = np.zeros((1, 1, 1, size), dtype=np.float32)
    half[..., : size // 2] = 1.0
    levels = {"gas": -950.0, "hazy": -700.0, "solid": -450.0, "tissue": -300.0}
    nodes = [
        *_between("patch", "any_lung", "gas", "tissue"),
        *_between("patch", "glass_or_edge", "hazy", "solid"),
        *_between("patch", "dense_or_edge", "solid", "tissue"),
        *_opened("glass_or_edge", "glass"),
        *_opened("dense_or_edge", "dense"),
        helper.make_node("Mul", ["any_lung", "half"], ["right"]),
        helper.make_node("Sub", ["any_lung", "right"], ["left"]),
        helper.make_node("Sub", ["one", "any_lung"], ["background"]),
        helper.make_node("Concat", ["background", "right", "left"], ["lung"], axis=1),
        helper.make_node("Add", ["glass", "dense"], ["some"]),
        helper.make_node("Sub", ["one", "some"], ["none"]),
        helper.make_node("Concat", ["none", "glass", "dense"], ["lesion"], axis=1),
    ]
    constants = [_constant(name, [_level(hu)]) for name, hu in levels.items()]
    return _model(
        nodes,
        [_value("patch", ["n", 1, size, size])],
        [_value("lung", ["n", 3, size, size]), _value("lesion", ["n", 3, size, size])],
        [*constants, _constant("half", half), _constant("one", [1.0])],
    )


def classification_network(size: int = VIEW, members: int = MEMBERS) -> onnx.ModelProto:
    """viral = sigmoid(60 · lesion's share of the view − 2), member by member a little steeper."""
    weights = np.linspace(50.0, 70.0, members, dtype=np.float32)[None]
    cells = size // 8
    nodes = [
        helper.make_node("Slice", ["view", "from", "to", "axis"], ["shown"]),
        helper.make_node("AveragePool", ["shown"], ["cells"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Squeeze", ["cells", "axis"], ["heat"]),
        helper.make_node("ReduceMean", ["shown"], ["share"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["share", "weights"], ["steep"]),
        helper.make_node("Sub", ["steep", "two"], ["viral_logit"]),
        helper.make_node("Sigmoid", ["viral_logit"], ["viral"]),
        helper.make_node("MatMul", ["share", "sign_weights"], ["sign_steep"]),
        helper.make_node("Sub", ["sign_steep", "two"], ["sign_logit"]),
        helper.make_node("Sigmoid", ["sign_logit"], ["signs"]),
    ]
    whole = {"from": [2], "to": [3], "axis": [1]}
    return _model(
        nodes,
        [_value("view", ["n", 5, size, size])],
        [
            _value("viral", ["n", members]),
            _value("signs", ["n", len(Sign)]),
            _value("heat", ["n", cells, cells]),
        ],
        [
            *(numpy_helper.from_array(np.array(v, dtype=np.int64), k) for k, v in whole.items()),
            _constant("weights", weights),
            _constant("sign_weights", [[60.0, 20.0, 10.0, 5.0, 1.0]]),
            _constant("two", [2.0]),
        ],
    )
