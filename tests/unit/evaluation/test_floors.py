"""Floors are what they say: independent libraries give the same figures."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy import stats
from sklearn.linear_model import LogisticRegression

from evaluation.statistics.floors import (
    STATISTICS,
    fit_logistic,
    global_statistics,
    nearest_neighbour_floor,
    statistics_floor,
    threshold_lesions,
    thumbnail,
)
from evaluation.statistics.receiver_operating import auc

Grey = NDArray[np.uint8]


def _images(count: int, seed: int, shift: float = 0.0) -> list[Grey]:
    random = np.random.default_rng(seed)
    return [
        np.clip(random.normal(100 + shift, 40, (64, 48)), 0, 255).astype(np.uint8)
        for _ in range(count)
    ]


def test_the_seven_statistics_are_scipys() -> None:
    grey = _images(1, 0)[0]
    values = grey.ravel() / 255.0
    share = np.bincount(grey.ravel(), minlength=256) / grey.size
    expected = [
        values.mean(),
        values.std(),
        stats.skew(values),
        stats.kurtosis(values),
        stats.entropy(share, base=2),
        (grey < 51).mean(),
        (grey > 204).mean(),
    ]
    found = global_statistics(grey)
    assert len(STATISTICS) == found.size == 7
    assert found == pytest.approx(expected, abs=1e-9)


def test_an_even_image_has_statistics() -> None:
    found = global_statistics(np.full((8, 8), 30, dtype=np.uint8))
    assert np.isfinite(found).all()


def test_the_logistic_regression_is_scikit_learns() -> None:
    random = np.random.default_rng(1)
    features = random.normal(size=(120, 4)) * [1, 5, 0.1, 1] + [0, 3, 0, -2]
    truth = random.random(120) < 1 / (1 + np.exp(-features[:, 0]))
    standard = (features - features.mean(0)) / features.std(0)
    theirs = LogisticRegression(C=1.0, tol=1e-10, max_iter=5000).fit(standard, truth)
    found = fit_logistic(features, truth)
    assert found.probability(features) == pytest.approx(
        theirs.predict_proba(standard)[:, 1], abs=1e-6
    )


def test_classes_that_can_be_told_apart_fully_are_fitted() -> None:
    features = np.r_[np.zeros(10), np.ones(10)][:, None]
    truth = features[:, 0] > 0.5
    probability = fit_logistic(features, truth).probability(features)
    assert np.array_equal(probability > 0.5, truth)


def test_the_floor_of_statistics_sees_brightness_and_nothing_else() -> None:
    """A shift of all grey levels is found; other noise of the same kind is not."""
    truth = np.arange(60) >= 30
    train = _images(30, 2) + _images(30, 3, shift=8)
    test = _images(30, 4) + _images(30, 5, shift=8)
    assert (auc(truth, statistics_floor(train, truth, test)).value or 0) > 0.95
    same = _images(60, 6)
    assert (auc(truth, statistics_floor(train, truth, same)).value or 0) == pytest.approx(
        0.5, abs=0.25
    )


def test_a_thumbnail_is_the_mean_of_blocks() -> None:
    grey = _images(1, 7)[0][:, :32]
    shrunk = np.asarray(
        Image.fromarray(grey.astype(np.float32)).resize((32, 32), Image.Resampling.BOX)
    ).ravel()
    shrunk = shrunk - shrunk.mean()
    assert thumbnail(grey) == pytest.approx(shrunk / np.linalg.norm(shrunk), abs=1e-5)


def test_an_image_smaller_than_a_thumbnail_is_refused() -> None:
    with pytest.raises(ValueError, match="smaller than a thumbnail"):
        thumbnail(np.zeros((20, 40), dtype=np.uint8))


def test_the_nearest_neighbour_recognises_a_copy_in_another_window() -> None:
    train = _images(20, 8)
    truth = np.arange(20) % 2 == 0
    copies = [(one * 0.5 + 60).astype(np.uint8) for one in train]
    assert np.array_equal(nearest_neighbour_floor(train, truth, copies) > 0, truth)
    with pytest.raises(ValueError, match="both classes"):
        nearest_neighbour_floor(train, np.ones(20, dtype=bool), copies)


def test_the_threshold_takes_lung_from_minus_700_to_minus_300() -> None:
    hu = np.array([-850, -701, -700, -500, -300, -299, 40], dtype=np.float32)
    lungs = np.array([1, 1, 1, 1, 1, 1, 1], dtype=bool)
    assert threshold_lesions(hu, lungs).tolist() == [False, False, True, True, True, False, False]
    assert not threshold_lesions(hu, ~lungs).any()
