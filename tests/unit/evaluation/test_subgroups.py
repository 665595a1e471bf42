"""Tests between groups are those of scipy, corrected together, and quiet when nothing differs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, fisher_exact, kruskal

from evaluation.statistics.subgroups import (
    age_group,
    compare_auc,
    compare_classification,
    compare_values,
    corrected,
    group_cases,
    holm,
    proportions_p_value,
)


def test_two_groups_are_compared_by_fishers_exact_test() -> None:
    test, p_value = proportions_p_value([3, 9], [12, 11])
    assert test == "Fisher exact"
    assert p_value == pytest.approx(fisher_exact([[3, 9], [9, 2]])[1])


def test_more_groups_are_compared_by_chi_square() -> None:
    test, p_value = proportions_p_value([3, 9, 20, 0], [12, 11, 30, 0])
    assert test == "chi-square"
    assert p_value == pytest.approx(chi2_contingency([[3, 9], [9, 2], [20, 10]])[1])


def test_groups_without_cases_or_without_errors_do_not_break_the_test() -> None:
    assert proportions_p_value([5, 0], [9, 0])[1] is None
    assert proportions_p_value([5, 7], [5, 7])[1] == 1.0


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12))
def test_holms_correction_is_its_definition(p_values: list[float]) -> None:
    """The largest, over all p values that are not larger, of p times the number not smaller."""
    ranked = sorted(p_values)
    expected = [
        max(min(1.0, (len(ranked) - i) * ranked[i]) for i in range(len(ranked)) if ranked[i] <= p)
        for p in p_values
    ]
    assert holm(p_values) == pytest.approx(expected)


def test_holms_correction_leaves_out_what_was_not_tested() -> None:
    truth = np.array([True, False] * 10)
    scores = np.random.default_rng(0).random(20)
    one = compare_auc("sex", truth, scores, group_cases(["M"] * 20))
    other = compare_auc("sex", truth, scores, group_cases(["M", "M", "F", "F"] * 5))
    first, second = corrected([one, other])
    assert first.corrected is None
    assert second.corrected == second.p_value is not None


def test_a_figure_of_every_case_is_compared_by_kruskal_and_wallis() -> None:
    values = np.random.default_rng(1).random(30)
    makers = ["A", "B", "C"] * 10
    found = compare_values("manufacturer", "dice", values, group_cases(makers))
    assert found.p_value == pytest.approx(kruskal(values[::3], values[1::3], values[2::3]).pvalue)
    assert found.groups["B"].value == pytest.approx(values[1::3].mean())
    assert compare_values("x", "dice", np.ones(4), group_cases(list("abab"))).p_value == 1.0
    assert compare_values("x", "dice", values, group_cases(["A"] * 30)).p_value is None


def test_ages_fall_into_groups() -> None:
    groups = [age_group(years) for years in (None, 0, 17.9, 18, 39, 40, 64, 65, 102)]
    assert groups == [
        "unknown", "under 18", "under 18", "18 to 39", "18 to 39", "40 to 64", "40 to 64",
        "65 and over", "65 and over",
    ]  # fmt: skip


def test_a_maker_on_which_the_model_fails_is_found() -> None:
    random = np.random.default_rng(2)
    truth = random.random(200) < 0.5
    maker = np.where(np.arange(200) < 100, "A", "B")
    probability = np.where(maker == "A", np.where(truth, 0.7, 0.3), 0.5)
    probability += random.normal(0, 0.15, 200)
    found = compare_classification(truth, probability, 0.5, {"manufacturer": maker.tolist()})
    by_figure = {one.figure: one for one in found}
    assert set(by_figure) == {"auc", "sensitivity", "specificity", "accuracy"}
    assert (by_figure["auc"].corrected or 1.0) < 0.001
    assert (by_figure["accuracy"].corrected or 1.0) < 0.001
    entries = by_figure["auc"].entries()
    assert entries["groups"]["A"]["n"] == 100
    assert entries["groups"]["A"]["value_ci95"][0] > entries["groups"]["B"]["value_ci95"][1]


def test_groups_that_are_alike_are_rarely_told_apart() -> None:
    """100 reports of two attributes and four figures: about 5 of them may cry wolf."""
    random = np.random.default_rng(3)
    alarms = 0
    for _ in range(100):
        truth = random.random(150) < 0.5
        probability = np.clip(0.5 + 0.2 * (truth - 0.5) + random.normal(0, 0.2, 150), 0, 1)
        attributes = {
            "sex": random.choice(["M", "F"], 150).tolist(),
            "age group": random.choice(["18 to 39", "40 to 64", "65 and over"], 150).tolist(),
        }
        found = compare_classification(truth, probability, 0.5, attributes)
        alarms += any((one.corrected or 1.0) < 0.05 for one in found)
    assert alarms <= 12
