"""Scores the networks: out of fold on the public set, and on held-out synthetic heads."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from evaluation.statistics.bootstrap import mean_of
from evaluation.statistics.classification import score_classification
from evaluation.statistics.estimate import Estimate
from evaluation.statistics.floors import nearest_neighbour_floor, statistics_floor
from evaluation.statistics.masks import agreement
from evaluation.statistics.proportion import proportion
from evaluation.statistics.receiver_operating import auc, clustered_auc
from training.head.calibrate import Curve, cross_fitted, fit_curve
from training.head.network import HeadNet
from training.head.predict import Answers, answer_folds
from training.head.score_made import (
    MASK_THRESHOLD,
    SCORE_THRESHOLD,
    MadeStudy,
    made_figures,
    score_made_heads,
)
from training.head.slices import BRAIN_HU, HeadSlices, Hounsfield, brain_of
from training.head.stages import HeadCorpus
from training.scoring.report import CardFigure

log = logging.getLogger(__name__)

_PICTURES = "150 web pictures, out of fold"
_DRAWN = "17 drawn slices of 11 patients, out of fold"
_BLOOD_HU = (52.0, 95.0)  # the floor: what a threshold alone calls blood

Truth = NDArray[np.bool_]


@dataclass(frozen=True)
class HeadReport:
    """All that a training found out about itself.

    Attributes
    ----------
    curve : calibration of the shipped network's score, fitted to all answers out of fold
    made_worse : name of a change, AUC on the pictures and Dice on the drawn slices under it
    """

    figures: tuple[CardFigure, ...]
    floors: tuple[CardFigure, ...]
    made_worse: tuple[tuple[str, float, float], ...]
    studies: tuple[MadeStudy, ...]
    curve: Curve
    remarks: tuple[str, ...] = field(default=())


def score(corpus: HeadCorpus, folds: list[HeadNet], last: HeadNet) -> HeadReport:
    """Take every figure of the card."""
    pictures = answer_folds(folds, corpus.pictures.hu, corpus.picture_folds)
    drawn = answer_folds(folds, corpus.drawn.hu, corpus.drawn_folds)
    truth = corpus.pictures.bleeding == 1
    curve = fit_curve(pictures.logit, truth)
    studies = score_made_heads(last, curve)
    return HeadReport(
        figures=(
            *_picture_figures(corpus, pictures),
            *_drawn_figures(corpus, drawn, curve),
            *made_figures(studies),
        ),
        floors=(*_picture_floors(corpus), _drawn_floor(corpus.drawn)),
        made_worse=tuple(_made_worse(corpus, folds)),
        studies=studies,
        curve=curve,
    )


def _picture_figures(corpus: HeadCorpus, found: Answers) -> list[CardFigure]:
    truth = corpus.pictures.bleeding == 1
    probability = cross_fitted(found.logit, truth, corpus.picture_folds)
    scores = score_classification(truth, probability, SCORE_THRESHOLD)
    named = (
        ("auc", "bleeding or not, AUC", clustered_area(corpus.pictures, found.logit)),
        ("accuracy", "accuracy", scores.accuracy),
        ("sensitivity", "sensitivity", scores.sensitivity),
        ("specificity", "specificity", scores.specificity),
        ("f2", "F2", scores.f2),
        ("ece", "expected calibration error, 10 bins", scores.calibration.error),
    )
    figures = [
        CardFigure(f"picture_{key}", what, _PICTURES, estimate) for key, what, estimate in named
    ]
    for fold in np.unique(corpus.picture_folds):
        part = corpus.picture_folds == fold
        estimate = auc(truth[part], found.logit[part])
        figures.append(CardFigure(f"picture_auc_{fold}", f"AUC, fold {fold}", _PICTURES, estimate))
    return figures


def clustered_area(slices: HeadSlices, logit: NDArray[np.float64]) -> Estimate:
    """Area under the curve; pictures that are alike count as one patient's."""
    names = sorted(set(slices.groups))
    cluster = np.array([names.index(group) for group in slices.groups], dtype=np.int64)
    return clustered_auc(slices.bleeding == 1, logit, cluster)


