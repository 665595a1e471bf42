"""Uploads as the page shows them: read only, plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from database.states import JobState, UploadState
from database.tables.readers.upload import Upload
from database.tables.study.analysis import Job
from database.uploads.file_refusal import FileRefusal
from database.uploads.received import OPEN


@dataclass(frozen=True)
class UploadFacts:
    """An upload as the page shows it."""

    id: int
    token: str
    state: UploadState
    received_at: datetime
    expires_at: datetime
    finished_at: datetime | None
    files: int
    size_bytes: int
    step: str
    progress_percent: int
    kind: str
    answer: Mapping[str, Any] | None
    picture: str | None
    refusals: tuple[FileRefusal, ...]
    error_kind: str
    error_message: str
    ahead: int  # jobs and uploads that are read before it


def upload_facts(session: Session, token: str) -> UploadFacts | None:
    """One upload by its token; None when there is none, or none any more."""
    row = session.scalar(select(Upload).where(Upload.token == token))
    if row is None:
        return None
    return UploadFacts(
        id=row.id,
        token=row.token,
        state=row.state,
        received_at=row.received_at,
        expires_at=row.expires_at,
        finished_at=row.finished_at,
        files=row.files,
        size_bytes=row.size_bytes,
        step=row.step,
        progress_percent=row.progress_percent,
        kind=row.kind,
        answer=row.answer,
        picture=row.picture,
        refusals=tuple(FileRefusal(**one) for one in row.refusals["files"]),
        error_kind=row.error_kind,
        error_message=row.error_message,
        ahead=_ahead(session, row) if row.state is UploadState.WAITING else 0,
    )


def _ahead(session: Session, row: Upload) -> int:
    jobs = session.scalar(
        select(func.count()).where(Job.state == JobState.QUEUED, Job.lease_until.is_(None))
    )
    uploads = session.scalar(
        select(func.count()).where(Upload.state == UploadState.WAITING, Upload.id < row.id)
    )
    return (jobs or 0) + (uploads or 0)


def upload_changes(session: Session) -> tuple[object, ...]:
    """A value that differs after an open upload went on; events tell of the others."""
    rows = session.execute(
        select(Upload.id, Upload.state, Upload.step, Upload.progress_percent)
        .where(Upload.state.in_(OPEN))
        .order_by(Upload.id)
    )
    return tuple(tuple(row) for row in rows)
