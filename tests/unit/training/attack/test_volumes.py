"""A step for or against lesions: as long as it may be, and the reader finds more or less."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxscript")

from chest.model.slab_finder import SlabFinder
from chest.reader import Reader
from models.catalogue import read_any_bundle
from models.declared_bundle import DeclaredBundle
from phantom.grid import phantom_grid
from phantom.synthesis import make_phantom
from radiology.errors import BundleRejected
from tests.peers.programs import REPOSITORY
from training.attack.volumes import Goal, MovedFinder, attacked_volumes
from training.chest.release.export import MASKS_FILE
from training.site.of_schema_3.bundle import network_file
from training.site.of_schema_3.read_back import read_masks

_BUNDLES = REPOSITORY / "models/bundles/chest-ct-pneumonia"


def test_lesions_grow_by_a_step_for_them_and_shrink_by_one_against_them() -> None:
    bundle = read_any_bundle(_BUNDLES / "3.1.0")
    assert isinstance(bundle, DeclaredBundle)
    network = read_masks(network_file(bundle, MASKS_FILE)).requires_grad_(False)
    finder = Reader.of(bundle, threads=1).model.finder
    assert isinstance(finder, SlabFinder)
    phantom = make_phantom(seed=11, grid=phantom_grid((5, 256, 256), (20.0, 1.4, 1.4)))
    patches = ((phantom.volume.hounsfield + 1250.0) / 1500.0).clip(0.0, 1.0)[:, None]
    patches = patches.astype(np.float32)

    def lesion(goal: Goal | None) -> float:
        asked = finder if goal is None else MovedFinder(finder, network, goal, 10.0)
        return float(asked.find(patches, 3.0).lesion.mean())

    moved = MovedFinder(finder, network, Goal.MORE, 10.0).moved(patches, 3.0)
    assert np.abs(moved - patches).max() == pytest.approx(10.0 / 1500.0, abs=1e-6)
    assert lesion(Goal.FEWER) < 0.8 * lesion(None)
    assert lesion(Goal.MORE) > 1.2 * lesion(None)


def test_a_bundle_without_such_a_network_is_refused() -> None:
    with pytest.raises(BundleRejected, match="schema 3"):
        next(attacked_volumes(_BUNDLES / "2.0.0", [], 10.0))
