"""What a notice says, as coded observations for a message: pure, from the result's row alone.

The codes are those of the SR (radiology/chest/answer_codes.py), so that a receiver that reads both
sees the same concepts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hl7_node.observation_message import Abnormal, Observation
from radiology import codes
from radiology.chest.answer_codes import (
    CONFIDENCES,
    PNEUMONIA_TYPES,
    PRIORITIES,
    SEVERITY_SCORES,
    SUMMARIES,
)
from radiology.codes import Code
from radiology.outcome import Outcome
from radiology.urgency import Urgency
from worker.flag.channel import Notice, NoticeKind

_FLAGS = {
    Urgency.URGENT: Abnormal.CRITICAL,
    Urgency.SUSPECTED: Abnormal.ABNORMAL,
    Urgency.ROUTINE: Abnormal.NORMAL,
}
_CATEGORIES = {Urgency.URGENT: codes.ACTIONABLE_URGENT, Urgency.SUSPECTED: codes.ACTIONABLE}


def study_observations(notice: Notice, *, actionable_category: bool) -> tuple[Observation, ...]:
    """The observations of one study, the answer in words first.

    Parameters
    ----------
    actionable_category : also say the ACR category
    """
    assessed = notice.outcome is not Outcome.NOT_ASSESSABLE
    flag = _FLAGS[notice.urgency] if assessed else None
    category = _CATEGORIES.get(notice.urgency) if actionable_category and assessed else None
    told = [
        Observation(codes.PROCEDURE_FINDINGS, _in_words(notice), abnormal=flag, category=category),
        Observation(codes.PROCESSING_SUMMARY, SUMMARIES[notice.outcome], abnormal=flag),
    ]
    if not assessed:
        return (*told, Observation(codes.QUALITY_ASSESSMENT, codes.NOT_ASSESSABLE))
    told.append(Observation(codes.PRIORITY, PRIORITIES[notice.urgency], abnormal=flag))
    told += _probability(notice)
    told += _share(notice.reading)
    told += _coded(notice.reading)
    told += _scores(notice.reading)
    return tuple(told)


def _in_words(notice: Notice) -> str:
    """One line for a system that shows text alone."""
    if notice.kind is NoticeKind.WITHDRAWN:
        return "AI triage of this study is withdrawn; do not rely on it."
    if notice.outcome is Outcome.NOT_ASSESSABLE:
        return "AI triage: not assessable. Not reviewed by a physician."
    said = {
        Urgency.URGENT: "pneumonia suspected, urgent",
        Urgency.SUSPECTED: "pneumonia suspected",
        Urgency.ROUTINE: "pneumonia not suspected",
    }[notice.urgency]
    because = f" ({notice.rule})" if notice.rule else ""
    return f"AI triage: {said}{because}. Not reviewed by a physician."


def _probability(notice: Notice) -> list[Observation]:
    if notice.suspicion is None:
        return []
    limit = _number(notice.reading, "suspicion_threshold")
    value = round(100.0 * notice.suspicion, 1)
    reached = limit is not None and notice.suspicion >= limit
    return [
        Observation(
            codes.PROBABILITY,
            value,
            codes.PERCENT,
            reference_range="" if limit is None else f"<{100.0 * limit:.3g}",
            abnormal=Abnormal.HIGH if reached else None,
        )
    ]


def _share(reading: Mapping[str, Any]) -> list[Observation]:
    total = _inside(_inside(reading, "figures"), "total")
    share = _number(total, "lesion_share_percent")
    volume = _number(total, "lesion_volume_ml")
    told = []
    if share is not None:
        told.append(Observation(codes.LESION_SHARE, round(share, 1), codes.PERCENT))
    if volume is not None:
        told.append(Observation(codes.LESION_VOLUME, round(volume, 1), codes.MILLILITRE))
    return told


def _coded(reading: Mapping[str, Any]) -> list[Observation]:
    kind = _word(reading.get("pneumonia_type"), PNEUMONIA_TYPES)
    confidence = _word(_inside(reading, "confidence").get("word"), CONFIDENCES)
    told = []
    if kind is not None:
        told.append(Observation(codes.PNEUMONIA_TYPE, kind))
    if confidence is not None:
        told.append(Observation(codes.CONFIDENCE, confidence))
    return told


def _scores(reading: Mapping[str, Any]) -> list[Observation]:
    """Scores that the images alone gave."""
    scores = _inside(reading, "severity").get("scores") or ()
    told = []
    for score in scores:
        value = _number(score, "value")
        code = SEVERITY_SCORES.get(score.get("name", ""))
        if code is not None and value is not None:
            told.append(Observation(code, value, codes.NO_UNIT))
    return told


def _inside(facts: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = facts.get(name)
    return found if isinstance(found, Mapping) else {}


def _number(facts: Mapping[str, Any], name: str) -> float | None:
    """A figure; none where there is none, or one that no message can carry."""
    found = facts.get(name)
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        return None
    return float(found)


def _word(word: object, table: Mapping[Any, Code]) -> Code | None:
    return next((code for known, code in table.items() if known == word), None)
