"""The calibration of probabilities: predicted against observed shares.

The expected calibration error is that of Guo et al. (2017, ICML, arXiv:1706.04599): ten bins of
equal width, each with its upper edge. Theirs bins the confidence in the class that was called;
for one finding that is there or not we bin the probability of the finding, as a reliability
curve does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.statistics.bootstrap import BootstrapMethod, bootstrap
from evaluation.statistics.estimate import LEVEL, Estimate
from evaluation.statistics.proportion import proportion
from evaluation.statistics.receiver_operating import Scores, Truth

BINS = 10
_SIMULATIONS = 2000


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Cases whose probability lies above `low` and at or below `high`."""

    low: float
    high: float
    count: int
    mean_probability: float
    positive_share: Estimate


@dataclass(frozen=True)
class ReliabilityCurve:
    """The reliability curve and its summary.

    Attributes
    ----------
    bins : those that hold a case
    error : expected calibration error
    error_by_chance : its mean over sets of labels drawn from these very probabilities: what as
        few cases as these show when nothing is wrong
    p_value : share of such sets with an error as large as the one seen
    brier : mean squared difference of probability and truth (Brier 1950, Mon Weather Rev 78:1–3)
    """

    bins: tuple[CalibrationBin, ...]
    error: Estimate
    error_by_chance: float | None
    p_value: float | None
    brier: float | None


def bin_of(probability: Scores, bins: int = BINS) -> NDArray[np.int64]:
    """Index of the bin of equal width that holds each probability; edges belong below."""
    edges = np.linspace(0.0, 1.0, bins + 1)[1:-1]
    return np.searchsorted(edges, probability, side="left").astype(np.int64)


def _error(gap: NDArray[Any], at: NDArray[np.int64], bins: int, axis: int = -1) -> Any:
    """Sum over bins of |sum of (truth − probability)|, divided by the number of cases."""
    total = sum(np.abs(np.where(at == index, gap, 0.0).sum(axis=axis)) for index in range(bins))
    return total / gap.shape[axis]


def _errors_by_chance(probability: Scores, bins: int, seed: int) -> Scores:
    """Errors of sets of labels drawn from the probabilities themselves."""
    random = np.random.default_rng(seed)
    drawn = random.random((_SIMULATIONS, probability.size)) < probability
    return np.asarray(_error(drawn - probability, bin_of(probability, bins), bins))


def _interval(resampled: Estimate, by_chance: Scores) -> tuple[float, float] | tuple[None, None]:
    """Both ends of the interval of the error.

    The error of few cases is too large on average, and that of a resample larger again, so no
    plain bootstrap covers the truth. The upper end is the normal one, what was seen and 1.96
    standard errors: an error that is too large on average needs nothing added for that. For the
    lower end: what was seen is at most the true error and that of chance together (triangle
    inequality in every bin), so the truth is at least what was seen less what chance rarely
    exceeds. It is 0 exactly when chance explains all.
    """
    if resampled.value is None or resampled.high is None:
        return None, None
    low = resampled.value - float(np.quantile(by_chance, 0.5 + LEVEL / 2))
    return max(low, 0.0), min(resampled.high, 1.0)


def _curve(truth: Truth, probability: Scores, bins: int) -> tuple[CalibrationBin, ...]:
    at = bin_of(probability, bins)
    return tuple(
        CalibrationBin(
            low=index / bins,
            high=(index + 1) / bins,
            count=int(inside.sum()),
            mean_probability=float(probability[inside].mean()),
            positive_share=proportion(int(truth[inside].sum()), int(inside.sum())),
        )
        for index in range(bins)
        if (inside := at == index).any()
    )


def calibration(
    truth: Truth, probability: Scores, *, bins: int = BINS, seed: int = 0
) -> ReliabilityCurve:
    """Reliability curve, expected calibration error, and what of it is chance.

    Parameters
    ----------
    truth, probability : shape (cases,); probabilities 0…1
    """
    gap, at = truth - probability, bin_of(probability, bins)
    resampled = bootstrap(
        [gap, at],
        lambda gaps, bin_at, axis: _error(gaps, bin_at, bins, axis),
        method=BootstrapMethod.NORMAL,
        seed=seed,
    )
    if resampled.value is None:
        return ReliabilityCurve((), resampled, None, None, None)
    by_chance = _errors_by_chance(probability, bins, seed)
    low, high = _interval(resampled, by_chance)
    as_large = np.count_nonzero(by_chance >= resampled.value)
    return ReliabilityCurve(
        bins=_curve(truth, probability, bins),
        error=Estimate(resampled.value, low, high, truth.size),
        error_by_chance=float(by_chance.mean()),
        p_value=float((1 + as_large) / (1 + _SIMULATIONS)),
        brier=float(np.mean(gap**2)),
    )
