"""Events: what happened to a study, each with its moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from database.tables.study.analysis import Event, Study


def record_event(
    session: Session,
    name: str,
    now: datetime,
    *,
    study_id: int | None = None,
    job_id: int | None = None,
    **facts: Any,
) -> None:
    """Add an event. `name` is static; facts are identifiers and figures, never patient text."""
    session.add(Event(at=now, study_id=study_id, job_id=job_id, name=name, facts=facts))


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event, as those see it who follow what happens."""

    event_id: int
    at: datetime
    study_id: int | None
    study_instance_uid: str | None
    name: str
    facts: dict[str, Any]


def events_after(session: Session, event_id: int) -> list[EventRow]:
    """Events younger than the event with this id, the oldest first."""
    rows = session.execute(
        select(
            Event.id, Event.at, Event.study_id, Study.study_instance_uid, Event.name, Event.facts
        )
        .outerjoin(Study, Study.id == Event.study_id)
        .where(Event.id > event_id)
        .order_by(Event.id)
    )
    return [EventRow(*row) for row in rows]


def latest_events(session: Session, names: Sequence[str], *, limit: int) -> list[EventRow]:
    """The newest events of some names that belong to no study, the last one first."""
    found = [
        EventRow(number, at, None, None, name, facts)
        for name in names  # each for itself: an index has only those of one name in their order
        for number, at, facts in session.execute(
            select(Event.id, Event.at, Event.facts)
            .where(Event.name == name, Event.study_id.is_(None))
            # The study is the same for all, and PostgreSQL takes the index only if it is told so.
            .order_by(Event.study_id.desc(), Event.at.desc(), Event.id.desc())
            .limit(limit)
        )
    ]
    return sorted(found, key=lambda one: (one.at, one.event_id), reverse=True)[:limit]
