"""What a network has to do for one input: multiplications, and bytes between its layers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import onnx
from onnx import shape_inference

_FLOAT_BYTES = 4
_CONVOLUTIONS = ("Conv", "ConvTranspose")


@dataclass(frozen=True, slots=True)
class Work:
    """Of one input.

    Attributes
    ----------
    operations : multiplications and additions of its convolutions and matrix products
    bytes_moved : each tensor between layers written once and read once, in 32 bits; activations
        that a runtime applies while it writes are counted with the layer before
    """

    operations: float
    bytes_moved: float


_APPLIED_IN_PASSING = frozenset(
    {"Relu", "Clip", "Sigmoid", "Mul", "HardSwish", "BatchNormalization"}
)


def work_of(path: Path) -> Work:
    """Count a network's work from the shapes in its file."""
    model = onnx.load(path)
    for entry in (*model.graph.input, *model.graph.output):
        entry.type.tensor_type.shape.dim[0].dim_value = 1
    graph = shape_inference.infer_shapes(model).graph
    shapes = {one.name: tuple(one.dims) for one in graph.initializer}
    known = set(shapes)
    for entry in (*graph.value_info, *graph.input, *graph.output):
        shapes[entry.name] = tuple(
            max(int(one.dim_value), 1) for one in entry.type.tensor_type.shape.dim
        )
    operations = moved = 0.0
    for node in graph.node:
        if all(name in known for name in node.input):  # weights that are unpacked once
            known.update(node.output)
            continue
        made = sum(math.prod(shapes.get(name, ())) for name in node.output)
        if node.op_type not in _APPLIED_IN_PASSING:
            moved += 2.0 * _FLOAT_BYTES * made
        operations += 2.0 * _products(node, shapes, made)
    return Work(operations, moved)


def _products(node: onnx.NodeProto, shapes: dict[str, tuple[int, ...]], made: int) -> float:
    """Multiplications of a layer."""
    if node.op_type in _CONVOLUTIONS:
        weights = shapes[node.input[1]]
        each = math.prod(weights[1:])
        if node.op_type == "Conv":
            return float(made * each)
        return float(math.prod(shapes[node.input[0]]) * each)
    if node.op_type in ("MatMul", "Gemm"):
        return float(made * shapes[node.input[0]][-1])
    return 0.0
