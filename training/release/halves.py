"""Weights in 16 bits in a file and in 32 where they are used: half of the file, the same answer."""

from __future__ import annotations

from typing import Final

import numpy as np
import onnx
from onnx import helper, numpy_helper

HALF_TOLERANCE: Final = 3e-2
"""Of the probability of any pixel: weights are rounded to 11 bits."""

_WORTH_IT: Final = 256  # numbers of a tensor
_SUFFIX: Final = "_half"


def in_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """Store the large weights of a model in 16 bits, in place; ONNX Runtime widens them once."""
    graph = model.graph
    for stored in list(graph.initializer):
        if stored.data_type != onnx.TensorProto.FLOAT or np.prod(stored.dims) < _WORTH_IT:
            continue
        half = numpy_helper.to_array(stored).astype(np.float16)
        name = f"{stored.name}{_SUFFIX}"
        graph.initializer.append(numpy_helper.from_array(half, name))
        graph.initializer.remove(stored)
        graph.node.insert(
            0, helper.make_node("Cast", [name], [stored.name], to=onnx.TensorProto.FLOAT)
        )
    return model


def is_halved(model: onnx.ModelProto) -> bool:
    """Whether some weights are stored in 16 bits."""
    return any(one.name.endswith(_SUFFIX) for one in model.graph.initializer)


def widened(model: onnx.ModelProto) -> onnx.ModelProto:
    """Undo `in_half`, in place: each weight is there in 32 bits under its own name."""
    graph = model.graph
    halves = {one.name: one for one in graph.initializer if one.name.endswith(_SUFFIX)}
    for node in [one for one in graph.node if one.op_type == "Cast" and one.input[0] in halves]:
        stored = halves[node.input[0]]
        whole = numpy_helper.to_array(stored).astype(np.float32)
        graph.initializer.append(numpy_helper.from_array(whole, node.output[0]))
        graph.initializer.remove(stored)
        graph.node.remove(node)
    return model
