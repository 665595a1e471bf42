"""Blocks of voxels: each way to join them against one that folds the array."""

from __future__ import annotations

import numpy as np
import pytest

from radiology.image.blocks import joined_blocks
from radiology.region import box_around, pixels_by_slice

STEP = (3, 4, 2)


@pytest.fixture
def voxels() -> np.ndarray:
    """Whole numbers, which floats add without rounding; no side is a multiple of the step."""
    random = np.random.default_rng(5)
    return random.integers(-900, 900, (10, 18, 13)).astype(np.float32)


def _folded(voxels: np.ndarray) -> np.ndarray:
    (a, b, c), (i, j, k) = (size // one for size, one in zip(voxels.shape, STEP, strict=True)), STEP
    return voxels.reshape(a, i, b, j, c, k).transpose(0, 2, 4, 1, 3, 5).reshape(a, b, c, -1)


def test_whole_blocks_are_added_and_the_rest_is_left_out(voxels: np.ndarray) -> None:
    whole = voxels[:9, :16, :12]
    assert np.array_equal(joined_blocks(voxels, STEP, np.float32), _folded(whole).sum(axis=-1))


def test_blocks_beyond_the_end_are_filled(voxels: np.ndarray) -> None:
    padded = np.pad(voxels, ((0, 2), (0, 2), (0, 1)), constant_values=-1024.0)
    found = joined_blocks(voxels, STEP, np.float32, outside=-1024.0)
    assert np.array_equal(found, _folded(padded).sum(axis=-1))


def test_only_what_lies_within_counts(voxels: np.ndarray) -> None:
    within = (voxels > 100).astype(np.uint8) * 2
    found = joined_blocks(voxels, STEP, np.float32, within=within)
    counted = np.where(within > 0, voxels, 0)[:9, :16, :12]
    assert np.array_equal(found, _folded(counted).sum(axis=-1))


def test_the_largest_of_a_turned_stack(voxels: np.ndarray) -> None:
    """A flipped view, as a stack that was scanned from the feet is."""
    turned = voxels[::-1, :, ::-1]
    found = joined_blocks(turned, STEP, np.float32, join=np.maximum)
    assert np.array_equal(found, _folded(turned[:9, :16, :12]).max(axis=-1))


def test_a_box_holds_all_and_no_more() -> None:
    labels = np.zeros((5, 6, 7), dtype=np.uint8)
    assert box_around(labels) is None
    labels[1, 4, 2] = 200
    labels[3, 2, 5] = 1
    assert box_around(labels) == (slice(1, 4), slice(2, 5), slice(2, 6))
    assert pixels_by_slice(labels).tolist() == [0, 1, 0, 1, 0]
    assert pixels_by_slice(labels > 0).tolist() == [0, 1, 0, 1, 0]
