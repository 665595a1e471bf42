"""Records that a reader opened a study: one event for each reader and a while."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from database.events import record_event
from database.tables.study.analysis import Event

OPENED = "study_opened"
AGAIN_AFTER = timedelta(minutes=10)


def opened_lately(session: Session, study_id: int, reader: str, now: datetime) -> bool:
    """Whether the reader's opening of the study is on record for this while."""
    opened = session.scalars(
        select(Event.facts).where(
            Event.study_id == study_id, Event.name == OPENED, Event.at > now - AGAIN_AFTER
        )
    )
    return any(facts.get("reader") == reader for facts in opened)


def record_opened(session: Session, study_id: int, reader: str, now: datetime) -> bool:
    """Record that a reader opened a study, unless they did so a moment ago."""
    if opened_lately(session, study_id, reader, now):
        return False
    record_event(session, OPENED, now, study_id=study_id, reader=reader)
    return True
