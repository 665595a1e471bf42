"""Networks of a chest as files of a bundle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxscript")
pytest.importorskip("skimage")

import onnx

from chest.model.chest_model import SlicesToClassify
from chest.model.load import load_model
from models.catalogue import read_any_bundle
from tests.unit.training.chest_bundle import untrained_masks, untrained_scores
from training.chest.network import SIZE
from training.chest.release.export import MASKS_FILE, SCORES_FILE, compare_masks, compare_scores
from training.chest.scores.network import SIZE as SCORE_SIZE
from training.release.halves import widened


def test_what_is_exported_is_a_bundle_that_is_read_as_a_chest(chest_base: Path) -> None:
    """Untrained networks in 16 bits, declared and sealed, run in the product."""
    trial = np.random.default_rng(1).random((2, 3, SIZE, SIZE), dtype=np.float32)
    files = masks, scores = chest_base / MASKS_FILE, chest_base / SCORES_FILE
    assert compare_masks(untrained_masks(), masks, trial) <= 1e-2
    patches = np.random.default_rng(2).random((2, 1, SCORE_SIZE, SCORE_SIZE), dtype=np.float32)
    assert compare_scores(untrained_scores(), scores, patches) <= 1e-2
    for path in files:
        wide = widened(onnx.load(path)).SerializeToString()
        assert path.stat().st_size < 0.6 * len(wide)
    model = load_model(read_any_bundle(chest_base), threads=2)
    found = model.finder.find(trial[:, 1:2], 3.0)
    assert found.right.shape == (2, SIZE, SIZE)
    assert model.classifier is not None
    hu = np.full((2, 400, 400), -800.0, dtype=np.float32)
    shown = SlicesToClassify(hu, (1.0, 1.0), trial[:, 1:2], found)
    first, second = model.classifier.classify(shown, [1, 0], [0])
    assert (first.index, second.index) == (1, 0)
    assert first.heat is not None
    assert first.heat.levels.shape == (SCORE_SIZE // 32, SCORE_SIZE // 32)
    assert model.lobes_by_shape is not None
    assert (model.lesion_threshold, model.lesion_peak, model.possible_peak) == (0.35, 0.8, 0.5)
