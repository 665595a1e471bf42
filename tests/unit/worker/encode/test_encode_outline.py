"""Outlines are closed polygons that enclose the mask they were made from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_strategies
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from tests.unit.worker.encode.polygons import enclosed
from worker.encode.outline import OutlineLimits, interior_point, outlines

EXACT = OutlineLimits(tolerance_px=0.0, most_points=10_000, most_outlines=1000, least_area_px=1)
masks = numpy_strategies.arrays(
    bool, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.booleans()
)


def disc(size: int, radius: float) -> NDArray[np.bool_]:
    rows, columns = np.indices((size, size)) - (size - 1) / 2
    disc: NDArray[np.bool_] = rows**2 + columns**2 <= radius**2
    return disc


@given(masks)
def test_exact_outlines_enclose_the_mask_with_its_holes_filled(mask: NDArray[np.bool_]) -> None:
    """Without simplification a mask can be had back from its outlines, pixel for pixel."""
    labels, count = ndimage.label(mask)
    filled = np.zeros_like(mask)
    for label in range(1, count + 1):
        filled |= ndimage.binary_fill_holes(labels == label)
    assert np.array_equal(enclosed(outlines(mask, EXACT), mask.shape), filled)


@given(masks)
def test_every_outline_is_closed(mask: NDArray[np.bool_]) -> None:
    """PS3.3 C.18.6.1.2: a closed POLYLINE ends where it began."""
    for outline in outlines(mask, OutlineLimits(least_area_px=1)):
        assert np.array_equal(outline[0], outline[-1])
        assert len(outline) >= 5


@pytest.mark.parametrize("radius", [4, 9, 30])
def test_a_simplified_outline_still_covers_its_region(radius: float) -> None:
    """What a viewer shows is the region, with far fewer points than its edge has corners."""
    mask = disc(80, radius)
    (outline,) = outlines(mask, OutlineLimits())
    drawn = enclosed([outline], mask.shape)
    assert 2 * np.count_nonzero(drawn & mask) / (drawn.sum() + mask.sum()) > 0.95
    assert len(outline) <= 40


def test_limits_hold_for_a_ragged_region() -> None:
    """However rough a mask is, its outline has no more points than asked for."""
    ragged = np.random.default_rng(1).random((120, 120)) < 0.7
    limits = OutlineLimits(most_points=40, most_outlines=2)
    found = outlines(ragged, limits)
    assert len(found) <= 2
    assert all(len(outline) <= 40 for outline in found)


def test_small_regions_are_left_out_only_beside_larger_ones() -> None:
    """A speck is not worth an outline, but a finding is never without one."""
    mask = np.zeros((40, 40), bool)
    mask[5:15, 5:15] = True
    mask[30, 30] = True
    assert len(outlines(mask, OutlineLimits(least_area_px=4))) == 1
    mask[5:15, 5:15] = False
    assert len(outlines(mask, OutlineLimits(least_area_px=4))) == 1


def test_no_outline_of_nothing() -> None:
    """An empty mask has no outline."""
    assert outlines(np.zeros((5, 5), bool), OutlineLimits()) == []


@given(masks.filter(np.any))
def test_the_point_lies_inside_the_mask(mask: NDArray[np.bool_]) -> None:
    """The arrow of a viewer points at the region, at the centre of one of its pixels."""
    column, row = interior_point(mask)
    assert mask[int(row), int(column)]
    assert (column % 1, row % 1) == (0.5, 0.5)


def test_pillow_draws_the_outline_where_the_region_is() -> None:
    """Another program that fills the polygon finds the region at its place, not mirrored."""
    mask = np.zeros((30, 50), bool)
    mask[4:9, 30:45] = True
    canvas = Image.new("1", (50, 30))
    (outline,) = outlines(mask, OutlineLimits())
    ImageDraw.Draw(canvas).polygon([tuple(point - 0.5) for point in outline], fill=1)
    assert np.count_nonzero(np.asarray(canvas) & mask) == mask.sum()
