"""The classifier sees the lungs, and what it marks there goes back to its place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.schema_2.view import ViewBox, find_box, lung_view, place_back

Maps = NDArray[np.float32]


def _blank() -> Maps:
    return np.zeros((256, 256), dtype=np.float32)


def _lungs() -> Maps:
    lung = _blank()
    lung[80:180, 40:110] = 0.9
    lung[90:170, 140:220] = 0.9
    return lung


def test_box_is_a_square_around_both_lungs_with_its_margin() -> None:
    """Rows 80–180, columns 40–220: the longer side is 180, the margin a tenth of it."""
    box = find_box(_lungs(), 0.1)
    assert box == ViewBox(top=22.0, left=22.0, side=216.0)


def test_tiny_islands_do_not_move_the_box() -> None:
    lung = _lungs()
    lung[5:15, 240:250] = 1.0  # 100 pixels; 0.3 % of the image are 197
    assert find_box(lung, 0.08) == find_box(_lungs(), 0.08)


def test_island_that_is_large_enough_counts() -> None:
    lung = _lungs()
    lung[5:20, 236:250] = 1.0  # 210 pixels
    assert find_box(lung, 0.0).side == 210.0


def test_without_lung_the_view_is_the_whole_slice() -> None:
    attenuation = np.linspace(0.0, 1.0, 256 * 256, dtype=np.float32).reshape(256, 256)
    view, box = lung_view(attenuation, _blank(), _blank(), size=256)
    assert box == ViewBox(0.0, 0.0, 256.0)
    assert np.array_equal(view[0], attenuation)
    assert np.array_equal(view[3], attenuation)
    assert not view[[1, 2, 4]].any()


def test_enlarged_view_has_nothing_outside_of_the_slice_and_the_whole_has_no_margin() -> None:
    """Lungs that fill the slice leave a margin where there is no slice: 0 in every channel."""
    full = np.ones((256, 256), dtype=np.float32)
    view, box = lung_view(full, full, full, size=192, margin=0.25)
    assert view.shape == (5, 192, 192)
    assert view[3:].all()
    assert view.dtype == np.float32
    assert box == ViewBox(-64.0, -64.0, 384.0)
    assert not view[:3, :30].any()
    assert not view[:3, :, 162:].any()
    assert np.allclose(view[:, 40:152, 40:152], 1.0)


def test_view_averages_when_it_shrinks() -> None:
    """A checkerboard of single pixels becomes even grey, not a moiré."""
    board = (np.indices((256, 256)).sum(axis=0) % 2).astype(np.float32)
    view, _ = lung_view(board, _blank(), _blank(), size=64)
    assert np.abs(view[0, 4:-4, 4:-4] - 0.5).max() < 0.05


def test_mirrored_slice_has_the_mirrored_view() -> None:
    rng = np.random.default_rng(1)
    lung, attenuation = _lungs(), rng.random((256, 256), dtype=np.float32)
    straight, _ = lung_view(attenuation, lung, lung)
    mirrored, _ = lung_view(
        np.ascontiguousarray(attenuation[:, ::-1]), np.ascontiguousarray(lung[:, ::-1]), lung
    )
    assert np.allclose(mirrored[:2, :, ::-1], straight[:2], atol=1e-5)


@given(
    top=st.floats(-40.0, 100.0),
    left=st.floats(-40.0, 100.0),
    side=st.floats(60.0, 256.0),
    row=st.integers(3, 20),
    column=st.integers(3, 20),
)
def test_mark_in_the_view_goes_back_to_where_it_was_seen(
    top: float, left: float, side: float, row: int, column: int
) -> None:
    """The centre of gravity of a marked cell comes back within a pixel, wherever the box lies."""
    heat = np.zeros((24, 24), dtype=np.float32)
    heat[row, column] = 1.0
    placed = place_back(heat, ViewBox(top, left, side), (400, 400))
    cell = side / 24
    expected = (top + (row + 0.5) * cell, left + (column + 0.5) * cell)
    assume(min(expected) >= cell)  # otherwise part of the mark lies outside of the grid
    rows, columns = np.indices(placed.shape) + 0.5
    weight = placed / placed.sum()
    assert float((rows * weight).sum()) == pytest.approx(expected[0], abs=1.0)
    assert float((columns * weight).sum()) == pytest.approx(expected[1], abs=1.0)


def test_view_and_back_again_is_the_same_picture_inside_the_box() -> None:
    """A smooth picture survives the way there and back; outside of the box is nothing."""
    rows, columns = np.indices((256, 256), dtype=np.float32)
    smooth = (0.5 + 0.25 * np.sin(rows / 20) + 0.25 * np.cos(columns / 25)).astype(np.float32)
    view, box = lung_view(smooth, _lungs(), _blank())
    placed = place_back(view[0], box, (256, 256))
    inside = np.s_[round(box.top) + 3 : 220, round(box.left) + 3 : 220]
    assert np.abs(placed[inside] - smooth[inside]).max() < 0.01
    assert not placed[: int(box.top) - 1].any()
