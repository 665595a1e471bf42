"""Floors: the figures that simple methods reach, as a baseline for a bundle's figures.

A classifier that is no better than seven numbers about the whole image has learned the window or
the scanner, not the disease. One that is no better than its nearest neighbour has met the same
patient before. A lesion network that is no better than a threshold has learned nothing of texture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.statistics.masks import Mask
from evaluation.statistics.receiver_operating import Scores, Truth

Grey = NDArray[np.uint8]
Values = NDArray[np.float64]

STATISTICS = (
    "mean",
    "standard deviation",
    "skewness",
    "excess kurtosis",
    "entropy (bits)",
    "share darker than 51",
    "share brighter than 204",
)
"""The seven global image statistics. Ours, as are the limits: a fifth of the grey scale."""

THUMBNAIL = 32
"""Rows and columns of a thumbnail. Ours."""

LESION_HU = (-700.0, -300.0)
"""Above aerated lung and below soft tissue: where ground glass lies. The range is the task's."""

_DARK, _BRIGHT = 51, 204
_NEWTON_STEPS = 50


def global_statistics(grey: Grey) -> Values:
    """Seven numbers about a whole image, in the order of `STATISTICS`.

    Parameters
    ----------
    grey : shape (rows, columns)
    """
    values = grey.ravel().astype(np.float64) / 255.0
    mean, spread = float(values.mean()), float(values.std())
    standard = (values - mean) / spread if spread > 0 else np.zeros_like(values)
    share = np.bincount(grey.ravel(), minlength=256) / grey.size
    present = share[share > 0]
    return np.array(
        [
            mean,
            spread,
            float((standard**3).mean()),
            float((standard**4).mean()) - 3.0,
            float(-(present * np.log2(present)).sum()),
            float(share[:_DARK].sum()),
            float(share[_BRIGHT + 1 :].sum()),
        ]
    )


@dataclass(frozen=True)
class LogisticModel:
    """A logistic regression on standardised features."""

    mean: Values
    scale: Values
    weights: Values
    intercept: float

    def probability(self, features: Values) -> Scores:
        """Probability of the finding, shape (cases,), for features of shape (cases, features)."""
        odds = ((features - self.mean) / self.scale) @ self.weights + self.intercept
        probability: Scores = 1.0 / (1.0 + np.exp(-np.clip(odds, -500.0, 500.0)))
        return probability


def fit_logistic(features: Values, truth: Truth, *, ridge: float = 1.0) -> LogisticModel:
    """Fit by Newton's method (iteratively reweighted least squares).

    Parameters
    ----------
    features : shape (cases, features)
    truth : shape (cases,)
    ridge : penalty on the squared weights of the standardised features; the default is that of
        scikit-learn, and keeps the fit finite when the classes can be told apart fully
    """
    mean, scale = features.mean(axis=0), features.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    design = np.column_stack([(features - mean) / scale, np.ones(len(features))])
    penalty = np.diag(np.r_[np.full(features.shape[1], ridge), 0.0])
    beta = np.zeros(design.shape[1])
    for _ in range(_NEWTON_STEPS):
        probability = 1.0 / (1.0 + np.exp(-np.clip(design @ beta, -500.0, 500.0)))
        gradient = design.T @ (probability - truth) + penalty @ beta
        weight = np.maximum(probability * (1.0 - probability), 1e-9)
        step = np.linalg.solve((design * weight[:, None]).T @ design + penalty, gradient)
        beta -= step
        if np.abs(step).max() < 1e-10:
            break
    return LogisticModel(mean, scale, beta[:-1], float(beta[-1]))


def statistics_floor(train: Sequence[Grey], truth: Truth, images: Sequence[Grey]) -> Scores:
    """Probabilities from the seven statistics alone, for images that were not trained on."""
    model = fit_logistic(np.stack([global_statistics(one) for one in train]), truth)
    return model.probability(np.stack([global_statistics(one) for one in images]))


def thumbnail(grey: Grey, size: int = THUMBNAIL) -> Values:
    """Mean grey of equal blocks, shape (size × size,), with mean 0 and length 1.

    So a neighbour is near in what it shows, not in its brightness and contrast.
    """
    rows, columns = (_blocks(length, size) for length in grey.shape)
    summed = np.add.reduceat(grey.astype(np.float64), rows[:-1], axis=0)
    summed = np.add.reduceat(summed, columns[:-1], axis=1)
    mean = (summed / np.outer(np.diff(rows), np.diff(columns))).ravel()
    mean -= mean.mean()
    length = float(np.linalg.norm(mean))
    unit: Values = mean / length if length > 0 else mean
    return unit


def _blocks(length: int, size: int) -> NDArray[np.int64]:
    if length < size:
        raise ValueError(f"an image of {length} pixels is smaller than a thumbnail of {size}")
    return np.linspace(0, length, size + 1).round().astype(np.int64)


def nearest_neighbour_floor(train: Sequence[Grey], truth: Truth, images: Sequence[Grey]) -> Scores:
    """How much nearer the nearest positive thumbnail is than the nearest negative one.

    Returns
    -------
    Shape (images,), −1…1 as a difference of correlations; above 0 the nearest neighbour is
    positive.

    Raises
    ------
    ValueError
        `train` lacks a class.
    """
    if truth.all() or not truth.any():
        raise ValueError("a nearest neighbour needs cases of both classes")
    known = np.stack([thumbnail(one) for one in train])
    correlation = np.stack([thumbnail(one) for one in images]) @ known.T
    difference: Scores = correlation[:, truth].max(axis=1) - correlation[:, ~truth].max(axis=1)
    return difference


def threshold_lesions(hounsfield: NDArray[np.float32], lungs: Mask) -> Mask:
    """Lung of ground-glass density, by a threshold alone.

    Parameters
    ----------
    hounsfield : HU, any shape
    lungs : same shape
    """
    low, high = LESION_HU
    return lungs & (hounsfield >= low) & (hounsfield <= high)
