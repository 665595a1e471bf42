"""Labels mean what they say: sides, upright storage, grey levels, the split."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("skimage")

from chest.grey_levels import grey_to_hounsfield
from radiology.image.grey_window import window_to_hounsfield
from training.data.lung_sides import LEFT, RIGHT, split_lung_sides
from training.data.slices import GRID, SliceSet
from training.data.split import SplitMismatch, divide, read_splits, sources_digest
from training.segmentation.operating_point import calibrate
from training.segmentation.score import bootstrap, dice
from training.segmentation.self_train import lungs_with_lesions


def _lungs() -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    mask = np.zeros((GRID, GRID), dtype=bool)
    mask[60:180, 40:110] = True
    mask[60:180, 150:220] = True
    return mask


def test_right_lung_is_at_the_images_left() -> None:
    sides = split_lung_sides(_lungs())
    assert (sides[60:180, 40:110] == RIGHT).all()
    assert (sides[60:180, 150:220] == LEFT).all()


def test_lungs_that_touch_are_cut_between() -> None:
    mask = _lungs()
    mask[60:64, 110:150] = True
    sides = split_lung_sides(mask)
    assert (sides[100:180, 40:110] == RIGHT).all()
    assert (sides[100:180, 150:220] == LEFT).all()
    assert set(np.unique(sides[60:64, 110:150])) == {RIGHT, LEFT}


def test_grey_levels_come_back_to_lung_and_soft_tissue() -> None:
    """A slice shown in an unknown window: its two peaks say what the window was."""
    random = np.random.default_rng(0)
    hu = np.full((GRID, GRID), 40.0)
    hu[_lungs()] = -860.0
    hu += random.normal(0, 15, hu.shape)
    grey = np.clip((hu + 1300) / 1600 * 255, 0, 255).astype(np.uint8)
    found = grey_to_hounsfield(grey)
    assert np.median(found[_lungs()]) == pytest.approx(-860, abs=20)
    assert np.median(found[~_lungs()]) == pytest.approx(40, abs=20)


def test_known_window_is_linear() -> None:
    grey = np.array([[0, 255]], dtype=np.uint8)
    assert window_to_hounsfield(grey, -1000.0, 400.0).tolist() == [[-1000.0, 400.0]]


def test_dense_lesion_joins_the_lung() -> None:
    lung, lesion = _lungs(), np.zeros((GRID, GRID), dtype=bool)
    lung[150:180, 40:110] = False
    lesion[153:180, 40:110] = True
    joined = lungs_with_lesions(lung, lesion)
    assert (joined[60:180, 45:105] == RIGHT).all()


def test_dice_and_its_interval() -> None:
    truth = np.zeros((2, 4, 4), dtype=bool)
    truth[0, :2] = True
    found = truth.copy()
    found[0, 0] = False
    scores = dice(found, truth)
    assert scores == pytest.approx([2 / 3, 1.0])
    interval = bootstrap(scores)
    assert interval.low <= interval.mean <= interval.high
    assert interval.count == 2


def _set(sources: tuple[str, ...]) -> SliceSet:
    shape = (len(sources), 4, 4)
    empty = np.zeros(shape, dtype=np.uint8)
    return SliceSet("any", np.zeros(shape, dtype=np.float16), empty, empty, sources, true_hu=True)


def test_parts_share_no_source() -> None:
    slices = _set(("a", "a", "b", "c"))
    table = {"any": {"sha256": sources_digest(slices), "validation": ["b"], "held_out": ["a"]}}
    parts = divide(slices, table)
    assert parts.train.sources == ("c",)
    assert parts.validation.sources == ("b",)
    assert parts.held_out.sources == ("a", "a")


def test_split_is_refused_for_other_data() -> None:
    slices = _set(("a", "b"))
    digest = sources_digest(slices)
    with pytest.raises(SplitMismatch, match="not in the data"):
        divide(slices, {"any": {"sha256": digest, "held_out": ["z"]}})
    with pytest.raises(SplitMismatch, match="two parts"):
        divide(slices, {"any": {"sha256": digest, "held_out": ["a"], "validation": ["a"]}})
    with pytest.raises(SplitMismatch, match="sha256"):
        divide(slices, {"any": {"sha256": "0" * 64, "held_out": ["a"]}})


def test_committed_split_keeps_slices_of_one_patient_on_one_side() -> None:
    """Pairs of drawn slices that show the same patient, found by comparing all of them."""
    table = read_splits()["infnet-doctors"]
    held_out, validation = table["held_out"], table["validation"]
    assert isinstance(held_out, list)
    assert isinstance(validation, list)
    for patient in [(10, 43), (4, 5, 17, 46), (35, 67), (13, 31), (12, 28), (42, 57)]:
        for part in (held_out, validation):
            assert len({str(number) in part for number in patient}) == 1


def test_split_file_is_beside_the_code() -> None:
    assert Path(__file__).parents[3].joinpath("training/data/splits.toml").exists()


def test_suspicion_is_even_between_disease_and_its_absence() -> None:
    """The fit is finite whether or not the two groups overlap."""
    clear = np.array([0.01, 0.1, 0.2, 0.3])
    apart = calibrate(np.array([3.0, 5.0, 9.0]), clear)
    assert 0.3 < apart.even_share_percent < 3.0
    assert 0 < apart.slope < 100
    mixed = calibrate(np.array([0.25, 3.0, 5.0]), clear)
    assert 0 < mixed.slope < apart.slope
