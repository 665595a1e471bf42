"""The chest network of schema 3, its folds, and its scores by scan."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from training.chest.folds import Fold, FoldMismatch, check_folds, kept, left_out, read_folds
from training.chest.network import SIZE, ChestSlabNet
from training.chest.predict import Predicted
from training.chest.score_scans import joined, score_lesions, score_lungs
from training.data.slices import LESION_OF_UNKNOWN_KIND, SliceSet
from training.encoder.efficientnet_lite import Encoder, load_weights
from training.encoder.published import WeightsUnusable, published_weights
from training.segmentation.objective import BatchShare, draw_batch


def _slices(sources: tuple[str, ...], *, around: bool = False) -> SliceSet:
    count = len(sources)
    hu = np.full((count, SIZE, SIZE), -860, dtype=np.float16)
    hu += np.arange(count, dtype=np.float16)[:, None, None]
    lung = np.zeros((count, SIZE, SIZE), dtype=np.uint8)
    lung[:, 60:180, 40:110], lung[:, 60:180, 150:220] = 1, 2
    lesion = np.zeros_like(lung)
    lesion[:, 100:120, 50:70] = LESION_OF_UNKNOWN_KIND
    beside = np.stack([hu - 100, hu + 100], 1) if around else None
    return SliceSet("any", hu, lung, lesion, sources, true_hu=True, around=beside)


@pytest.mark.parametrize("variant", [0, 1, 2])
def test_an_encoder_halves_its_features_four_times(variant: int) -> None:
    """And five times with the last stages; it says how many channels they have."""
    for to_32 in (False, True):
        encoder = Encoder(variant, to_32=to_32)
        features = encoder(torch.zeros(1, 3, 64, 64))
        assert [one.shape[1] for one in features] == encoder.channels
        sides = [32, 16, 8, 4, 2] if to_32 else [32, 16, 8, 4]
        assert [one.shape[-1] for one in features] == sides


def test_weights_of_another_variant_are_refused() -> None:
    """Their shapes differ."""
    stored = Encoder(2).state_dict()
    with pytest.raises((RuntimeError, KeyError)):
        load_weights(Encoder(0), stored)


def test_weights_are_known_by_their_digest(tmp_path: Path) -> None:
    """Other weights would make another bundle."""
    path = tmp_path / "weights.pth"
    path.write_bytes(b"other")
    with pytest.raises(WeightsUnusable, match="sha256"):
        published_weights(0, path)
    with pytest.raises(WeightsUnusable, match="does not exist"):
        published_weights(0, tmp_path / "absent.pth")


def test_the_network_answers_for_lungs_lesions_and_the_slice() -> None:
    network = ChestSlabNet().eval()
    with torch.inference_mode():
        lung, lesion, scores = network(torch.rand(2, 3, SIZE, SIZE))
    assert lung.shape == lesion.shape == (2, 3, SIZE, SIZE)
    assert scores.shape == (2, 6)


def test_each_scan_is_left_out_of_one_fold() -> None:
    """The committed folds, against the names of the scans that they were written for."""
    folds = read_folds()
    scans = _slices(tuple(sorted(name for fold in folds for name in fold.covid_seg20)))
    patients = _slices(tuple(sorted(name for fold in folds for name in fold.lctsc)))
    assert (len(scans), len(patients)) == (12, 5)
    check_folds(folds, scans, patients)
    for fold in folds:
        inside, outside = left_out(scans, fold.covid_seg20), kept(scans, fold.covid_seg20)
        assert not set(inside.sources) & set(outside.sources)
        assert len(inside) + len(outside) == len(scans)


@pytest.mark.parametrize("named", [("a",), ("a", "b", "b"), ("a", "c")])
def test_folds_that_miss_or_repeat_a_scan_are_refused(named: tuple[str, ...]) -> None:
    folds = tuple(Fold(frozenset({name}), frozenset({name})) for name in named)
    data = _slices(("a", "b"))
    with pytest.raises(FoldMismatch):
        check_folds(folds, data, data)


def test_a_batch_carries_the_slices_below_and_above() -> None:
    """A slice that stands alone stands in for them."""
    with_them, alone = _slices(("a", "b"), around=True), _slices(("c", "d"))
    batch, _ = draw_batch([BatchShare(with_them, 2), BatchShare(alone, 2)], 1, with_neighbours=True)
    assert batch.hu.shape == (4, 3, SIZE, SIZE)
    below, middle, above = batch.hu[:2].mean((2, 3)).T
    assert torch.allclose(middle - below, torch.full((2,), 100.0), atol=2.0)
    assert torch.allclose(above - middle, torch.full((2,), 100.0), atol=2.0)
    assert torch.equal(batch.hu[2:, 0], batch.hu[2:, 2])
    single, _ = draw_batch([BatchShare(with_them, 2)], 1)
    assert single.hu.shape == (2, 1, SIZE, SIZE)


def test_scans_are_scored_as_wholes_and_each_counts_alike() -> None:
    """One scan found whole, one not at all: half of a Dice, whatever their numbers of slices."""
    slices = _slices(("a", "b", "b", "b"))
    lung = np.zeros((4, 3, SIZE, SIZE), dtype=np.float16)
    lung[:, 1], lung[:, 2] = slices.lung == 1, slices.lung == 2
    lung[:, 0] = slices.lung == 0
    lesion = np.zeros_like(lung)
    lesion[0, 1] = slices.lesion[0] > 0
    found = Predicted(lung, lesion, np.zeros((4, 6), dtype=np.float32))
    lesions, lungs = score_lesions(slices, found), score_lungs(slices, found)
    assert [one.of_voxels for one in lesions.scans] == [1.0, 0.0]
    assert lesions.mean.mean == pytest.approx(0.5)
    assert lesions.mean_of_slices == pytest.approx(0.25)
    assert lungs.mean.mean == pytest.approx(1.0)
    assert len(joined([lesions, lungs]).scans) == 4
