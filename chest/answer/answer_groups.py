"""The groups that answer for a chest as a whole: triage, signs, severity."""

from __future__ import annotations

from collections.abc import Iterator

from chest import chest_codes
from chest.answer.measurements import share
from chest.answer.regions import IN_THE_LUNGS, LESIONS, LUNGS
from chest.values.answer_codes import CONFIDENCES, PNEUMONIA_TYPES, SEVERITY_SCORES
from chest.values.reading import ChestReading
from models.schema_2.sign import Sign
from radiology import codes
from radiology.answer.anchor import Anchor, Mark
from radiology.answer.measurement import Measurement, MeasurementGroup
from radiology.answer.outcome_codes import PRIORITIES, SUMMARIES
from radiology.answer.statement import Statement
from radiology.codes import Code
from radiology.outcome import Outcome
from radiology.urgency import Triage

ANSWER_GROUP, SIGNS_GROUP, SEVERITY_GROUP = "AI triage", "AI signs", "AI severity"

SIGN_CODES: dict[Sign, tuple[Code, Code]] = {
    Sign.GROUND_GLASS: (chest_codes.GROUND_GLASS_OPACITY, chest_codes.GROUND_GLASS_PROBABILITY),
    Sign.CONSOLIDATION: (chest_codes.CONSOLIDATION, chest_codes.CONSOLIDATION_PROBABILITY),
    Sign.CRAZY_PAVING: (chest_codes.CRAZY_PAVING, chest_codes.CRAZY_PAVING_PROBABILITY),
    Sign.AIR_BRONCHOGRAM: (chest_codes.AIR_BRONCHOGRAM, chest_codes.AIR_BRONCHOGRAM_PROBABILITY),
    Sign.SEPTAL_THICKENING: (chest_codes.SEPTAL_LINES, chest_codes.SEPTAL_LINES_PROBABILITY),
}
"""Of each sign: the sign itself, and the figure that says how probable it is."""


def answer_group(reading: ChestReading, triage: Triage | None) -> MeasurementGroup:
    """How probable, how firm, which type, how urgent; or that there is no answer."""
    suspected = reading.outcome is Outcome.FINDINGS
    lesions = LESIONS if suspected else ()
    return MeasurementGroup(
        ANSWER_GROUP,
        chest_codes.TRIAGE,
        sites=(IN_THE_LUNGS,),
        measurements=tuple(_answer_figures(reading)),
        statements=tuple(_evaluations(reading, triage)),
        anchor=Anchor(LUNGS, mark=Mark.POINT, spared=lesions, off_centre=True),
    )


def _answer_figures(reading: ChestReading) -> Iterator[Measurement]:
    if reading.outcome is Outcome.NOT_ASSESSABLE:
        yield Measurement(codes.FAILED_CHECKS, len(reading.failed_gates), codes.CHECKS)
        return
    yield share(codes.PROBABILITY, reading.suspicion or 0.0)
    yield share(codes.THRESHOLD_VALUE, reading.suspicion_threshold)
    if reading.confidence is not None:
        yield share(codes.CONFIDENCE, reading.confidence.value)
    if reading.viral is not None and reading.viral.probability is not None:
        yield share(chest_codes.VIRAL_PROBABILITY, reading.viral.probability)
    if reading.warnings:
        yield Measurement(codes.QUALITY_WARNINGS, len(reading.warnings), codes.CHECKS)


def _evaluations(reading: ChestReading, triage: Triage | None) -> Iterator[Statement]:
    """Outcome (CID 6047), quality, confidence, type and urgency.

    "Routine" is never said of what could not be assessed.
    """
    yield Statement(codes.PROCESSING_SUMMARY, SUMMARIES[reading.outcome])
    if reading.outcome is Outcome.NOT_ASSESSABLE:
        yield Statement(codes.QUALITY_ASSESSMENT, codes.NOT_ASSESSABLE)
    elif reading.warnings:
        yield Statement(codes.QUALITY_ASSESSMENT, codes.USABLE_WITH_RESERVATION)
    if reading.confidence is not None:
        yield Statement(codes.CONFIDENCE, CONFIDENCES[reading.confidence.word])
    if reading.pneumonia_type is not None:
        yield Statement(chest_codes.PNEUMONIA_TYPE, PNEUMONIA_TYPES[reading.pneumonia_type])
    if triage is not None:
        yield Statement(codes.PRIORITY, PRIORITIES[triage.urgency])


def sign_group(reading: ChestReading) -> MeasurementGroup:
    """How probable each sign is, and whether it is said to be there, in one group.

    A group for each would be listed under the sign's name by viewers that do not show whether it
    is present.
    """
    return MeasurementGroup(
        SIGNS_GROUP,
        chest_codes.SIGNS,
        sites=(IN_THE_LUNGS,),
        measurements=tuple(
            share(SIGN_CODES[sign.sign][1], sign.probability) for sign in reading.signs
        ),
        statements=tuple(
            Statement(SIGN_CODES[sign.sign][0], codes.PRESENT if sign.present else codes.ABSENT)
            for sign in reading.signs
        ),
        anchor=_beside_the_answer(reading, 1),
    )


def severity_groups(reading: ChestReading) -> Iterator[MeasurementGroup]:
    """The scores that the images alone gave; the others are told in words, with what is missing."""
    scores = () if reading.severity is None else reading.severity.scores
    told = tuple(
        Measurement(SEVERITY_SCORES[score.name], score.value, codes.NO_UNIT)
        for score in scores
        if score.name in SEVERITY_SCORES and score.value is not None
    )
    if told:
        yield MeasurementGroup(
            SEVERITY_GROUP,
            codes.SEVERITY,
            sites=(IN_THE_LUNGS,),
            measurements=told,
            anchor=_beside_the_answer(reading, 2),
        )


def _beside_the_answer(reading: ChestReading, place: int) -> Anchor:
    """On other slices than the answer, inside what raised the suspicion."""
    shown = (
        reading.outcome is Outcome.FINDINGS
        and reading.regions is not None
        and reading.regions.lesions.any()
    )
    return Anchor(LESIONS if shown else LUNGS, mark=Mark.POINT, place=place)
