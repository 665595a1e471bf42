"""Proportions and their intervals.

Wilson (1927, J Am Stat Assoc 22:209–212) is the default: its coverage is near the stated rate on
average. Clopper and Pearson (1934, Biometrika 26:404–413) never cover less than stated, and are
wider for it.
"""

from __future__ import annotations

from enum import StrEnum

from evaluation.statistics.estimate import LEVEL, Estimate


class ProportionMethod(StrEnum):
    """How the interval of a proportion is found; values are scipy's names."""

    WILSON = "wilson"
    CLOPPER_PEARSON = "exact"


def proportion(
    hits: int, trials: int, method: ProportionMethod = ProportionMethod.WILSON
) -> Estimate:
    """Share of hits among trials, with its interval.

    Parameters
    ----------
    hits, trials : counts, 0 ≤ hits ≤ trials; with no trials the share is not defined
    """
    from scipy.stats import binomtest  # takes seconds to load, which each start of the page paid

    if trials == 0:
        return Estimate.undefined()
    ends = binomtest(hits, trials).proportion_ci(LEVEL, method=method.value)
    return Estimate(hits / trials, float(ends.low), float(ends.high), trials)