def _drawn_figures(corpus: HeadCorpus, found: Answers, curve: Curve) -> list[CardFigure]:
    slices = corpus.drawn
    dice = dice_of(found.mask >= MASK_THRESHOLD, slices)
    patients = np.array(slices.groups)
    by_patient = np.array([dice[patients == name].mean() for name in sorted(set(slices.groups))])
    touched = ((found.mask >= MASK_THRESHOLD) & (slices.mask == 1)).any(axis=(1, 2))
    called = curve.probability(found.logit) >= SCORE_THRESHOLD
    large = np.count_nonzero(slices.mask, axis=(1, 2)) >= 500
    count = len(slices)
    return [
        CardFigure("drawn_dice", "bleeding, Dice, mean of patients", _DRAWN, mean_of(by_patient)),
        CardFigure("drawn_dice_slice", "bleeding, Dice, mean of slices", _DRAWN, mean_of(dice)),
        CardFigure(
            "drawn_dice_large", "the same, 4 cm² or more drawn", _DRAWN, mean_of(dice[large])
        ),
        CardFigure(
            "drawn_touched", "mask touches it", _DRAWN, proportion(int(touched.sum()), count)
        ),
        CardFigure("drawn_called", "slice called", _DRAWN, proportion(int(called.sum()), count)),
    ]


def dice_of(found: NDArray[np.bool_], slices: HeadSlices) -> NDArray[np.float64]:
    """Dice of each slice."""
    pairs = zip(found, slices.mask == 1, strict=True)
    return np.array([agreement(mask, truth).dice for mask, truth in pairs])


def _picture_floors(corpus: HeadCorpus) -> list[CardFigure]:
    truth, folds = corpus.pictures.bleeding == 1, corpus.picture_folds
    grey = np.clip(corpus.pictures.hu * (255.0 / 100.0), 0.0, 255.0).astype(np.uint8)
    statistics, neighbour = np.zeros(len(grey)), np.zeros(len(grey))
    for fold in np.unique(folds):
        train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        statistics[test] = statistics_floor(list(grey[train]), truth[train], list(grey[test]))
        neighbour[test] = nearest_neighbour_floor(list(grey[train]), truth[train], list(grey[test]))
    bright = np.array([_brightest(hu) for hu in corpus.pictures.hu])
    return [
        CardFigure("floor_statistics", "seven image statistics, AUC", _PICTURES,
               auc(truth, statistics)),
        CardFigure("floor_neighbour", "nearest neighbour, AUC", _PICTURES, auc(truth, neighbour)),
        CardFigure("floor_bright", "area of bright pixels away from bone, AUC", _PICTURES,
               auc(truth, bright)),
    ]  # fmt: skip


def _brightest(hu: Hounsfield) -> float:
    """Area that is clearly brighter than brain and well inside the head, pixels."""
    inside = ndimage.binary_erosion(ndimage.binary_fill_holes(hu > 15.0), iterations=28)
    smooth = ndimage.gaussian_filter(hu, 1.5)
    return float(np.count_nonzero(inside & (smooth > BRAIN_HU + 15.0)))


def _drawn_floor(drawn: HeadSlices) -> CardFigure:
    low, high = _BLOOD_HU
    found = np.zeros(drawn.mask.shape, dtype=bool)
    for place, hu in enumerate(drawn.hu):
        smooth = ndimage.gaussian_filter(np.clip(hu, -50.0, 150.0), 1.0)
        within = brain_of(hu) & (smooth > low) & (smooth < high)
        found[place] = ndimage.binary_opening(within, iterations=1)
    dice = dice_of(found, drawn)
    what = "brain from 52 to 95 HU called blood, Dice"
    return CardFigure("floor_threshold", what, "17 drawn slices of 11 patients", mean_of(dice))


Change = Callable[[NDArray[np.float32]], NDArray[np.float32]]

_CHANGES: tuple[tuple[str, Change], ...] = (
    ("as they are", lambda values: values),
    ("contrast 25 % lower", lambda values: BRAIN_HU + 0.75 * (values - BRAIN_HU)),
    ("contrast 33 % higher", lambda values: BRAIN_HU + 1.33 * (values - BRAIN_HU)),
    ("turned by 90°", lambda values: np.rot90(values).copy()),
)
"""Changes of a slice; the mask follows those that move it."""


def _made_worse(corpus: HeadCorpus, folds: list[HeadNet]) -> list[tuple[str, float, float]]:
    rows = []
    for name, change in _CHANGES:
        hu = np.stack([change(one) for one in corpus.pictures.hu]).astype(np.float32)
        found = answer_folds(folds, hu, corpus.picture_folds)
        area = auc(corpus.pictures.bleeding == 1, found.logit).value or 0.0
        moves = name.startswith("turned")
        masks = [change(one.astype(np.float32)) if moves else one for one in corpus.drawn.mask]
        drawn_hu = np.stack([change(one) for one in corpus.drawn.hu]).astype(np.float32)
        found = answer_folds(folds, drawn_hu, corpus.drawn_folds)
        pairs = zip(found.mask >= MASK_THRESHOLD, masks, strict=True)
        dice = float(np.mean([agreement(mask, truth > 0.5).dice for mask, truth in pairs]))
        rows.append((name, area, dice))
        log.info("made worse: %s: AUC %.3f, Dice %.3f", name, area, dice)
    return rows
