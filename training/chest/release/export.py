"""Write the two networks of a chest as ONNX, and prove that the files answer as they do."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.onnx_session import runner_on_cpu
from training.chest.network import MaskNet
from training.chest.scores.network import ScoreNet
from training.release.export import TOLERANCE, ExportDiffers, answers_of, without_traces
from training.release.halves import HALF_TOLERANCE, in_half
from training.release.quantise import quantise

log = logging.getLogger(__name__)

Floats = NDArray[np.float32]

MASKS_FILE, SCORES_FILE = "masks.onnx", "scores.onnx"
MASKS_INPUT, MASKS = "slab", ("lungs", "lesions")
SCORES_INPUT, SCORES, HEAT = "slice", ("scores", "heat"), "heat"

_BATCHES: Final = (1, 3, 8)
_TIMED: Final = 12
_AT_ONCE: Final = 4


class MaskProbabilities(nn.Module):  # type: ignore[misc]  # torch is untyped to `make check`
    """The network of masks with probabilities in place of logits."""

    def __init__(self, network: MaskNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return lungs and lesions, each (slices, 3, 256, 256)."""
        lung, lesion = self.network(x)
        return torch.softmax(lung, 1), torch.softmax(lesion, 1)


class ScoreProbabilities(nn.Module):  # type: ignore[misc]
    """The network of scores with probabilities in place of logits; not calibrated yet.

    Calibration is for whole slices: a cell's probability is that of the raw answer.
    """

    def __init__(self, network: ScoreNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return scores (slices, 6), and where COVID-19 was seen (slices, 8, 8)."""
        logits, cells = self.network.answered(x)
        return torch.sigmoid(logits), torch.sigmoid(cells)


@dataclass(frozen=True)
class ExportedChest:
    """What is known of the files.

    Attributes
    ----------
    largest_difference : of any probability of a file from PyTorch's, masks and scores
    ms_a_slice : median on two threads of the machine that trained, masks and scores
    bytes : of the two files
    int8_changed : share of pixels whose class an int8 form changes, of lungs and of lesions
    int8_ms : a slice, by such a form, which is not shipped where it is not faster
    """

    largest_difference: tuple[float, float]
    ms_a_slice: tuple[float, float]
    bytes: tuple[int, int]
    int8_changed: tuple[float, float]
    int8_ms: float


def write_networks(
    masks: MaskNet, scores: ScoreNet, folder: Path, slabs: Floats, patches: Floats
) -> ExportedChest:
    """Export with any number of slices; compare; fail if a file differs.

    Parameters
    ----------
    slabs : shape (slices, 3, 256, 256), 0…1, for comparison and to calibrate int8; 32 or more
    patches : shape (slices, 1, 256, 256), 0…1, for comparison

    Raises
    ------
    ExportDiffers
        Some probability differs by more than 0.001 in 32 bits, or by more than 0.03 in 16.
    """
    files = (folder / MASKS_FILE, folder / SCORES_FILE)
    _write(MaskProbabilities(masks), MASKS_INPUT, MASKS, slabs, files[0])
    _write(ScoreProbabilities(_plain(scores)), SCORES_INPUT, SCORES, patches, files[1])
    changed, int8_ms = _in_int8(files[0], slabs)
    return ExportedChest(
        (compare_masks(masks, files[0], slabs), compare_scores(scores, files[1], patches)),
        (
            _ms_a_slice(files[0], MASKS_INPUT, MASKS, slabs),
            _ms_a_slice(files[1], SCORES_INPUT, SCORES, patches),
        ),
        (files[0].stat().st_size, files[1].stat().st_size),
        changed,
        int8_ms,
    )


def _plain(scores: ScoreNet) -> ScoreNet:
    """The same weights, without the answers that only teach and the memory format of training."""
    network: ScoreNet = ScoreNet(with_other=False).eval()
    stored = scores.state_dict()
    network.load_state_dict({name: stored[name] for name in network.state_dict()})
    return network


def _write(module: nn.Module, name: str, outputs: Sequence[str], trial: Floats, path: Path) -> None:
    program = torch.onnx.export(
        module.eval(),
        (torch.zeros(2, *trial.shape[1:]),),
        input_names=[name],
        output_names=list(outputs),
        dynamic_shapes=({0: torch.export.Dim("n", min=1, max=4096)},),
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    model = without_traces(program.model_proto)
    onnx.save(model, path)
    _difference(module, path, name, outputs, trial, TOLERANCE)  # before anything is rounded
    onnx.save(in_half(model), path)


def compare_masks(network: MaskNet, path: Path, slabs: Floats) -> float:
    """Hold a file against a network: the largest difference of any probability.

    Raises
    ------
    ExportDiffers
        It is more than 0.03.
    """
    return _difference(MaskProbabilities(network), path, MASKS_INPUT, MASKS, slabs)


def compare_scores(network: ScoreNet, path: Path, patches: Floats) -> float:
    """The same as `compare_masks`, for the scores."""
    return _difference(ScoreProbabilities(network), path, SCORES_INPUT, SCORES, patches)


def _difference(
    module: nn.Module,
    path: Path,
    name: str,
    outputs: Sequence[str],
    trial: Floats,
    tolerance: float = HALF_TOLERANCE,
) -> float:
    run = runner_on_cpu(path, name, outputs)
    largest = 0.0
    for count in _BATCHES:
        expected = answers_of(module, outputs, trial[:count])
        for output, found in zip(outputs, run(trial[:count]), strict=True):
            largest = max(largest, float(np.abs(expected[output] - found).max()))
    if not largest <= tolerance:
        raise ExportDiffers(f"largest difference {largest:.2e}, allowed {tolerance:.0e}")
    log.info("export: ONNX Runtime and PyTorch differ by at most %.1e", largest)
    return largest


def _in_int8(float32: Path, slabs: Floats) -> tuple[tuple[float, float], float]:
    """What an int8 form changes, and how long it takes a slice."""
    with tempfile.TemporaryDirectory() as folder:
        int8 = Path(folder) / "int8.onnx"
        quantise(float32, int8, slabs)
        classes = []
        for path in (float32, int8):
            run = runner_on_cpu(path, MASKS_INPUT, MASKS)
            parts = [run(slabs[at : at + _AT_ONCE]) for at in range(0, len(slabs), _AT_ONCE)]
            classes.append([np.concatenate(one).argmax(axis=1) for one in zip(*parts, strict=True)])
        lung, lesion = (float(np.mean(a != b)) for a, b in zip(*classes, strict=True))
        return (lung, lesion), _ms_a_slice(int8, MASKS_INPUT, MASKS, slabs)


def _ms_a_slice(path: Path, name: str, outputs: Sequence[str], trial: Floats) -> float:
    run = runner_on_cpu(path, name, outputs, threads=2)
    times = []
    for _ in range(_TIMED):
        began = time.perf_counter()
        run(trial[:_AT_ONCE])
        times.append(1000.0 * (time.perf_counter() - began) / _AT_ONCE)
    return float(np.median(times))
