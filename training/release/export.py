"""Write networks as ONNX, and prove that they answer as PyTorch does."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import nn

from models.onnx_session import runner_on_cpu
from models.schema_2.golden import make_patches, make_views
from models.schema_2.view import CHANNELS
from training.classification.network import Ensemble
from training.classification.views import MARGIN, VIEW
from training.data.slices import GRID
from training.release.golden import recipe
from training.segmentation.network import ChestNet, WithProbabilities

log = logging.getLogger(__name__)

SEGMENTATION_INPUT = "patch"
SEGMENTATION_OUTPUTS = ("lung", "lesion")
CLASSIFICATION_INPUT = "view"
CLASSIFICATION_OUTPUTS = ("viral", "signs", "heat")
TOLERANCE = 1e-3

_BATCHES = (1, 3, 4)

Arrays = NDArray[np.float32]


class ExportDiffers(Exception):
    """ONNX Runtime and PyTorch do not agree on the exported network."""


@dataclass(frozen=True)
class Agreement:
    """How far ONNX Runtime's answers lie from PyTorch's."""

    largest_difference: float
    batches: tuple[int, ...]


def answers_of(module: nn.Module, outputs: Sequence[str], inputs: Arrays) -> Mapping[str, Arrays]:
    """PyTorch's answers by output name."""
    with torch.inference_mode():
        answers = module.eval()(torch.from_numpy(inputs))
    return {name: answer.numpy() for name, answer in zip(outputs, answers, strict=True)}


def without_traces(model: onnx.ModelProto) -> onnx.ModelProto:
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


def _write(
    module: nn.Module, input_name: str, outputs: Sequence[str], shape: tuple[int, ...], path: Path
) -> None:
    program = torch.onnx.export(
        module.eval(),
        (torch.zeros(2, *shape),),
        input_names=[input_name],
        output_names=list(outputs),
        dynamic_shapes=({0: torch.export.Dim("patches", min=1, max=4096)},),
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    onnx.save(without_traces(program.model_proto), path)


def _compare(
    module: nn.Module, path: Path, name: str, outputs: Sequence[str], trials: Sequence[Arrays]
) -> Agreement:
    largest = 0.0
    run = runner_on_cpu(path, name, outputs)
    for inputs in trials:
        expected = answers_of(module, outputs, inputs)
        for output, answer in zip(outputs, run(inputs), strict=True):
            largest = max(largest, float(np.abs(expected[output] - answer).max()))
    if not largest <= TOLERANCE:
        raise ExportDiffers(f"largest difference {largest:.2e}, allowed {TOLERANCE:.0e}")
    log.info("export: ONNX Runtime and PyTorch differ by at most %.1e", largest)
    return Agreement(largest, tuple(len(inputs) for inputs in trials))


def _trial(count: int) -> dict[str, object]:
    return recipe(seed=100 + count, count=count)


def write_segmentation(network: ChestNet, path: Path) -> Agreement:
    """Export with a fixed 256 x 256 patch and any number of patches; compare; fail if it differs.

    Raises
    ------
    ExportDiffers
        Some probability differs by more than 1e-3, for one patch or for several at once.
    """
    module = WithProbabilities(plain(network)).eval()
    shape = (1, GRID, GRID)
    _write(module, SEGMENTATION_INPUT, SEGMENTATION_OUTPUTS, shape, path)
    return _compare_segmentation(module, path)


def compare_segmentation(network: ChestNet, path: Path) -> Agreement:
    """Hold a network against an ONNX file that should be it.

    Raises
    ------
    ExportDiffers
        Some probability differs by more than 1e-3.
    """
    return _compare_segmentation(WithProbabilities(network).eval(), path)


def _compare_segmentation(module: WithProbabilities, path: Path) -> Agreement:
    trials = [make_patches(_trial(count)) for count in _BATCHES]
    return _compare(module, path, SEGMENTATION_INPUT, SEGMENTATION_OUTPUTS, trials)


def write_classification(ensemble: Ensemble, path: Path) -> Agreement:
    """Export the classifier with a fixed 192 x 192 view; compare; fail if it differs.

    Raises
    ------
    ExportDiffers
        As for `write_segmentation`.
    """
    shape = (len(CHANNELS), VIEW, VIEW)
    _write(ensemble, CLASSIFICATION_INPUT, CLASSIFICATION_OUTPUTS, shape, path)
    return compare_classification(ensemble, path)


def compare_classification(ensemble: Ensemble, path: Path) -> Agreement:
    """The same as `compare_segmentation`, for the classifier."""
    trials = [make_views(_trial(count), VIEW, MARGIN) for count in _BATCHES]
    return _compare(ensemble, path, CLASSIFICATION_INPUT, CLASSIFICATION_OUTPUTS, trials)


def plain(network: ChestNet) -> ChestNet:
    """The same weights without the memory format that training used."""
    copy = ChestNet()
    copy.load_state_dict(network.state_dict())
    copy.eval()
    return copy
