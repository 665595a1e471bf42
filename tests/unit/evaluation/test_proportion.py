"""Intervals of proportions are those of Wilson and of Clopper and Pearson, and cover the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binom, norm

from evaluation.statistics.proportion import ProportionMethod, proportion

_TRIALS = st.integers(1, 400).flatmap(
    lambda trials: st.tuples(st.integers(0, trials), st.just(trials))
)


@given(_TRIALS)
def test_wilsons_interval_is_his_formula(case: tuple[int, int]) -> None:
    """Both ends solve (p − share)² = z² p (1 − p) / n."""
    hits, trials = case
    found = proportion(hits, trials)
    z = norm.ppf(0.975)
    middle = (hits + z**2 / 2) / (trials + z**2)
    half = z / (trials + z**2) * math.sqrt(hits * (trials - hits) / trials + z**2 / 4)
    assert found.value == hits / trials
    assert found.interval == pytest.approx([max(middle - half, 0), min(middle + half, 1)], abs=1e-9)


@given(_TRIALS)
def test_clopper_and_pearsons_interval_is_the_beta_quantiles(case: tuple[int, int]) -> None:
    hits, trials = case
    low = beta.ppf(0.025, hits, trials - hits + 1) if hits else 0.0
    high = beta.ppf(0.975, hits + 1, trials - hits) if hits < trials else 1.0
    found = proportion(hits, trials, ProportionMethod.CLOPPER_PEARSON)
    assert found.interval == pytest.approx([low, high], abs=1e-6)


def test_no_trials_give_no_proportion() -> None:
    found = proportion(0, 0)
    assert (found.value, found.interval, found.count) == (None, None, 0)


@pytest.mark.parametrize("trials", [20, 60, 200])
def test_the_intervals_cover_the_truth_at_the_stated_rate(trials: int) -> None:
    """Computed, not simulated: the sum of the binomial over counts whose interval covers.

    Wilson covers 95 % on average over true shares; Clopper-Pearson never less than 95 %.
    """
    counts = np.arange(trials + 1)
    ends = {
        method: np.array([proportion(int(k), trials, method).interval for k in counts])
        for method in ProportionMethod
    }
    covered: dict[ProportionMethod, list[float]] = {method: [] for method in ProportionMethod}
    for share in np.linspace(0.05, 0.95, 91):
        weights = binom.pmf(counts, trials, share)
        for method, both in ends.items():
            inside = (both[:, 0] <= share) & (share <= both[:, 1])
            covered[method].append(float(weights[inside].sum()))
    assert np.mean(covered[ProportionMethod.WILSON]) == pytest.approx(0.95, abs=0.01)
    assert min(covered[ProportionMethod.CLOPPER_PEARSON]) >= 0.95 - 1e-9
