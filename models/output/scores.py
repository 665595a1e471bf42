"""Scores of slices and patches, combined into a score of the study."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.declared.outputs.kinds import Combination, ScoreOutput
from models.output.probability import calibrated, probabilities

Values = NDArray[np.float64]


def column_of(raw: NDArray[np.float32], output: ScoreOutput) -> Values:
    """The declared column of answers (n, columns) or (n,), as probabilities, (n,)."""
    table = raw.reshape(raw.shape[0], -1)
    likely: Values = probabilities(table, output.answer.activation, axis=1).astype(np.float64)
    return likely[:, output.column]


def study_score(parts: Values, output: ScoreOutput) -> float:
    """One score of those of all slices or patches, calibrated."""
    if output.combination is Combination.MAXIMUM:
        score = parts.max()
    elif output.combination is Combination.MEAN:
        score = parts.mean()
    else:
        score = np.sort(parts)[-output.highest :].mean()
    return float(calibrated(np.array([score]), output.calibration)[0])


def slice_scores(parts: Values, output: ScoreOutput) -> Values:
    """The calibrated score of each slice."""
    return calibrated(parts, output.calibration)
