"""Converts network outputs to probabilities, and calibrates them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, softmax

from models.declared.outputs.kinds import Activation, CalibrationKind, ScoreCalibration

Floats = NDArray[np.float32]
_LEAST = 1e-7  # of a probability whose logit is taken


def probabilities(raw: Floats, activation: Activation, axis: int) -> Floats:
    """Probabilities of numbers, float32; classes lie along `axis`."""
    if activation is Activation.SOFTMAX:
        shared: Floats = softmax(raw, axis=axis)
        return shared
    if activation is Activation.SIGMOID:
        each: Floats = expit(raw)
        return each
    return raw


def calibrated(
    score: NDArray[np.float64], calibration: ScoreCalibration | None
) -> NDArray[np.float64]:
    """Probabilities of scores 0 to 1."""
    if calibration is None:
        return score
    if calibration.kind is CalibrationKind.POINTS:
        return np.interp(score, calibration.given, calibration.meant)
    held = logit(np.clip(score, _LEAST, 1.0 - _LEAST))
    return np.asarray(expit(calibration.slope * held + calibration.intercept))
