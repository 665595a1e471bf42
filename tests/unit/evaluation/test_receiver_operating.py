"""ROC and AUC agree with scikit-learn; DeLong's intervals and tests hold what they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom, kstest, norm
from sklearn.metrics import roc_auc_score
from sklearn.metrics import roc_curve as sklearn_roc_curve

from evaluation.statistics.compare_areas import independent_areas_p_value, paired_difference
from evaluation.statistics.receiver_operating import auc, clustered_auc, placements, roc_curve

Cases = tuple[NDArray[np.bool_], NDArray[np.float64]]


def _random_cases(seed: int) -> Cases:
    """Cases of both classes; every other set is full of ties."""
    random = np.random.default_rng(seed)
    truth = random.random(random.integers(4, 300)) < random.uniform(0.2, 0.8)
    truth[:2] = True, False
    scores = random.normal(truth * random.uniform(0, 2), 1.0)
    return truth, (scores.round(0) if seed % 2 else scores)


def _normal_cases(
    random: np.random.Generator, area: float, positives: int, negatives: int
) -> Cases:
    truth = np.r_[np.ones(positives, bool), np.zeros(negatives, bool)]
    return truth, random.normal(truth * math.sqrt(2) * norm.ppf(area), 1.0)


@pytest.mark.parametrize("seed", range(30))
def test_auc_and_roc_agree_with_scikit_learn(seed: int) -> None:
    truth, scores = _random_cases(seed)
    assert auc(truth, scores).value == pytest.approx(roc_auc_score(truth, scores), abs=1e-9)
    ours = roc_curve(truth, scores)
    expected = sklearn_roc_curve(truth, scores, drop_intermediate=False)
    for mine, theirs in zip(
        (ours.false_positive_rate, ours.true_positive_rate, ours.threshold), expected, strict=True
    ):
        np.testing.assert_allclose(mine, theirs, atol=1e-12)


@pytest.mark.parametrize("seed", range(10))
def test_delongs_variance_is_that_of_his_definition(seed: int) -> None:
    """Mid-ranks give what comparing every pair gives."""
    truth, scores = _random_cases(seed)
    pairs = scores[truth][:, None] - scores[~truth][None, :]
    outranks = (pairs > 0) + 0.5 * (pairs == 0)
    expected = sum(
        outranks.mean(axis=axis).var(ddof=1) / outranks.shape[1 - axis] for axis in (0, 1)
    )
    assert placements(truth, scores).variance == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("area", [0.7, 0.85, 0.94])
def test_the_interval_of_an_auc_covers_the_truth(area: float) -> None:
    """60 and 60 cases, 1500 times: the number that cover is one that a rate of 95 % gives."""
    random = np.random.default_rng(round(1000 * area))
    covered = 0
    for _ in range(1500):
        low, high = auc(*_normal_cases(random, area, 60, 60)).interval or (1.0, 0.0)
        covered += low <= area <= high
    assert binom.ppf(0.0005, 1500, 0.945) <= covered <= binom.ppf(0.9995, 1500, 0.955)


def test_a_perfect_ranking_still_has_an_interval() -> None:
    """No error in 20 cases does not show that there is never one; more cases show more."""
    ends = []
    for half in (5, 10, 50):
        truth = np.arange(2 * half) >= half
        found = auc(truth, np.arange(2.0 * half))
        assert (found.value, found.high) == (1.0, 1.0)
        ends.append(found.low or 0.0)
    assert 0.5 < ends[0] < ends[1] < ends[2] < 1.0


@pytest.mark.parametrize("truth", [np.ones(5, bool), np.zeros(5, bool)])
def test_one_class_gives_no_area(truth: NDArray[np.bool_]) -> None:
    assert auc(truth, np.arange(5.0)).value is None


def test_a_score_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="not a number"):
        auc(np.array([True, False]), np.array([math.nan, 1.0]))


def test_the_paired_test_is_uniform_when_two_models_are_alike() -> None:
    """Under "no difference" p values are spread evenly, also for correlated models."""
    random = np.random.default_rng(5)
    p_values = []
    for _ in range(800):
        truth, common = _normal_cases(random, 0.8, 50, 50)
        first, second = (common + random.normal(0.0, 1.0, 100) for _ in range(2))
        p_values.append(paired_difference(truth, first, second).p_value)
    assert kstest(p_values, "uniform").pvalue > 0.001
    assert 0.02 < np.mean(np.array(p_values) < 0.05) < 0.08


def test_the_paired_test_sees_what_the_unpaired_one_cannot() -> None:
    """Two models that err on the same cases are told apart by their pairing."""
    random = np.random.default_rng(6)
    truth, good = _normal_cases(random, 0.9, 100, 100)
    worse = good + random.normal(0.0, 0.7, 200)
    found = paired_difference(truth, good, worse)
    assert found.p_value < 0.01
    assert found.difference.low is not None
    assert found.difference.low > 0
    apart = independent_areas_p_value([(truth, good), (truth, worse)])
    assert apart is not None
    assert apart > found.p_value


def test_two_models_that_rank_alike_do_not_differ() -> None:
    truth, scores = _random_cases(4)
    found = paired_difference(truth, scores, np.exp(scores))
    assert found.p_value == 1.0
    assert found.difference.value == 0.0


def test_the_test_between_groups_is_uniform_when_groups_are_alike() -> None:
    random = np.random.default_rng(7)
    p_values = [
        independent_areas_p_value([_normal_cases(random, 0.75, 60, 60) for _ in range(3)])
        for _ in range(600)
    ]
    assert kstest(p_values, "uniform").pvalue > 0.001


def test_clusters_of_one_case_are_delongs_variance() -> None:
    truth, scores = _random_cases(8)
    alone = clustered_auc(truth, scores, np.arange(truth.size))
    expected = auc(truth, scores)
    # The clustered variance takes each class's cases for itself, as DeLong's does.
    assert alone.value == expected.value
    assert alone.interval == pytest.approx(expected.interval, abs=1e-9)


def test_one_patient_gives_an_area_and_no_interval() -> None:
    truth, scores = _random_cases(9)
    found = clustered_auc(truth, scores, np.zeros(truth.size, dtype=np.int64))
    assert found.value == auc(truth, scores).value
    assert found.interval is None


def test_the_clustered_interval_covers_where_the_plain_one_is_too_narrow() -> None:
    """40 patients of 20 slices each, alike within the patient: DeLong's interval forgets that."""
    random = np.random.default_rng(10)
    patients = np.repeat(np.arange(40), 20)

    def slices() -> Cases:
        ill = random.random(40) < 0.5
        truth = random.random(800) < np.where(ill, 0.6, 0.2)[patients]
        own = random.normal(0.0, 1.0, 40)[patients]
        return truth, random.normal(truth * 1.2 + own, 1.0)

    area = np.mean([auc(*slices()).value or 0.0 for _ in range(600)])
    clustered = plain = 0
    for _ in range(300):
        truth, scores = slices()
        low, high = clustered_auc(truth, scores, patients).interval or (1.0, 0.0)
        clustered += low <= area <= high
        low, high = auc(truth, scores).interval or (1.0, 0.0)
        plain += low <= area <= high
    assert clustered / 300 > 0.9
    assert plain / 300 < 0.8
