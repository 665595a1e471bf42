"""The groups of the report that answer for the study as a whole: triage, signs, severity.

PS3.16 TID 1501 (Measurement and Qualitative Evaluation Group). Each figure is inferred from a
point: OHIF needs a place for every group, and writes its figures there. The answer is on the key
slice, in lung away from the lesions, where their own figures stand; signs and severity are on other
slices, inside what raised the suspicion.
"""

from __future__ import annotations

import numpy as np
from highdicom.sr import MeasurementsAndQualitativeEvaluations, QualitativeEvaluation

from radiology import codes
from radiology.chest.answer_codes import (
    CONFIDENCES,
    PNEUMONIA_TYPES,
    PRIORITIES,
    SEVERITY_SCORES,
    SUMMARIES,
)
from radiology.chest.figures import Side
from radiology.chest.sign import Sign
from radiology.codes import Code
from radiology.outcome import Outcome
from radiology.region import Mask
from worker.encode.coded_concepts import coded
from worker.encode.derived_object import ResultContext
from worker.encode.figures import Figure, percent
from worker.encode.key_slices import key_slice, lesion_areas, lung_areas, spread
from worker.encode.outline import interior_point
from worker.encode.report.group_parts import (
    Group,
    algorithm_identification,
    at_point,
    lung_site,
    tracking,
)

_PLACES = 3  # answer, signs, severity

SIGN_CODES: dict[Sign, tuple[Code, Code]] = {
    Sign.GROUND_GLASS: (codes.GROUND_GLASS_OPACITY, codes.GROUND_GLASS_PROBABILITY),
    Sign.CONSOLIDATION: (codes.CONSOLIDATION, codes.CONSOLIDATION_PROBABILITY),
    Sign.CRAZY_PAVING: (codes.CRAZY_PAVING, codes.CRAZY_PAVING_PROBABILITY),
    Sign.AIR_BRONCHOGRAM: (codes.AIR_BRONCHOGRAM, codes.AIR_BRONCHOGRAM_PROBABILITY),
    Sign.SEPTAL_THICKENING: (codes.SEPTAL_LINES, codes.SEPTAL_LINES_PROBABILITY),
}
"""Of each sign: the sign itself, and the figure that says how probable it is."""


def triage_group(context: ResultContext) -> Group:
    """The answer: how probable, how firm, which type, how urgent; or that there is none."""
    return _group(
        context, "AI triage", codes.TRIAGE, _triage_figures(context), _evaluations(context)
    )


def sign_groups(context: ResultContext) -> list[Group]:
    """How probable each sign is, and whether it is said to be there, in one group.

    A group for each would be listed under the sign's name by viewers that do not show whether it
    is present.
    """
    signs = context.reading.signs
    if not signs:
        return []
    figures = [
        Figure(SIGN_CODES[one.sign][1], percent(one.probability), codes.PERCENT) for one in signs
    ]
    said = [
        (SIGN_CODES[one.sign][0], codes.PRESENT if one.present else codes.ABSENT) for one in signs
    ]
    return [_group(context, "AI signs", codes.SIGNS, figures, said, place=1)]


def severity_groups(context: ResultContext) -> list[Group]:
    """The scores that the images alone gave; the others are told in words, with what is missing."""
    figures = severity_figures(context)
    if not figures:
        return []
    return [_group(context, "AI severity", codes.SEVERITY, figures, [], place=2)]


def severity_figures(context: ResultContext) -> list[Figure]:
    """MosMed grade and CT severity score, where they were computed."""
    severity = context.reading.severity
    if severity is None:
        return []
    return [
        Figure(SEVERITY_SCORES[score.name], score.value, codes.NO_UNIT)
        for score in severity.scores
        if score.name in SEVERITY_SCORES and score.value is not None
    ]


