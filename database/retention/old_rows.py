"""Deletes events and audit events that are past their age, some at a time."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from database.tables.readers.account import AuditEvent
from database.tables.study.analysis import Event

_AT_A_TIME = 2000


def delete_old_events(session: Session, before: datetime) -> int:
    """Delete the oldest events of studies; returns how many. Again until it returns 0."""
    return _delete_oldest(session, Event, before)


def delete_old_audit(session: Session, before: datetime) -> int:
    """The same of what people did at the page."""
    return _delete_oldest(session, AuditEvent, before)


def _delete_oldest(session: Session, table: type[Event | AuditEvent], before: datetime) -> int:
    # The first by number, and then those of them that are old: no row behind them is looked at.
    rows = session.execute(select(table.id, table.at).order_by(table.id).limit(_AT_A_TIME))
    old = [row.id for row in rows if row.at < before]
    if old:
        session.execute(delete(table).where(table.id.in_(old)))
    return len(old)
