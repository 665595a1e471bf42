"""Chooses what turns answers into decisions: the limits of lesions by scans, scores by slices.

Nothing here sees what the figures are taken on: scans come from folds that left them out, slices
from the official validation part of COVID-CT.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from training.chest.predict import LesionLimits, Predicted, outlined_in
from training.chest.score_scans import score_mask
from training.classification.calibration import Calibration, fit_calibration
from training.data.figures import FigureSet
from training.data.slices import SliceSet

OUTLINES = (0.2, 0.3, 0.4)
FAINT = (0.05, 0.1, 0.2)
PEAKS = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98)
_Measure = Callable[[NDArray[np.bool_], NDArray[np.bool_]], float]
_AS_GOOD = 0.01  # Dice
MOST_FALSE_PERCENT = 0.45  # of the lungs; below what makes a study suspected
_TWO_SIDED = 1.645  # ninety of a hundred answers of a slice that wavers lie within


@dataclass(frozen=True)
class Scores:
    """What turns the scores of a slice into answers.

    Attributes
    ----------
    low, high : of the viral probability; between them a study is undetermined
    viral_threshold, sign_thresholds : for a single slice
    """

    calibration: Calibration
    viral_threshold: float
    sign_thresholds: tuple[float, ...]
    low: float
    high: float


@dataclass(frozen=True)
class TriedLimits:
    """Limits of lesions, and what they lead to.

    Attributes
    ----------
    dice : mean over scans with lesions, each counted once
    false_percent : share of the lungs that is called lesion in the worst volume of those without
        pneumonia, a third of them excepted
    """

    limits: LesionLimits
    dice: float
    false_percent: float


@dataclass(frozen=True)
class ChosenLimits:
    """The limits that are declared, and all that were tried."""

    chosen: LesionLimits
    tried: tuple[TriedLimits, ...]


def choose_lesion_limits(
    left_out: Sequence[tuple[SliceSet, Predicted]],
    without_lesions: Sequence[tuple[SliceSet, Predicted]],
) -> ChosenLimits:
    """The limits that reach furthest of those that are best for scans and bearable without disease.

    Best is the mean Dice over scans; a hundredth less is as good, a fifth of what the scans leave
    open. An outline that stops short costs little Dice and makes each volume too small.

    Parameters
    ----------
    left_out : scans with lesions, and what a network says of them that did not see them
    without_lesions : whole volumes without pneumonia, likewise

    Returns
    -------
    Where no candidate is bearable the one with the least that is false is chosen.
    """
    tried = tuple(
        one
        for threshold, faint in product(OUTLINES, FAINT)
        if faint <= threshold
        for one in _tried(left_out, without_lesions, threshold, faint)
    )
    bearable = [one for one in tried if one.false_percent <= MOST_FALSE_PERCENT]
    if not bearable:
        return ChosenLimits(min(tried, key=lambda one: one.false_percent).limits, tried)
    least = max(one.dice for one in bearable) - _AS_GOOD
    best = max(
        (one for one in bearable if one.dice >= least),
        key=lambda one: (-one.limits.outline, -one.limits.faint, one.dice),
    )
    return ChosenLimits(best.limits, tried)


def _tried(
    left_out: Sequence[tuple[SliceSet, Predicted]],
    without_lesions: Sequence[tuple[SliceSet, Predicted]],
    threshold: float,
    faint: float,
) -> Iterator[TriedLimits]:
    """Every peak on what these two outline."""
    scans, volumes = (
        [
            (slices, outlined_in(slices, found, threshold, faint), found.lungs)
            for slices, found in answered
        ]
        for answered in (left_out, without_lesions)
    )
    for peak in PEAKS:
        dice = [
            one.of_voxels
            for slices, outlined, lung in scans
            for one in score_mask(slices, outlined.counting(peak) & lung, slices.lesion > 0).scans
        ]
        false = [
            share
            for slices, outlined, lung in volumes
            for share in _shares(slices, outlined.counting(peak) & lung, lung)
        ]
        limits = LesionLimits(threshold, faint, peak)
        yield TriedLimits(limits, float(np.mean(dice)), _worst_of_most(false))


def _shares(
    slices: SliceSet, lesion: NDArray[np.bool_], lung: NDArray[np.bool_]
) -> Iterator[float]:
    """Of each scan, in percent of the lungs that the network finds."""
    for scan in sorted(set(slices.sources)):
        at = np.flatnonzero([source == scan for source in slices.sources])
        yield 100.0 * int(lesion[at].sum()) / max(int(lung[at].sum()), 1)


def _worst_of_most(shares: Sequence[float]) -> float:
    """A third of the volumes may be exceptions: a tumour is not told from pneumonia by a limit."""
    return sorted(shares)[-1 - len(shares) // 3] if shares else 0.0


def calibrate_scores(figures: FigureSet, logits: NDArray[np.float32]) -> Scores:
    """Calibrate on figures that were not trained on.

    Parameters
    ----------
    logits : shape (figures, 6)
    """
    wide = logits.astype(np.float64)
    calibration = fit_calibration(wide[:, 0], figures.viral, wide[:, 1:], figures.signs)
    viral = calibration.viral(wide[None, :, 0])
    signs = calibration.signs(wide[:, 1:])
    truth = figures.viral == 1
    threshold = _best(viral, truth, _accuracy)
    room = _TWO_SIDED * float(np.std(viral - truth)) / 4.0
    return Scores(
        calibration=calibration,
        viral_threshold=threshold,
        sign_thresholds=tuple(
            _best(signs[known, place], figures.signs[known, place] == 1, _f1)
            for place in range(signs.shape[1])
            for known in [figures.signs[:, place] >= 0]
        ),
        low=max(threshold - room, 0.0),
        high=min(threshold + room, 1.0),
    )


def _best(scores: NDArray[np.float64], truth: NDArray[np.bool_], measure: _Measure) -> float:
    candidates = np.round(np.arange(0.05, 0.96, 0.01), 3)
    values = np.array([measure(scores >= one, truth) for one in candidates])
    # Of a plateau the middle: the figures are few.
    best = candidates[values >= values.max() - 1e-9]
    return float(best[best.size // 2])


def _accuracy(said: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    return float(np.mean(said == truth))


def _f1(said: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    both = int((said & truth).sum())
    return 2.0 * both / max(int(said.sum()) + int(truth.sum()), 1)
