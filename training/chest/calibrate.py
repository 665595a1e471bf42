"""Chooses what turns answers into decisions: the lesion threshold by scans, scores by slices.

Nothing here sees what the figures are taken on: scans come from folds that left them out, slices
from the official validation part of COVID-CT.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.chest.predict import Predicted
from training.chest.score_scans import score_lesions
from training.classification.calibration import Calibration, fit_calibration
from training.data.figures import FigureSet
from training.data.slices import SliceSet

CANDIDATES = tuple(float(one) for one in np.round(np.arange(0.15, 0.61, 0.05), 2))
_Measure = Callable[[NDArray[np.bool_], NDArray[np.bool_]], float]
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


def choose_lesion_threshold(
    left_out: Sequence[tuple[SliceSet, Predicted]],
) -> tuple[float, dict[float, float]]:
    """The threshold of the best mean Dice over scans, each counted once.

    Parameters
    ----------
    left_out : scans, and what a network says of them that did not see them

    Returns
    -------
    The threshold, and the mean Dice of each candidate.
    """
    means = {
        threshold: float(
            np.mean(
                [
                    one.of_voxels
                    for slices, found in left_out
                    for one in score_lesions(slices, found, threshold).scans
                ]
            )
        )
        for threshold in CANDIDATES
    }
    return max(means, key=lambda threshold: means[threshold]), means


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
