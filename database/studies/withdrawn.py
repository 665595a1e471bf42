"""Instances whose row was made and whose bytes are not durable: they count as never received.

Rows of a group are committed before one flush makes them and their files durable, and nobody has
had Success for them before (docs/decisions/0054-one-flush-for-an-instance.md).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import delete, select, update

from database.session import Session
from database.tables.study.analysis import Instance

_RECORDED: Final = select(
    Instance.sop_instance_uid, Instance.path, Instance.sha256, Instance.size_bytes
).where(Instance.removed_at.is_(None))


@dataclass(frozen=True, slots=True)
class RecordedFile:
    """What the row of an instance says of its file."""

    sop_instance_uid: str
    path: str
    sha256: str
    size_bytes: int


def latest_recorded(session: Session, count: int) -> Sequence[RecordedFile]:
    """The files of the instances that were recorded last, the last one first."""
    rows = session.execute(_RECORDED.order_by(Instance.id.desc()).limit(count))
    return [RecordedFile(*row) for row in rows]


def recorded_files(session: Session, uids: Collection[str]) -> Sequence[RecordedFile]:
    """The files of instances as their rows are now, in no order."""
    rows = session.execute(_RECORDED.where(Instance.sop_instance_uid.in_(uids)))
    return [RecordedFile(*row) for row in rows]


def withdraw_instances(session: Session, uids: Collection[str], now: datetime) -> None:
    """Let the senders' next attempt be the first one.

    The row of an instance that a version of its study holds already stays, as of one whose file
    was removed: the version is not read without it, and what comes again makes another version.
    """
    named = Instance.sop_instance_uid.in_(uids)
    session.execute(delete(Instance).where(named, Instance.study_version.is_(None)))
    session.execute(
        update(Instance).where(named, Instance.removed_at.is_(None)).values(removed_at=now)
    )
