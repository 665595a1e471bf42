"""Combines the slices of a study into its answer: the published rules, the type, the confidence.

What each is and what it gave on our data stands in docs/case-level.md.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chest.model.chest_model import ChestModel, SliceAnswer
from chest.values.case_answer import (
    Confidence,
    ConfidenceWord,
    PneumoniaType,
    RuleAnswer,
    SignAnswer,
    ViralAnswer,
)
from chest.values.regions import ChestRegions, LungLabel
from models.schema_2.case import CaseRule, ViralLimits
from models.schema_2.sign import Sign
from radiology.region import pixels_by_slice

Counts = NDArray[np.int64]

POSITIVE_FROM_PERCENT = 1.0  # of a slice's lung; ours: a normal lung's false alarms lie below
_SOME_LUNG = 0.1  # of the largest cross-section: at apex and base a few pixels are a large share
_SIGN_SLICES = 3  # a sign that few slices show is a sign of the study all the same (ours)
_GREATEST_SPREAD = 0.5  # the largest standard deviation that probabilities can have
_HIGH_FROM, _MODERATE_FROM = 2 / 3, 1 / 3  # ours

# What the rules that are not chosen ask for. Only the first is published; the others are ours,
# from the studies in docs/case-level.md.
_LIMITS: Mapping[CaseRule, float] = {
    CaseRule.CONSECUTIVE_SLICES: 3.0,  # Chen and others, Scientific Reports 2020;10:19196
    CaseRule.POSITIVE_SLICES: 10.0,  # the ratio: Gozes and others 2020, arXiv:2003.05037
    CaseRule.MAXIMUM: 2.5,  # pooling: Li and others, Radiology 2020;296:E65 (COVNet)
    CaseRule.LESION_SHARE: 1.0,
}
_UNITS: Mapping[CaseRule, str] = {
    CaseRule.CONSECUTIVE_SLICES: "slices",
    CaseRule.POSITIVE_SLICES: "% of slices",
    CaseRule.MAXIMUM: "% of a slice's lung",
    CaseRule.LESION_SHARE: "% of the lungs",
}


@dataclass(frozen=True)
class CaseAnswer:
    """One answer for a study.

    Attributes
    ----------
    suspicion : 0 to 1, from the chosen rule
    viral, signs : None and empty where no pneumonia is suspected, or without a classifier
    """

    suspicion: float
    suspected: bool
    rules: tuple[RuleAnswer, ...]
    viral: ViralAnswer | None
    signs: tuple[SignAnswer, ...]
    confidence: Confidence


@dataclass(frozen=True)
class QuadrantCounts:
    """Pixels by slice and quadrant: right front, right back, left front, left back.

    Attributes
    ----------
    lung, lesion : shape (slices, 4)
    """

    lung: Counts
    lesion: Counts

    @classmethod
    def of(cls, regions: ChestRegions) -> QuadrantCounts:
        """Count the quadrants of regions with canonical axes.

        Front and back meet halfway between the first and the last row of the lungs.
        """
        slices, rows, columns = regions.box
        middle = (rows.start + rows.stop) // 2
        parts = (slice(rows.start, middle), slice(middle, rows.stop))
        lung, lesion = np.zeros((2, len(regions.lungs), 4), dtype=np.int64)
        sides = (LungLabel.RIGHT, LungLabel.LEFT)
        for place, (side, part) in enumerate(itertools.product(sides, parts)):
            quadrant = slices, part, columns
            inside = regions.lungs[quadrant] == side
            lung[slices, place] = pixels_by_slice(inside)
            lesion[slices, place] = pixels_by_slice(inside & (regions.lesions[quadrant] > 0))
        return cls(lung, lesion)

    @property
    def shown(self) -> NDArray[np.bool_]:
        """Slices with enough lung to be judged by the share of it that is diseased."""
        area = self.lung.sum(axis=1)
        judged: NDArray[np.bool_] = area >= max(_SOME_LUNG * area.max(initial=0), 1.0)
        return judged

    @property
    def share_percent(self) -> NDArray[np.float64]:
        """Lesion share of each slice's lung; 0 where there is none."""
        return _share_percent(self.lesion.sum(axis=1), self.lung.sum(axis=1))


def _share_percent(lesion: Counts, lung: Counts) -> NDArray[np.float64]:
    share: NDArray[np.float64] = 100.0 * lesion / np.maximum(lung, 1)
    return share


def longest_run(positive: NDArray[np.bool_]) -> int:
    """The most neighbours along the first axis that are all true, over all columns."""
    longest, runs = 0, np.zeros(positive.shape[1], dtype=np.int64)
    for row in positive:
        runs = np.where(row, runs + 1, 0)
        longest = max(longest, int(runs.max(initial=0)))
    return longest


