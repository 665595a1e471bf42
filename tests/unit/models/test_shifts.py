"""Masks grown and shrunk by shifts, against scipy's own ways."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from models.connected import Masks, in_plane_cross, keep_large, parts_by_slice
from models.shifts import diamond, grown, grown_by_ball, grown_within, shrunk

ELLIPSE = np.array([[0, 1, 1, 1, 0], [1, 1, 1, 1, 1], [0, 1, 1, 1, 0]], dtype=bool)
SHAPES = {
    "pixel": np.ones((1, 1), dtype=bool),
    "cross": diamond(1),
    "diamond": diamond(3),
    "ellipse": ELLIPSE,
    "tall": ELLIPSE.T,
}


def _masks(share: float) -> Masks:
    """Blots and single pixels, some of them at the edges."""
    random = np.random.default_rng(8)
    blots: Masks = ndimage.gaussian_filter(random.normal(size=(6, 40, 33)), (0, 2, 2)) > 0.1
    return blots | (random.random(blots.shape) < share)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_grown_and_shrunk_as_by_scipy(shape: Masks) -> None:
    mask = _masks(0.03)
    assert np.array_equal(grown(mask, shape), ndimage.binary_dilation(mask, shape[None]))
    mask = ~_masks(0.003)
    assert np.array_equal(shrunk(mask, shape), ndimage.binary_erosion(mask, shape[None]))


def test_grown_within_a_limit_as_by_scipy() -> None:
    limit = _masks(0.3)
    seed = limit & (np.random.default_rng(3).random(limit.shape) < 0.02)
    by_scipy = ndimage.binary_dilation(seed, in_plane_cross(), iterations=5, mask=limit)
    assert np.array_equal(grown_within(seed, 5, limit), by_scipy)


def test_a_ball_reaches_what_is_nearer_in_mm() -> None:
    """By scipy's distances; what lies at the very distance is not nearer."""
    mask = _masks(0.0) & (np.arange(6) == 2)[:, None, None]
    spacing_mm = np.array([3.0, 2.0, 1.5])
    distance = ndimage.distance_transform_edt(~mask, sampling=spacing_mm)
    assert np.array_equal(grown_by_ball(mask, 6.0, spacing_mm), distance < 6.0)


def test_parts_of_a_slice_are_those_of_scipy() -> None:
    """One to one, whatever their numbers; parts of two slices never share a number."""
    mask = _masks(0.05)
    labels, counts = parts_by_slice(mask)
    expected, count = ndimage.label(mask, structure=in_plane_cross())
    pairs = {*zip(labels[mask].tolist(), expected[mask].tolist(), strict=True)}
    assert len(pairs) == count == counts.size - 1
    assert np.array_equal(counts[1:], np.bincount(labels[mask])[1:])
    assert not labels[~mask].any()


def test_large_parts_are_kept_where_they_are() -> None:
    mask = np.zeros((4, 9, 9), dtype=bool)
    assert not keep_large(mask, 1.0, 26).any()
    mask[1:3, 2:5, 2:5] = True
    mask[3, 8, 8] = True
    kept = keep_large(mask, 2.0, 26)
    assert np.array_equal(np.argwhere(mask & ~kept), [[3, 8, 8]])
    assert not (kept & ~mask).any()
