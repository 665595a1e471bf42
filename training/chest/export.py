"""Write the chest network as ONNX in float32 and int8, and prove that both answer as it does."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.onnx_session import runner_on_cpu
from training.chest.network import SIZE, ChestSlabNet
from training.release.export import TOLERANCE, ExportDiffers, answers_of, without_traces
from training.release.quantise import quantise

log = logging.getLogger(__name__)

FLOAT32, INT8 = "chest.onnx", "chest-int8.onnx"
INPUT = "slab"
OUTPUTS = ("lungs", "lesions", "scores")

_BATCHES = (1, 3, 8)
_TIMED = 12
_AT_ONCE = 4


class ChestProbabilities(nn.Module):  # type: ignore[misc]  # torch is untyped to `make check`
    """The network with probabilities in place of logits; scores are not calibrated yet."""

    def __init__(self, network: ChestSlabNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return lungs, lesions, each (slices, 3, 256, 256), and scores (slices, 6)."""
        lung, lesion, scores = self.network(x)
        return torch.softmax(lung, 1), torch.softmax(lesion, 1), torch.sigmoid(scores)


@dataclass(frozen=True)
class ExportedChest:
    """What is known of the files.

    Attributes
    ----------
    largest_difference : of any probability of the float32 file from PyTorch's
    int8_changed : share of pixels whose class int8 changes, of lungs and of lesions
    ms_a_slice : median on two threads of the machine that trained, float32 and int8
    bytes : of the two files
    """

    largest_difference: float
    int8_changed: tuple[float, float]
    ms_a_slice: tuple[float, float]
    bytes: tuple[int, int]


def write_networks(
    network: ChestSlabNet, folder: Path, trial: NDArray[np.float32]
) -> ExportedChest:
    """Export with any number of slices; compare; fail if float32 differs.

    Parameters
    ----------
    trial : shape (slices, 3, 256, 256), 0…1, for comparison and to calibrate int8; 32 or more

    Raises
    ------
    ExportDiffers
        Some probability differs by more than 1e-3.
    """
    files = (folder / FLOAT32, folder / INT8)
    program = torch.onnx.export(
        ChestProbabilities(network).eval(),
        (torch.zeros(2, 3, SIZE, SIZE),),
        input_names=[INPUT],
        output_names=list(OUTPUTS),
        dynamic_shapes=({0: torch.export.Dim("n", min=1, max=4096)},),
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    onnx.save(without_traces(program.model_proto), files[0])
    return write_int8(network, files, trial)


def write_int8(
    network: ChestSlabNet, files: tuple[Path, Path], trial: NDArray[np.float32]
) -> ExportedChest:
    """Compare a float32 file with its network, and write its int8 form; raises as `write_networks`.

    Parameters
    ----------
    files : float32, which is there, and int8
    """
    largest = largest_difference(network, files[0], trial)
    quantise(*files, trial)
    return ExportedChest(
        largest,
        _changed(files, trial),
        (_ms_a_slice(files[0], trial), _ms_a_slice(files[1], trial)),
        (files[0].stat().st_size, files[1].stat().st_size),
    )


def largest_difference(network: ChestSlabNet, path: Path, trial: NDArray[np.float32]) -> float:
    """Hold a float32 file against a network: the largest difference of any probability.

    Raises
    ------
    ExportDiffers
        It is more than 1e-3.
    """
    module = ChestProbabilities(network).eval()
    run = runner_on_cpu(path, INPUT, OUTPUTS)
    largest = 0.0
    for count in _BATCHES:
        expected = answers_of(module, OUTPUTS, trial[:count])
        for name, found in zip(OUTPUTS, run(trial[:count]), strict=True):
            largest = max(largest, float(np.abs(expected[name] - found).max()))
    if not largest <= TOLERANCE:
        raise ExportDiffers(f"largest difference {largest:.2e}, allowed {TOLERANCE:.0e}")
    log.info("export: ONNX Runtime and PyTorch differ by at most %.1e", largest)
    return largest


def _changed(files: tuple[Path, Path], trial: NDArray[np.float32]) -> tuple[float, float]:
    runs = [runner_on_cpu(path, INPUT, OUTPUTS) for path in files]
    classes = []
    for run in runs:
        parts = [run(trial[at : at + _AT_ONCE])[:2] for at in range(0, len(trial), _AT_ONCE)]
        classes.append([np.concatenate(one).argmax(axis=1) for one in zip(*parts, strict=True)])
    lung, lesion = (float(np.mean(a != b)) for a, b in zip(*classes, strict=True))
    return lung, lesion


def _ms_a_slice(path: Path, trial: NDArray[np.float32]) -> float:
    run = runner_on_cpu(path, INPUT, OUTPUTS, threads=2)
    times = []
    for _ in range(_TIMED):
        began = time.perf_counter()
        run(trial[:_AT_ONCE])
        times.append(1000.0 * (time.perf_counter() - began) / _AT_ONCE)
    return float(np.median(times))
