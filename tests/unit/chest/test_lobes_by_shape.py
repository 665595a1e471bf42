"""Lobes where no fissure can be seen: where the shape of the lungs says that they are likely."""

from __future__ import annotations

import numpy as np
import pytest

from chest.lobes import find_territories
from chest.lobes.by_shape import GRID, ORDER, Floats
from chest.lobes.find import VALUES
from chest.values.regions import ChestRegions, LungLabel
from chest.values.territory import Territory
from radiology.image.volume import Volume

LOBES = set(ORDER)


class Halves:
    """In place of a trained network: lobes are halves and thirds of the height, from the head."""

    def likely(self, lungs: Floats) -> Floats:
        """Answer; the masks must be those of the two lungs."""
        assert lungs.shape == (2, *GRID)
        assert not (lungs[0] * lungs[1]).any()
        at = np.arange(GRID[0]) / GRID[0]
        likely = np.zeros((len(ORDER), *GRID), dtype=np.float32)
        for lobe, (start, stop) in enumerate(((0, 0.5), (0.5, 1), (0, 0.3), (0.3, 0.6), (0.6, 1))):
            likely[lobe, (at >= start) & (at < stop)] = 1.0
        return likely


def _chest(slice_mm: float = 8.0) -> tuple[Volume, ChestRegions]:
    """Two boxes of lung in slices that are too thick for a fissure; the right one is higher."""
    shape = (30, 100, 120)
    lungs = np.zeros(shape, dtype=np.uint8)
    lungs[5:25, 20:80, 10:55] = LungLabel.RIGHT
    lungs[5:25, 20:80, 65:110] = LungLabel.LEFT
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = slice_mm, 2.5, 2.5, 1.0
    hounsfield = np.where(lungs > 0, -850.0, 40.0).astype(np.float32)
    return Volume(hounsfield, affine), ChestRegions(lungs, np.zeros_like(lungs))


def _middle(labels: np.ndarray, lobe: Territory) -> float:
    """The mean slice of a lobe."""
    return float(np.argwhere(labels == VALUES[lobe])[:, 0].mean())


def test_every_lung_voxel_belongs_to_a_likely_lobe() -> None:
    volume, regions = _chest()
    found = find_territories(volume, regions, Halves())
    assert set(found.names.values()) == LOBES
    assert np.array_equal(found.labels > 0, regions.lungs > 0)
    for one in found.boundaries:
        assert not one.seen
        assert one.by_shape
        assert "slices of 8.0 mm" in one.reason
    labels = found.labels
    left_upper = labels == VALUES[Territory.LEFT_UPPER_LOBE]
    assert left_upper.sum() == pytest.approx(0.5 * (regions.lungs == LungLabel.LEFT).sum(), rel=0.1)
    assert set(regions.lungs[left_upper].tolist()) == {int(LungLabel.LEFT)}
    right = [
        _middle(labels, one)
        for one in (
            Territory.RIGHT_UPPER_LOBE,
            Territory.RIGHT_MIDDLE_LOBE,
            Territory.RIGHT_LOWER_LOBE,
        )
    ]
    assert right == sorted(right, reverse=True)  # slices go to the head


def test_it_is_the_same_however_the_patient_was_scanned() -> None:
    """Turned over and upside down, each voxel is of the same lobe."""
    volume, regions = _chest()
    turned = Volume(
        np.ascontiguousarray(volume.hounsfield[::-1, :, ::-1]),
        volume.affine @ np.diag([-1.0, 1.0, -1.0, 1.0]),
    )
    flipped = ChestRegions(
        np.ascontiguousarray(regions.lungs[::-1, :, ::-1]),
        np.ascontiguousarray(regions.lesions[::-1, :, ::-1]),
    )
    straight = find_territories(volume, regions, Halves()).labels
    other = find_territories(turned, flipped, Halves()).labels
    assert np.array_equal(other[::-1, :, ::-1], straight)


def test_without_such_a_network_there_are_zones() -> None:
    found = find_territories(*_chest())
    assert not set(found.names.values()) & LOBES
    assert not any(one.by_shape for one in found.boundaries)


def test_one_lung_alone_has_no_likely_lobes() -> None:
    """The network has seen no such patient."""
    volume, regions = _chest()
    regions.lungs[regions.lungs == LungLabel.LEFT] = LungLabel.NONE
    found = find_territories(volume, regions, Halves())
    assert set(found.names.values()) == {
        Territory.RIGHT_UPPER_ZONE,
        Territory.RIGHT_MIDDLE_ZONE,
        Territory.RIGHT_LOWER_ZONE,
    }
    assert not any(one.by_shape for one in found.boundaries)
