"""Counts jobs and their times for the metrics: how long one waited, took, and what it ended as."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from database.metrics.counted import count_once_committed, observe_once_committed
from database.metrics.declared import JOB_STEP, JOB_WAIT, JOBS_ENDED, STUDY_ANSWER
from database.states import JobState
from database.tables.study.analysis import Event, Job, Result, Study

_ANSWERS = (JobState.ENCODED, JobState.REFUSED)
# The events that steps begin with: nothing else that happens to a job meanwhile is a step of it
_MARKS = (
    "claimed",
    *(one.value for one in (JobState.SELECTED, JobState.DECODED, JobState.INFERRED)),
)


def note_wait(session: Session, job_id: int, now: datetime) -> None:
    """A job is claimed for the first time."""
    job = session.get_one(Job, job_id)
    waited_s = (now - job.queued_at).total_seconds()
    observe_once_committed(
        session, JOB_WAIT, waited_s, bundle=job.bundle, priority=job.priority.value
    )


def note_step(session: Session, job_id: int, reached: JobState, now: datetime) -> None:
    """A job reaches a state; its event must not be there yet, since the one before is looked for.

    The events are written by the same worker, so that the times are of one clock.
    """
    job = session.get_one(Job, job_id)
    began = session.scalar(
        select(Event.at)
        .where(Event.study_id == job.study_id, Event.job_id == job_id, Event.name.in_(_MARKS))
        .order_by(Event.id.desc())
        .limit(1)
    )
    if began is not None:
        took_s = (now - began).total_seconds()
        observe_once_committed(session, JOB_STEP, took_s, bundle=job.bundle, step=reached.value)


def note_end(
    session: Session, job_id: int, state: JobState, now: datetime, *, error_kind: str
) -> None:
    """A job has ended; of the first answer to the images of a study the time since the last one."""
    job = session.get_one(Job, job_id)
    count_once_committed(
        session, JOBS_ENDED, bundle=job.bundle, state=state.value, reason=error_kind
    )
    if state not in _ANSWERS:
        return
    study = session.get_one(Study, job.study_id)
    before = session.scalar(
        select(Result.id)
        .where(
            Result.study_id == study.id,
            Result.created_at >= study.last_instance_at,
            Result.bundle == job.bundle,
            Result.job_id != job_id,
        )
        .limit(1)
    )
    if before is None and not study.asked_for:
        took_s = (now - study.last_instance_at).total_seconds()
        observe_once_committed(
            session, STUDY_ANSWER, took_s, bundle=job.bundle, priority=job.priority.value
        )
