"""What the networks of the folds say of the scans that they did not see, all folds together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from training.chest.calibrate import ChosenLimits, choose_lesion_limits
from training.chest.score_scans import ScansScore, joined, score_lesions, score_lungs
from training.chest.stages import FoldAnswers


@dataclass(frozen=True)
class FoldScores:
    """Scores by scan.

    Attributes
    ----------
    limits : of lesions, chosen on the same scans
    """

    lesions: ScansScore
    lungs: ScansScore
    limits: ChosenLimits


def score_folds(answered: Sequence[FoldAnswers]) -> FoldScores:
    """Scores of all folds together, and the limits of lesions that are best for their scans."""
    limits = choose_lesion_limits(
        [(one.scans, one.of_scans) for one in answered],
        [pair for one in answered for pair in one.without_pneumonia],
    )
    return FoldScores(
        joined([score_lesions(one.scans, one.of_scans, limits.chosen) for one in answered]),
        joined([score_lungs(one.volumes, one.of_volumes) for one in answered]),
        limits,
    )
