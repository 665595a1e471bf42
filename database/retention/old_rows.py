"""Deletes events and audit events that are past their age, some at a time.

Audit events go from the beginning of their chain, and an event of the chain says up to which one.
"""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from database.accounts.audit import OURSELVES, Actor, record_audit
from database.audit.chain import REMOVED
from database.audit.seal import begin_chain_at, chain_ends
from database.audit.sending import sent_until
from database.tables.readers.account import AuditEvent
from database.tables.study.analysis import Event

_AT_A_TIME = 2000
_TOGETHER = timedelta(days=1)


def delete_old_events(session: Session, before: datetime) -> int:
    """Delete the oldest events of studies; returns how many. Again until it returns 0."""
    # The first by number, and then those of them that are old: no row behind them is looked at.
    first = select(Event.id, Event.at).order_by(Event.id).limit(_AT_A_TIME).subquery()
    old = session.scalars(select(first.c.id).where(first.c.at < before)).all()
    if old:
        session.execute(delete(Event).where(Event.id.in_(old)))
    return len(old)


def delete_old_audit(
    session: Session, before: datetime, now: datetime, *, keep_unsent: bool
) -> int:
    """Delete the oldest audit events; returns how many. Again until it returns 0.

    An event of the chain says so. That it is not one a minute, for ever, each of which goes by its
    age in turn, nothing goes before the oldest is a day past its age.

    Parameters
    ----------
    keep_unsent : what the audit repository does not have yet stays, however old
    """
    ends = chain_ends(session, lock=True)
    last = sent_until(session) if keep_unsent else ends.last_id
    kept = (
        select(AuditEvent.id, AuditEvent.at, AuditEvent.sha256)
        .where(AuditEvent.id <= last)
        .order_by(AuditEvent.id)
    )
    oldest = session.execute(kept.limit(1)).one_or_none()
    if oldest is None or oldest.at >= before - _TOGETHER:
        return 0
    rows = session.execute(kept.limit(_AT_A_TIME)).all()
    old = list(itertools.takewhile(lambda row: row.at < before, rows))
    session.execute(delete(AuditEvent).where(AuditEvent.id <= old[-1].id))
    begin_chain_at(session, old[-1].id + 1, old[-1].sha256)
    record_audit(
        session,
        REMOVED,
        now,
        Actor(OURSELVES, "", ""),
        first=old[0].id,
        until=old[-1].id,
        sha256=old[-1].sha256,
    )
    return len(old)
