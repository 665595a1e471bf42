"""The coded word for each answer: one table for the SR and for messages, so that both say alike."""

from __future__ import annotations

from radiology import codes
from radiology.chest.case_answer import ConfidenceWord, PneumoniaType
from radiology.chest.severity.ct_scores import CT_SEVERITY, MOSMED
from radiology.codes import Code
from radiology.outcome import Outcome
from radiology.urgency import Urgency

SUMMARIES: dict[Outcome, Code] = {
    Outcome.FINDINGS: codes.SUCCEEDED_WITH_FINDINGS,
    Outcome.NO_FINDINGS: codes.SUCCEEDED_WITHOUT_FINDINGS,
    Outcome.NOT_ASSESSABLE: codes.FAILED,
}
PRIORITIES: dict[Urgency, Code] = {
    Urgency.URGENT: codes.URGENT,
    Urgency.SUSPECTED: codes.SUSPECTED,
    Urgency.ROUTINE: codes.ROUTINE,
}
CONFIDENCES: dict[ConfidenceWord, Code] = {
    ConfidenceWord.HIGH: codes.HIGH,
    ConfidenceWord.MODERATE: codes.MODERATE,
    ConfidenceWord.LOW: codes.LOW,
}
PNEUMONIA_TYPES: dict[PneumoniaType, Code] = {
    PneumoniaType.VIRAL_SUSPECTED: codes.VIRAL_SUSPECTED,
    PneumoniaType.NOT_SUSPECTED: codes.VIRAL_NOT_SUSPECTED,
    PneumoniaType.UNDETERMINED: codes.UNDETERMINED,
}
SEVERITY_SCORES: dict[str, Code] = {
    MOSMED: codes.MOSMED_GRADE,
    CT_SEVERITY: codes.CT_SEVERITY_SCORE,
}
"""By the name of a rule of `radiology.chest.severity`. The others are told in words."""
