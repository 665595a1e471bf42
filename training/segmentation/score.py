"""Score masks and networks: Dice per slice, means with bootstrap intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.data.slices import SliceSet
from training.segmentation.network import ChestNet
from training.segmentation.predict import predict

DEFAULT_THRESHOLD = 0.5
_RESAMPLES = 10_000


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % percentile bootstrap interval over slices."""

    mean: float
    low: float
    high: float
    count: int

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}], n = {self.count}"


def bootstrap(values: NDArray[np.float64], seed: int = 0) -> Interval:
    """Mean of `values` and its 95 % interval by resampling them with replacement."""
    random = np.random.default_rng(seed)
    drawn = random.integers(0, values.size, size=(_RESAMPLES, values.size))
    low, high = np.percentile(values[drawn].mean(axis=1), [2.5, 97.5])
    return Interval(float(values.mean()), float(low), float(high), int(values.size))


def dice(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Dice per slice, shape (slices,); two empty masks agree fully."""
    axes = tuple(range(1, found.ndim))
    overlap = (found & truth).sum(axis=axes)
    total = found.sum(axis=axes) + truth.sum(axis=axes)
    result: NDArray[np.float64] = np.where(total == 0, 1.0, 2.0 * overlap / np.maximum(total, 1))
    return result


def lung_dice(network: ChestNet, slices: SliceSet) -> NDArray[np.float64]:
    """Dice of both lungs together, per slice."""
    lung, _ = predict(network, slices)
    return dice(lung.argmax(axis=1) > 0, slices.lung > 0)


def lesion_probability(network: ChestNet, slices: SliceSet) -> NDArray[np.float32]:
    """Probability of any lesion, shape (slices, rows, columns)."""
    _, lesion = predict(network, slices)
    probability: NDArray[np.float32] = lesion[:, 1:].sum(axis=1)
    return probability


def lesion_dice(
    network: ChestNet, slices: SliceSet, threshold: float = DEFAULT_THRESHOLD
) -> NDArray[np.float64]:
    """Dice of any lesion against the drawn mask, per slice."""
    return dice(lesion_probability(network, slices) > threshold, slices.lesion > 0)


def auc(scores: NDArray[np.float64], truth: NDArray[np.int8]) -> float:
    """Area under the ROC curve (Mann-Whitney), ties counted half."""
    positive, negative = scores[truth == 1], scores[truth == 0]
    above = (positive[:, None] > negative[None, :]).mean()
    equal = (positive[:, None] == negative[None, :]).mean()
    return float(above + 0.5 * equal)
