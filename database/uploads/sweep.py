"""Uploads that no worker holds: waiting, requeued from a silent worker, or expired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from database.events import record_event
from database.lease import is_free, take_away
from database.states import JobState, UploadState
from database.tables.readers.upload import Upload
from database.tables.study.analysis import Job


def requeue_uploads(session: Session, *, max_attempts: int, now: datetime) -> list[int]:
    """Take uploads back from workers whose lease ran out; those tried too often have failed.

    Returns
    -------
    The uploads that wait again.
    """
    expired = session.scalars(
        select(Upload)
        .where(Upload.state == UploadState.RUNNING, Upload.lease_until < now)
        .with_for_update(skip_locked=True)
    ).all()
    waiting = []
    for upload in expired:
        take_away(upload)
        if upload.attempts < max_attempts:
            upload.state = UploadState.WAITING
            waiting.append(upload.id)
            continue
        upload.state = UploadState.FAILED
        upload.finished_at = now
        upload.error_kind = "WorkerLost"
        upload.error_message = f"The worker stopped {upload.attempts} times while it had this"
        record_event(session, "upload_failed", now, upload=upload.id)
    return waiting


@dataclass(frozen=True, slots=True)
class UploadsToSweep:
    """What a sweep must care for."""

    expired_leases: int
    waiting: int  # can be claimed now
    deletable: tuple[tuple[int, str], ...]  # id and folder


def uploads_to_sweep(session: Session, now: datetime) -> UploadsToSweep:
    """Look, without a lock, whether there is anything to do."""
    expired = session.scalar(
        select(func.count()).where(Upload.state == UploadState.RUNNING, Upload.lease_until < now)
    )
    deletable = session.execute(
        select(Upload.id, Upload.folder).where(
            Upload.expires_at < now, Upload.state != UploadState.RUNNING
        )
    )
    return UploadsToSweep(
        expired or 0,
        waiting_uploads(session, now),
        tuple((row.id, row.folder) for row in deletable),
    )


def delete_uploads(session: Session, upload_ids: Sequence[int], now: datetime) -> None:
    """Delete rows whose files are gone already."""
    session.execute(delete(Upload).where(Upload.id.in_(upload_ids)))
    for upload_id in upload_ids:
        record_event(session, "upload_deleted", now, upload=upload_id)


def waiting_uploads(session: Session, now: datetime) -> int:
    """How many can be claimed now."""
    claimable = (Upload.state == UploadState.WAITING, is_free(Upload, now))
    return session.scalar(select(func.count()).where(*claimable)) or 0


def study_waits(session: Session, since: datetime) -> bool:
    """Whether a job has waited from before `since`, and no worker has taken it."""
    return (
        session.scalar(
            select(Job.id)
            .where(
                Job.state == JobState.QUEUED,
                Job.lease_until.is_(None),
                Job.queued_at < since,
            )
            .limit(1)
        )
        is not None
    )
