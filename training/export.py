"""Write the network as ONNX, and prove that it answers as PyTorch does."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from models.golden import make_patches
from models.onnx_session import run_on_cpu
from training.golden import recipe
from training.network import ChestNet, WithProbabilities
from training.slices import GRID

log = logging.getLogger(__name__)

INPUT = "patch"
OUTPUTS = ("lung", "lesion")
TOLERANCE = 1e-3


class ExportDiffers(Exception):
    """ONNX Runtime and PyTorch do not agree on the exported network."""


@dataclass(frozen=True)
class Agreement:
    """How far ONNX Runtime's answers lie from PyTorch's."""

    largest_difference: float
    batches: tuple[int, ...]


def torch_answers(network: ChestNet, patches: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """PyTorch's probabilities for some patches, lung and lesion."""
    with torch.inference_mode():
        answers = WithProbabilities(network).eval()(torch.from_numpy(patches))
    return [answer.numpy() for answer in answers]


def _without_traces(model: onnx.ModelProto) -> onnx.ModelProto:
    """Drop what the exporter notes beside the network: stack traces with paths of this machine.

    Without them the same weights give the same bytes, wherever they are exported.
    """
    graph = model.graph
    for noted in (model, graph, *graph.node, *graph.value_info, *graph.input, *graph.output):
        noted.ClearField("metadata_props")
        noted.ClearField("doc_string")
    for tensor in graph.initializer:
        tensor.ClearField("metadata_props")
        tensor.ClearField("doc_string")
    return model


def write_onnx(network: ChestNet, path: Path) -> Agreement:
    """Export with a fixed 256 x 256 patch and any number of patches; compare; fail if it differs.

    Raises
    ------
    ExportDiffers
        Some probability differs by more than 1e-3, for one patch or for several at once.
    """
    plain = ChestNet()
    plain.load_state_dict(network.state_dict())
    module = WithProbabilities(plain).eval()
    example = torch.zeros(2, 1, GRID, GRID)
    program = torch.onnx.export(
        module,
        (example,),
        input_names=[INPUT],
        output_names=list(OUTPUTS),
        dynamic_shapes=({0: torch.export.Dim("patches", min=1, max=4096)},),
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    onnx.save(_without_traces(program.model_proto), path)
    largest, sizes = 0.0, (1, 3, 4)
    for count in sizes:
        patches = make_patches(recipe(seed=100 + count, count=count))
        found = run_on_cpu(path, OUTPUTS, {INPUT: patches})
        for expected, answer in zip(torch_answers(plain, patches), found, strict=True):
            largest = max(largest, float(np.abs(expected - answer).max()))
    if not largest <= TOLERANCE:
        raise ExportDiffers(f"largest difference {largest:.2e}, allowed {TOLERANCE:.0e}")
    log.info("export: ONNX Runtime and PyTorch differ by at most %.1e", largest)
    return Agreement(largest, sizes)
