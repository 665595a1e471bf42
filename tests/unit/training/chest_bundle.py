"""A chest bundle of schema 3 whose networks know nothing, sealed like one that is released."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import nn

from models.release.seal import seal
from tests.unit.training.lobe_maps import lobe_map
from training.chest.calibrate import Scores
from training.chest.network import SIZE, MaskNet
from training.chest.predict import LesionLimits
from training.chest.release.declaration import NAME, VERSION, declaration
from training.chest.release.export import write_networks
from training.chest.scores.network import SIZE as SCORE_SIZE
from training.chest.scores.network import ScoreNet
from training.classification.calibration import Calibration
from training.lobes.export import write_lobes
from training.lobes.network import LobeNet

SCORES = Scores(
    calibration=Calibration(1.5, np.full(5, 0.9), np.full(5, 0.1)),
    viral_threshold=0.5,
    sign_thresholds=(0.4, 0.5, 0.5, 0.5, 0.6),
    low=0.45,
    high=0.55,
)


Network = TypeVar("Network", bound=nn.Module)


def untrained_masks(seed: int = 1) -> MaskNet:
    """A small decoder on the encoder; every normalisation does something, so folding shows."""
    torch.manual_seed(seed)
    return _with_figures(MaskNet(widths=(8, 8, 8, 8)))


def untrained_scores(seed: int = 1) -> ScoreNet:
    """Likewise."""
    torch.manual_seed(seed)
    return _with_figures(ScoreNet())


def _with_figures(network: Network) -> Network:
    torch.set_num_threads(1)  # several wait for each other for long where cores are shared
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.uniform_(-0.2, 0.2)
                module.running_var.uniform_(0.5, 1.5)
            if isinstance(module, nn.BatchNorm2d | nn.LayerNorm):
                module.weight.uniform_(0.5, 1.5)
                module.bias.uniform_(-0.2, 0.2)
    return network.eval()


def write_chest_bundle(bundles: Path) -> Path:
    """Write and seal the bundle in a folder of bundles; returns its own folder.

    Lesions are outlined from 0.35 on and count from 0.8 on.
    """
    folder = bundles / NAME / VERSION
    folder.mkdir(parents=True)
    trial = np.random.default_rng(1).random((8, 3, SIZE, SIZE), dtype=np.float32)
    patches = np.random.default_rng(2).random((8, 1, SCORE_SIZE, SCORE_SIZE), dtype=np.float32)
    write_networks(untrained_masks(), untrained_scores(), folder, trial, patches)
    write_lobes(LobeNet(), folder, lobe_map())
    text = declaration(SCORES, LesionLimits(0.35, 0.1, 0.8), 0.5)
    (folder / "bundle.toml").write_text(text, encoding="utf-8")
    (folder / "MODEL_CARD.md").write_text("# The card of the base\n", encoding="utf-8")
    seal(folder)
    return folder
