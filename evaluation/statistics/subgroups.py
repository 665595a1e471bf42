"""Tests whether a figure differs between groups of patients: by sex, age or scanner maker.

Proportions: Fisher's exact test for two groups by two outcomes, otherwise chi-square. Areas under
the curve: the groups are different patients, so DeLong's variances add. Dice: Kruskal and Wallis.
All p values of one report are corrected together (Holm 1979, Scand J Stat 6:65–70).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2_contingency, fisher_exact, kruskal

from evaluation.statistics.bootstrap import mean_of
from evaluation.statistics.compare_areas import independent_areas_p_value
from evaluation.statistics.estimate import Estimate
from evaluation.statistics.proportion import proportion
from evaluation.statistics.receiver_operating import Scores, Truth, auc

UNKNOWN = "unknown"
_AGE_GROUPS = ((0, "under 18"), (18, "18 to 39"), (40, "40 to 64"), (65, "65 and over"))
"""Lower ends in years. Ours: children, then the usual adult groups of public statistics."""

Groups = Mapping[str, NDArray[np.int64]]
"""Name of a group to the indices of its cases."""


@dataclass(frozen=True)
class SubgroupComparison:
    """One figure in the groups of one attribute.

    Attributes
    ----------
    attribute : "sex", "age group", "manufacturer"
    figure : "sensitivity", "auc", "dice" …
    groups : by name, the estimate in each
    p_value : of "the groups are alike"; None when it cannot be tested
    corrected : the same after Holm's correction over the whole report
    """

    attribute: str
    figure: str
    groups: Mapping[str, Estimate]
    test: str
    p_value: float | None
    corrected: float | None = None

    def entries(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "attribute": self.attribute,
            "figure": self.figure,
            "groups": {
                name: estimate.entries("value") | {"n": estimate.count}
                for name, estimate in self.groups.items()
            },
            "test": self.test,
            "p": self.p_value,
            "p_holm": self.corrected,
        }


def age_group(years: float | None) -> str:
    """The group of an age in years."""
    if years is None:
        return UNKNOWN
    return next(name for low, name in reversed(_AGE_GROUPS) if years >= low)


def group_cases(values: Sequence[str]) -> Groups:
    """Indices of the cases of each group, in alphabetical order; an empty value is unknown."""
    named = np.array([value or UNKNOWN for value in values], dtype=object)
    return {
        str(name): np.flatnonzero(named == name).astype(np.int64) for name in sorted(set(named))
    }


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction, in the order given."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    corrected, worst = [0.0] * len(p_values), 0.0
    for step, index in enumerate(order):
        worst = max(worst, min(1.0, (len(p_values) - step) * p_values[index]))
        corrected[index] = worst
    return corrected


def proportions_p_value(hits: Sequence[int], trials: Sequence[int]) -> tuple[str, float | None]:
    """Whether proportions of groups differ: the name of the test, and its p value.

    Groups without trials say nothing and are left out.
    """
    table = np.array([[hit, all_ - hit] for hit, all_ in zip(hits, trials, strict=True) if all_])
    if len(table) < 2:
        return "none: fewer than two groups", None
    if (table.sum(axis=0) == 0).any():
        return "none: all groups are the same", 1.0
    if len(table) == 2:
        return "Fisher exact", float(fisher_exact(table)[1])
    return "chi-square", float(chi2_contingency(table, correction=False)[1])


def compare_proportion(
    attribute: str, figure: str, hit: Truth, of: Truth, groups: Groups
) -> SubgroupComparison:
    """Compare a proportion between groups.

    Parameters
    ----------
    hit, of : shape (cases,); the proportion is hits among the cases where `of` holds, for example
        right calls among the diseased
    """
    hits = [int(np.count_nonzero((hit & of)[at])) for at in groups.values()]
    trials = [int(np.count_nonzero(of[at])) for at in groups.values()]
    test, p_value = proportions_p_value(hits, trials)
    estimates = {name: proportion(h, n) for name, h, n in zip(groups, hits, trials, strict=True)}
    return SubgroupComparison(attribute, figure, estimates, test, p_value)


def compare_auc(attribute: str, truth: Truth, scores: Scores, groups: Groups) -> SubgroupComparison:
    """Compare the area under the curve between groups."""
    parts = [(truth[at], scores[at]) for at in groups.values()]
    estimates = {name: auc(*part) for name, part in zip(groups, parts, strict=True)}
    test = "DeLong, independent groups"
    return SubgroupComparison(attribute, "auc", estimates, test, independent_areas_p_value(parts))


def compare_values(
    attribute: str, figure: str, values: NDArray[np.float64], groups: Groups
) -> SubgroupComparison:
    """Compare a figure that every case has (Dice, lesion share) between groups."""
    parts = [values[at] for at in groups.values() if at.size]
    p_value: float | None = None
    if len(parts) > 1:
        alike = np.unique(values).size == 1  # the test is not defined then
        p_value = 1.0 if alike else float(kruskal(*parts).pvalue)
    estimates = {name: mean_of(values[at]) for name, at in groups.items()}
    return SubgroupComparison(attribute, figure, estimates, "Kruskal-Wallis", p_value)


def compare_classification(
    truth: Truth, probability: Scores, threshold: float, attributes: Mapping[str, Sequence[str]]
) -> list[SubgroupComparison]:
    """Compare a classifier between the groups of every attribute, all corrected together.

    Parameters
    ----------
    attributes : name to one value for each case
    """
    called = probability >= threshold
    everyone = np.ones_like(truth)
    found = []
    for attribute, values in attributes.items():
        groups = group_cases(values)
        found += [
            compare_auc(attribute, truth, probability, groups),
            compare_proportion(attribute, "sensitivity", called, truth, groups),
            compare_proportion(attribute, "specificity", ~called, ~truth, groups),
            compare_proportion(attribute, "accuracy", called == truth, everyone, groups),
        ]
    return corrected(found)


def corrected(comparisons: Sequence[SubgroupComparison]) -> list[SubgroupComparison]:
    """The same with Holm's correction over all that were tested."""
    tested = [one.p_value for one in comparisons if one.p_value is not None]
    adjusted = iter(holm(tested))
    return [
        comparison if comparison.p_value is None else _with_correction(comparison, next(adjusted))
        for comparison in comparisons
    ]


def _with_correction(comparison: SubgroupComparison, p_value: float) -> SubgroupComparison:
    return SubgroupComparison(
        comparison.attribute,
        comparison.figure,
        comparison.groups,
        comparison.test,
        comparison.p_value,
        p_value,
    )
