"""Uploads: received, claimed by a worker, ended. An upload never becomes a study.

They come after every job: `claim_upload` is asked only when no job waits, and a worker gives an
upload back when a job begins to wait (docs/decisions/0027-uploads.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, func, select, update
from sqlalchemy.orm import Session

from database.events import record_event
from database.lease import claim_first, ended, ended_in_defect, is_free, let_go, write_held
from database.one_at_a_time import one_at_a_time
from database.states import UploadState
from database.tables.readers.upload import Upload
from database.uploads.file_refusal import FileRefusal

OPEN = (UploadState.RECEIVING, UploadState.WAITING, UploadState.RUNNING)
"""States of an upload that has not come to its end."""


@dataclass(frozen=True, slots=True)
class UploadClaim:
    """An upload in a worker's hands: valid while its fencing token is the newest."""

    upload_id: int
    folder: str
    fencing_token: int
    attempts: int
    after_defect: bool  # the attempt before this one ended in a defect


def open_upload(
    session: Session,
    now: datetime,
    *,
    token: str,
    folder: str,
    reader: str,
    receive_s: float,
    most_open: int,
) -> int | None:
    """Make the row of an upload that begins to arrive.

    Returns
    -------
    Its id; None when as many as may be are open already.
    """
    one_at_a_time(session, "uploads")  # two that come at once are not both the last
    count = session.scalar(select(func.count()).where(Upload.state.in_(OPEN))) or 0
    if count >= most_open:
        return None
    upload = Upload(
        token=token,
        folder=folder,
        reader=reader,
        state=UploadState.RECEIVING,
        received_at=now,
        # Twice: the transfer itself ends by its own clock; this is for a page that died.
        expires_at=now + timedelta(seconds=2 * receive_s),
        refusals={"files": []},
    )
    session.add(upload)
    session.flush()
    record_event(session, "upload_opened", now, upload=upload.id, reader=reader)
    return upload.id


def queue_upload(
    session: Session, upload_id: int, now: datetime, *, files: int, size_bytes: int, keep_s: float
) -> None:
    """Everything has come: let a worker take it."""
    _end_receiving(session, upload_id, now, UploadState.WAITING, keep_s, files, size_bytes)


def refuse_upload(
    session: Session,
    upload_id: int,
    now: datetime,
    *,
    files: int,
    size_bytes: int,
    keep_s: float,
    error_kind: str,
    error_message: str,
) -> None:
    """It was refused while it came."""
    _end_receiving(
        session,
        upload_id,
        now,
        UploadState.REFUSED,
        keep_s,
        files,
        size_bytes,
        finished_at=now,
        error_kind=error_kind,
        error_message=error_message,
    )


def _end_receiving(
    session: Session,
    upload_id: int,
    now: datetime,
    state: UploadState,
    keep_s: float,
    files: int,
    size_bytes: int,
    **values: Any,
) -> None:
    session.execute(
        update(Upload)
        .where(Upload.id == upload_id, Upload.state == UploadState.RECEIVING)
        .values(
            state=state,
            files=files,
            size_bytes=size_bytes,
            expires_at=now + timedelta(seconds=keep_s),
            **values,
        )
    )
    record_event(session, f"upload_{state.value}", now, upload=upload_id)


def claim_upload(
    session: Session, *, worker: str, lease_s: float, now: datetime
) -> UploadClaim | None:
    """Take the upload that has waited longest; None when none is due.

    A lease that ran out does not free a running upload: the sweep counts its attempts first.
    """
    row = claim_first(
        session,
        Upload,
        (Upload.state == UploadState.WAITING, is_free(Upload, now)),
        (Upload.id,),
        lease_s=lease_s,
        now=now,
        returning=(
            Upload.id,
            Upload.folder,
            Upload.fencing_token,
            Upload.attempts,
            ended_in_defect(Upload),
        ),
        state=UploadState.RUNNING,
        attempts=Upload.attempts + 1,
        worker=worker,
        step="",
        progress_percent=0,
    )
    return None if row is None else UploadClaim(*row)


def renew_upload(
    session: Session,
    claim: UploadClaim,
    *,
    lease_s: float,
    step: str,
    progress_percent: int,
    now: datetime,
) -> None:
    """Hold an upload for longer, and show how far it is.

    Raises
    ------
    LeaseLost
        It is somebody else's by now, or was deleted.
    """
    _write(
        session,
        claim,
        lease_until=now + timedelta(seconds=lease_s),
        step=step,
        progress_percent=progress_percent,
    )


def give_way(session: Session, claim: UploadClaim) -> None:
    """Let it wait as if it had not been claimed: a study goes first.

    Raises
    ------
    LeaseLost
        As for `renew_upload`.
    """
    _write(
        session,
        claim,
        state=UploadState.WAITING,
        lease_until=None,
        attempts=claim.attempts - 1,
        step="",
        progress_percent=0,
    )


def return_upload(
    session: Session,
    claim: UploadClaim,
    *,
    error_kind: str,
    error_message: str,
    trace: str = "",
    not_before: datetime,
) -> None:
    """Let it wait again after an attempt that did not succeed.

    It is due no sooner than `not_before`; the lease keeps it from being claimed until then.

    Raises
    ------
    LeaseLost
        As for `renew_upload`.
    """
    _write(
        session,
        claim,
        **{
            **let_go(error_kind=error_kind, error_message=error_message, trace=trace),
            "state": UploadState.WAITING,
            "lease_until": not_before,
            "step": "",
            "progress_percent": 0,
        },
    )


def end_upload(
    session: Session,
    claim: UploadClaim,
    state: UploadState,
    now: datetime,
    *,
    refusals: Sequence[FileRefusal] = (),
    kind: str = "",
    answer: Mapping[str, Any] | None = None,
    picture: str | None = None,
    error_kind: str = "",
    error_message: str = "",
    trace: str = "",
) -> None:
    """Keep what became of it.

    Raises
    ------
    LeaseLost
        As for `renew_upload`.
    """
    _write(
        session,
        claim,
        **ended(state, now, error_kind=error_kind, error_message=error_message, trace=trace),
        step="",
        progress_percent=100,
        refusals={
            "files": [
                {
                    "number": refusal.number,
                    "size_bytes": refusal.size_bytes,
                    "error_kind": refusal.error_kind,
                    "reason": refusal.reason,
                }
                for refusal in refusals
            ]
        },
        kind=kind,
        answer=None if answer is None else dict(answer),
        picture=picture,
    )
    record_event(session, f"upload_{state.value}", now, upload=claim.upload_id)


def expire_upload(session: Session, token: str, now: datetime) -> bool:
    """Let the next sweep delete it, as a person asked; False when there is none."""
    changed = cast(
        "CursorResult[Any]",
        session.execute(update(Upload).where(Upload.token == token).values(expires_at=now)),
    )
    return changed.rowcount == 1


def _write(session: Session, claim: UploadClaim, **values: Any) -> None:
    running = Upload.state == UploadState.RUNNING
    write_held(session, Upload, claim.upload_id, claim.fencing_token, running, **values)
