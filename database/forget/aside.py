"""What lies aside of studies and may be anybody's: quarantine and uploads."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from database.states import UploadState
from database.tables.readers.upload import Upload
from database.tables.study.quarantine import QuarantinedObject


@dataclass(frozen=True, slots=True)
class AsideObject:
    """One object in quarantine, or one upload; `words` is what its row says of it."""

    row_id: int
    path: str | None  # file within the quarantine folder, or folder within the uploads folder
    size_bytes: int
    words: str


def quarantined(session: Session) -> list[AsideObject]:
    """All of the quarantine."""
    rows = session.execute(
        select(
            QuarantinedObject.id,
            QuarantinedObject.path,
            QuarantinedObject.size_bytes,
            QuarantinedObject.reason,
        ).order_by(QuarantinedObject.id)
    )
    return [AsideObject(*row) for row in rows]


def uploaded(session: Session) -> list[AsideObject]:
    """All uploads that are not deleted yet."""
    rows = session.scalars(select(Upload).order_by(Upload.id))
    return [
        AsideObject(
            row.id,
            row.folder,
            row.size_bytes,
            " ".join((json.dumps(row.answer), json.dumps(row.refusals), row.error_message)),
        )
        for row in rows
    ]


def uploads_in_hand(session: Session, ids: Iterable[int], now: datetime) -> bool:
    """Whether a worker reads one of these uploads, or one is still being received.

    The others are locked until the transaction ends: claims pass over them.
    """
    rows = select(Upload).where(Upload.id.in_(list(ids)))
    ours = session.scalars(rows.with_for_update(skip_locked=True)).all()
    busy = any(
        one.state is UploadState.RECEIVING
        or (one.lease_until is not None and one.lease_until >= now)
        for one in ours
    )
    return busy or not {one.id for one in ours}.issuperset(
        session.scalars(rows.with_only_columns(Upload.id))
    )
