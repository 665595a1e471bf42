"""The receiver operating characteristic, the area under it, and its variance by DeLong.

DeLong, DeLong and Clarke-Pearson (1988, Biometrics 44:837–845), computed from mid-ranks as Sun and
Xu (2014, IEEE Signal Process Lett 21:1389–1393) showed. For cases that come in clusters (slices
of a patient) Obuchowski (1997, Biometrics 53:567–578).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, logit
from scipy.stats import norm, rankdata

from evaluation.statistics.estimate import LEVEL, Estimate

Truth = NDArray[np.bool_]
Scores = NDArray[np.float64]

_Z = float(norm.ppf(0.5 + LEVEL / 2))


class AucMethod(StrEnum):
    """How the interval of an area is found from its variance."""

    PLAIN = "plain"
    LOGIT = "logit"


@dataclass(frozen=True)
class RocCurve:
    """One point for each threshold, from "nothing is positive" to "everything is".

    Attributes
    ----------
    threshold : a case is called positive when its score is at or above it; the first is infinite
    """

    false_positive_rate: Scores
    true_positive_rate: Scores
    threshold: Scores


@dataclass(frozen=True)
class Placements:
    """What DeLong's method needs: how each case stands among those of the other class.

    Attributes
    ----------
    positive : for each positive case the share of negatives that it outranks, ties half
    negative : for each negative case the share of positives that outrank it, ties half
    """

    positive: Scores
    negative: Scores

    @property
    def auc(self) -> float:
        """The area: the chance that a positive case outranks a negative one."""
        return float(self.positive.mean())

    @property
    def variance(self) -> float:
        """DeLong's variance of the area; NaN with fewer than two cases of a class."""
        if min(self.positive.size, self.negative.size) < 2:
            return math.nan
        return float(
            self.positive.var(ddof=1) / self.positive.size
            + self.negative.var(ddof=1) / self.negative.size
        )


def roc_curve(truth: Truth, scores: Scores) -> RocCurve:
    """Every operating point that these cases allow.

    Parameters
    ----------
    truth, scores : shape (cases,); cases of both classes
    """
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], truth[order]
    last_of_tie = np.r_[np.flatnonzero(np.diff(ranked)), ranked.size - 1]
    true_positives = np.cumsum(hits)[last_of_tie]
    false_positives = last_of_tie + 1 - true_positives
    return RocCurve(
        false_positive_rate=np.r_[0.0, false_positives / np.count_nonzero(~truth)],
        true_positive_rate=np.r_[0.0, true_positives / np.count_nonzero(truth)],
        threshold=np.r_[np.inf, ranked[last_of_tie]],
    )


def placements(truth: Truth, scores: Scores) -> Placements:
    """Rank each case among those of the other class.

    Parameters
    ----------
    truth, scores : shape (cases,); at least one case of each class

    Raises
    ------
    ValueError
        A class has no case, or a score is not a number.
    """
    positive, negative = scores[truth], scores[~truth]
    if not positive.size or not negative.size:
        raise ValueError("an area under the curve needs cases of both classes")
    if np.isnan(scores).any():
        raise ValueError("a score is not a number")
    ranks = np.asarray(rankdata(np.r_[positive, negative]), dtype=np.float64)
    among_positive = np.asarray(rankdata(positive), dtype=np.float64)
    among_negative = np.asarray(rankdata(negative), dtype=np.float64)
    return Placements(
        positive=(ranks[: positive.size] - among_positive) / negative.size,
        negative=1.0 - (ranks[positive.size :] - among_negative) / positive.size,
    )


def _rule_of_newcombe(area: float, positives: int, negatives: int) -> tuple[float, float]:
    """Interval that also exists where no pair is ranked wrongly and DeLong's variance is 0.

    Method 5 of Newcombe (2006, Stat Med 25:559–573): Hanley and McNeil's variance (1982,
    Radiology 143:29–36) at the ends of the interval, with both class sizes taken as their mean.
    """
    size = (positives + negatives) / 2.0

    def excess(end: float) -> float:
        spread = 1.0 + (size - 1.0) * ((1.0 - end) / (2.0 - end) + end / (1.0 + end))
        return (area - end) ** 2 - _Z**2 * end * (1.0 - end) * spread / (positives * negatives)

    # At 0 and 1 the variance is 0, so these are roots that no interval should end at.
    least, most = 1e-9, 1.0 - 1e-9
    low = brentq(excess, least, min(area, most)) if area > least else 0.0
    high = brentq(excess, max(area, least), most) if area < most else 1.0
    return float(low), float(high)


def auc_from_variance(
    area: float, variance: float, sizes: tuple[int, int], method: AucMethod = AucMethod.LOGIT
) -> Estimate:
    """An area and its variance as an estimate.

    Parameters
    ----------
    sizes : positive and negative cases
    method : on the logit scale the interval stays between 0 and 1 and covers better near 1
        (measured: docs/evaluation.md)
    """
    count = sum(sizes)
    if not variance > 0 or not 0.0 < area < 1.0:
        low, high = _rule_of_newcombe(area, *sizes)
    elif method is AucMethod.LOGIT:
        half = _Z * math.sqrt(variance) / (area * (1.0 - area))
        low, high = (float(expit(logit(area) + sign * half)) for sign in (-1.0, 1.0))
    else:
        half = _Z * math.sqrt(variance)
        low, high = max(area - half, 0.0), min(area + half, 1.0)
    return Estimate(area, low, high, count)


def auc(truth: Truth, scores: Scores, method: AucMethod = AucMethod.LOGIT) -> Estimate:
    """Area under the curve with DeLong's interval; not defined when a class has no case."""
    if truth.all() or not truth.any():
        return Estimate.undefined(truth.size)
    placed = placements(truth, scores)
    return auc_from_variance(
        placed.auc, placed.variance, (placed.positive.size, placed.negative.size), method
    )


def clustered_auc(truth: Truth, scores: Scores, cluster: NDArray[np.int64]) -> Estimate:
    """Area under the curve when cases of one cluster (slices of one patient) are alike.

    The area is that of all cases together; its variance is Obuchowski's (1997). With one cluster
    nothing can be said about the variance between clusters, and there is no interval.

    Parameters
    ----------
    cluster : shape (cases,), the same number for cases of the same cluster
    """
    if truth.all() or not truth.any():
        return Estimate.undefined(truth.size)
    placed = placements(truth, scores)
    names, at = np.unique(cluster, return_inverse=True)
    sizes = (placed.positive.size, placed.negative.size)
    if names.size < 2:
        return Estimate(placed.auc, None, None, truth.size)
    in_positive, in_negative = at[truth], at[~truth]

    def excess(values: Scores, which: NDArray[np.int64]) -> Scores:
        total = np.bincount(which, weights=values - placed.auc, minlength=names.size)
        return total.astype(np.float64)

    positive = excess(placed.positive, in_positive) / sizes[0]
    negative = excess(placed.negative, in_negative) / sizes[1]
    correction = [
        np.unique(which).size / max(np.unique(which).size - 1, 1)
        for which in (in_positive, in_negative)
    ]
    variance = (
        correction[0] * float(positive @ positive)
        + correction[1] * float(negative @ negative)
        + 2.0 * names.size / (names.size - 1) * float(positive @ negative)
    )
    return auc_from_variance(placed.auc, variance, sizes)
