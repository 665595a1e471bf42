"""A study in words: its state, its deliveries, its patient."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from database.states import (
    RUNNING,
    DeliveryPurpose,
    DeliveryState,
    JobState,
    ObjectState,
    StudyState,
)
from database.views.worklist.worklist_facts import (
    DeliveryFacts,
    JobFacts,
    ObjectFacts,
    StudyFacts,
    WorklistRow,
)
from dicom_node.status import is_stored
from radiology.arrivals.whole import Why
from radiology.clinical.person_name import person_name
from radiology.language import Language
from radiology.words.peer_words import split_words
from worklist.words.dimse_status import status_words
from worklist.words.next_steps import next_step_of_delivery
from worklist.words.stored_words import peer_says, reason_words
from worklist.words.translations import current_language, translated, translated_row

_AGE = re.compile(r"0*(\d{1,3})([DWMY])")  # PS3.5 Table 6.2-1, value representation AS
AGE_UNITS = {"D": "days", "W": "weeks", "M": "months", "Y": "y"}
SEXES = {"M": "male", "F": "female", "O": "other"}  # PS3.3 Section C.7.1.1

STATES = {
    StudyState.RECEIVED: "images are arriving",
    StudyState.QUEUED: "waits for a worker",
    StudyState.SELECTED: "series chosen",
    StudyState.DECODED: "images decoded",
    StudyState.INFERRED: "model has read it",
    StudyState.ENCODED: "results made",
    StudyState.DELIVERED: "results stored",
    StudyState.COMMITTED: "results stored and kept",
    StudyState.REFUSED: "ended without a result",
    StudyState.FAILED: "ended with a fault",
}

AWAITED: Final[dict[str, str]] = {
    Why.RELEASED: "all images seem to be here; waits a moment, as this sender often sends more",
    Why.OPEN: "waits for more images: the sender's association is still open",
    Why.BROKEN: "waits for the sender to come again: its association broke off",
    Why.MISSING: "waits for images that are missing between those that came",
}
"""Of a study whose images are arriving, what it waits for."""

WITHDRAWN = "its result is withdrawn"
_WITH_RESULT = (StudyState.ENCODED, StudyState.DELIVERED, StudyState.COMMITTED)


@dataclass(frozen=True, slots=True)
class StudyStanding:
    """A study's state, and the progress of the job that a worker holds.

    `percent` is None when no worker holds the job; `returns_at` is when a job comes back to the
    queue that something unavailable had stopped, and `trouble` what that was.
    """

    state: str
    words: str
    percent: int | None = None
    returns_at: datetime | None = None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryLine:
    """Where one delivery stands. `when` is the moment that `words` speak of, if any.

    `in_part` where the destination took some objects and refused others for good.
    """

    state: DeliveryState
    destination: str
    words: str
    in_part: bool
    when: datetime | None = None
    reason: str = ""
    advice: str = ""


def standing_of(row: WorklistRow) -> StudyStanding:
    """Where a study stands."""
    state, job = row.study.state, row.job
    withdrawn = row.result is not None and row.result.withdrawn_at is not None
    words = translated(WITHDRAWN if withdrawn and state in _WITH_RESULT else STATES[state])
    if state is StudyState.RECEIVED:
        return StudyStanding(state.value, translated(AWAITED.get(row.study.awaits, STATES[state])))
    if job is None or job.state not in RUNNING or job.lease_until is None:
        return StudyStanding(state.value, words)
    if _was_returned(job):
        return StudyStanding(
            state.value,
            translated("waits for something unavailable"),
            returns_at=job.lease_until,
            trouble=reason_words(job.error_kind, job.error_message),
        )
    words = translated("analysis has begun") if state is StudyState.QUEUED else words
    return StudyStanding(state.value, words, percent=max(0, min(100, job.progress_percent)))


def delivery_line(delivery: DeliveryFacts) -> DeliveryLine:
    """Where a delivery stands, with the reason and what to do where it did not go well."""
    words, when = _delivery_words(delivery)
    if delivery.purpose is DeliveryPurpose.REJECTION:
        words = translated("rejection note %(words)s", words=words)
    troubled = bool(delivery.error_kind) and delivery.state is not DeliveryState.WITHDRAWN
    return DeliveryLine(
        state=delivery.state,
        destination=delivery.destination,
        words=words,
        in_part=_is_in_part(delivery),
        when=when,
        reason=reason_words(delivery.error_kind, delivery.error_message) if troubled else "",
        advice=next_step_of_delivery(delivery.state, delivery.error_kind) if troubled else "",
    )


def object_words(item: ObjectFacts) -> str:
    """What a destination answered for one object, in words."""
    if item.state is ObjectState.COMMITTED:
        return translated("stored, promised to be kept")
    reason, said = split_words(item.reason)
    if item.status is None:
        words = translated_row(reason) or status_words(None)
    else:
        words = status_words(item.status)
        told = is_stored(item.status) and reason
        words = f"{words}; {translated_row(reason)}" if told else words
    return f"{words}. {peer_says(said)}" if said else words


def object_verdict(item: ObjectFacts) -> str:
    """Whether a destination has one object: yes, no, or nothing while it is not known."""
    if item.state is ObjectState.REFUSED:
        return "no"
    if item.status is None:
        return ""
    return "yes" if is_stored(item.status) and not item.reason else "no"


def patient_age(study: StudyFacts) -> str:
    """Patient's Age (0010,1010) as a person would say it; as it came when it is not valid."""
    match = _AGE.fullmatch(study.patient_age.strip())
    if match is None:
        return study.patient_age.strip()
    return f"{match[1]} {translated(AGE_UNITS[match[2]])}"


