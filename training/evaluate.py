"""Score a trained network on what it never saw, and choose its thresholds on what tuned it."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.network import ChestNet
from training.operating_point import OperatingPoint, calibrate, stand_in_shares
from training.predict import predict
from training.score import Interval, bootstrap, dice
from training.slices import LESION_CONSOLIDATION, LESION_GROUND_GLASS, SliceSet
from training.stages import Corpus

log = logging.getLogger(__name__)

_CANDIDATES = np.round(np.arange(0.30, 0.71, 0.05), 2)
_LEAST_LUNG_PIXELS = 500


@dataclass(frozen=True)
class Report:
    """Everything that the model card says, in the order in which it says it."""

    lesion_threshold: float
    validation_lesion_dice: Interval
    lung: Interval
    right: Interval
    left: Interval
    lesion: Interval
    ground_glass: Interval
    consolidation: Interval
    lesion_on_pseudo: Interval
    false_share_percent: Interval
    slice_auc: float
    point: OperatingPoint
    diseased_suspected: tuple[int, int]
    clear_suspected: tuple[int, int]


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


def choose_lesion_threshold(network: ChestNet, corpus: Corpus) -> tuple[float, Interval]:
    """Choose the lesion threshold on the validation slices alone; ties go to the middle."""
    slices = corpus.doctors.validation
    probability = _answer(network, slices).lesion
    scores = [dice(probability > t, slices.lesion > 0) for t in _CANDIDATES]
    means = np.array([score.mean() for score in scores])
    # Six slices cannot tell close thresholds apart: within 0.01 of the best, nearest to one half.
    good = np.flatnonzero(means >= means.max() - 0.01)
    best = int(good[np.argmin(np.abs(_CANDIDATES[good] - 0.5))])
    return float(_CANDIDATES[best]), bootstrap(scores[best])


def _lesion_shares(answer: _Answer, threshold: float) -> NDArray[np.float64]:
    """Lesion share of the lung in percent, per slice that shows enough lung."""
    lung = answer.lung > 0
    area = lung.sum(axis=(1, 2))
    lesion = ((answer.lesion > threshold) & lung).sum(axis=(1, 2))
    shares: NDArray[np.float64] = 100.0 * lesion / np.maximum(area, 1)
    enough: NDArray[np.bool_] = area > _LEAST_LUNG_PIXELS
    return shares[enough]


def _auc(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float:
    above = (positive[:, None] > negative[None, :]).mean()
    equal = (positive[:, None] == negative[None, :]).mean()
    return float(above + 0.5 * equal)


def _side(answer: _Answer, slices: SliceSet, side: int) -> Interval:
    has = (slices.lung == side).any(axis=(1, 2))
    return bootstrap(dice((answer.lung == side)[has], (slices.lung == side)[has]))


def _kind(answer: _Answer, slices: SliceSet, kind: int, threshold: float) -> Interval:
    has = (slices.lesion == kind).any(axis=(1, 2))
    found = (answer.lesion > threshold) & (answer.kind == kind)
    return bootstrap(dice(found[has], (slices.lesion == kind)[has]))


def _choose_operating_point(network: ChestNet, corpus: Corpus, threshold: float) -> OperatingPoint:
    """Calibrate on trained cases, and on trained and validation slices without pneumonia."""
    diseased = stand_in_shares(network, corpus.pseudo.train, threshold, by_source=True)
    clear = [
        stand_in_shares(network, part, threshold, by_source=False)
        for part in (corpus.negatives.train, corpus.negatives.validation)
    ]
    return calibrate(diseased, np.concatenate(clear))


def _suspected(shares: NDArray[np.float64], point: OperatingPoint) -> tuple[int, int]:
    """How many stand-ins for a study are suspected, and how many there are."""
    # The threshold is 0.5, so the even share decides.
    return int((shares >= point.even_share_percent).sum()), int(shares.size)


def evaluate(network: ChestNet, corpus: Corpus) -> Report:
    """Choose thresholds on training and validation, then score the held-out part."""
    threshold, validation = choose_lesion_threshold(network, corpus)
    point = _choose_operating_point(network, corpus, threshold)
    lungs, drawn = corpus.lungs2d.held_out, corpus.doctors.held_out
    pseudo, negatives = corpus.pseudo.held_out, corpus.negatives.held_out
    on_lungs, on_drawn = _answer(network, lungs), _answer(network, drawn)
    on_pseudo = _answer(network, pseudo)
    on_negatives = _answer(network, negatives)
    diseased = (pseudo.lesion > 0).any(axis=(1, 2))
    false_shares = _lesion_shares(on_negatives, threshold)
    report = Report(
        lesion_threshold=threshold,
        validation_lesion_dice=validation,
        lung=bootstrap(dice(on_lungs.lung > 0, lungs.lung > 0)),
        right=_side(on_lungs, lungs, 1),
        left=_side(on_lungs, lungs, 2),
        lesion=bootstrap(dice(on_drawn.lesion > threshold, drawn.lesion > 0)),
        ground_glass=_kind(on_drawn, drawn, LESION_GROUND_GLASS, threshold),
        consolidation=_kind(on_drawn, drawn, LESION_CONSOLIDATION, threshold),
        lesion_on_pseudo=bootstrap(dice(on_pseudo.lesion > threshold, pseudo.lesion > 0)[diseased]),
        false_share_percent=bootstrap(false_shares),
        slice_auc=_auc(_lesion_shares(on_drawn, threshold), false_shares),
        point=point,
        diseased_suspected=_suspected(
            stand_in_shares(network, pseudo, threshold, by_source=True), point
        ),
        clear_suspected=_suspected(
            stand_in_shares(network, negatives, threshold, by_source=False), point
        ),
    )
    for name, value in vars(report).items():
        log.info("held out: %s: %s", name, value)
    return report
