"""Which slices are classified, and what becomes of the classifier's answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chest.model.choose_slices import MOST_SLICES, choose_slices
from chest.model.classify_views import classify_views
from chest.values.regions import ChestRegions
from models.declared.network_files import Precision
from models.schema_2.bundle import Bundle
from models.schema_2.network_sessions import ClassifierSession
from models.schema_2.view import CHANNELS
from radiology.algorithm import ExecutionProvider
from tests.builders.bundles import VIEW


def _regions(lung: list[int], lesion: list[int]) -> ChestRegions:
    """A stack of slices of 1 × 100 pixels with so many of lung and of lesion."""
    columns = np.arange(100)
    lungs = (columns < np.array(lung)[:, None]).astype(np.uint8)[:, None]
    lesions = (columns < np.array(lesion)[:, None]).astype(np.uint8)[:, None]
    return ChestRegions(lungs, lesions)


@given(
    lung=st.lists(st.integers(0, 100), max_size=120),
    seed=st.integers(0, 2**32 - 1),
)
def test_choice_is_ascending_not_too_large_and_has_lung(lung: list[int], seed: int) -> None:
    random = np.random.default_rng(seed)
    lesion = [int(random.integers(0, area + 1)) for area in lung]
    regions = _regions(lung, lesion)
    chosen = choose_slices(regions)
    assert chosen == sorted(set(chosen))
    assert len(chosen) <= MOST_SLICES
    assert all(lung[index] > 0 for index in chosen)
    assert bool(chosen) is any(lung)


def test_the_slice_with_most_lesion_is_always_among_them() -> None:
    """It is the key slice, whose heat map a reader asks for; here it lies near an apex."""
    lesion = [0] * 100
    lesion[3] = 15
    chosen = choose_slices(_regions([20] * 5 + [100] * 95, lesion))
    assert 3 in chosen
    assert len(chosen) == MOST_SLICES


def test_half_lie_evenly_and_half_where_most_lesion_is() -> None:
    lesion = [0] * 100
    lesion[40:70] = range(30, 60)
    chosen = choose_slices(_regions([100] * 100, lesion))
    assert len(chosen) == MOST_SLICES
    assert {60, 61, 63, 64, 65, 67, 68, 69} <= set(chosen)
    assert sum(index < 40 for index in chosen) >= 4
    assert sum(index >= 70 for index in chosen) >= 3


def test_clear_lungs_are_looked_at_evenly() -> None:
    chosen = choose_slices(_regions([100] * 240, [0] * 240))
    assert len(chosen) == MOST_SLICES
    assert set(np.diff(chosen)) == {10}


@pytest.fixture(scope="module")
def classifier(tiny: Bundle) -> ClassifierSession:
    return ClassifierSession(
        tiny, provider=ExecutionProvider.CPU, threads=1, precision=Precision.FLOAT32
    )


def _views() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    views = np.zeros((5, len(CHANNELS), VIEW, VIEW), dtype=np.float32)
    for index in range(5):
        views[index, 2, : 8 * index, :8] = 1.0
    return views


def test_answers_keep_the_order_of_the_views_across_batches(classifier: ClassifierSession) -> None:
    answers = classify_views(_views(), classifier, mirrored=[])
    viral = [answer.viral for answer in answers]
    assert viral == sorted(viral)
    assert viral[0] == pytest.approx(1 / (1 + np.exp(2.0)), abs=0.01)
    for index, answer in enumerate(answers):
        assert answer.heat[:, 0].sum() == pytest.approx(index)
        assert answer.heat.shape == (VIEW // 8, VIEW // 8)


def test_spread_is_that_of_the_members(classifier: ClassifierSession) -> None:
    """Without lesion all members agree; the more of it, the more they differ."""
    spreads = [answer.spread for answer in classify_views(_views(), classifier, mirrored=[])]
    assert spreads[0] == pytest.approx(0.0, abs=1e-6)
    assert spreads[0] < spreads[1] < spreads[2]


def test_mirrored_views_come_back_the_right_way_round(classifier: ClassifierSession) -> None:
    """This classifier does not care about sides, so reading twice must change nothing."""
    once = classify_views(_views(), classifier, mirrored=[])
    twice = classify_views(_views(), classifier, mirrored=[1, 4])
    for one, two in zip(once, twice, strict=True):
        assert two.viral == pytest.approx(one.viral, abs=1e-6)
        assert np.allclose(two.heat, one.heat, atol=1e-6)
        assert two.signs == pytest.approx(one.signs, abs=1e-6)
