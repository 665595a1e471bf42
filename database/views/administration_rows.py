"""The administration page's rows: queues, workers, peers, disk. Read only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from database.audit.sending import sending_facts
from database.flag_states import NoticeState
from database.states import (
    RUNNING,
    UNDER_WAY,
    JobState,
    PriorRequestState,
    UploadState,
)
from database.tables.readers.flag import FlagNotice
from database.tables.readers.upload import DiskUse, EchoAnswer, Upload
from database.tables.study.analysis import (
    Association,
    Delivery,
    Instance,
    Job,
    Result,
    ResultObject,
    Study,
)
from database.tables.study.prior import PriorRequest
from database.tables.study.quarantine import QuarantinedObject

_COUNT_AGAIN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """How many wait in one queue, how many are in hand, and since when the oldest waits."""

    name: str
    waiting: int
    in_hand: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class HeldJob:
    """A job in a worker's hands."""

    job_id: int
    worker: str
    study_instance_uid: str
    state: JobState
    progress_percent: int


@dataclass(frozen=True, slots=True)
class EchoFacts:
    """What a peer last answered to a C-ECHO request; `error_kind` is "" for success."""

    asked_at: datetime
    took_ms: int
    error_kind: str
    error_message: str


@dataclass(frozen=True, slots=True)
class DiskFacts:
    """How much one folder holds."""

    folder: str
    files: int
    size_bytes: int
    counted_at: datetime


def queue_depths(session: Session, now: datetime) -> tuple[QueueFacts, ...]:
    """Every queue of the database, in the order in which a study meets them; the audit last.

    A row whose due moment moves with each attempt waits since the result that it is about.
    """
    free = Job.lease_until.is_(None)
    delivered = select(Result.created_at).where(Result.id == Delivery.result_id)
    compared = select(func.min(Result.created_at)).where(Result.study_id == PriorRequest.study_id)
    return (
        _queue(
            session,
            "analysis",
            Job.queued_at,
            waiting=(Job.state == JobState.QUEUED) & free,
            in_hand=Job.state.in_(RUNNING) & (Job.lease_until >= now),
        ),
        _queue(
            session,
            "delivery",
            delivered.correlate(Delivery).scalar_subquery(),
            waiting=Delivery.state.in_(UNDER_WAY) & Delivery.lease_until.is_(None),
            in_hand=Delivery.state.in_(UNDER_WAY) & (Delivery.lease_until >= now),
        ),
        _queue(
            session,
            "flags",
            FlagNotice.created_at,
            waiting=(FlagNotice.state == NoticeState.WAITING) & FlagNotice.lease_until.is_(None),
            in_hand=(FlagNotice.state == NoticeState.WAITING) & (FlagNotice.lease_until >= now),
        ),
        _queue(
            session,
            "retrieval",
            compared.correlate(PriorRequest).scalar_subquery(),
            waiting=(PriorRequest.state == PriorRequestState.WAITING)
            & PriorRequest.lease_until.is_(None),
            in_hand=(PriorRequest.state == PriorRequestState.WAITING)
            & (PriorRequest.lease_until >= now),
        ),
        _queue(
            session,
            "uploads",
            Upload.received_at,
            waiting=Upload.state == UploadState.WAITING,
            in_hand=Upload.state == UploadState.RUNNING,
        ),
        *_audit(session, now),
    )


def _audit(session: Session, now: datetime) -> tuple[QueueFacts, ...]:
    """Audit events on their way to a repository, where there is one."""
    facts = sending_facts(session, now)
    if facts is None:
        return ()
    return (QueueFacts("audit", facts.waiting, int(facts.in_hand), facts.oldest),)


def _queue(session: Session, name: str, since: Any, *, waiting: Any, in_hand: Any) -> QueueFacts:
    count, oldest = session.execute(select(func.count(), func.min(since)).where(waiting)).one()
    held = session.scalar(select(func.count()).where(in_hand)) or 0
    return QueueFacts(name, count, held, oldest if count else None)


def held_jobs(session: Session, now: datetime) -> tuple[HeldJob, ...]:
    """Jobs whose lease holds: as many as there are workers."""
    rows = session.execute(
        select(
            Job.id,
            Job.worker,
            Study.study_instance_uid,
            Job.state,
            Job.progress_percent,
        )
        .join(Study, Study.id == Job.study_id)
        .where(Job.state.in_(RUNNING), Job.lease_until >= now, Job.worker != "")
        .order_by(Job.id)
    )
    return tuple(HeldJob(*row) for row in rows)


def last_seen(session: Session, ae_titles: Sequence[str]) -> dict[str, datetime]:
    """When each calling AE title last had an association with us, by the index on both."""
    found = {
        title: session.scalar(
            select(func.max(Association.accepted_at)).where(Association.calling_ae_title == title)
        )
        for title in set(ae_titles)
    }
    return {title: at for title, at in found.items() if at is not None}


def record_echo(session: Session, peer: str, answer: EchoFacts) -> None:
    """Keep what a peer answered, in place of what it answered before."""
    session.merge(
        EchoAnswer(
            peer=peer,
            asked_at=answer.asked_at,
            took_ms=answer.took_ms,
            error_kind=answer.error_kind,
            error_message=answer.error_message,
        )
    )


def echo_answers(session: Session) -> dict[str, EchoFacts]:
    """The last answer of each peer, by its name in the settings."""
    return {
        row.peer: EchoFacts(row.asked_at, row.took_ms, row.error_kind, row.error_message)
        for row in session.scalars(select(EchoAnswer))
    }


def disk_use_is_due(session: Session, now: datetime) -> bool:
    """Whether it is time to count again."""
    last = session.scalar(select(func.min(DiskUse.counted_at)))
    return last is None or now - last >= _COUNT_AGAIN


def count_disk_use(session: Session, now: datetime) -> None:
    """Count what the folders hold, from the rows that name their files: no folder is walked."""
    sizes: dict[str, Any] = {
        "spool": Instance.size_bytes,
        "results": ResultObject.size_bytes,
        "quarantine": QuarantinedObject.size_bytes,
        "uploads": Upload.size_bytes,
    }
    for folder, size in sizes.items():
        counted = select(func.count(size), func.coalesce(func.sum(size), 0))
        if folder == "spool":
            counted = counted.where(Instance.removed_at.is_(None))
        if folder == "results":
            counted = counted.join(Result, Result.id == ResultObject.result_id).where(
                Result.files_removed_at.is_(None)
            )
        if folder == "uploads":  # files are deleted with the answer
            counted = counted.where(Upload.finished_at.is_(None))
        files, total = session.execute(counted).one()
        session.merge(DiskUse(folder=folder, files=files, size_bytes=int(total), counted_at=now))


def disk_use(session: Session) -> tuple[DiskFacts, ...]:
    """What was last counted, the largest first."""
    rows = session.scalars(select(DiskUse).order_by(DiskUse.size_bytes.desc(), DiskUse.folder))
    return tuple(DiskFacts(row.folder, row.files, row.size_bytes, row.counted_at) for row in rows)


def last_algorithm(session: Session) -> tuple[Mapping[str, Any], datetime] | None:
    """Which algorithm gave the newest reading, and when; None before the first.

    A study that was refused before a bundle saw it has an answer, but no reading.
    """
    row = session.execute(
        select(Result.reading, Result.created_at)
        .where(Result.reading["algorithm"]["name"].as_string() != "")
        .order_by(Result.id.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else (row.reading["algorithm"], row.created_at)
