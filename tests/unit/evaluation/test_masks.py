"""Mask figures agree with SimpleITK on random masks, and empty masks mean what the page says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.distance import cdist

from evaluation.statistics.mask_scores import score_masks
from evaluation.statistics.masks import agreement, surface
from tests.peers.dicom.simple_itk import Pair, measure_with_simple_itk

Mask = NDArray[np.bool_]


def _blobs(random: np.random.Generator, shape: tuple[int, ...]) -> Mask:
    """A mask of a few smooth islands that do not touch the border, and are not all gone."""
    mask = np.zeros(shape, dtype=bool)
    inner = tuple(slice(2, -2) for _ in shape)
    noise = ndimage.gaussian_filter(random.normal(size=shape), random.uniform(1.0, 3.0))
    mask[inner] = (noise > np.quantile(noise, random.uniform(0.5, 0.95)))[inner]
    mask[tuple(size // 2 for size in shape)] = True
    return mask


def _pair(seed: int) -> Pair:
    random = np.random.default_rng(seed)
    shape = (int(random.integers(20, 70)), int(random.integers(20, 70)))
    spacing = (float(random.uniform(0.5, 2.0)), float(random.uniform(0.5, 2.0)))
    return _blobs(random, shape), _blobs(random, shape), spacing


def test_overlap_and_distances_agree_with_simple_itk_in_a_slice(tmp_path: Path) -> None:
    pairs = [_pair(seed) for seed in range(40)]
    for pair, theirs in zip(pairs, measure_with_simple_itk(pairs, tmp_path), strict=True):
        ours = agreement(*pair)
        assert ours.dice == pytest.approx(theirs.dice, abs=1e-6)
        assert ours.voe == pytest.approx(100 * (1 - theirs.jaccard), abs=1e-6)
        relative = theirs.found_area / theirs.reference_area - 1.0
        assert ours.rvd == pytest.approx(100 * relative, abs=1e-6)
        # ITK keeps these distances as float32, whose own steps are 1e-7 of the value.
        assert ours.asd == pytest.approx(theirs.mean_distance, rel=1e-6)
        assert ours.msd == pytest.approx(theirs.largest_distance, rel=1e-6)
        assert ours.msd == pytest.approx(theirs.hausdorff, abs=1e-6)


@pytest.mark.parametrize("seed", range(8))
def test_a_volume_is_measured_in_mm_along_each_axis(seed: int) -> None:
    """Against every pair of surface voxels, with 18 neighbours as in SLIVER07."""
    random = np.random.default_rng(200 + seed)
    spacing = np.array([2.0, 0.7, 0.9])
    found, reference = _blobs(random, (10, 16, 14)), _blobs(random, (10, 16, 14))
    one, other = (np.argwhere(surface(mask)) * spacing for mask in (found, reference))
    pairs = cdist(one, other)
    distances = np.r_[pairs.min(axis=1), pairs.min(axis=0)]
    ours = agreement(found, reference, tuple(spacing))
    assert ours.asd == pytest.approx(distances.mean(), abs=1e-9)
    assert ours.msd == pytest.approx(distances.max(), abs=1e-9)
    sizes = found.sum(), reference.sum()
    assert ours.rvd == pytest.approx(100 * (sizes[0] - sizes[1]) / sizes[1])


def test_a_surface_element_has_a_neighbour_outside() -> None:
    """18 neighbours: a voxel whose only missing neighbour shares a corner lies inside."""
    mask = np.ones((5, 5, 5), dtype=bool)
    assert not surface(mask)[2, 2, 2]
    mask[1, 1, 1] = False
    assert not surface(mask)[2, 2, 2]
    mask[1, 1, 2] = False
    assert surface(mask)[2, 2, 2]
    assert surface(np.ones((3, 3), dtype=bool)).sum() == 8  # beyond the array is outside


def test_masks_that_touch_the_border_have_distances() -> None:
    found, reference = np.zeros((2, 8, 8), dtype=bool)
    found[:, :4], reference[:, :5] = True, True
    assert agreement(found, reference).msd == 1.0


def test_the_same_mask_agrees_fully() -> None:
    mask = _blobs(np.random.default_rng(1), (30, 30))
    ours = agreement(mask, mask)
    assert (ours.dice, ours.voe, ours.rvd, ours.asd, ours.msd) == (1.0, 0.0, 0.0, 0.0, 0.0)


def test_empty_masks_have_defined_figures() -> None:
    some = _blobs(np.random.default_rng(2), (30, 30))
    nothing = np.zeros_like(some)
    both = agreement(nothing, nothing)
    assert (both.dice, both.voe, both.rvd, both.asd, both.msd) == (1.0, 0.0, 0.0, 0.0, 0.0)
    missed = agreement(nothing, some)
    assert (missed.dice, missed.voe, missed.rvd, missed.asd) == (0.0, 100.0, -100.0, None)
    invented = agreement(some, nothing)
    assert (invented.dice, invented.voe, invented.rvd, invented.msd) == (0.0, 100.0, None, None)


def test_masks_of_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        agreement(np.zeros((3, 3), bool), np.zeros((3, 4), bool))


def test_means_are_over_the_slices_where_a_figure_is_defined() -> None:
    random = np.random.default_rng(3)
    one, other = _blobs(random, (30, 30)), _blobs(random, (30, 30))
    nothing = np.zeros_like(one)
    pairs = [(one, other), (nothing, other), (one, nothing), (nothing, nothing)]
    each = [agreement(*pair) for pair in pairs]
    found = score_masks(each).entries()
    assert found["dice_mean"] == pytest.approx((each[0].dice + 0 + 0 + 1) / 4)
    assert found["asd"] == pytest.approx((each[0].asd or 0) / 2)
    assert found["n"] == 4
    assert found["n_defined"] == {"rvd": 3, "asd": 2, "msd": 2}
    assert (found["n_both_empty"], found["n_found_empty"], found["n_reference_empty"]) == (1, 1, 1)
    assert found["dice_mean_ci95"][0] < found["dice_mean"] < found["dice_mean_ci95"][1]
