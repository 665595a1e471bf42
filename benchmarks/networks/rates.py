"""How fast a provider of ONNX Runtime multiplies and moves, by networks that do nothing else."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from models.onnx_session import TensorSession
from radiology.algorithm import ExecutionProvider

_OPSET = 17
_RUNS = 5
_FLOAT_BYTES = 4


@dataclass(frozen=True, slots=True)
class Rates:
    """Per second."""

    operations: float
    bytes_moved: float


def rates_of(provider: ExecutionProvider, *, threads: int = 0) -> Rates:
    """Measure a provider: products of square matrices, and tensors that change their sign.

    Of a long chain of layers the time of a short one is taken off, so that what is the same for
    both (the way to a GPU and back) does not count.
    """
    large = provider is ExecutionProvider.CUDA
    side, layers = (4096, 16) if large else (1024, 4)
    multiplied = _seconds("MatMul", (side, side), layers, provider, threads)
    moved_side = 8192 if large else 4096
    moved = _seconds("Neg", (moved_side, moved_side), layers, provider, threads)
    return Rates(
        operations=2.0 * side**3 * layers / multiplied,
        bytes_moved=2.0 * _FLOAT_BYTES * moved_side**2 * layers / moved,
    )


def _seconds(
    layer: str, shape: tuple[int, int], layers: int, provider: ExecutionProvider, threads: int
) -> float:
    """What so many layers take beside the first."""
    with tempfile.TemporaryDirectory() as folder:
        times = []
        for count in (1, 1 + layers):
            path = Path(folder) / f"{count}.onnx"
            onnx.save(_chain(layer, shape, count), path)
            times.append(_fastest(TensorSession(path, provider=provider, threads=threads)))
    return max(times[1] - times[0], 1e-9)


def _chain(layer: str, shape: Sequence[int], count: int) -> onnx.ModelProto:
    """A network that makes a tensor of one number, sends it through layers, and sums it up."""
    nodes = [helper.make_node("Expand", ["number", "shape"], ["0"])]
    for place in range(count):
        fed = [str(place), "0"] if layer == "MatMul" else [str(place)]
        nodes.append(helper.make_node(layer, fed, [str(place + 1)]))
    nodes.append(helper.make_node("ReduceMax", [str(count)], ["largest"], keepdims=1))
    graph = helper.make_graph(
        nodes,
        "chain",
        [helper.make_tensor_value_info("number", TensorProto.FLOAT, [1, 1])],
        [helper.make_tensor_value_info("largest", TensorProto.FLOAT, [1, 1])],
        [helper.make_tensor("shape", TensorProto.INT64, [2], list(shape))],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)])
    model.ir_version = 9
    return model


def _fastest(session: TensorSession) -> float:
    fed = {"number": np.full((1, 1), 1e-3, dtype=np.float32)}
    seconds = []
    for _ in range(_RUNS + 1):
        began = time.perf_counter()
        session.run(fed, ["largest"])
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds[1:])
