"""Converts a lesion share to a suspicion score, calibrated on training data.

There are no labelled volumes to train on. A study's lesion share is stood in for by the mean
share of slices of one source: the pseudo-labelled cases for disease, runs of slices without
pneumonia for its absence.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.data.slices import SliceSet
from training.segmentation.network import ChestNet
from training.segmentation.predict import predict

log = logging.getLogger(__name__)

_STUDY_SLICES = 20
_SHARE_FLOOR_PERCENT = 0.01
_RIDGE = 1e-3
_NEWTON_STEPS = 30
_LEAST_LUNG_PIXELS = 500


@dataclass(frozen=True)
class SuspicionScale:
    """How a lesion share of the lungs becomes a suspicion score; see `models.schema_2.bundle`."""

    even_share_percent: float
    slope: float
    suspicion_threshold: float = 0.5


def stand_in_shares(
    network: ChestNet, slices: SliceSet, threshold: float, *, by_source: bool
) -> NDArray[np.float64]:
    """Lesion share in percent of each stand-in for a study.

    Parameters
    ----------
    by_source : slices of one source are a study; otherwise runs of 20 slices with lung are
    """
    lung, lesion = predict(network, slices)
    lungs = lung.argmax(axis=1) > 0
    areas = lungs.sum(axis=(1, 2)).astype(np.float64)
    lesions = ((lesion[:, 1:].sum(axis=1) > threshold) & lungs).sum(axis=(1, 2)).astype(np.float64)
    if by_source:
        sources = np.array(slices.sources)
        groups = [np.flatnonzero(sources == source) for source in sorted(set(slices.sources))]
    else:
        at = np.flatnonzero(areas > _LEAST_LUNG_PIXELS)
        groups = [at[i : i + _STUDY_SLICES] for i in range(0, at.size, _STUDY_SLICES)]
    return np.array([100.0 * lesions[g].sum() / max(areas[g].sum(), 1.0) for g in groups])


def calibrate(diseased: NDArray[np.float64], clear: NDArray[np.float64]) -> SuspicionScale:
    """Fit a logistic curve in the decimal logarithm of the share, both groups weighing alike.

    A small ridge on the slope keeps the fit finite should the groups not overlap.

    Parameters
    ----------
    diseased, clear : lesion shares in percent, of the stand-ins for studies
    """
    shares = np.concatenate([diseased, clear])
    decades = np.log10(np.maximum(shares, _SHARE_FLOOR_PERCENT))
    truth = np.concatenate([np.ones(diseased.size), np.zeros(clear.size)])
    weight = np.where(truth == 1, 0.5 / diseased.size, 0.5 / clear.size)
    design = np.stack([np.ones_like(decades), decades], axis=1)
    ridge = np.diag([0.0, _RIDGE])
    beta = np.zeros(2)
    for _ in range(_NEWTON_STEPS):
        score = 1.0 / (1.0 + np.exp(-design @ beta))
        gradient = design.T @ (weight * (score - truth)) + ridge @ beta
        hessian = (design * (weight * score * (1.0 - score))[:, None]).T @ design + ridge
        beta -= np.linalg.solve(hessian, gradient)
    even = 10.0 ** (-beta[0] / beta[1])
    point = SuspicionScale(round(float(even), 2), round(float(beta[1]), 1))
    log.info("shares: diseased %s, clear %s: %s", diseased.round(2), clear.round(2), point)
    return point
