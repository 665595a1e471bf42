"""Figures of a yes-or-no classifier at one threshold, and how a threshold is chosen.

The figures are those that the survey of Fang et al. asks for: recall, precision, specificity,
accuracy, F1, F-beta (it recommends F2) and the area under the curve.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.statistics.bootstrap import bootstrap
from evaluation.statistics.calibration import ReliabilityCurve, calibration
from evaluation.statistics.confusion import Confusion
from evaluation.statistics.estimate import Estimate
from evaluation.statistics.proportion import ProportionMethod, proportion
from evaluation.statistics.receiver_operating import Scores, Truth, auc


@dataclass(frozen=True)
class ClassificationScores:
    """Everything about one classifier on one set of cases."""

    threshold: float
    confusion: Confusion
    auc: Estimate
    accuracy: Estimate
    sensitivity: Estimate
    specificity: Estimate
    precision: Estimate
    f1: Estimate
    f2: Estimate
    calibration: ReliabilityCurve

    def entries(self) -> dict[str, Any]:
        """The JSON object of `firstread evaluate classification`."""
        named = {
            "auc": self.auc,
            "accuracy": self.accuracy,
            "sensitivity": self.sensitivity,
            "specificity": self.specificity,
            "precision": self.precision,
            "f1": self.f1,
            "f2": self.f2,
            "ece": self.calibration.error,
        }
        entries: dict[str, Any] = {}
        for key, estimate in named.items():
            entries |= estimate.entries(key)
        return entries | {"n": self.confusion.count, "threshold": self.threshold}


def f_beta_of_counts(hits: Any, false_alarms: Any, misses: Any, beta: float) -> Any:
    """F-beta from counts (numbers or arrays); NaN when there is nothing to find and no alarm.

    Van Rijsbergen (1979, Information Retrieval, chapter 7): recall weighs `beta` times as much as
    precision.
    """
    weight = beta * beta
    below = (1.0 + weight) * hits + weight * misses + false_alarms
    return (1.0 + weight) * hits / np.where(below > 0, below, np.nan)


def f_beta(truth: Truth, called: Truth, beta: float, *, seed: int = 0) -> Estimate:
    """F-beta with its bootstrap interval.

    Where there is no error at all, resampling cannot show any: the lower end is then what F-beta
    would be if all errors that Wilson's interval still allows were misses (for beta ≥ 1 the worse
    kind).

    Parameters
    ----------
    truth, called : shape (cases,)
    """
    confusion = Confusion.of(truth, called)
    if confusion.true_positives + confusion.false_positives + confusion.false_negatives == 0:
        return Estimate.undefined(truth.size)
    if confusion.false_positives + confusion.false_negatives == 0:
        share = proportion(confusion.true_positives, confusion.true_positives).low or 0.0
        low = float(f_beta_of_counts(share, 0.0, 1.0 - share, beta))
        return Estimate(1.0, low, 1.0, truth.size)

    def statistic(true: NDArray[Any], call: NDArray[Any], axis: int) -> Any:
        hits = (true & call).sum(axis=axis)
        false_alarms = (~true & call).sum(axis=axis)
        misses = (true & ~call).sum(axis=axis)
        # A resample without any positive, true or called, has found all that there was.
        return np.nan_to_num(f_beta_of_counts(hits, false_alarms, misses, beta), nan=1.0)

    return bootstrap([truth, called], statistic, seed=seed)


def score_classification(
    truth: Truth,
    probability: Scores,
    threshold: float,
    *,
    method: ProportionMethod = ProportionMethod.WILSON,
    seed: int = 0,
) -> ClassificationScores:
    """Score a classifier.

    Parameters
    ----------
    truth : shape (cases,)
    probability : shape (cases,), 0…1
    threshold : a case is called positive when its probability is at or above it
    """
    called = probability >= threshold
    cells = Confusion.of(truth, called)
    right = cells.true_positives + cells.true_negatives
    return ClassificationScores(
        threshold=threshold,
        confusion=cells,
        auc=auc(truth, probability),
        accuracy=proportion(right, cells.count, method),
        sensitivity=proportion(cells.true_positives, cells.positives, method),
        specificity=proportion(cells.true_negatives, cells.negatives, method),
        precision=proportion(
            cells.true_positives, cells.true_positives + cells.false_positives, method
        ),
        f1=f_beta(truth, called, 1.0, seed=seed),
        f2=f_beta(truth, called, 2.0, seed=seed),
        calibration=calibration(truth, probability, seed=seed),
    )


class ThresholdCriterion(StrEnum):
    """What a threshold is chosen for."""

    F2 = "f2"
    F1 = "f1"
    ACCURACY = "accuracy"
    YOUDEN = "youden"


Counts = NDArray[Any]
_WORTH: dict[ThresholdCriterion, Callable[[Counts, Counts, Counts, Counts], Any]] = {
    ThresholdCriterion.F2: lambda tp, fp, fn, tn: f_beta_of_counts(tp, fp, fn, 2.0),
    ThresholdCriterion.F1: lambda tp, fp, fn, tn: f_beta_of_counts(tp, fp, fn, 1.0),
    ThresholdCriterion.ACCURACY: lambda tp, fp, fn, tn: (tp + tn) / (tp + fp + fn + tn),
    # Youden (1950, Cancer 3:32–35): sensitivity + specificity − 1
    ThresholdCriterion.YOUDEN: lambda tp, fp, fn, tn: tp / (tp + fn) - fp / (fp + tn),
}


def best_threshold(truth: Truth, probability: Scores, criterion: ThresholdCriterion) -> float:
    """The probability at which a criterion is best; choose it on cases that are not scored.

    The lowest of several that are as good: it misses the fewest. It lies halfway to the next
    lower probability that occurs, so that rounding does not turn a case over.

    Raises
    ------
    ValueError
        A class has no case.
    """
    positives, negatives = np.count_nonzero(truth), np.count_nonzero(~truth)
    if not positives or not negatives:
        raise ValueError("a threshold is chosen on cases of both classes")
    levels, at = np.unique(probability, return_inverse=True)
    from_above = slice(None, None, -1)
    hits = np.cumsum(np.bincount(at, weights=truth)[from_above])[from_above]
    alarms = np.cumsum(np.bincount(at, weights=~truth)[from_above])[from_above]
    worth = _WORTH[criterion](hits, alarms, positives - hits, negatives - alarms)
    best = int(np.flatnonzero(worth >= worth.max() - 1e-12)[0])
    below = levels[best - 1] if best > 0 else 0.0
    return float((levels[best] + below) / 2.0)
