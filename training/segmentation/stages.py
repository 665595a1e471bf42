"""The segmentation's recipe: lungs first, then lungs for everybody, then lungs and lesions
together; then a student learns from what its teacher draws in slices that nobody drew in; and
last, after all scoring, the student goes on with the slices that were held out.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from training.data.figures import read_covid_ct, read_sars_cov2_ct, read_weak_pneumonia
from training.data.slices import SliceSet, read_doctors, read_lungs2d, read_negatives, read_pseudo
from training.data.split import Parts, divide, read_splits
from training.fit import Schedule, fit
from training.segmentation.network import ChestNet
from training.segmentation.objective import BatchShare, SegmentationObjective
from training.segmentation.relabel import joined, relabel
from training.segmentation.score import lesion_dice, lung_dice
from training.segmentation.self_train import with_own_lungs

log = logging.getLogger(__name__)

LUNG_STEPS = 300
JOINT_STEPS = 900
STUDENT_STEPS = 1200
LAST_STEPS = 200
_PEAK_RATE = 2e-3
_STUDENT_RATE = 1.5e-3
_LAST_RATE = 4e-4
_EVERY_THIRD = 3  # SARS-CoV-2 CT: neighbours in number look alike


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
        return SegmentationObjective(
            [BatchShare(corpus.lungs2d.train, 12, paste=True)], lesions=False
        )

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
            BatchShare(with_own_lungs(lungs, corpus.doctors.train, cropped=True), 4),
            BatchShare(with_own_lungs(lungs, corpus.pseudo.train, cropped=True), 3, trust=0.5),
            BatchShare(corpus.lungs2d.train, 4, paste=True),
            BatchShare(with_own_lungs(lungs, corpus.negatives.train, cropped=False), 5, paste=True),
        ]
        return SegmentationObjective(shares, lesions=True)

    schedule = Schedule(steps, _PEAK_RATE, seed + 1)
    return fit(lungs, objective, schedule, build / "joint.pt", validate=validate)


def read_undrawn(data: Path) -> list[SliceSet]:
    """Slices with disease in which nobody drew it; none of COVID-CT's official val split."""
    sars, covid_ct = read_sars_cov2_ct(data), read_covid_ct(data).train
    return [
        sars.slices.at(np.flatnonzero(sars.viral == 1)[::_EVERY_THIRD]),
        covid_ct.slices.at(np.flatnonzero(covid_ct.viral == 1)),
        read_weak_pneumonia(data).slices,
    ]


def fit_student(
    corpus: Corpus,
    data: Path,
    teacher: ChestNet,
    build: Path,
    seed: int,
    steps: int = STUDENT_STEPS,
) -> ChestNet:
    """Go on with the teacher's own drawings beside the doctors', which now weigh most."""

    def validate(network: ChestNet) -> str:
        return (
            f"validation: lung Dice {lung_dice(network, corpus.lungs2d.validation).mean():.4f}, "
            f"lesion Dice {lesion_dice(network, corpus.doctors.validation).mean():.4f}"
        )

    def objective() -> SegmentationObjective:
        log.info("the teacher draws in slices that nobody drew in")
        undrawn = [relabel(teacher, slices) for slices in read_undrawn(data)]
        undrawn.append(relabel(teacher, corpus.pseudo.train))
        return SegmentationObjective(
            _student_shares(teacher, corpus.doctors.train, joined("undrawn", undrawn), corpus),
            lesions=True,
        )

    schedule = Schedule(steps, _STUDENT_RATE, seed + 2)
    return fit(teacher, objective, schedule, build / "student.pt", validate=validate)


def _student_shares(
    teacher: ChestNet, drawn: SliceSet, undrawn: SliceSet, corpus: Corpus
) -> list[BatchShare]:
    return [
        BatchShare(with_own_lungs(teacher, drawn, cropped=True), 8),
        BatchShare(undrawn, 4, trust=0.7),
        BatchShare(corpus.lungs2d.train, 3, paste=True),
        BatchShare(with_own_lungs(teacher, corpus.negatives.train, cropped=False), 4, paste=True),
    ]


def fit_last(
    corpus: Corpus, student: ChestNet, build: Path, seed: int, steps: int = LAST_STEPS
) -> ChestNet:
    """Go on with every drawn slice, also those held out: what is shipped, and never scored."""

    def objective() -> SegmentationObjective:
        parts = corpus.doctors
        drawn = joined("drawn", [parts.train, parts.validation, parts.held_out])
        undrawn = relabel(student, corpus.pseudo.train)
        return SegmentationObjective(_student_shares(student, drawn, undrawn, corpus), lesions=True)

    schedule = Schedule(steps, _LAST_RATE, seed + 3)
    return fit(student, objective, schedule, build / "last.pt", validate=lambda _: "all are seen")
