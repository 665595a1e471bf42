"""Scores a segmentation network on unseen slices; its thresholds come from the tuning slices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.statistics.bootstrap import mean_of
from evaluation.statistics.estimate import Estimate
from evaluation.statistics.receiver_operating import auc
from training.data.slices import LESION_CONSOLIDATION, LESION_GROUND_GLASS, SliceSet
from training.scoring.report import CardFigure, SegmentationReport
from training.segmentation.network import ChestNet
from training.segmentation.operating_point import SuspicionScale, calibrate, stand_in_shares
from training.segmentation.predict import predict
from training.segmentation.score import dice
from training.segmentation.stages import Corpus

_CANDIDATES = np.round(np.arange(0.20, 0.71, 0.05), 2)
_LEAST_LUNG_PIXELS = 500


@dataclass(frozen=True)
class _Answer:
    lung: NDArray[np.uint8]
    lesion: NDArray[np.float32]
    kind: NDArray[np.uint8]


def _answer(network: ChestNet, slices: SliceSet) -> _Answer:
    lung, lesion = predict(network, slices)
    return _Answer(
        lung=lung.argmax(axis=1).astype(np.uint8),
        lesion=lesion[:, 1:].sum(axis=1),
        kind=(lesion[:, 1:].argmax(axis=1) + 1).astype(np.uint8),
    )


def choose_lesion_threshold(network: ChestNet, corpus: Corpus) -> tuple[float, Estimate]:
    """Choose the lesion threshold on the validation slices alone; ties go to the middle."""
    slices = corpus.doctors.validation
    probability = _answer(network, slices).lesion
    scores = [dice(probability > t, slices.lesion > 0) for t in _CANDIDATES]
    means = np.array([score.mean() for score in scores])
    # Six slices cannot tell close thresholds apart: within 0.01 of the best, nearest to one half.
    good = np.flatnonzero(means >= means.max() - 0.01)
    best = int(good[np.argmin(np.abs(_CANDIDATES[good] - 0.5))])
    return float(_CANDIDATES[best]), mean_of(scores[best])


def _lesion_shares(answer: _Answer, threshold: float) -> NDArray[np.float64]:
    """Lesion share of the lung in percent, per slice that shows enough lung."""
    lung = answer.lung > 0
    area = lung.sum(axis=(1, 2))
    lesion = ((answer.lesion > threshold) & lung).sum(axis=(1, 2))
    shares: NDArray[np.float64] = 100.0 * lesion / np.maximum(area, 1)
    enough: NDArray[np.bool_] = area > _LEAST_LUNG_PIXELS
    return shares[enough]


def _side(answer: _Answer, slices: SliceSet, side: int) -> Estimate:
    has = (slices.lung == side).any(axis=(1, 2))
    return mean_of(dice((answer.lung == side)[has], (slices.lung == side)[has]))


def _kind(answer: _Answer, slices: SliceSet, kind: int, threshold: float) -> Estimate:
    has = (slices.lesion == kind).any(axis=(1, 2))
    found = (answer.lesion > threshold) & (answer.kind == kind)
    return mean_of(dice(found[has], (slices.lesion == kind)[has]))


def _choose_operating_point(network: ChestNet, corpus: Corpus, threshold: float) -> SuspicionScale:
    """Calibrate on trained cases, and on trained and validation slices without pneumonia."""
    diseased = stand_in_shares(network, corpus.pseudo.train, threshold, by_source=True)
    clear = [
        stand_in_shares(network, part, threshold, by_source=False)
        for part in (corpus.negatives.train, corpus.negatives.validation)
    ]
    return calibrate(diseased, np.concatenate(clear))


def _suspected(shares: NDArray[np.float64], point: SuspicionScale) -> str:
    """How many stand-ins for a study are suspected, of how many."""
    # The threshold is 0.5, so the even share decides.
    return f"{int((shares >= point.even_share_percent).sum())} of {shares.size}"


def _figures(
    network: ChestNet, corpus: Corpus, threshold: float, validation: Estimate
) -> tuple[CardFigure, ...]:
    lungs, drawn = corpus.lungs2d.held_out, corpus.doctors.held_out
    pseudo, negatives = corpus.pseudo.held_out, corpus.negatives.held_out
    on_lungs, on_drawn = _answer(network, lungs), _answer(network, drawn)
    on_pseudo, on_negatives = _answer(network, pseudo), _answer(network, negatives)
    diseased = (pseudo.lesion > 0).any(axis=(1, 2))
    false, true = _lesion_shares(on_negatives, threshold), _lesion_shares(on_drawn, threshold)
    truth = np.r_[np.ones(true.size, dtype=bool), np.zeros(false.size, dtype=bool)]
    dense = _kind(on_drawn, drawn, LESION_CONSOLIDATION, threshold)
    return (
        CardFigure("lung_dice", "both lungs, Dice", "lungs2d, one slice a patient",
                   mean_of(dice(on_lungs.lung > 0, lungs.lung > 0))),
        CardFigure("right_lung_dice", "right lung, Dice", "the same", _side(on_lungs, lungs, 1)),
        CardFigure("left_lung_dice", "left lung, Dice", "the same", _side(on_lungs, lungs, 2)),
        CardFigure("lesion_dice", "any opacity, Dice", "drawn by doctors",
                   mean_of(dice(on_drawn.lesion > threshold, drawn.lesion > 0))),
        CardFigure("ground_glass_dice", "ground glass, Dice", "those of them that show it",
                   _kind(on_drawn, drawn, LESION_GROUND_GLASS, threshold)),
        CardFigure("consolidation_dice", "consolidation, Dice", "those of them that show it",
                   dense),
        CardFigure("lesion_dice_validation", "any opacity, Dice",
                   "6 validation slices, which chose the threshold", validation),
        CardFigure("lesion_dice_pseudo", "any opacity, Dice",
                   "pseudo-labels of 3 other cases: agreement with another network, no truth",
                   mean_of(dice(on_pseudo.lesion > threshold, pseudo.lesion > 0)[diseased])),
        CardFigure("false_share_percent", "lung called opacity, %",
                   "slices taken as without pneumonia", mean_of(false)),
        CardFigure("slice_auc", "AUC of the lesion share",
                   "drawn slices against those without pneumonia, of other origin: it flatters",
                   auc(truth, np.r_[true, false])),
    )  # fmt: skip


def evaluate_segmentation(network: ChestNet, corpus: Corpus) -> SegmentationReport:
    """Choose thresholds on training and validation, then score the held-out part."""
    threshold, validation = choose_lesion_threshold(network, corpus)
    point = _choose_operating_point(network, corpus, threshold)
    stand_ins = (
        stand_in_shares(network, corpus.pseudo.held_out, threshold, by_source=True),
        stand_in_shares(network, corpus.negatives.held_out, threshold, by_source=False),
    )
    diseased, clear = (_suspected(shares, point) for shares in stand_ins)
    notes = (
        f"Suspected at the operating point, with slices of one source standing in for a study: "
        f"{diseased} held-out pseudo-labelled cases, {clear} runs of held-out slices without "
        f"pneumonia.",
    )
    return SegmentationReport(
        threshold, point, _figures(network, corpus, threshold, validation), notes
    )
