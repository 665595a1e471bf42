"""The readers who have a study open now, and whether it was ever opened."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from database.tables.readers.listed import READER_LENGTH, StudyOpen
from database.tables.study.analysis import Study
from database.views.worklist.worklist_facts import OpenBy

HEARTBEAT_S = 15.0  # how often an open page is noted
OPEN_FOR_S = 3 * HEARTBEAT_S  # unheard of for so long, a page counts as closed
_FORGOTTEN_AFTER = timedelta(days=1)


def note_open(session: Session, study_id: int, reader: str, now: datetime) -> None:
    """Note that a reader has a study open: at the beginning, and every `HEARTBEAT_S` again.

    The study then no longer waits: it is not raised on the list any more. Without further notes
    the reader counts as gone after `OPEN_FOR_S`.
    """
    name = reader[:READER_LENGTH]
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    noted = insert(StudyOpen).values(study_id=study_id, reader=name, opened_at=now, seen_at=now)
    closed = StudyOpen.seen_at < now - timedelta(seconds=OPEN_FOR_S)
    known = session.scalars(
        select(StudyOpen).where(StudyOpen.study_id == study_id, StudyOpen.reader == name, ~closed)
    ).one_or_none()
    if known is not None:
        known.seen_at = max(known.seen_at, now)
        return
    session.execute(delete(StudyOpen).where(StudyOpen.seen_at < now - _FORGOTTEN_AFTER))
    session.execute(
        delete(StudyOpen).where(StudyOpen.study_id == study_id, StudyOpen.reader == name, closed)
    )
    session.execute(noted.on_conflict_do_nothing(index_elements=["study_id", "reader"]))
    session.execute(
        update(Study)
        .where(Study.id == study_id, Study.opened.is_(False))
        .values(opened=True)
        .execution_options(synchronize_session=False)
    )


def study_id_of(session: Session, study_instance_uid: str) -> int | None:
    """The row of a study; None if we do not know it."""
    return session.scalar(select(Study.id).where(Study.study_instance_uid == study_instance_uid))


def open_by(
    session: Session, study_ids: Collection[int], now: datetime
) -> Mapping[int, tuple[OpenBy, ...]]:
    """Who has each of these studies open; a study that nobody has open is not in it."""
    rows = session.execute(
        select(StudyOpen.study_id, StudyOpen.reader, StudyOpen.opened_at)
        .where(
            StudyOpen.study_id.in_(study_ids),
            StudyOpen.seen_at >= now - timedelta(seconds=OPEN_FOR_S),
        )
        .order_by(StudyOpen.study_id, StudyOpen.opened_at, StudyOpen.id)
    )
    found: dict[int, tuple[OpenBy, ...]] = {}
    for study_id, reader, since in rows:
        found[study_id] = (*found.get(study_id, ()), OpenBy(reader, since))
    return found
