"""The recipe: lungs first, then lungs for everybody, then lungs and lesions together."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from training.fit import Schedule, fit
from training.network import ChestNet
from training.score import lesion_dice, lung_dice
from training.segmentation_objective import SegmentationObjective, Share
from training.self_train import with_own_lungs
from training.slices import SliceSet, read_doctors, read_lungs2d, read_negatives, read_pseudo
from training.split import Parts, divide, read_splits

log = logging.getLogger(__name__)

LUNG_STEPS = 500
JOINT_STEPS = 1200
_PEAK_RATE = 2e-3


@dataclass(frozen=True)
class Corpus:
    """Everything that is trained on and scored with, each set in its parts."""

    lungs2d: Parts
    doctors: Parts
    pseudo: Parts
    negatives: Parts


def read_corpus(data: Path) -> Corpus:
    """Read all sets and divide them as `splits.toml` says."""
    splits = read_splits()
    readers: tuple[Callable[[Path], SliceSet], ...] = (
        read_lungs2d, read_doctors, read_pseudo, read_negatives,
    )  # fmt: skip
    parts = []
    for reader in readers:
        slices = reader(data)
        divided = divide(slices, splits)
        log.info(
            "%s: %d train, %d validation, %d held out",
            *(slices.name, len(divided.train), len(divided.validation), len(divided.held_out)),
        )
        parts.append(divided)
    return Corpus(*parts)


def fit_lungs(corpus: Corpus, build: Path, seed: int, steps: int = LUNG_STEPS) -> ChestNet:
    """Fit lungs only, on the one set that has lung masks, with opacities painted in."""
    torch.manual_seed(seed)
    held = corpus.lungs2d.validation

    def validate(network: ChestNet) -> str:
        return f"validation: lung Dice {lung_dice(network, held).mean():.4f}"

    def objective() -> SegmentationObjective:
        return SegmentationObjective([Share(corpus.lungs2d.train, 12, paste=True)], lesions=False)

    schedule = Schedule(steps, _PEAK_RATE, seed)
    start = ChestNet()
    return fit(start, objective, schedule, build / "lungs.pt", validate=validate)


def fit_joint(
    corpus: Corpus, lungs: ChestNet, build: Path, seed: int, steps: int = JOINT_STEPS
) -> ChestNet:
    """Fit lungs and lesions on all sets, from the lung network and with its lungs."""

    def validate(network: ChestNet) -> str:
        return (
            f"validation: lung Dice {lung_dice(network, corpus.lungs2d.validation).mean():.4f}, "
            f"lesion Dice {lesion_dice(network, corpus.doctors.validation).mean():.4f}"
        )

    def objective() -> SegmentationObjective:
        log.info("the lung network gives lungs to the slices that have none")
        shares = [
            Share(with_own_lungs(lungs, corpus.doctors.train, cropped=True), 4),
            Share(with_own_lungs(lungs, corpus.pseudo.train, cropped=True), 3, trust=0.5),
            Share(corpus.lungs2d.train, 4, paste=True),
            Share(with_own_lungs(lungs, corpus.negatives.train, cropped=False), 5, paste=True),
        ]
        return SegmentationObjective(shares, lesions=True)

    schedule = Schedule(steps, _PEAK_RATE, seed + 1)
    return fit(lungs, objective, schedule, build / "joint.pt", validate=validate)
