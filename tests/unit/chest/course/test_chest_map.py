"""A chest reduced to blocks: nothing is lost of its volumes, and it comes back from disk."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from chest.course.map_file import chest_map_bytes, read_chest_map
from chest.registration.map_chest import _largest_lesion, map_chest
from chest.values.chest_map import WHOLE, ChestMap
from chest.values.regions import ChestRegions, LesionLabel
from phantom import ORIENTATIONS, Phantom, make_phantom, phantom_grid
from tests.builders.chest.chest_pairs import LOBES, lobe_ml, mapped


def fine(orientation: str) -> Phantom:
    shape = {"axial": (150, 190, 190), "coronal": (190, 150, 190), "sagittal": (190, 150, 190)}
    grid = phantom_grid(shape[orientation.split("_")[0]], (2.0, 1.9, 1.7), orientation)
    return make_phantom(seed=2, grid=grid, twigs=20)


@pytest.fixture(scope="module", params=ORIENTATIONS)
def phantom(request: pytest.FixtureRequest) -> Phantom:
    return fine(request.param)


def test_volumes_add_up_to_those_of_the_voxels(phantom: Phantom) -> None:
    """Lungs, lobes and lesions have the volume of the fine grid, whatever way it runs."""
    chest = mapped(phantom)
    lung_ml = chest.lung_share.sum(dtype=np.int64) / WHOLE * chest.block_ml
    lesion_ml = chest.lesion_share.sum(dtype=np.int64) / WHOLE * chest.block_ml
    assert lung_ml == pytest.approx(phantom.lung_ml(), rel=0.003)
    assert lesion_ml == pytest.approx(phantom.lesion_ml(), rel=0.005)
    assert sum(one.volume_ml for one in chest.lesions) == pytest.approx(phantom.lesion_ml())
    truth = lobe_ml(phantom)
    for value, territory in LOBES.items():
        share = chest.lung_share[chest.territories == value].sum(dtype=np.int64) / WHOLE
        assert share * chest.block_ml == pytest.approx(truth[territory], rel=0.02)


def test_blocks_lie_where_their_voxels_are(phantom: Phantom) -> None:
    """What the map says of a place is true there."""
    chest = mapped(phantom)
    full = np.argwhere(chest.lesion_share == WHOLE)
    places = full @ chest.affine[:3, :3].T + chest.affine[:3, 3]
    _, lesions = phantom.labels_at(places)
    assert np.mean(lesions != LesionLabel.NONE) > 0.99
    largest = chest.lesions[0]
    inside = np.argwhere(chest.lesion_numbers == 1)
    centre = (inside @ chest.affine[:3, :3].T + chest.affine[:3, 3]).mean(axis=0)
    np.testing.assert_allclose(largest.place_mm, centre, atol=3.0)


def test_a_block_has_the_number_of_its_largest_lesion() -> None:
    """The smallest number in it above 0, up to the last that 16 bits hold; 0 where none is."""
    random = np.random.default_rng(3)
    numbers = random.choice([0, 0, 0, 0, 0, 1, 2, 300, 65_534, 65_535], (5, 7, 8)).astype(np.uint16)
    numbers[:2, :3, :3] = 0
    found = _largest_lesion(numbers, (2, 3, 3))
    assert found.shape == (3, 3, 3)
    for at in np.ndindex(found.shape):
        block = numbers[
            tuple(slice(n * one, (n + 1) * one) for n, one in zip(at, (2, 3, 3), strict=True))
        ]
        assert found[at] == (block[block > 0].min() if block.any() else 0)


def test_lesions_are_numbered_from_the_largest() -> None:
    """The order is that of volume, and kinds add up."""
    chest = mapped(fine("axial_to_head"))
    volumes = [one.volume_ml for one in chest.lesions]
    assert volumes == sorted(volumes, reverse=True)
    assert [one.number for one in chest.lesions] == list(range(1, len(volumes) + 1))
    for one in chest.lesions:
        assert one.ground_glass_ml + one.consolidation_ml == pytest.approx(one.volume_ml)


def test_no_lung_no_map() -> None:
    """There is nothing to compare a later study with."""
    phantom = make_phantom(grid=phantom_grid((8, 16, 16), (40.0, 24.0, 24.0)), twigs=5)
    empty = ChestRegions(np.zeros_like(phantom.lungs), np.zeros_like(phantom.lesions))
    assert map_chest(phantom.volume, empty, None, tracking_uid=str) is None


@pytest.fixture(scope="module")
def chest() -> ChestMap:
    return mapped(fine("axial_to_feet"))


def test_a_map_comes_back_as_it_was_kept(chest: ChestMap, tmp_path: Path) -> None:
    """Arrays, lesions and territories, in a file of less than a megabyte."""
    path = tmp_path / "kept.npz"
    path.write_bytes(chest_map_bytes(chest))
    assert path.stat().st_size < 1_000_000
    back = read_chest_map(path)
    assert back is not None
    for field in dataclasses.fields(ChestMap):
        np.testing.assert_equal(getattr(back, field.name), getattr(chest, field.name))


def test_a_map_that_cannot_be_read_is_none(chest: ChestMap, tmp_path: Path) -> None:
    """Gone, cut off, no npz at all, or of another version: no error reaches the study after it."""
    path = tmp_path / "kept.npz"
    path.write_bytes(chest_map_bytes(chest))
    whole = path.read_bytes()
    assert read_chest_map(tmp_path / "gone.chest.npz") is None
    for damaged in (whole[:2000], b"", b"text", whole[:-500] + bytes(500)):
        path.write_bytes(damaged)
        assert read_chest_map(path) is None
    facts = np.frombuffer(json.dumps({"version": 99}).encode(), dtype=np.uint8)
    np.savez(path, facts=facts)
    assert read_chest_map(path) is None
