"""Scores the released network on held-out synthetic heads: volumes, and missed bleedings."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.statistics.bootstrap import mean_of
from evaluation.statistics.masks import agreement
from evaluation.statistics.proportion import proportion
from phantom.head import BleedingLabel
from training.head.calibrate import Curve
from training.head.made_heads import make_head
from training.head.network import HeadNet
from training.head.predict import answer
from training.scoring.report import CardFigure

log = logging.getLogger(__name__)

MASK_THRESHOLD, SCORE_THRESHOLD = 0.5, 0.5
"""Set before anything was scored; no threshold was chosen on what is reported."""

SUSPECTED_ML = 1.0
"""Found blood from which a study counts as suspected: the least that a made bleeding holds."""

HELD_OUT_HEADS = range(1001, 1041)

_FOUND_SHARE = 0.2  # of a bleeding, from which on it counts as found
_SIZES_ML = ((0.0, 5.0), (5.0, 20.0), (20.0, 1000.0))
_MADE = "made heads that were not trained on; they flatter"


@dataclass(frozen=True)
class MadeBleeding:
    """A bleeding of a made head, and how much of it was found."""

    kind: str
    true_ml: float
    found_share: float


@dataclass(frozen=True)
class MadeStudy:
    """A made head as a study: blood that is there, blood that is found, the highest score."""

    seed: int
    bleedings: tuple[MadeBleeding, ...]
    true_ml: float
    found_ml: float
    highest_score: float
    dice: float

    @property
    def kinds(self) -> str:
        """The kinds of bleeding, in words."""
        return ", ".join(one.kind for one in self.bleedings) or "none"


def score_made_heads(network: HeadNet, curve: Curve) -> tuple[MadeStudy, ...]:
    """Answer every held-out head; one whose bleeding does not fit into it is left out."""
    studies = []
    for seed in HELD_OUT_HEADS:
        try:
            studies.append(_score(seed, network, curve))
        except ValueError as error:  # a small ventricle, too much blood
            log.info("head %d: %s", seed, error)
    return tuple(studies)


def _score(seed: int, network: HeadNet, curve: Curve) -> MadeStudy:
    phantom = make_head(seed)
    found = answer(network, phantom.volume.hounsfield)
    mask = found.mask >= MASK_THRESHOLD
    kinds = sorted({one.kind for one in phantom.specified_lesions})
    study = MadeStudy(
        seed=seed,
        bleedings=tuple(
            MadeBleeding(
                kind=kind.name.lower(),
                true_ml=phantom.bleeding_ml(kind),
                found_share=float(mask[phantom.bleedings == kind].mean()),
            )
            for kind in kinds
        ),
        true_ml=phantom.bleeding_ml(),
        found_ml=float(np.count_nonzero(mask)) * phantom.volume.voxel_ml,
        highest_score=float(curve.probability(found.logit).max()),
        dice=agreement(mask, phantom.bleedings > 0).dice,
    )
    log.info("made head: %s", study)
    return study


def made_figures(studies: Sequence[MadeStudy]) -> list[CardFigure]:
    """Volume, sensitivity by kind and size, and how often a head without blood passes."""
    bleeding = [one for one in studies if one.true_ml > 0]
    healthy = [one for one in studies if one.true_ml == 0]
    error = np.array([one.found_ml - one.true_ml for one in bleeding])
    bleedings = [part for one in bleeding for part in one.bleedings]
    figures = [
        CardFigure("made_dice", "bleeding, Dice over the volume", _MADE,
                   mean_of(np.array([one.dice for one in bleeding]))),
        CardFigure("made_error_ml", "blood found less true, ml", _MADE, mean_of(error)),
        CardFigure("made_absolute_error_ml", "the same, whatever its sign", _MADE,
                   mean_of(np.abs(error))),
        CardFigure("made_sensitivity", "1 ml found where it bleeds", _MADE,
                   proportion(sum(one.found_ml >= SUSPECTED_ML for one in bleeding),
                              len(bleeding))),
        CardFigure("made_specificity", "less than 1 ml found where not", _MADE,
                   proportion(sum(one.found_ml < SUSPECTED_ML for one in healthy), len(healthy))),
    ]  # fmt: skip
    for kind in (label.name.lower() for label in BleedingLabel if label):
        part = [one for one in bleedings if one.kind == kind]
        figures.append(_found(f"made_found_{kind}", f"{kind} bleedings found", part))
    for low, high in _SIZES_ML:
        part = [one for one in bleedings if low <= one.true_ml < high]
        words = f"{low:g} ml or more" if high >= 1000.0 else f"{low:g} to {high:g} ml"
        figures.append(_found(f"made_found_{low:g}_ml", f"bleedings of {words} found", part))
    return figures


def _found(key: str, what: str, part: Sequence[MadeBleeding]) -> CardFigure:
    found = sum(one.found_share >= _FOUND_SHARE for one in part)
    return CardFigure(
        key, f"{what}: {_FOUND_SHARE:.0%} of it or more", _MADE, proportion(found, len(part))
    )
