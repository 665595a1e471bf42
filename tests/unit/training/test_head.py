"""The head bundle's training varies slices honestly, splits by patient, exports what it trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from models.onnx_session import runner_on_cpu
from phantom.head import Bleeding, BleedingLabel, HeadPhantom, head_grid, make_head_phantom
from training.head.calibrate import Curve, cross_fitted, fit_curve
from training.head.export import FILE, INPUT, OUTPUTS, write_network
from training.head.made_heads import slices_of
from training.head.network import SIZE, HeadNet
from training.head.objective import HeadObjective, Origin, mask_loss
from training.head.paste import erase_bleeding, paste_bleeding
from training.head.slices import (
    UNKNOWN,
    HeadSlices,
    brain_of,
    hounsfield_of_picture,
    split_by_group,
)
from training.head.vary import CROP, WINDOWS_HU, to_network_input, vary


@pytest.fixture(scope="module")
def phantom() -> HeadPhantom:
    grid = head_grid((9, SIZE, SIZE), (12.0, 0.9, 0.9))
    return make_head_phantom(
        grid=grid, bleedings=[Bleeding(BleedingLabel.INTRAPARENCHYMAL, 30.0, (30.0, 0.0, 18.0))]
    )


@pytest.fixture(scope="module")
def slices(phantom: HeadPhantom) -> HeadSlices:
    return slices_of(phantom)


def _tensors(slices: HeadSlices) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    true_hu = torch.full((len(slices),), slices.true_hu)
    return torch.from_numpy(slices.hu), torch.from_numpy(slices.mask), true_hu


def test_made_slices_say_what_they_show(slices: HeadSlices) -> None:
    """A slice counts as bleeding when its mask does, and both kinds are there."""
    np.testing.assert_array_equal(slices.bleeding == 1, (slices.mask == 1).any(axis=(1, 2)))
    assert 0 < slices.bleeding.sum() < len(slices)


def test_channels_are_windows_within_zero_and_one() -> None:
    """Each channel runs from the low end of its window to the high one, and is clipped."""
    for channel, (low, high) in enumerate(WINDOWS_HU):
        hu = torch.tensor([[[low - 500.0, low, (low + high) / 2.0, high, high + 500.0]]])
        assert to_network_input(hu)[0, channel, 0].tolist() == pytest.approx([0, 0, 0.5, 1, 1])


def test_variation_follows_from_its_seed_and_keeps_labels(slices: HeadSlices) -> None:
    """The same seed varies alike; what nobody drew stays unknown."""
    hu, mask, true_hu = _tensors(slices)
    mask = mask.clone()
    mask[0] = UNKNOWN
    one, labels = vary(hu, mask, true_hu, torch.Generator().manual_seed(3))
    two, _ = vary(hu, mask, true_hu, torch.Generator().manual_seed(3))
    assert torch.equal(one, two)
    assert one.shape[1:] == labels.shape[1:] == CROP
    assert set(labels.unique().tolist()) <= {0, 1, UNKNOWN}
    assert float((labels[0] == UNKNOWN).float().mean()) > 0.7


def test_pasted_blood_lies_in_the_brain_and_is_dense(slices: HeadSlices) -> None:
    """Blood is painted inside the skull alone, denser than what was there."""
    place = int(np.flatnonzero(slices.bleeding == 0)[0])
    hu, brain = slices.hu[place], brain_of(slices.hu[place])
    assert 5_000 < np.count_nonzero(brain) < 35_000
    painted, mask = paste_bleeding(hu, slices.mask[place], brain, np.random.default_rng(1))
    assert (mask == 1).any()
    assert brain[mask == 1].all()
    assert np.median((painted - hu)[mask == 1]) > 8.0
    np.testing.assert_array_equal(painted[~brain], hu[~brain])


def test_nothing_is_pasted_where_no_brain_is_found() -> None:
    """A picture without a closed skull is left as it is."""
    empty = np.zeros((SIZE, SIZE), dtype=np.float32)
    brain = brain_of(empty)
    assert not brain.any()
    painted, mask = paste_bleeding(empty, empty.astype(np.uint8), brain, np.random.default_rng(1))
    assert painted is empty
    assert not mask.any()


def test_erased_blood_looks_like_brain(slices: HeadSlices) -> None:
    """Where blood was drawn lies tissue afterwards."""
    place = int(np.argmax((slices.mask == 1).sum(axis=(1, 2))))
    hu, mask = slices.hu[place], slices.mask[place]
    erased = erase_bleeding(hu, mask, np.random.default_rng(1))
    assert np.median(hu[mask == 1]) > 55.0
    assert np.median(erased[mask == 1]) == pytest.approx(34.0, abs=6.0)


@pytest.mark.parametrize(("low", "high"), [(0.0, 80.0), (-10.0, 90.0), (0.0, 120.0)])
def test_a_picture_of_unknown_window_comes_back_near_its_hu(
    phantom: HeadPhantom, low: float, high: float
) -> None:
    """Whatever brain window a picture was made with, tissue is tissue and blood is denser."""
    place = int(np.argmax(np.count_nonzero(phantom.bleedings, axis=(1, 2))))
    hu, blood = phantom.volume.hounsfield[place], phantom.bleedings[place] > 0
    grey = np.clip(255.0 * (hu - low) / (high - low), 0.0, 255.0).astype(np.uint8)
    found = hounsfield_of_picture(grey)
    assert found.shape == (SIZE, SIZE)
    tissue = found[(found > 22.0) & (found < 46.0)]
    assert np.median(tissue) == pytest.approx(34.0, abs=4.0)
    dense = (found > 48.0) & brain_of(found)
    assert np.count_nonzero(dense) > 0.5 * np.count_nonzero(blood)


def test_slices_of_one_patient_share_a_fold() -> None:
    """No patient stands on both sides of a split, and every fold gets some."""
    groups = tuple(f"patient {index // 3}" for index in range(30))
    folds = split_by_group(groups, 4, seed=1)
    for name in set(groups):
        assert len({fold for fold, group in zip(folds, groups, strict=True) if group == name}) == 1
    assert set(folds.tolist()) == {0, 1, 2, 3}


def test_what_nobody_drew_does_not_count() -> None:
    """The loss of masks ignores slices whose outline is not known."""
    logits = torch.randn(2, 16, 16)
    mask = torch.zeros(2, 16, 16, dtype=torch.uint8)
    mask[1] = UNKNOWN
    other = logits.clone()
    other[1] += 5.0
    assert float(mask_loss(logits, mask)) == pytest.approx(float(mask_loss(other, mask)))
    unknown = torch.full((2, 16, 16), UNKNOWN, dtype=torch.uint8)
    assert float(mask_loss(logits, unknown)) == 0.0


def test_a_step_follows_from_its_seed(slices: HeadSlices) -> None:
    """The same seed draws the same batch and gives the same loss."""
    network = HeadNet().train()
    objective = HeadObjective([Origin(slices, 2)])
    torch.manual_seed(5)
    first = objective(network, 7).total.item()
    torch.manual_seed(5)
    assert objective(network, 7).total.item() == pytest.approx(first, rel=1e-4)


def test_calibration_finds_the_curve_and_never_sees_its_own_fold() -> None:
    """Labels drawn from a curve give it back; a fold's own labels change nothing in it."""
    random = np.random.default_rng(1)
    logit = random.normal(0.0, 3.0, 4000)
    truth = random.random(4000) < Curve(0.8, -0.5).probability(logit)
    found = fit_curve(logit, truth)
    assert (found.slope, found.offset) == pytest.approx((0.8, -0.5), abs=0.1)
    folds = np.arange(4000) % 4
    other = np.where(folds == 0, ~truth, truth)
    np.testing.assert_array_equal(
        cross_fitted(logit, truth, folds)[folds == 0], cross_fitted(logit, other, folds)[folds == 0]
    )


def test_the_exported_network_answers_as_the_trained_one(
    slices: HeadSlices, tmp_path: Path
) -> None:
    """One file, plain names, any number of slices, small; the score is calibrated inside."""
    torch.manual_seed(1)
    path = tmp_path / FILE
    exported = write_network(HeadNet(), Curve(0.5, 0.1), path, slices)
    assert exported.largest_difference < 1e-3
    assert exported.size_bytes < 6_000_000
    inputs = to_network_input(torch.from_numpy(slices.hu[:2])).numpy()
    mask, score = runner_on_cpu(path, INPUT, OUTPUTS, threads=1)(inputs)
    assert mask.shape == (2, 1, SIZE, SIZE)
    assert score.shape == (2, 1)
    assert float(mask.min()) >= 0.0
    assert float(mask.max()) <= 1.0
