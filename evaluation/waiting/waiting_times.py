"""Waiting times: percentiles that count events that never came, and the difference of medians."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, ndtri

from evaluation.statistics.estimate import LEVEL, Estimate

_LEAST_FOR_INTERVAL = 5  # of either group; the formula's z* has no value for fewer


@dataclass(frozen=True, slots=True)
class WaitingTimes:
    """How long it took for a group of studies.

    Attributes
    ----------
    count : those that it came for; the percentiles are theirs
    never : those that it has not come for
    median_s, p90_s, p95_s, most_s : each one of the observed times; None without any
    """

    count: int
    never: int
    median_s: float | None
    p90_s: float | None
    p95_s: float | None
    most_s: float | None

    def entries(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "n": self.count,
            "never": self.never,
            "p50_s": self.median_s,
            "p90_s": self.p90_s,
            "p95_s": self.p95_s,
            "max_s": self.most_s,
        }


def waiting_times(seconds: Sequence[float | None]) -> WaitingTimes:
    """Percentiles of what came.

    Parameters
    ----------
    seconds : of each study; None where it never came
    """
    came = np.array([one for one in seconds if one is not None], dtype=np.float64)
    never = len(seconds) - came.size
    if came.size == 0:
        return WaitingTimes(0, never, None, None, None, None)
    # Observed times, nothing between two of them: of five studies the 90 % is one that happened.
    found = np.quantile(came, [0.5, 0.9, 0.95, 1.0], method="inverted_cdf")
    return WaitingTimes(int(came.size), never, *(float(one) for one in found))


def median_difference(first: Sequence[float], second: Sequence[float]) -> Estimate:
    """Median of the second group less that of the first, with its interval.

    Distribution-free, after Price and Bonett (J Stat Comput Simul 2002;72:119–124). With fewer
    than five of either group there is a figure and no interval.
    """
    count = len(first) + len(second)
    if not first or not second:
        return Estimate.undefined(count)
    of_first, other = (np.sort(np.array(group, dtype=np.float64)) for group in (first, second))
    value = float(np.median(other) - np.median(of_first))
    if min(of_first.size, other.size) < _LEAST_FOR_INTERVAL:
        return Estimate(value, None, None, count)
    half = float(ndtri(0.5 + LEVEL / 2) * np.sqrt(_variance(of_first) + _variance(other)))
    return Estimate(value, value - half, value + half, count)


def _variance(ordered: NDArray[np.float64]) -> float:
    """Of the median, from the distance of two order statistics around it."""
    count = ordered.size
    rank = max(1, round((count + 1) / 2 - np.sqrt(count)))
    z = float(ndtri(1.0 - bdtr(rank - 1, count, 0.5)))
    distance = float(ordered[count - rank] - ordered[rank - 1])
    return (distance / (2.0 * z)) ** 2
