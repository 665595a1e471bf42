"""Calibrates the score: a logistic curve over its logit, fitted to out-of-fold answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.statistics.floors import fit_logistic

_RIDGE = 1.0

Values = NDArray[np.float64]
Truth = NDArray[np.bool_]


@dataclass(frozen=True)
class Curve:
    """Probability = 1 / (1 + exp(−(slope × logit + offset)))."""

    slope: float
    offset: float

    def probability(self, logit: Values) -> Values:
        """The calibrated probability of each logit."""
        steep = np.clip(self.slope * logit + self.offset, -60.0, 60.0)
        found: Values = 1.0 / (1.0 + np.exp(-steep))
        return found


def fit_curve(logit: Values, truth: Truth) -> Curve:
    """Fit a curve; the ridge keeps it finite where the classes are told apart fully."""
    model = fit_logistic(logit[:, None], truth, ridge=_RIDGE)
    slope = float(model.weights[0] / model.scale[0])
    return Curve(slope, float(model.intercept - slope * model.mean[0]))


def cross_fitted(logit: Values, truth: Truth, folds: NDArray[np.int64]) -> Values:
    """Each fold's probabilities by the curve that was fitted to the others."""
    probability = np.zeros(len(logit))
    for fold in np.unique(folds):
        held_out = folds == fold
        curve = fit_curve(logit[~held_out], truth[~held_out])
        probability[held_out] = curve.probability(logit[held_out])
    return probability
