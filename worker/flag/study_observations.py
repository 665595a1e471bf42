"""What a notice says, as coded observations for a message: pure, from the result's row alone.

The codes are those of the SR, so that a receiver that reads both sees the same concepts.
"""

from __future__ import annotations

from hl7_node.observation_message import Abnormal, Observation
from radiology import codes
from radiology.answer.measurement import Measurement
from radiology.answer.outcome_codes import PRIORITIES, SUMMARIES
from radiology.answer.reading import Reading
from radiology.answer.statement import Statement
from radiology.outcome import Outcome
from radiology.urgency import Urgency
from worker.flag.channel import TEST_SAYS, Notice, NoticeKind

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
    if notice.is_test:
        return (Observation(codes.PROCEDURE_FINDINGS, TEST_SAYS),)
    reading = notice.reading
    assessed = notice.outcome is not Outcome.NOT_ASSESSABLE
    flag = _FLAGS[notice.urgency] if assessed else None
    category = _CATEGORIES.get(notice.urgency) if actionable_category and assessed else None
    told = [
        Observation(
            codes.PROCEDURE_FINDINGS, _in_words(notice, reading), abnormal=flag, category=category
        ),
        Observation(codes.PROCESSING_SUMMARY, SUMMARIES[notice.outcome], abnormal=flag),
    ]
    if not assessed:
        return (*told, Observation(codes.QUALITY_ASSESSMENT, codes.NOT_ASSESSABLE))
    told.append(Observation(codes.PRIORITY, PRIORITIES[notice.urgency], abnormal=flag))
    told += _probability(notice, reading)
    told += [_observation(one) for one in (() if reading is None else reading.summary)]
    return tuple(told)


def _in_words(notice: Notice, reading: Reading | None) -> str:
    """One line for a system that shows text alone."""
    if notice.kind is NoticeKind.WITHDRAWN:
        return "AI triage of this study is withdrawn; do not rely on it."
    if notice.outcome is Outcome.NOT_ASSESSABLE:
        return "AI triage: not assessable. Not reviewed by a physician."
    said = {
        Urgency.URGENT: "suspected, urgent",
        Urgency.SUSPECTED: "suspected",
        Urgency.ROUTINE: "not suspected",
    }[notice.urgency]
    if reading is not None:
        said = f"{reading.report.subject} {said}"
    because = f" ({notice.rule})" if notice.rule else ""
    return f"AI triage: {said}{because}. Not reviewed by a physician."


def _probability(notice: Notice, reading: Reading | None) -> list[Observation]:
    if notice.suspicion is None:
        return []
    limit = reading.suspicion.threshold if reading and reading.suspicion else None
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


def _observation(told: Measurement | Statement) -> Observation:
    """A figure with its unit, or a coded answer."""
    if isinstance(told, Measurement):
        return Observation(told.concept, told.written, told.unit)
    return Observation(told.concept, told.answer or "")
