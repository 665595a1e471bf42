"""Tests between areas under the curve: two models on the same cases, or separate groups of cases.

DeLong et al. (1988, Biometrics 44:837–845) for the covariance on the same cases; areas of
different cases are independent, so their variances add.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2, norm

from evaluation.statistics.estimate import LEVEL, Estimate
from evaluation.statistics.receiver_operating import Placements, Scores, Truth, placements


@dataclass(frozen=True, slots=True)
class AreaDifference:
    """Two areas on the same cases.

    Attributes
    ----------
    difference : first less second, with its 95 % interval
    p_value : two-sided, of "the areas are the same"
    """

    first: float
    second: float
    difference: Estimate
    p_value: float


def _covariance(first: Placements, second: Placements) -> float:
    positive = np.cov(first.positive, second.positive)[0, 1] / first.positive.size
    negative = np.cov(first.negative, second.negative)[0, 1] / first.negative.size
    return float(positive + negative)


def paired_difference(truth: Truth, first: Scores, second: Scores) -> AreaDifference:
    """Compare two models on the same cases.

    Parameters
    ----------
    truth, first, second : shape (cases,); at least two cases of each class
    """
    of_first, other = placements(truth, first), placements(truth, second)
    difference = of_first.auc - other.auc
    variance = of_first.variance + other.variance - 2.0 * _covariance(of_first, other)
    # Two models that rank alike differ by rounding only.
    error = math.sqrt(variance) if variance > 1e-15 else 0.0
    half = float(norm.ppf(0.5 + LEVEL / 2)) * error
    p_value = float(2.0 * norm.sf(abs(difference) / error)) if error > 0 else 1.0
    return AreaDifference(
        of_first.auc,
        other.auc,
        Estimate(difference, difference - half, difference + half, truth.size),
        p_value,
    )


def independent_areas_p_value(groups: Sequence[tuple[Truth, Scores]]) -> float | None:
    """Whether areas of groups of different cases differ; for two groups the z test.

    Parameters
    ----------
    groups : truth and scores of each; those without two cases of each class are left out

    Returns
    -------
    Two-sided p value of "all areas are the same" by the chi-square of weighted squares; None when
    fewer than two groups have a variance.
    """
    placed = [
        placements(truth, scores)
        for truth, scores in groups
        if min(np.count_nonzero(truth), np.count_nonzero(~truth)) >= 2
    ]
    areas = np.array([one.auc for one in placed if one.variance > 0])
    weights = np.array([1.0 / one.variance for one in placed if one.variance > 0])
    if areas.size < 2:
        return None
    pooled = float((weights * areas).sum() / weights.sum())
    return float(chi2.sf(float((weights * (areas - pooled) ** 2).sum()), areas.size - 1))