def _triage_figures(context: ResultContext) -> list[Figure]:
    reading = context.reading
    if reading.outcome is Outcome.NOT_ASSESSABLE:
        return [Figure(codes.FAILED_CHECKS, len(reading.failed_gates), codes.CHECKS)]
    figures = [
        Figure(codes.PROBABILITY, percent(reading.suspicion or 0.0), codes.PERCENT),
        Figure(codes.THRESHOLD_VALUE, percent(reading.suspicion_threshold), codes.PERCENT),
    ]
    if reading.confidence is not None:
        value = percent(reading.confidence.value)
        figures.append(Figure(codes.CONFIDENCE, value, codes.PERCENT))
    if reading.viral is not None and reading.viral.probability is not None:
        value = percent(reading.viral.probability)
        figures.append(Figure(codes.VIRAL_PROBABILITY, value, codes.PERCENT))
    if reading.warnings:
        figures.append(Figure(codes.QUALITY_WARNINGS, len(reading.warnings), codes.CHECKS))
    return figures


def _evaluations(context: ResultContext) -> list[tuple[Code, Code]]:
    """Outcome (CID 6047), quality, confidence, type and urgency.

    "Routine" is never said of what could not be assessed.
    """
    reading = context.reading
    said = [(codes.PROCESSING_SUMMARY, SUMMARIES[reading.outcome])]
    if reading.outcome is Outcome.NOT_ASSESSABLE:
        said.append((codes.QUALITY_ASSESSMENT, codes.NOT_ASSESSABLE))
    elif reading.warnings:
        said.append((codes.QUALITY_ASSESSMENT, codes.USABLE_WITH_RESERVATION))
    if reading.confidence is not None:
        said.append((codes.CONFIDENCE, CONFIDENCES[reading.confidence.word]))
    if reading.pneumonia_type is not None:
        said.append((codes.PNEUMONIA_TYPE, PNEUMONIA_TYPES[reading.pneumonia_type]))
    if context.triage is not None:
        said.append((codes.PRIORITY, PRIORITIES[context.triage.urgency]))
    return said


def _group(
    context: ResultContext,
    name: str,
    finding_type: Code,
    figures: list[Figure],
    said: list[tuple[Code, Code]],
    *,
    place: int = 0,
) -> Group:
    """A group on the key slice, or for another `place` on one beside it."""
    index = _slice(context, place)
    return MeasurementsAndQualitativeEvaluations(
        tracking_identifier=tracking(context, name),
        finding_type=coded(finding_type),
        finding_sites=[lung_site(codes.BILATERAL)],
        algorithm_id=algorithm_identification(context, in_full=name == "AI triage"),
        measurements=(
            at_point(context, figures, index, _showing(context, index))
            if place
            else at_point(context, figures, index, *_apart(context, index))
        ),
        qualitative_evaluations=[
            QualitativeEvaluation(coded(name), coded(value)) for name, value in said
        ]
        or None,
    )


def _slice(context: ResultContext, place: int) -> int:
    """The key slice for place 0; for the next ones others that show the same, while there are."""
    key = key_slice(context)
    areas = lesion_areas(context, Side.TOTAL)
    if not (context.has_findings and areas[key]):
        areas = lung_areas(context, Side.TOTAL)
    places = spread(areas, key, _PLACES)
    return places[min(place, len(places) - 1)]


def _apart(context: ResultContext, index: int) -> tuple[Mask, Mask]:
    """Where on a slice the answer points, and what from afar: lesions, and the lungs' own figures.

    Into lung without a lesion, where there is any.
    """
    lungs: Mask = context.regions.lungs[index] > 0
    lesions: Mask = context.regions.lesions[index] > 0
    if not context.has_findings:
        lesions = np.zeros_like(lesions)
    healthy = lungs & ~lesions
    column, row = interior_point(lungs)
    others = lesions.copy()
    others[int(row), int(column)] = True
    return (healthy if healthy.any() else lungs), others


def _showing(context: ResultContext, index: int) -> Mask:
    """Where signs and severity point: into a lesion if one is claimed, or else into a lung."""
    lesions: Mask = context.regions.lesions[index] > 0
    lungs: Mask = context.regions.lungs[index] > 0
    return lesions if context.has_findings and lesions.any() else lungs