def rule_values(counts: QuadrantCounts) -> dict[CaseRule, float]:
    """What each rule sees, in its unit."""
    shown, share = counts.shown, counts.share_percent
    positive = shown & (share >= POSITIVE_FROM_PERCENT)
    in_quadrant = _share_percent(counts.lesion, counts.lung) >= POSITIVE_FROM_PERCENT
    lesion, lung = int(counts.lesion.sum()), int(counts.lung.sum())
    return {
        CaseRule.LESION_SHARE: 100.0 * lesion / max(lung, 1),
        CaseRule.CONSECUTIVE_SLICES: float(longest_run(in_quadrant & positive[:, None])),
        CaseRule.POSITIVE_SLICES: 100.0 * int(positive.sum()) / max(int(shown.sum()), 1),
        CaseRule.MAXIMUM: float(share[shown].max(initial=0.0)),
    }


def _viral_answer(
    answers: Sequence[SliceAnswer], share: NDArray[np.float64], limits: ViralLimits
) -> ViralAnswer:
    """The type, from the slices with lesions; without one of them it is undetermined."""
    with_lesion = [one for one in answers if share[one.index] >= POSITIVE_FROM_PERCENT]
    used = with_lesion or [one for one in answers if share[one.index] > 0]
    probability = float(np.mean([one.viral for one in used])) if used else None
    spread = float(np.mean([one.spread for one in used])) if used else None
    return ViralAnswer(
        type=viral_type(probability, spread, limits),
        probability=probability,
        spread=spread,
        low=limits.low,
        high=limits.high,
        greatest_spread=limits.greatest_spread,
        slices=len(used),
    )


def viral_type(
    probability: float | None, spread: float | None, limits: ViralLimits
) -> PneumoniaType:
    """Whether a probability is the viral pattern's; of a study, or of one slice.

    Parameters
    ----------
    probability, spread : see `ViralAnswer`; undetermined where there is none
    """
    if probability is None or spread is None or spread > limits.greatest_spread:
        return PneumoniaType.UNDETERMINED
    if probability >= limits.high:
        return PneumoniaType.VIRAL_SUSPECTED
    return PneumoniaType.NOT_SUSPECTED if probability < limits.low else PneumoniaType.UNDETERMINED


def _sign_answers(
    answers: Sequence[SliceAnswer], thresholds: Mapping[Sign, float]
) -> tuple[SignAnswer, ...]:
    """Each sign by the mean of the few slices that show it best."""
    if not answers:
        return ()
    found = []
    for sign, threshold in thresholds.items():
        highest = sorted((one.signs[sign] for one in answers), reverse=True)[:_SIGN_SLICES]
        found.append(SignAnswer(sign, float(np.mean(highest)), threshold))
    return tuple(found)


def confidence_of(
    suspicion: float, threshold: float, spread: float, *, reserved: bool
) -> Confidence:
    """How firmly an answer stands.

    Parameters
    ----------
    suspicion, threshold : how far the one lies from the other, as a share of the room there is
    spread : of the classifier's answers, 0 to 0.5; 0 where there is none
    reserved : whether a quality gate warns, or fluid presses on the lungs; then the word is
        "moderate" at most
    """
    room = 1.0 - threshold if suspicion >= threshold else threshold
    distance = abs(suspicion - threshold) / room if room > 0 else 1.0
    value = min(max(distance * (1.0 - spread / _GREATEST_SPREAD), 0.0), 1.0)
    if value >= _HIGH_FROM and not reserved:
        return Confidence(value, ConfidenceWord.HIGH)
    moderate = value >= _MODERATE_FROM
    return Confidence(value, ConfidenceWord.MODERATE if moderate else ConfidenceWord.LOW)


def answer_case(
    regions: ChestRegions,
    answers: Sequence[SliceAnswer],
    model: ChestModel,
    *,
    reserved: bool,
) -> CaseAnswer:
    """Answer for a study that passed its gates.

    Parameters
    ----------
    regions : on canonical axes
    answers : of the classifier, empty without one
    reserved : whether a quality gate warns, or fluid presses on the lungs
    """
    counts, declared = QuadrantCounts.of(regions), model.case
    values, point = rule_values(counts), declared.point
    rules = tuple(
        RuleAnswer(
            rule=rule,
            value=value,
            limit=point.least_value if rule is declared.rule else _LIMITS[rule],
            unit=_UNITS[rule],
            chosen=rule is declared.rule,
        )
        for rule, value in values.items()
    )
    suspicion = point.suspicion(values[declared.rule])
    suspected = suspicion >= point.suspicion_threshold
    viral = None
    if suspected and answers and declared.viral is not None:
        viral = _viral_answer(answers, counts.share_percent, declared.viral)
    spread = float(np.mean([one.spread for one in answers])) if answers else 0.0
    return CaseAnswer(
        suspicion=suspicion,
        suspected=suspected,
        rules=rules,
        viral=viral,
        # Signs were learnt from slices with pneumonia alone: of others they say nothing.
        signs=_sign_answers(answers, model.sign_thresholds) if suspected else (),
        confidence=confidence_of(suspicion, point.suspicion_threshold, spread, reserved=reserved),
    )