def patient_sex(study: StudyFacts) -> str:
    """Patient's Sex (0010,0040) as a word; as it came when it is not one of the defined terms."""
    return translated(SEXES.get(study.patient_sex.strip().upper(), study.patient_sex.strip()))


def name_forms(patient_name: str) -> tuple[str, ...]:
    """The forms of Patient's Name (0010,0010), that of the page's script first."""
    name = person_name(patient_name)
    forms = (name.alphabetic, name.ideographic)
    ordered = reversed(forms) if current_language() is Language.CHINESE else forms
    return tuple(one for one in ordered if one)


def _was_returned(job: JobFacts) -> bool:
    # A claim clears the error; a job given back to the queue keeps it until the next claim.
    return job.state is JobState.QUEUED and bool(job.error_kind)


def _is_in_part(delivery: DeliveryFacts) -> bool:
    arrived = delivery.state in (DeliveryState.DELIVERED, DeliveryState.COMMITTED)
    return arrived and bool(delivery.error_kind)


def _delivery_words(delivery: DeliveryFacts) -> tuple[str, datetime | None]:
    in_part = _is_in_part(delivery)
    match delivery.state:
        case DeliveryState.DELIVERED if in_part:
            return translated("stored in part"), delivery.finished_at
        case DeliveryState.DELIVERED:
            return translated("stored"), delivery.finished_at
        case DeliveryState.COMMITTED if in_part:
            return translated("stored in part, promised to be kept"), delivery.finished_at
        case DeliveryState.COMMITTED:
            return translated("stored, promised to be kept"), delivery.finished_at
        case DeliveryState.SENT if delivery.asks > 1:
            asked = translated(
                "stored, asked %(times)s times to keep it; next", times=delivery.asks
            )
            return asked, delivery.due_at
        case DeliveryState.SENT:
            return translated("stored, not yet promised to be kept"), None
        case DeliveryState.WAITING if delivery.lease_until is not None:
            return translated("sending"), None
        case DeliveryState.WAITING if delivery.attempts:
            return translated("waiting, next try"), delivery.due_at
        case DeliveryState.WAITING:
            return translated("waiting to be sent"), None
        case DeliveryState.REFUSED:
            return translated("refused"), delivery.finished_at
        case DeliveryState.FAILED if delivery.attempts == 1:
            return translated("given up after one attempt"), delivery.finished_at
        case DeliveryState.FAILED:
            tried = translated("given up after %(times)s attempts", times=delivery.attempts)
            return tried, delivery.finished_at
        case DeliveryState.WITHDRAWN:
            return translated("withdrawn, not sent any more"), delivery.finished_at
