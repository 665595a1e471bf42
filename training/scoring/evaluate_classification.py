"""Scores the classifier once on the official val split; all choices were made inside train."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evaluation.statistics.classification import (
    ThresholdCriterion,
    best_threshold,
    score_classification,
)
from evaluation.statistics.receiver_operating import auc
from training.classification.classify import logits_of
from training.classification.stages import Figures, FoldedClassifier
from training.data.figures import SIGNS
from training.scoring.report import CardFigure, ClassificationReport

_VAL = "official COVID-CT val split"
_OUT_OF_FOLD = "COVID-CT train split, out of fold"
_LEAST_SIGNS = 5  # slices that show a sign; below that no AUC is worth printing
_LARGEST_ERROR = 0.1  # of slices of either label that a firm answer on the type may miss; ours
_SPREAD_QUANTILE = 0.95


def _member_spread(logits: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    probability = 1.0 / (1.0 + np.exp(-logits / temperature))
    spread: NDArray[np.float64] = probability.std(axis=0)
    return spread


def _sign_threshold(truth: NDArray[np.bool_], probability: NDArray[np.float64]) -> float:
    if not truth.any() or truth.all():
        return 0.5
    return float(np.clip(best_threshold(truth, probability, ThresholdCriterion.F1), 0.05, 0.95))


def _firm_limits(
    truth: NDArray[np.bool_], probability: NDArray[np.float64], threshold: float
) -> tuple[float, float]:
    """Between which probabilities the type stays open.

    Below the lower one lies a tenth of the viral slices, above the higher one a tenth of the
    others, so that a firm answer misses no more of either.
    """
    low = float(np.quantile(probability[truth], _LARGEST_ERROR))
    high = float(np.quantile(probability[~truth], 1.0 - _LARGEST_ERROR))
    return round(min(low, threshold), 3), round(max(high, threshold), 3)


def evaluate_classification(figures: Figures, classifier: FoldedClassifier) -> ClassificationReport:
    """Choose thresholds out of fold, then score the val split."""
    calibration, train, val = classifier.calibration, figures.train, figures.val
    inside = calibration.viral(classifier.out_of_fold.viral)
    truth_inside = train.viral == 1
    threshold = best_threshold(truth_inside, inside, ThresholdCriterion.ACCURACY)
    threshold = float(np.clip(round(threshold, 3), 0.05, 0.95))
    low, high = _firm_limits(truth_inside, inside, threshold)
    answer = logits_of(classifier.members, val)
    probability, truth = calibration.viral(answer.viral), val.viral == 1
    scores = score_classification(truth, probability, threshold)
    fold_scores = score_classification(truth_inside, inside, threshold)
    # Of slices that nobody classified, so that the val split chooses nothing.
    unseen = logits_of(classifier.members, figures.disease)
    spread = _member_spread(unseen.viral, calibration.temperature)
    lines = [
        CardFigure(f"viral_{key}", name, _VAL, value)
        for key, name, value in (
            ("auc", "COVID-19 or not, AUC", scores.auc),
            ("accuracy", "accuracy", scores.accuracy),
            ("sensitivity", "sensitivity", scores.sensitivity),
            ("specificity", "specificity", scores.specificity),
            ("precision", "precision", scores.precision),
            ("f1", "F1", scores.f1),
            ("f2", "F2", scores.f2),
            ("ece", "expected calibration error, 10 bins", scores.calibration.error),
        )
    ]
    lines.append(
        CardFigure("viral_auc_out_of_fold", "COVID-19 or not, AUC, single members", _OUT_OF_FOLD,
               fold_scores.auc)
    )  # fmt: skip
    lines.append(
        CardFigure("viral_ece_out_of_fold", "expected calibration error, 10 bins",
               f"{_OUT_OF_FOLD} (the temperature was fitted there)",
               fold_scores.calibration.error)
    )  # fmt: skip
    sign_thresholds = []
    signs_inside = calibration.signs(classifier.out_of_fold.signs)
    signs_val = calibration.signs(answer.signs)
    known_inside, known = train.signs[:, 0] >= 0, val.signs[:, 0] >= 0
    for index, sign in enumerate(SIGNS):
        seen_inside = train.signs[known_inside, index] == 1
        sign_thresholds.append(
            round(_sign_threshold(seen_inside, signs_inside[known_inside, index]), 3)
        )
        seen = val.signs[known, index] == 1
        if min(int(seen.sum()), int((~seen).sum())) >= _LEAST_SIGNS:
            area = auc(seen, signs_val[known, index])
            lines.append(CardFigure(f"sign_{sign}_auc", f"{sign}, AUC", f"{_VAL}, COVID-19", area))
        else:
            area = auc(seen_inside, signs_inside[known_inside, index])
            lines.append(
                CardFigure(f"sign_{sign}_auc", f"{sign}, AUC",
                       f"{_OUT_OF_FOLD}, COVID-19 ({int(seen_inside.sum())} show it)", area)
            )  # fmt: skip
    by_chance = scores.calibration.error_by_chance
    notes = (
        f"Of the calibration error, {by_chance:.3f} is what a perfectly calibrated classifier "
        f"would show by chance on so few slices."
        if by_chance is not None
        else "The calibration error could not be computed.",
    )
    return ClassificationReport(
        calibration=calibration,
        viral_threshold=threshold,
        sign_thresholds=tuple(sign_thresholds),
        viral_low=low,
        viral_high=high,
        greatest_spread=round(float(np.quantile(spread, _SPREAD_QUANTILE)), 3),
        figures=tuple(lines),
        notes=notes,
    )
