"""Makes the int8 form of a network: static quantisation, calibrated on training slices.

Weights are int8 for each output channel, activations uint8, both in QDQ form, which ONNX Runtime
turns into integer convolutions. The last layers stay in float32: a probability near its threshold
must not jump by a step of the grid.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

log = logging.getLogger(__name__)

_AT_ONCE = 4


class _Batches(CalibrationDataReader):  # type: ignore[misc]
    """Hands out the calibration set a few slices at a time."""

    def __init__(self, name: str, inputs: NDArray[np.float32]) -> None:
        self._name = name
        self._parts: Iterator[NDArray[np.float32]] = iter(
            [inputs[i : i + _AT_ONCE] for i in range(0, len(inputs), _AT_ONCE)]
        )

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        part = next(self._parts, None)
        return None if part is None else {self._name: part}


def _last_layers(model: onnx.ModelProto, outputs: int) -> list[str]:
    """Names of the last convolutions and matrix products before each output."""
    made_by = {name: node for node in model.graph.node for name in node.output}
    found: list[str] = []
    for output in list(model.graph.output)[:outputs]:
        waiting, seen = [output.name], set()
        while waiting:
            node: Any = made_by.get(waiting.pop())
            if node is None or node.name in seen:
                continue
            seen.add(node.name)
            if node.op_type in ("Conv", "Gemm", "MatMul"):
                found.append(node.name)
            else:
                waiting.extend(node.input)
    return sorted(set(found))


def quantise(network: Path, into: Path, inputs: NDArray[np.float32]) -> None:
    """Write the int8 form of an ONNX network.

    Parameters
    ----------
    network : float32, with one input
    into : where the int8 form goes
    inputs : the calibration set, in the form that the network is fed
    """
    prepared = into.with_suffix(".prepared")
    quant_pre_process(str(network), str(prepared), skip_symbolic_shape=True)
    model = onnx.load(prepared)
    name = model.graph.input[0].name
    kept = _last_layers(model, len(model.graph.output))
    quantize_static(
        str(prepared),
        str(into),
        _Batches(name, inputs),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
        calibrate_method=CalibrationMethod.MinMax,
        nodes_to_exclude=kept,
        op_types_to_quantize=["Conv", "MaxPool", "Resize", "Concat", "Add", "AveragePool"],
        extra_options={"CalibMovingAverage": True},
    )
    prepared.unlink()
    log.info("int8: %s, calibrated on %d inputs; float32 stay %s", into.name, len(inputs), kept)
