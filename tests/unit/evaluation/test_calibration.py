"""The reliability curve agrees with scikit-learn; the calibration error means what it says."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from evaluation.statistics.calibration import calibration


@pytest.mark.parametrize("seed", range(10))
def test_the_curve_agrees_with_scikit_learn(seed: int) -> None:
    random = np.random.default_rng(seed)
    probability = random.random(200).round(int(random.integers(1, 4)))
    truth = random.random(200) < probability
    found = calibration(truth, probability)
    share, mean = calibration_curve(truth, probability, n_bins=10)
    assert [one.positive_share.value for one in found.bins] == pytest.approx(share, abs=1e-9)
    assert [one.mean_probability for one in found.bins] == pytest.approx(mean, abs=1e-9)
    weights = np.array([one.count for one in found.bins]) / 200
    assert found.error.value == pytest.approx(float((weights * abs(share - mean)).sum()), abs=1e-9)


def test_an_edge_belongs_to_the_bin_below() -> None:
    """Guo et al. 2017: the bin from 0.1 to 0.2 holds 0.2."""
    found = calibration(np.array([True, False]), np.array([0.2, 0.0]))
    assert [(one.low, one.high) for one in found.bins] == [(0.0, 0.1), (0.1, 0.2)]


def test_no_case_gives_no_error() -> None:
    found = calibration(np.zeros(0, dtype=bool), np.zeros(0))
    assert found.error.value is None
    assert found.bins == ()


def test_chance_explains_the_error_of_honest_probabilities() -> None:
    random = np.random.default_rng(1)
    probability = random.random(150)
    found = calibration(random.random(150) < probability, probability)
    assert found.p_value is not None
    assert found.p_value > 0.025
    assert found.error.low == 0.0


def test_chance_does_not_explain_boasting() -> None:
    """Probabilities of 0.05 and 0.95 where 0.3 and 0.7 would be true."""
    random = np.random.default_rng(2)
    probability = np.where(random.random(150) < 0.5, 0.05, 0.95)
    truth = random.random(150) < np.where(probability > 0.5, 0.7, 0.3)
    found = calibration(truth, probability)
    assert found.p_value is not None
    assert found.p_value < 0.01
    assert found.error.low is not None
    assert found.error.low > 0.05


@pytest.mark.parametrize(("slope", "error"), [(1.0, 0.0), (0.5, 0.125)])
def test_the_interval_of_the_error_covers_the_truth(slope: float, error: float) -> None:
    """150 cases, 80 times; uniform probabilities whose truth is pulled towards a half.

    The mean distance from a half is 0.25, of which 1 − slope is error.
    """
    random = np.random.default_rng(3)
    covered = 0
    for trial in range(80):
        probability = random.random(150)
        truth = random.random(150) < 0.5 + slope * (probability - 0.5)
        low, high = calibration(truth, probability, seed=trial).error.interval or (1.0, 0.0)
        covered += low <= error <= high
    assert covered / 80 >= 0.9
