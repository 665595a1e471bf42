"""How far the traces have got: the events whose spans are still to be sent."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from database.one_at_a_time import one_at_a_time
from database.tables.operation.trace import TraceCursor
from database.tables.study.analysis import Event
from database.traces.spans import ENDINGS, StudySpan, spans_of

_ROW = 1
_MOST_AT_ONCE = 200  # events
# On PostgreSQL a lower id may be committed after a higher one, but not by so much.
_SETTLED = timedelta(seconds=5)


def begin_traces(session: Session) -> None:
    """Trace what happens from now on, unless tracing has begun before."""
    one_at_a_time(session, "traces")  # two workers that start at once: there is no row yet to lock
    if session.get(TraceCursor, _ROW) is None:
        newest = session.scalar(select(func.max(Event.id))) or 0
        session.add(TraceCursor(id=_ROW, event_id=newest))


def next_spans(session: Session, now: datetime) -> tuple[list[StudySpan], int | None]:
    """The spans that were not sent yet, and the event up to which they are; None: no event."""
    cursor = session.get_one(TraceCursor, _ROW).event_id
    events = session.scalars(
        select(Event)
        .where(Event.id > cursor, Event.at <= now - _SETTLED, Event.name.in_(ENDINGS))
        .order_by(Event.id)
        .limit(_MOST_AT_ONCE)
    ).all()
    spans = [span for event in events for span in spans_of(session, event)]
    return spans, events[-1].id if events else None


def note_sent(session: Session, event_id: int) -> None:
    """The collector has taken the spans up to an event, or further: another worker sends too."""
    session.execute(
        update(TraceCursor)
        .where(TraceCursor.id == _ROW, TraceCursor.event_id < event_id)
        .values(event_id=event_id)
    )
