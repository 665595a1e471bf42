"""Volume: turning axes keeps every voxel's value and place."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radiology.image.volume import AxisOrder, SourceFrame, Volume

ORDERS = [
    (permutation, flips)
    for permutation in itertools.permutations(range(3))
    for flips in itertools.product((1.0, -1.0), repeat=3)
]


@st.composite
def volumes(draw: st.DrawFn) -> Volume:
    """Volumes of any orientation, spacing, obliquity and tilt."""
    shape = draw(st.tuples(*[st.integers(1, 5)] * 3))
    permutation, flips = draw(st.sampled_from(ORDERS))
    directions = np.eye(3)[:, list(permutation)] * np.array(flips)
    angles = draw(st.tuples(*[st.floats(-0.6, 0.6)] * 3))
    spacing = np.array(draw(st.tuples(*[st.floats(0.3, 8.0)] * 3)))
    shear = np.eye(3)
    shear[1, 0] = draw(st.floats(-0.4, 0.4))
    affine = np.eye(4)
    affine[:3, :3] = _rotation(angles) @ directions @ shear * spacing
    affine[:3, 3] = draw(st.tuples(*[st.floats(-300, 300)] * 3))
    voxels = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    return Volume(voxels, affine)


def _rotation(angles: tuple[float, ...]) -> Any:
    matrix = np.eye(3)
    for axis, angle in enumerate(angles):
        turn = np.eye(3)
        i, j = [other for other in range(3) if other != axis]
        turn[i, i] = turn[j, j] = np.cos(angle)
        turn[i, j], turn[j, i] = -np.sin(angle), np.sin(angle)
        matrix = turn @ matrix
    return matrix


def _places_by_value(volume: Volume) -> dict[float, tuple[float, ...]]:
    indices = np.argwhere(np.ones(volume.shape, dtype=bool))
    values = volume.hounsfield.reshape(-1)
    places = volume.positions_mm(indices).round(6) + 0.0
    return dict(zip(values.tolist(), map(tuple, places.tolist()), strict=True))


@given(volumes())
def test_canonical_keeps_each_voxel_at_its_place(volume: Volume) -> None:
    """Turning the axes moves no voxel in the patient and changes no value."""
    turned, _ = volume.canonical()
    before, after = _places_by_value(volume), _places_by_value(turned)
    assert before.keys() == after.keys()
    for value, place in before.items():
        np.testing.assert_allclose(after[value], place, atol=1e-4)


@given(volumes())
def test_a_mask_goes_back_to_the_axes_it_came_from(volume: Volume) -> None:
    """What `AxisOrder` turned, it turns back."""
    turned, order = volume.canonical()
    np.testing.assert_array_equal(order.undo(turned.hounsfield), volume.hounsfield)


@given(volumes())
def test_canonical_twice_changes_nothing_more(volume: Volume) -> None:
    """A canonical volume is already in order."""
    once, _ = volume.canonical()
    twice, order = once.canonical()
    assert order == AxisOrder(permutation=(0, 1, 2), flipped=(False, False, False))
    np.testing.assert_allclose(twice.affine, once.affine)


@pytest.mark.parametrize(("permutation", "flips"), ORDERS)
def test_canonical_axes_run_to_head_back_and_left(
    permutation: tuple[int, int, int], flips: tuple[float, float, float]
) -> None:
    """Whatever the acquisition, slices then run to the head, rows to the back, columns left."""
    affine = np.eye(4)
    affine[:3, :3] = np.eye(3)[:, list(permutation)] * np.array(flips) * np.array([3.0, 2.0, 1.0])
    turned, _ = Volume(np.zeros((2, 3, 4), dtype=np.float32), affine).canonical()
    signs = np.sign(turned.affine[:3, :3])
    np.testing.assert_array_equal(signs, [[0, 0, 1], [0, 1, 0], [1, 0, 0]])


@given(volumes())
def test_volume_of_a_voxel_is_that_of_the_cell_between_neighbours(volume: Volume) -> None:
    """Shear changes the shape of a voxel's cell, and `voxel_ml` is the volume of that shape."""
    slice_step, row_step, column_step = volume.affine[:3, :3].T
    cell_mm3 = abs(np.dot(slice_step, np.cross(row_step, column_step)))
    assert volume.voxel_ml == pytest.approx(cell_mm3 / 1000.0)


def test_spacing_is_the_length_of_each_step() -> None:
    """Spacing is measured along the steps, tilted or not."""
    affine = np.eye(4)
    affine[:3, :3] = np.array([[0.0, 0.0, 0.7], [3.0, 0.8, 0.0], [4.0, 0.0, 0.0]])
    volume = Volume(np.zeros((2, 2, 2), dtype=np.float32), affine)
    assert volume.spacing_mm == pytest.approx((5.0, 0.8, 0.7))


def test_a_volume_has_one_source_frame_per_slice() -> None:
    """A list of frames that does not fit the slices is refused at once."""
    with pytest.raises(ValueError, match="one source frame per slice"):
        Volume(np.zeros((2, 1, 1), dtype=np.float32), np.eye(4), (SourceFrame("2.25.1"),))
