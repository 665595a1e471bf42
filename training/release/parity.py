"""Compares float32 with int8 on the same slices: scores side by side, and speed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models.onnx_session import runner_on_cpu
from training.classification.views import ViewSet, middle
from training.data.augment import to_network_input
from training.data.slices import SliceSet
from training.release.export import (
    CLASSIFICATION_INPUT,
    CLASSIFICATION_OUTPUTS,
    SEGMENTATION_INPUT,
    SEGMENTATION_OUTPUTS,
)
from training.segmentation.score import auc, dice
from training.segmentation.stages import Corpus

MOST_LOSS = 0.005  # of Dice or AUC: what int8 may cost to be preferred on a CPU
MOST_DRIFT = 0.02  # mean difference of probabilities: thresholds were chosen in float32
_AT_ONCE = 4
_TIMED_ROUNDS = 3
_THREADS = 2

Arrays = NDArray[np.float32]
Run = Callable[[Arrays], list[Arrays]]


@dataclass(frozen=True)
class Parity:
    """One network in both forms.

    Attributes
    ----------
    scores : measure to (float32, int8)
    largest_difference, mean_difference : of probabilities
    ms_a_slice : (float32, int8), two threads, the fastest of three rounds
    """

    network: str
    scores: dict[str, tuple[float, float]]
    largest_difference: float
    mean_difference: float
    ms_a_slice: tuple[float, float]

    @property
    def on_cpu(self) -> str:
        """The faster form that loses less than 0.005 of every score and answers alike."""
        loses = max(float32 - int8 for float32, int8 in self.scores.values())
        faster = self.ms_a_slice[1] < self.ms_a_slice[0]
        alike = loses < MOST_LOSS and self.mean_difference < MOST_DRIFT
        return "int8" if faster and alike else "float32"


def _answers(run: Run, inputs: Arrays) -> list[Arrays]:
    parts = [run(inputs[i : i + _AT_ONCE]) for i in range(0, len(inputs), _AT_ONCE)]
    return [np.concatenate(part) for part in zip(*parts, strict=True)]


def _ms_a_slice(runs: tuple[Run, Run], inputs: Arrays) -> tuple[float, float]:
    """Time both in turn, so that whatever else runs hits both."""
    fastest = [np.inf, np.inf]
    for _ in range(_TIMED_ROUNDS):
        for index, run in enumerate(runs):
            began = time.perf_counter()
            _answers(run, inputs)
            spent = 1000.0 * (time.perf_counter() - began) / len(inputs)
            fastest[index] = min(fastest[index], spent)
    return float(fastest[0]), float(fastest[1])


def segmentation_parity(float32: Path, int8: Path, corpus: Corpus, threshold: float) -> Parity:
    """Compare both forms on the held-out slices with masks."""
    lungs, drawn = corpus.lungs2d.held_out, corpus.doctors.held_out
    return segmentation_parity_on(float32, int8, lungs, drawn, threshold)


def segmentation_parity_on(
    float32: Path, int8: Path, lungs: SliceSet, drawn: SliceSet, threshold: float
) -> Parity:
    """Compare both forms on slices with lung masks and on slices with lesion masks."""
    runs = (
        runner_on_cpu(float32, SEGMENTATION_INPUT, SEGMENTATION_OUTPUTS, _THREADS),
        runner_on_cpu(int8, SEGMENTATION_INPUT, SEGMENTATION_OUTPUTS, _THREADS),
    )
    inputs = [
        to_network_input(torch.from_numpy(slices.hu.astype(np.float32))[:, None]).numpy()
        for slices in (lungs, drawn)
    ]
    lung, lesion, maps = [], [], []
    for run in runs:
        on_lungs, on_drawn = _answers(run, inputs[0]), _answers(run, inputs[1])
        lung.append(float(dice(on_lungs[0].argmax(axis=1) > 0, lungs.lung > 0).mean()))
        found = on_drawn[1][:, 1:].sum(axis=1) > threshold
        lesion.append(float(dice(found, drawn.lesion > 0).mean()))
        maps.append(on_drawn[1])
    difference = np.abs(maps[0] - maps[1])
    return Parity(
        "segmentation",
        {"lung Dice": (lung[0], lung[1]), "lesion Dice": (lesion[0], lesion[1])},
        float(difference.max()),
        float(difference.mean()),
        _ms_a_slice(runs, inputs[0]),
    )


def classification_parity(float32: Path, int8: Path, views: ViewSet) -> Parity:
    """Compare both forms on views that answers are known of."""
    runs = (
        runner_on_cpu(float32, CLASSIFICATION_INPUT, CLASSIFICATION_OUTPUTS, _THREADS),
        runner_on_cpu(int8, CLASSIFICATION_INPUT, CLASSIFICATION_OUTPUTS, _THREADS),
    )
    inputs = middle(torch.from_numpy(views.views).float() / 255.0).contiguous().numpy()
    viral = [_answers(run, inputs)[0].mean(axis=1) for run in runs]
    areas = [auc(one.astype(np.float64), views.viral) for one in viral]
    difference = np.abs(viral[0] - viral[1])
    return Parity(
        "classification",
        {"AUC": (areas[0], areas[1])},
        float(difference.max()),
        float(difference.mean()),
        _ms_a_slice(runs, inputs),
    )
