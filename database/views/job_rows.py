"""Jobs as the command line shows them: read only, plain values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from database.states import ENDED_WELL, RETRYABLE, UNDER_WAY, DeliveryState
from database.tables.study.analysis import Delivery, Event, Job, Result
from radiology.outcome import Outcome


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One delivery of a job's result."""

    destination: str
    state: str
    attempts: int
    due_at: datetime | None  # of the next attempt; None where there is none
    finished_at: datetime | None
    error_kind: str
    error_message: str


@dataclass(frozen=True, slots=True)
class JobRow:
    """One job in a list."""

    job_id: int
    study_instance_uid: str
    study_version: int
    bundle: str  # with its version, once an attempt has begun
    priority: str
    state: str
    answer: str
    reason: str
    error_kind: str  # "" where the job has not ended without an answer
    accession_number: str
    queued_at: datetime
    finished_at: datetime | None
    attempts: int
    deliveries: tuple[DeliveryRow, ...]


@dataclass(frozen=True, slots=True)
class JobDetails:
    """Everything that is known about one job."""

    row: JobRow
    decisions: tuple[tuple[str, str, str, str, str, str], ...]
    events: tuple[tuple[datetime, str, str], ...]
    trace: str


def list_jobs(session: Session, *, failed_only: bool, limit: int) -> list[JobRow]:
    """The newest jobs first; with `failed_only`, those that a person may try again."""
    query = (
        select(Job)
        .options(selectinload(Job.study), selectinload(Job.result).selectinload(Result.deliveries))
        .order_by(Job.id.desc())
        .limit(limit)
    )
    if failed_only:
        undelivered = (
            select(Delivery.id)
            .join(Result, Result.id == Delivery.result_id)
            .where(
                Result.job_id == Job.id,
                Delivery.state.in_([DeliveryState.REFUSED, DeliveryState.FAILED])
                | (Delivery.state.in_(ENDED_WELL) & (Delivery.error_kind != "")),
            )
            .exists()
        )
        query = query.where(Job.state.in_(RETRYABLE) | undelivered)
    return [_row(job) for job in session.scalars(query)]


def error_kind_of(session: Session, job_id: int) -> str:
    """Why a job ended without an answer; "" where it did not, or is none."""
    return session.scalar(select(Job.error_kind).where(Job.id == job_id)) or ""


def job_details(session: Session, job_id: int) -> JobDetails | None:
    """One job with its decisions and events; None when there is no such job."""
    job = session.get(Job, job_id)
    if job is None:
        return None
    events = session.scalars(
        select(Event)
        .where(Event.study_id == job.study_id, Event.job_id.is_(None) | (Event.job_id == job.id))
        .order_by(Event.id)
    )
    return JobDetails(
        row=_row(job),
        decisions=tuple(
            (
                decision.series_instance_uid,
                "yes" if decision.chosen else "no",
                decision.rule,
                decision.seen,
                decision.limit,
                decision.reason,
            )
            for decision in job.decisions
        ),
        events=tuple(
            (event.at, event.name, json.dumps(event.facts) if event.facts else "")
            for event in events
        ),
        trace=job.trace,
    )


def _row(job: Job) -> JobRow:
    return JobRow(
        job_id=job.id,
        study_instance_uid=job.study.study_instance_uid,
        study_version=job.study_version,
        bundle=f"{job.bundle} {job.bundle_version}".strip(),
        priority=job.priority.value,
        state=job.state.value,
        answer=_answer(job.result),
        reason=_reason(job),
        error_kind=job.error_kind,
        accession_number=job.study.accession_number,
        queued_at=job.queued_at,
        finished_at=job.finished_at,
        attempts=job.attempts,
        deliveries=tuple(_delivery(item) for item in job.result.deliveries) if job.result else (),
    )


def _answer(result: Result | None) -> str:
    if result is None:
        return ""
    if result.outcome is Outcome.NOT_ASSESSABLE:
        answer = "not assessable"
    else:
        answer = result.urgency.value if result.urgency else result.outcome.value
    return answer + (" (superseded)" if result.superseded_by_id else "")


def _reason(job: Job) -> str:
    if job.error_kind:
        return f"{job.error_kind}: {job.error_message}"
    return job.result.reason if job.result else ""


def _delivery(delivery: Delivery) -> DeliveryRow:
    return DeliveryRow(
        destination=delivery.destination,
        state=delivery.state.value,
        attempts=delivery.attempts,
        due_at=delivery.due_at if delivery.state in UNDER_WAY else None,
        finished_at=delivery.finished_at,
        error_kind=delivery.error_kind,
        error_message=delivery.error_message,
    )
