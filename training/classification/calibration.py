"""Calibrates logits to probabilities, on slices that were not trained on.

Temperature scaling (Guo et al. 2017, arXiv:1706.04599) for the viral answer; for the signs, which
are rare and learned from few slices, Platt's scale and shift with a prior that keeps them calm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

_LEAST, _MOST = 0.2, 10.0
_RIDGE = 0.05  # pulls a sign's scale to 1; ours


@dataclass(frozen=True)
class Calibration:
    """What turns logits into probabilities.

    Attributes
    ----------
    temperature : divides the viral logit
    sign_scale, sign_shift : shape (5,): logit = scale * logit + shift
    """

    temperature: float
    sign_scale: NDArray[np.float64]
    sign_shift: NDArray[np.float64]

    def viral(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probability of the viral pattern; members are averaged, shape (members, slices)."""
        probability: NDArray[np.float64] = special.expit(logits / self.temperature).mean(axis=0)
        return probability

    def signs(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probability of each sign, shape (slices, 5)."""
        probability: NDArray[np.float64] = special.expit(logits * self.sign_scale + self.sign_shift)
        return probability


def _surprise(logits: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    """Mean negative log likelihood."""
    return float(np.mean(np.logaddexp(0.0, logits) - truth * logits))


def fit_temperature(logits: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    """The temperature under which held-out answers are least surprising.

    Parameters
    ----------
    logits, truth : shape (slices,); truth is 0 or 1
    """
    found = optimize.minimize_scalar(
        lambda log_t: _surprise(logits / np.exp(log_t), truth),
        bounds=(np.log(_LEAST), np.log(_MOST)),
        method="bounded",
    )
    return float(np.exp(found.x))


def fit_platt(logits: NDArray[np.float64], truth: NDArray[np.float64]) -> tuple[float, float]:
    """Scale and shift of one sign's logit."""

    def cost(parameters: NDArray[np.float64]) -> float:
        scale, shift = parameters
        return float(_surprise(scale * logits + shift, truth) + _RIDGE * (scale - 1.0) ** 2)

    found = optimize.minimize(cost, np.array([1.0, 0.0]), method="Nelder-Mead")
    scale, shift = found.x
    return float(scale), float(shift)


def fit_calibration(
    viral_logits: NDArray[np.float64],
    viral: NDArray[np.int8],
    sign_logits: NDArray[np.float64],
    signs: NDArray[np.int8],
) -> Calibration:
    """Calibrate on out-of-fold answers.

    Parameters
    ----------
    viral_logits, viral : shape (slices,)
    sign_logits, signs : shape (slices, 5); −1 where nobody said
    """
    scales, shifts = [], []
    for sign in range(signs.shape[1]):
        known = signs[:, sign] >= 0
        scale, shift = fit_platt(sign_logits[known, sign], signs[known, sign].astype(np.float64))
        scales.append(scale)
        shifts.append(shift)
    return Calibration(
        fit_temperature(viral_logits, viral.astype(np.float64)),
        np.array(scales),
        np.array(shifts),
    )
