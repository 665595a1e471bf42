"""Scores the chest network on what it never saw, as lines of its card."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evaluation.statistics.bootstrap import mean_of
from evaluation.statistics.calibration import calibration
from evaluation.statistics.proportion import proportion
from evaluation.statistics.receiver_operating import auc
from training.chest.calibrate import calibrate_scores
from training.chest.network import MaskNet
from training.chest.predict import LesionLimits, lesions_of, predict
from training.chest.score_folds import FoldScores
from training.chest.scores.network import ScoreNet
from training.chest.scores.predict import score
from training.chest.stages import ChestCorpus
from training.data.figures import FigureSet
from training.scoring.report import CardFigure
from training.segmentation.score import dice

_PARTS = 5  # of the figures, for calibration by those that are not scored


def figures_of(
    corpus: ChestCorpus, masks: MaskNet, scores: ScoreNet, folds: FoldScores
) -> list[CardFigure]:
    """Every figure with its interval.

    Parameters
    ----------
    masks : the network that is shipped
    scores : that of the recipe that is shipped which did not see the validation part

    Nothing that they are scored on was trained on.
    """
    return [
        *_by_scan(folds),
        *_slices(corpus, masks, folds.limits.chosen),
        *_figures(corpus.covid_ct.val, score(scores, corpus.covid_ct.val.slices)),
    ]


def _by_scan(folds: FoldScores) -> list[CardFigure]:
    lesions = np.array([one.of_voxels for one in folds.lesions.scans])
    lungs = np.array([one.of_voxels for one in folds.lungs.scans])
    return [
        CardFigure(
            "fold_lesion_dice",
            "lesions, Dice of a scan's voxels",
            "scans of COVID-19-CT-Seg-20, each by a network that did not see it",
            mean_of(lesions),
        ),
        CardFigure(
            "fold_lung_dice",
            "lungs, Dice of a volume's voxels before anything is cleaned",
            "patients of LCTSC from abdomen to neck, each by a network that did not see it",
            mean_of(lungs),
        ),
    ]


def _slices(corpus: ChestCorpus, network: MaskNet, limits: LesionLimits) -> list[CardFigure]:
    drawn, lungs = corpus.doctors.held_out, corpus.lungs2d.held_out
    found = lesions_of(drawn, predict(network, drawn), limits)
    seen = predict(network, lungs).lung.argmax(axis=1) > 0
    return [
        CardFigure(
            "doctors_lesion_dice",
            "lesions, Dice of a slice",
            "slices of COVID-SemiSeg drawn by doctors and held out",
            mean_of(dice(found, drawn.lesion > 0)),
        ),
        CardFigure(
            "lungs2d_dice",
            "lungs, Dice of a slice",
            "Finding Lungs in CT Data, held-out patients",
            mean_of(dice(seen, lungs.lung > 0)),
        ),
    ]


def _figures(figures: FigureSet, logits: NDArray[np.float32]) -> list[CardFigure]:
    """The viral answer, each figure calibrated by the others: none is scored by its own answer."""
    truth = figures.viral == 1
    probability = np.zeros(truth.size)
    right = np.zeros(truth.size, dtype=bool)
    part = np.random.default_rng(0).permutation(truth.size) % _PARTS
    for number in range(_PARTS):
        mine, others = np.flatnonzero(part == number), np.flatnonzero(part != number)
        scores = calibrate_scores(figures.at(others), logits[others])
        probability[mine] = scores.calibration.viral(logits[None, mine, 0].astype(np.float64))
        right[mine] = (probability[mine] >= scores.viral_threshold) == truth[mine]
    where = "COVID-CT, official validation part; nothing of it was trained on"
    curve = calibration(truth, probability)
    by_chance = (
        f"{curve.error_by_chance:.3f} is what so few figures show when nothing is wrong"
        if curve.error_by_chance is not None
        else "no figure to compare with"
    )
    return [
        CardFigure(
            "covid_ct_auc", "viral pattern, AUC", where, auc(truth, logits[:, 0].astype(np.float64))
        ),
        CardFigure(
            "covid_ct_accuracy",
            "viral pattern, accuracy at the threshold",
            where,
            proportion(int(right.sum()), right.size),
        ),
        CardFigure(
            "covid_ct_ece",
            "viral pattern, expected calibration error",
            f"{where}; {by_chance}",
            curve.error,
        ),
    ]


def lines_of(figures: Sequence[CardFigure]) -> list[str]:
    """For the log."""
    return [f"{one.what}: {one.estimate} ({one.where})" for one in figures]
