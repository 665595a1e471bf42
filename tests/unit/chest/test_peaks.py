"""What is outlined, what of it counts, and what the next slice says for it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from chest.lungs.peaks import by_peak, outline

PEAK, POSSIBLE = 0.9, 0.5
Bytes = NDArray[np.uint8]


def _stack(*slices: list[int]) -> Bytes:
    """Slices of one row each, in percent of probability."""
    rows = np.array(slices, dtype=np.float64)
    return np.rint(rows * 2.55).astype(np.uint8)[:, None, :]


def _judged(probability: Bytes) -> tuple[list[list[int]], list[list[int]]]:
    counts, possible = by_peak(probability >= 51, probability, PEAK, POSSIBLE)
    return counts[:, 0].astype(int).tolist(), possible[:, 0].astype(int).tolist()


@pytest.mark.parametrize(
    ("percent", "hounsfield", "outlined"),
    [(31, -900.0, True), (29, -690.0, True), (29, -710.0, False), (9, 0.0, False)],
    ids=["sure enough", "in doubt and dense", "in doubt and light", "not even in doubt"],
)
def test_doubt_is_enough_where_the_lung_is_dense(
    percent: int, hounsfield: float, outlined: bool
) -> None:
    level = _stack([percent])
    even = np.full(level.shape, hounsfield, dtype=np.float32)
    assert bool(outline(level, even, threshold=0.3, faint=0.1).item()) is outlined


def test_a_slice_speaks_for_what_lies_on_it_in_the_next() -> None:
    """And that for the one behind it, in both ways; the surest is in the middle."""
    tail = [0, 60, 60, 0, 0, 60]
    core = [0, 95, 60, 0, 0, 0]
    counts, possible = _judged(_stack(tail, tail, core, tail, tail))
    assert counts == [[0, 1, 1, 0, 0, 0]] * 5
    # The other column hangs on nothing that is sure.
    assert possible == [[0, 0, 0, 0, 0, one] for one in (1, 1, 0, 1, 1)]


def test_less_than_half_of_it_is_not_enough() -> None:
    """A vessel that leaves a lesion crosses it in a corner."""
    counts, possible = _judged(_stack([95, 60, 0, 0, 0], [0, 60, 60, 60, 0]))
    assert counts == [[1, 1, 0, 0, 0], [0, 0, 0, 0, 0]]
    assert possible == [[0, 0, 0, 0, 0], [0, 1, 1, 1, 0]]


def test_what_is_not_even_possible_is_not_carried() -> None:
    counts, possible = _judged(_stack([95, 60], [40, 40]))
    assert counts == [[1, 1], [0, 0]]
    assert possible == [[0, 0], [0, 0]]


def test_an_empty_slice_between_two_parts_them() -> None:
    counts, _ = _judged(_stack([95, 60], [0, 0], [60, 60]))
    assert counts == [[1, 1], [0, 0], [0, 0]]
