"""Jobs that no worker holds: overdue, requeued from a silent worker, or tried again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from database.events import record_event
from database.lease import take_away
from database.metrics.counted import count_once_committed
from database.metrics.declared import JOBS_ENDED, LEASES_LOST
from database.process_signs import EVERY_S
from database.states import RETRYABLE, RUNNING, JobState, WorklistRank
from database.studies.study_state import settle_study
from database.tables.readers.upload import ProcessSign
from database.tables.study.analysis import Job, Study

WAIT_IS_OVER: Final = "The wait after a fault is over"
WORKER_GONE: Final = "Its worker was stopped, or died"
WORKER_LATE: Final = "Its worker runs, and did not renew its lease in time"


def requeue_expired(session: Session, *, max_attempts: int, now: datetime) -> list[int]:
    """Take jobs back from workers whose lease ran out; the event `requeued` says why.

    Returns
    -------
    The jobs that wait again. A job that was tried `max_attempts` times is failed instead: what
    kills a worker each time would otherwise stop the whole queue.
    """
    expired = session.scalars(
        select(Job)
        .where(Job.state.in_(RUNNING), Job.lease_until < now)
        .with_for_update(skip_locked=True)
    ).all()
    waiting = []
    for job in expired:
        reason = _reason(session, job)
        take_away(job)
        if reason != WAIT_IS_OVER:
            count_once_committed(session, LEASES_LOST, queue="jobs")
        if job.attempts < max_attempts:
            job.state = JobState.QUEUED
            waiting.append(job.id)
            settle_study(session, job.study_id)
            record_event(
                session,
                "requeued",
                now,
                study_id=job.study_id,
                job_id=job.id,
                reason=reason,
                worker=job.worker,
                attempt=job.attempts,
            )
            continue
        job.state = JobState.FAILED
        job.rank = WorklistRank.UNANSWERED
        job.finished_at = now
        job.error_kind = job.error_kind or "WorkerLost"
        job.error_message = job.error_message or (
            f"The worker stopped {job.attempts} times while it had this job"
        )
        settle_study(session, job.study_id)
        record_event(
            session, "failed", now, study_id=job.study_id, job_id=job.id, error_kind=job.error_kind
        )
        count_once_committed(
            session, JOBS_ENDED, bundle=job.bundle, state=job.state.value, reason=job.error_kind
        )
    return waiting


def _reason(session: Session, job: Job) -> str:
    """Why nobody holds a job any more whose lease ran out: a sentence that the page translates."""
    if job.state is JobState.QUEUED and job.error_kind:  # given back by its worker, with the fault
        return WAIT_IS_OVER
    sign = session.get(ProcessSign, job.worker)
    assert job.lease_until is not None  # it has run out
    # One that died gave its last sign before its last renewal, which is more than one sign ago.
    runs = sign is not None and sign.seen_at > job.lease_until - timedelta(seconds=EVERY_S)
    return WORKER_LATE if runs else WORKER_GONE


@dataclass(frozen=True, slots=True)
class Overdue:
    """What a sweep must care for: counts of jobs."""

    expired: int  # a worker held them and fell silent
    unclaimed: int  # they wait, no worker is busy, and nobody took them


def overdue_jobs(session: Session, *, now: datetime, claimable_since: datetime) -> Overdue:
    """Look, without a lock, whether a wake-up or a worker was lost.

    A job that waits behind a busy worker is not overdue: that worker passes the wake-up on.
    """
    expired = len(
        session.scalars(select(Job.id).where(Job.state.in_(RUNNING), Job.lease_until < now)).all()
    )
    busy = session.scalar(select(Job.id).where(Job.lease_until >= now).limit(1))
    if busy is not None:
        return Overdue(expired=expired, unclaimed=0)
    unclaimed = session.scalars(
        select(Job.id).where(
            Job.state == JobState.QUEUED,
            Job.lease_until.is_(None),
            Job.queued_at < claimable_since,
        )
    ).all()
    return Overdue(expired=expired, unclaimed=len(unclaimed))


def waiting_jobs(session: Session) -> int:
    """How many jobs can be claimed now."""
    return len(
        session.scalars(
            select(Job.id).where(Job.state == JobState.QUEUED, Job.lease_until.is_(None))
        ).all()
    )


def retry_failed_jobs(session: Session, now: datetime, *, by: str) -> int:
    """Send every failed job of a listed study back to the queue; gives how many.

    Parameters
    ----------
    by : who asked, at the page
    """
    failed = session.scalars(
        select(Job.id)
        .join(Study, Study.id == Job.study_id)
        .where(Job.state == JobState.FAILED, Study.asked_for.is_(False))
        .order_by(Job.id)
    ).all()
    return sum(retry_job(session, job_id, now, by=by, through="page") for job_id in failed)


def retry_job(session: Session, job_id: int, now: datetime, *, by: str, through: str) -> bool:
    """Send a job that ended without an answer back to the queue, as a person asked.

    Parameters
    ----------
    by, through : who asked, and where: "page" or "command line"

    Returns
    -------
    False when the job does not exist or has not ended that way.
    """
    job = session.scalars(select(Job).where(Job.id == job_id).with_for_update()).one_or_none()
    if job is None or job.state not in RETRYABLE:
        return False
    job.state = JobState.QUEUED
    job.lease_until = None
    job.attempts = 0
    job.finished_at = job.rank = None
    job.due_at = now
    job.error_kind = job.error_message = job.trace = ""
    settle_study(session, job.study_id)
    record_event(
        session, "retried", now, study_id=job.study_id, job_id=job.id, by=by, through=through
    )
    return True
