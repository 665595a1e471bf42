"""The chest network of schema 3, its folds, and its scores by scan."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxscript")
pytest.importorskip("skimage")

import torch

from tests.unit.training.chest_bundle import untrained_scores
from tests.unit.training.chest_slices import figures_of, slices_of
from training.chest.calibrate import calibrate_scores, choose_lesion_limits
from training.chest.folds import Fold, FoldMismatch, check_folds, kept, left_out, read_folds
from training.chest.network import SIZE, MaskNet
from training.chest.predict import EVEN_ODDS, LesionLimits, Predicted, lesions_of
from training.chest.score_scans import joined, score_lesions, score_lungs
from training.chest.scores.network import ScoreNet
from training.chest.scores.objective import FigureShare, ScoreObjective
from training.data.slices import SliceSet
from training.data.whole_volumes import WITHOUT_PNEUMONIA, neighbours
from training.encoder.efficientnet_lite import Encoder, load_weights
from training.encoder.published import WeightsUnusable, published_weights
from training.segmentation.objective import BatchShare, draw_batch


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


def test_the_networks_answer_for_lungs_lesions_and_the_slice() -> None:
    slabs = torch.rand(2, 3, SIZE, SIZE)
    with torch.inference_mode():
        lung, lesion = MaskNet().eval()(slabs)
        scores = ScoreNet().eval()(slabs[:, 1:2])
    assert lung.shape == lesion.shape == (2, 3, SIZE, SIZE)
    assert scores.shape == (2, 6)


def test_a_slice_of_one_cell_is_as_warm_as_its_answer() -> None:
    """There the cell gives both the mean and the maximum: its logit is that of the slice."""
    network = untrained_scores()
    for side, cells in ((32, 1), (96, 3)):
        slices = torch.rand(4, 1, side, side)
        with torch.inference_mode():
            logits, heat = network.answered(slices)
            assert logits.numpy() == pytest.approx(network(slices).numpy(), abs=1e-5)
        assert heat.shape == (4, cells, cells)
        if cells == 1:
            assert heat[:, 0, 0].numpy() == pytest.approx(logits[:, 0].numpy(), abs=1e-4)


def test_each_scan_is_left_out_of_one_fold() -> None:
    """The committed folds, against the names of the scans that they were written for."""
    folds = read_folds()
    scans = slices_of(tuple(sorted(name for fold in folds for name in fold.covid_seg20)))
    patients = slices_of(tuple(sorted(name for fold in folds for name in fold.lctsc)))
    volumes = slices_of(WITHOUT_PNEUMONIA)
    assert (len(scans), len(patients)) == (12, 5)
    check_folds(folds, scans, patients, volumes)
    for fold in folds:
        inside, outside = left_out(scans, fold.covid_seg20), kept(scans, fold.covid_seg20)
        assert not set(inside.sources) & set(outside.sources)
        assert len(inside) + len(outside) == len(scans)


@pytest.mark.parametrize("named", [("a",), ("a", "b", "b"), ("a", "c")])
def test_folds_that_miss_or_repeat_a_scan_are_refused(named: tuple[str, ...]) -> None:
    folds = tuple(Fold(*[frozenset({name})] * 3) for name in named)
    data = slices_of(("a", "b"))
    with pytest.raises(FoldMismatch):
        check_folds(folds, data, data, data)


def test_a_batch_carries_the_slices_below_and_above() -> None:
    """A slice that stands alone stands in for them."""
    with_them, alone = slices_of(("a", "b"), around=True), slices_of(("c", "d"))
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
    slices = slices_of(("a", "b", "b", "b"))
    lung = np.zeros((4, 3, SIZE, SIZE), dtype=np.float16)
    lung[:, 1], lung[:, 2] = slices.lung == 1, slices.lung == 2
    lung[:, 0] = slices.lung == 0
    lesion = np.zeros_like(lung)
    lesion[0, 1] = slices.lesion[0] > 0
    found = Predicted(lung, lesion)
    lesions, lungs = score_lesions(slices, found), score_lungs(slices, found)
    assert [one.of_voxels for one in lesions.scans] == [1.0, 0.0]
    assert lesions.mean.mean == pytest.approx(0.5)
    assert lesions.mean_of_slices == pytest.approx(0.25)
    assert lungs.mean.mean == pytest.approx(1.0)
    assert len(joined([lesions, lungs]).scans) == 4


def test_neighbours_lie_three_millimetres_away() -> None:
    """The ends stand in for those that are missing."""
    below, above = neighbours(6, 1.5)
    assert below.tolist() == [0, 0, 0, 1, 2, 3]
    assert above.tolist() == [2, 3, 4, 5, 5, 5]
    assert neighbours(3, 8.0)[1].tolist() == [1, 2, 2]


def test_large_sources_are_drawn_less_often_where_that_is_asked() -> None:
    """A scan of sixteen slices is drawn four times as often as one of a single slice."""
    share = BatchShare(slices_of(("a",) * 16 + ("b",)), 1, evenly=True)
    assert share.chances is not None
    assert share.chances[:16].sum() == pytest.approx(4 * share.chances[16])
    assert BatchShare(share.slices, 1).chances is None


def test_the_limits_of_lesions_are_the_best_for_scans_not_for_slices() -> None:
    """A short scan that needs a low outline counts as much as a long one that needs none."""
    slices = slices_of(("a", "b", "b", "b"))
    lesion = np.zeros((4, 3, SIZE, SIZE), dtype=np.float16)
    lesion[0, 1] = np.where(slices.lesion[0] > 0, 0.32, 0.0)
    lesion[1:, 1] = np.where(slices.lesion[1:] > 0, 0.9, 0.18)
    found = Predicted(np.zeros_like(lesion), lesion)
    limits = choose_lesion_limits([(slices, found)], [])
    assert 0.18 < limits.chosen.outline <= 0.32
    assert limits.chosen.peak <= 0.32
    reached = {one.limits: one.dice for one in limits.tried}
    assert reached[limits.chosen] == pytest.approx(1.0)
    assert reached[LesionLimits(0.4, 0.2, 0.5)] == pytest.approx(0.5)


def test_no_lesion_reaches_beyond_the_lungs_that_are_seen() -> None:
    """As in the product, where lungs are bodies and lesions lie in them."""
    slices = slices_of(("a",))
    lung = np.stack([slices.lung == side for side in range(3)], axis=1).astype(np.float16)
    everywhere = np.zeros_like(lung)
    everywhere[:, 1] = 0.9
    found = lesions_of(slices, Predicted(lung, everywhere), EVEN_ODDS)
    assert np.array_equal(found, slices.lung > 0)


def test_what_never_is_sure_does_not_count_and_what_is_reaches_far() -> None:
    """Volumes without pneumonia bear a low outline where a peak is asked for."""
    slices = slices_of(("a",))
    drawn = np.zeros((1, 3, SIZE, SIZE), dtype=np.float16)
    drawn[0, 1] = np.where(slices.lesion[0] > 0, 0.22, 0.0)  # its border, with a core
    at = np.argwhere(slices.lesion[0] > 0).mean(axis=0).astype(int)
    drawn[0, 1, at[0], at[1]] = 0.97
    scan = (slices, Predicted(np.zeros_like(drawn), drawn))
    lung = np.stack([slices.lung == side for side in range(3)], axis=1).astype(np.float16)

    def volume(name: str, probability: float) -> tuple[SliceSet, Predicted]:
        lesion = np.zeros_like(lung)
        lesion[:, 1] = np.where(slices.lung > 0, probability, 0.0)
        return slices_of((name,)), Predicted(lung, lesion)

    bad, worse, good = volume("b", 0.65), volume("c", 0.75), volume("d", 0.0)
    limits = choose_lesion_limits([scan], [good, bad, worse])
    assert limits.chosen.outline <= 0.2
    assert limits.chosen.peak == 0.7
    false = {one.limits: one.false_percent for one in limits.tried}
    assert false[LesionLimits(0.2, 0.2, 0.3)] == pytest.approx(100.0)
    assert false[limits.chosen] == 0.0


def test_scores_are_calibrated_and_a_wavering_one_is_undetermined() -> None:
    figures, logits = figures_of(np.random.default_rng(2))
    scores = calibrate_scores(figures, logits)
    assert scores.calibration.temperature > 1.0
    assert 0.0 <= scores.low < scores.viral_threshold < scores.high <= 1.0
    assert len(scores.sign_thresholds) == 5


def test_figures_teach_the_answer_that_their_set_asks_for() -> None:
    """COVID-CT what is shipped; the other set its own, through features that both share."""
    figures, _ = figures_of(np.random.default_rng(3))
    asked, other = FigureShare(figures, 4), FigureShare(figures, 2)
    assert figures.viral[asked.draw(1)].tolist() == [1, 1, 0, 0]
    assert asked.draw(1).tolist() == asked.draw(1).tolist()
    for objective, taught in (
        (ScoreObjective((asked,), (other,)), {"encoder", "norm", "answer", "other"}),
        (ScoreObjective((asked,)), {"encoder", "norm", "answer"}),
    ):
        torch.manual_seed(1)
        network = ScoreNet().train()
        objective(network, 5).total.backward()
        moved = {
            name.split(".")[0]
            for name, one in network.named_parameters()
            if one.grad is not None and bool(one.grad.abs().sum() > 0)
        }
        assert moved == taught
