"""Slices packed for the page come back as they were."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radiology.image.slice_stack import (
    HIGHEST_HU,
    LOWEST_HU,
    STEP_HU,
    pack_labels,
    pack_voxels,
    unpack_labels,
    unpack_voxels,
)

_SHAPES = st.tuples(st.integers(1, 24), st.integers(1, 24))


@given(shape=_SHAPES, seed=st.integers(0, 2**32 - 1))
def test_voxels_come_back_to_half_a_step(shape: tuple[int, int], seed: int) -> None:
    """Every voxel is within half a step of what it was, whatever its neighbours are."""
    random = np.random.default_rng(seed)
    hounsfield = random.uniform(LOWEST_HU, HIGHEST_HU, shape).astype(np.float32)
    back = unpack_voxels(pack_voxels(hounsfield), shape)
    assert np.abs(back - hounsfield).max() <= STEP_HU / 2 + 1e-3


def test_what_is_beyond_the_limits_is_set_to_them() -> None:
    """Metal and padding do not wrap around to something that looks like tissue."""
    hounsfield = np.array([[-3024.0, -1024.0, 3071.0, 30_000.0]], np.float32)
    back = unpack_voxels(pack_voxels(hounsfield), (1, 4))
    assert back[0, 0] == back[0, 1] == LOWEST_HU
    assert back[0, 2] == back[0, 3]
    assert back[0, 3] == pytest.approx(HIGHEST_HU, abs=STEP_HU)


@given(shape=_SHAPES, seed=st.integers(0, 2**32 - 1))
def test_labels_come_back_exactly(shape: tuple[int, int], seed: int) -> None:
    """No label changes on the way."""
    labels = np.random.default_rng(seed).integers(0, 5, shape, np.uint8)
    assert np.array_equal(unpack_labels(pack_labels(labels), shape), labels)


@pytest.mark.parametrize("shape", [(4, 5), (6, 4), (1, 1)])
def test_another_size_is_refused(shape: tuple[int, int]) -> None:
    """A stream that holds more or less than its stack says is never shown as a slice."""
    packed = pack_labels(np.zeros((4, 4), np.uint8))
    with pytest.raises(ValueError, match="another size"):
        unpack_labels(packed, shape)


def test_the_same_slice_gives_the_same_bytes() -> None:
    """Packing twice gives one file, so that a job may run twice."""
    hounsfield = np.arange(64, dtype=np.float32).reshape(8, 8)
    assert pack_voxels(hounsfield) == pack_voxels(hounsfield)
