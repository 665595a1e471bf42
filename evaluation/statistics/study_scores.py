"""Figures over whole studies: slices and lobes pooled over patients, and the answer per case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.statistics.estimate import Estimate
from evaluation.statistics.proportion import proportion
from evaluation.statistics.receiver_operating import Scores, Truth, auc, clustered_auc

ENOUGH_PATIENTS = 10
"""From so many on, slices of one patient are taken as alike (Obuchowski 1997). With fewer the
variance between patients is itself hardly known (ours; her simulations begin at 50 clusters)."""


@dataclass(frozen=True)
class StudyEvidence:
    """What is true of one patient and what was found.

    Attributes
    ----------
    slice_truth, slice_score : shape (slices,); the score is the lesions' share of the lung
        area of the slice; both empty when slices are not labelled
    lobe_truth, lobe_score : by name of the lobe; only those both labelled and measured
    infected : whether anything is infected; None when nothing says so
    suspected : what the case answer was; None when it was none
    """

    patient: str
    slice_truth: Truth
    slice_score: Scores
    lobe_truth: Mapping[str, bool]
    lobe_score: Mapping[str, float]
    infected: bool | None
    suspected: bool | None


@dataclass(frozen=True)
class StudyScores:
    """Pooled figures.

    Attributes
    ----------
    slices, lobes : area under the curve over all slices, and over all pairs of patient and lobe
    interval : how the intervals of both were found, in words
    lobes_apart : whether every infected lobe has a larger share than every other; None without
        lobes of both kinds
    sensitivity, specificity : of the case answer, over patients
    """

    slices: Estimate
    lobes: Estimate
    interval: str
    lobes_apart: bool | None
    sensitivity: Estimate
    specificity: Estimate


def pooled_slices(evidence: Sequence[StudyEvidence]) -> tuple[Truth, Scores]:
    """All slices of all patients, one after another."""
    if not evidence:
        return np.zeros(0, dtype=bool), np.zeros(0)
    return (
        np.concatenate([one.slice_truth for one in evidence]),
        np.concatenate([one.slice_score for one in evidence]),
    )


def _pooled_area(truth: Truth, scores: Scores, sizes: Sequence[int]) -> Estimate:
    patients = np.repeat(np.arange(len(sizes)), sizes)
    if np.unique(patients).size >= ENOUGH_PATIENTS:
        return clustered_auc(truth, scores, patients)
    return auc(truth, scores)


def slice_area(study: StudyEvidence) -> float | None:
    """The area under the curve of one patient's slices."""
    return auc(study.slice_truth, study.slice_score).value


def score_studies(evidence: Sequence[StudyEvidence]) -> StudyScores:
    """Pool the patients."""
    truth, scores = pooled_slices(evidence)
    lobe_truth = np.array([v for one in evidence for v in one.lobe_truth.values()], dtype=bool)
    lobe_scores = np.array([one.lobe_score[name] for one in evidence for name in one.lobe_truth])
    both = bool(lobe_truth.any() and not lobe_truth.all())
    answered = [one for one in evidence if one.infected is not None and one.suspected is not None]
    ill = [one.suspected for one in answered if one.infected]
    well = [one.suspected for one in answered if not one.infected]
    apart = lobe_scores[lobe_truth].min() > lobe_scores[~lobe_truth].max() if both else None
    many = len(evidence) >= ENOUGH_PATIENTS
    return StudyScores(
        slices=_pooled_area(truth, scores, [one.slice_truth.size for one in evidence]),
        lobes=_pooled_area(lobe_truth, lobe_scores, [len(one.lobe_truth) for one in evidence]),
        interval="clustered by patient (Obuchowski)"
        if many
        else "DeLong, slices and lobes of a patient taken as independent: too narrow",
        lobes_apart=None if apart is None else bool(apart),
        sensitivity=proportion(sum(bool(one) for one in ill), len(ill)),
        specificity=proportion(sum(not one for one in well), len(well)),
    )
