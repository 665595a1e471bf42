"""Why the files of a study are held back, and what is known of it to tell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from database.states import UNREAD, StudyState


class HeldBack(StrEnum):
    """Why something does not go although its time has come."""

    NOT_READ = "not read yet"
    FAILED = "reading failed"
    SEVERAL_PATIENTS = "several patients"
    JOB_RUNS = "a job has not ended"
    NOT_DELIVERED = "a result is not delivered"
    NOT_COMMITTED = "a result is not promised to be kept"
    NOT_ACKNOWLEDGED = "urgent and not acknowledged"
    EARLIER_STUDY_AWAITED = "an earlier study is awaited"
    UNDER_TREATMENT = "prior of a patient under treatment"
    ONLY_COPY = "no destination has it"


@dataclass(frozen=True, slots=True)
class KeptStudy:
    """A study with files here.

    Attributes
    ----------
    size_bytes : of its images that are still here
    jobs_open : jobs that wait or run
    undelivered, uncommitted : deliveries that have not ended well; those of which are stored, and
        whose promise is awaited
    newer_at : when the last image of a later study of the patient came
    visiting : HL7 says that the patient is here
    originals_here : its images have not gone by their age or a mark
    """

    study_id: int
    study_instance_uid: str
    last_instance_at: datetime
    state: StudyState
    several_patients: bool
    size_bytes: int
    jobs_open: int
    undelivered: int
    uncommitted: int
    flag_open: bool
    earlier_awaited: bool
    newer_at: datetime | None
    visiting: bool
    originals_here: bool = True


def held_back(study: KeptStudy, now: datetime, *, treatment: timedelta) -> HeldBack | None:
    """The first reason why nothing of a study goes; None where it may."""
    newer = study.newer_at is not None and now - study.newer_at < treatment
    reasons = (
        (study.state in UNREAD, HeldBack.NOT_READ),
        (study.state is StudyState.FAILED, HeldBack.FAILED),
        (study.several_patients, HeldBack.SEVERAL_PATIENTS),
        (study.jobs_open > 0, HeldBack.JOB_RUNS),
        (study.undelivered > 0, HeldBack.NOT_DELIVERED),
        (study.uncommitted > 0, HeldBack.NOT_COMMITTED),
        (study.flag_open, HeldBack.NOT_ACKNOWLEDGED),
        (study.earlier_awaited, HeldBack.EARLIER_STUDY_AWAITED),
        (newer or study.visiting, HeldBack.UNDER_TREATMENT),
    )
    return next((reason for holds, reason in reasons if holds), None)
