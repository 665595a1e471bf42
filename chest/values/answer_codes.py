"""The code for each answer: one table that the SR and messages share."""

from __future__ import annotations

from chest import chest_codes
from chest.values.case_answer import ConfidenceWord, PneumoniaType
from chest.values.severity.ct_scores import CT_SEVERITY, MOSMED
from radiology import codes
from radiology.codes import Code

CONFIDENCES: dict[ConfidenceWord, Code] = {
    ConfidenceWord.HIGH: codes.HIGH,
    ConfidenceWord.MODERATE: codes.MODERATE,
    ConfidenceWord.LOW: codes.LOW,
}
PNEUMONIA_TYPES: dict[PneumoniaType, Code] = {
    PneumoniaType.VIRAL_SUSPECTED: chest_codes.VIRAL_SUSPECTED,
    PneumoniaType.NOT_SUSPECTED: chest_codes.VIRAL_NOT_SUSPECTED,
    PneumoniaType.UNDETERMINED: codes.UNDETERMINED,
}
SEVERITY_SCORES: dict[str, Code] = {
    MOSMED: chest_codes.MOSMED_GRADE,
    CT_SEVERITY: chest_codes.CT_SEVERITY_SCORE,
}
"""By the name of a rule of `chest.values.severity`. The others are told in words."""
