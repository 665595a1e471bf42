"""The measurements and answers of a chest that a message carries."""

from __future__ import annotations

from collections.abc import Iterator

from chest import chest_codes
from chest.values.answer_codes import CONFIDENCES, PNEUMONIA_TYPES, SEVERITY_SCORES
from chest.values.figures import Side
from chest.values.reading import ChestReading
from radiology import codes
from radiology.answer.measurement import Measurement
from radiology.answer.statement import Statement


def chest_summary(reading: ChestReading) -> tuple[Measurement | Statement, ...]:
    """Lesions of both lungs together, type and confidence, and the scores of the images alone."""
    return tuple(_summary(reading))


def _summary(reading: ChestReading) -> Iterator[Measurement | Statement]:
    total = reading.figures.get(Side.TOTAL)
    if total is not None:
        share_percent, volume_ml = total.lesion_share_percent, total.lesion_volume_ml
        yield Measurement(chest_codes.LESION_SHARE, share_percent, codes.PERCENT, decimals=1)
        yield Measurement(chest_codes.LESION_VOLUME, volume_ml, codes.MILLILITRE, decimals=1)
    if reading.pneumonia_type is not None:
        yield Statement(chest_codes.PNEUMONIA_TYPE, PNEUMONIA_TYPES[reading.pneumonia_type])
    if reading.confidence is not None:
        yield Statement(codes.CONFIDENCE, CONFIDENCES[reading.confidence.word])
    for score in () if reading.severity is None else reading.severity.scores:
        if score.name in SEVERITY_SCORES and score.value is not None:
            yield Measurement(SEVERITY_SCORES[score.name], score.value, codes.NO_UNIT)
