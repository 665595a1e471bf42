"""Percentiles of times, and how sure the difference of two medians is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.waiting.waiting_times import median_difference, waiting_times

_SECONDS = st.floats(0, 1e6)


@given(st.lists(st.none() | _SECONDS))
def test_percentiles_are_times_that_happened(seconds: list[float | None]) -> None:
    """Each is one of the observed times, in their order; what never came is counted apart."""
    found = waiting_times(seconds)
    came = [one for one in seconds if one is not None]
    assert (found.count, found.never) == (len(came), len(seconds) - len(came))
    if came:
        figures = [found.median_s, found.p90_s, found.p95_s, found.most_s]
        assert all(one in came for one in figures)
        assert figures == sorted(one for one in figures if one is not None)
        assert found.most_s == max(came)
    else:
        assert found.entries()["p50_s"] is None


def test_the_interval_of_a_difference_covers_as_stated() -> None:
    """Of 600 draws from skewed times whose medians differ by 40 s some 95 % cover the 40 s."""
    random = np.random.default_rng(5)
    covered = 0
    for _ in range(600):
        urgent = random.lognormal(3.0, 0.8, 40)
        routine = random.lognormal(3.0, 0.8, 60) + 40.0
        found = median_difference(urgent.tolist(), routine.tolist())
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 40.0 <= found.high
    assert 0.93 <= covered / 600 <= 0.985


@pytest.mark.parametrize(
    ("urgent", "routine", "value", "has_interval"),
    [([], [1.0], None, False), ([1.0], [4.0], 3.0, False), ([1.0] * 5, [2.0] * 9, 1.0, True)],
)
def test_few_cases_give_no_interval(
    urgent: list[float], routine: list[float], value: float | None, has_interval: bool
) -> None:
    """With too few of either group there is a difference and nothing about how sure it is."""
    found = median_difference(urgent, routine)
    assert found.value == value
    assert (found.interval is not None) is has_interval
