"""Write the network as ONNX, and prove that it answers as PyTorch does."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch

from models.onnx_session import runner_on_cpu
from training.head.calibrate import Curve
from training.head.network import SIZE, Calibrated, HeadNet
from training.head.slices import HeadSlices
from training.head.vary import WINDOWS_HU, to_network_input
from training.release.export import TOLERANCE, ExportDiffers, answers_of, without_traces

FILE = "head.onnx"
INPUT = "slices"
OUTPUTS = ("mask", "score")

_BATCHES = (1, 3, 8)
_TIMED = 20


@dataclass(frozen=True)
class Exported:
    """What is known of the file.

    Attributes
    ----------
    largest_difference : of any probability from PyTorch's, over several batch sizes
    ms_a_slice : median on one thread of the machine that trained
    """

    largest_difference: float
    ms_a_slice: float
    size_bytes: int


def write_network(network: HeadNet, curve: Curve, path: Path, trial: HeadSlices) -> Exported:
    """Export with any number of slices; compare; fail if it differs.

    Parameters
    ----------
    trial : slices to compare on, eight at least

    Raises
    ------
    ExportDiffers
        Some probability differs by more than 1e-3.
    """
    copy = HeadNet()
    copy.load_state_dict(network.state_dict())
    module = Calibrated(copy, curve.slope, curve.offset).eval()
    program = torch.onnx.export(
        module,
        (torch.zeros(2, len(WINDOWS_HU), SIZE, SIZE),),
        input_names=[INPUT],
        output_names=list(OUTPUTS),
        dynamic_shapes=({0: torch.export.Dim("n", min=1, max=4096)},),
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    onnx.save(without_traces(program.model_proto), path)
    return _compare(module, path, trial)


def _compare(module: Calibrated, path: Path, trial: HeadSlices) -> Exported:
    run = runner_on_cpu(path, INPUT, OUTPUTS, threads=1)
    largest = 0.0
    for count in _BATCHES:
        inputs = to_network_input(torch.from_numpy(trial.hu[:count])).numpy()
        expected = answers_of(module, OUTPUTS, inputs)
        for name, found in zip(OUTPUTS, run(inputs), strict=True):
            largest = max(largest, float(np.abs(expected[name] - found).max()))
    if not largest <= TOLERANCE:
        raise ExportDiffers(f"largest difference {largest:.2e}, allowed {TOLERANCE:.0e}")
    single = to_network_input(torch.from_numpy(trial.hu[:1])).numpy()
    times = []
    for _ in range(_TIMED):
        began = time.perf_counter()
        run(single)
        times.append(1000.0 * (time.perf_counter() - began))
    return Exported(largest, float(np.median(times)), path.stat().st_size)
