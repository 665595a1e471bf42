"""Training varies slices honestly, goes on after an interruption, and exports what it trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("skimage")

import torch

from training.data.augment import Batch, augment, to_network_input
from training.data.lung_sides import LEFT, RIGHT
from training.data.slices import GRID, UNKNOWN, SliceSet
from training.fit import Schedule, fit
from training.segmentation.loss import lesion_loss, lung_loss
from training.segmentation.network import ChestNet, parameter_count
from training.segmentation.objective import BatchShare, SegmentationObjective


def _slices(count: int = 6) -> SliceSet:
    hu = np.full((count, GRID, GRID), 40.0, dtype=np.float16)
    lung = np.zeros((count, GRID, GRID), dtype=np.uint8)
    lung[:, 60:180, 40:110] = RIGHT
    lung[:, 60:180, 150:220] = LEFT
    hu[lung > 0] = -860.0
    sources = tuple(str(i) for i in range(count))
    return SliceSet("any", hu, lung, np.zeros_like(lung), sources, true_hu=True)


def _batch(slices: SliceSet, *, paste: bool) -> Batch:
    return Batch(
        hu=torch.from_numpy(slices.hu.astype(np.float32))[:, None],
        lung=torch.from_numpy(slices.lung.astype(np.int64)),
        lesion=torch.from_numpy(slices.lesion.astype(np.int64)),
        true_hu=torch.full((len(slices),), True),
        paste=torch.full((len(slices),), paste),
    )


def test_variation_follows_from_its_seed_and_keeps_right_at_the_images_left() -> None:
    batch = _batch(_slices(), paste=True)
    one = augment(batch, torch.Generator().manual_seed(3))
    two = augment(batch, torch.Generator().manual_seed(3))
    assert torch.equal(one.hu, two.hu)
    assert torch.equal(one.lesion, two.lesion)
    columns = torch.arange(GRID).float()
    for lung in one.lung:
        centres = [
            float((columns * (lung == side).sum(0)).sum() / (lung == side).sum().clamp(min=1))
            for side in (RIGHT, LEFT)
        ]
        assert centres[0] < centres[1]


def test_painted_lesions_lie_in_lungs() -> None:
    varied = augment(_batch(_slices(12), paste=True), torch.Generator().manual_seed(1))
    assert bool((varied.lesion > 0).any())
    outside = (varied.lesion > 0) & (varied.lung == 0)
    assert float(outside.float().mean()) < 1e-3


def test_network_input_is_within_zero_and_one() -> None:
    x = to_network_input(torch.tensor([[[[-3000.0, -1250.0, -500.0, 250.0, 3000.0]]]]))
    assert x[0, 0, 0].tolist() == pytest.approx([0.0, 0.0, 0.5, 1.0, 1.0])


def test_unknown_pixels_do_not_count() -> None:
    logits = torch.randn(2, 3, 8, 8)
    unknown = torch.full((2, 8, 8), UNKNOWN)
    assert float(lung_loss(logits, unknown)) == 0.0
    lesion = torch.zeros(2, 8, 8, dtype=torch.int64)
    trusted = lesion_loss(logits, lesion, torch.tensor([1.0, 0.0]))
    other = logits.clone()
    other[1] += torch.randn(3, 8, 8)
    assert float(lesion_loss(other, lesion, torch.tensor([1.0, 0.0]))) == pytest.approx(
        float(trusted)
    )


def test_interrupted_training_ends_where_the_uninterrupted_one_does(tmp_path: Path) -> None:
    torch.manual_seed(0)
    start = ChestNet(widths=(4, 6, 8), stem=4)
    slices = _slices()

    def objective() -> SegmentationObjective:
        return SegmentationObjective([BatchShare(slices, 2)], lesions=False)

    def run(folder: str, steps: int, total: int = 4) -> ChestNet:
        schedule = Schedule(total, 1e-3, seed=1)
        checkpoint = tmp_path / folder / "any.pt"
        if steps < total:
            with pytest.raises(KeyboardInterrupt):
                fit(
                    *(start, objective, schedule, checkpoint),
                    validate=_interrupt,
                    validate_every=steps,
                    checkpoint_every=steps,
                )
        return fit(start, objective, schedule, checkpoint, validate=lambda _: "")

    def _interrupt(_: ChestNet) -> str:
        raise KeyboardInterrupt

    whole, broken = run("whole", 4), run("broken", 2)
    for one, two in zip(whole.parameters(), broken.parameters(), strict=True):
        assert torch.allclose(one, two, atol=1e-5)


def test_network_is_small() -> None:
    assert parameter_count(ChestNet()) < 1_500_000


def test_exports_agree_with_pytorch(tmp_path: Path) -> None:
    """Both networks answer in ONNX Runtime as they do in PyTorch, for one slice and for several."""
    pytest.importorskip("onnxscript")
    from training.classification.network import Ensemble, Sight, ViewNet
    from training.release.export import TOLERANCE, write_classification, write_segmentation

    agreement = write_segmentation(ChestNet().eval(), tmp_path / "segmentation.onnx")
    assert agreement.largest_difference <= TOLERANCE
    members = [ViewNet(sight, widths=(4, 6, 8, 8), joined=8).eval() for sight in Sight]
    ensemble = Ensemble(members, 1.5, torch.ones(5), torch.zeros(5)).eval()
    agreement = write_classification(ensemble, tmp_path / "classification.onnx")
    assert agreement.largest_difference <= TOLERANCE
