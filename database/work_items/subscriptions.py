"""Subscriptions: which client watches which work items, and the reports that a change causes.

PS3.4 Section CC.2.3 with Table CC.2.3-2 (subscriptions) and CC.2.4 with Table CC.2.4-1 (event
reports). A report is a row in the transaction of its change, so both exist or neither.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import IntEnum
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from database.tables.readers.work_item import (
    WorkItemNotification,
    WorkItemRow,
    WorkItemSubscription,
)
from radiology.work_item import FINAL_STATES

EVERY_WORK_ITEM: Final = "1.2.840.10008.5.1.4.34.5"  # PS3.6 Table A-1, UPS Global Subscription


class WorkItemEvent(IntEnum):
    """What is reported: PS3.4 Table CC.2.4-1."""

    STATE = 1
    CANCEL_REQUESTED = 2
    PROGRESS = 3
    ASSIGNED = 5


def subscribe(
    session: Session,
    receiving_ae_title: str,
    subject_uid: str,
    *,
    deletion_lock: bool,
    now: datetime,
) -> None:
    """Watch one work item, or all there are and will be.

    One is reported at once. Of all of them, those that were not watched are, if there is to be a
    deletion lock; and of those only the open ones, not all that ever were.

    Parameters
    ----------
    subject_uid : of a work item that exists, or `EVERY_WORK_ITEM`
    """
    if subject_uid == EVERY_WORK_ITEM:
        reported = _open_and_unwatched(session, receiving_ae_title) if deletion_lock else []
        session.execute(  # what was left out before is watched again
            delete(WorkItemSubscription).where(
                WorkItemSubscription.receiving_ae_title == receiving_ae_title,
                WorkItemSubscription.subscribed.is_(False),
            )
        )
    else:
        reported = list(
            session.scalars(select(WorkItemRow).where(WorkItemRow.sop_instance_uid == subject_uid))
        )
    row = _subscription(session, receiving_ae_title, subject_uid)
    if row is None:
        row = WorkItemSubscription(
            receiving_ae_title=receiving_ae_title, subject_uid=subject_uid, subscribed_at=now
        )
        session.add(row)
    row.subscribed = True
    row.deletion_lock = deletion_lock
    row.suspended_at = None
    session.flush()
    for item in reported:
        _queue(session, item, (receiving_ae_title,), WorkItemEvent.STATE, state_facts(item), now)


def unsubscribe(
    session: Session, receiving_ae_title: str, subject_uid: str, *, now: datetime
) -> None:
    """Watch one work item no longer, or none; doing it again changes nothing."""
    if subject_uid == EVERY_WORK_ITEM:
        session.execute(
            delete(WorkItemSubscription).where(
                WorkItemSubscription.receiving_ae_title == receiving_ae_title
            )
        )
        return
    row = _subscription(session, receiving_ae_title, subject_uid)
    watches_all = _subscription(session, receiving_ae_title, EVERY_WORK_ITEM) is not None
    if watches_all and row is None:
        row = WorkItemSubscription(
            receiving_ae_title=receiving_ae_title, subject_uid=subject_uid, subscribed_at=now
        )
        session.add(row)
    if row is None:
        return
    if watches_all:
        row.subscribed = row.deletion_lock = False
    else:
        session.delete(row)
    session.flush()


def suspend(session: Session, receiving_ae_title: str, now: datetime) -> None:
    """Watch no work item that is still to come; those that are there go on being watched."""
    row = _subscription(session, receiving_ae_title, EVERY_WORK_ITEM)
    if row is not None and row.suspended_at is None:
        row.suspended_at = now
        session.flush()


def watchers(session: Session, item: WorkItemRow) -> list[str]:
    """The AE titles that are told about a work item."""
    rows = session.scalars(
        select(WorkItemSubscription).where(
            WorkItemSubscription.subject_uid.in_((item.sop_instance_uid, EVERY_WORK_ITEM))
        )
    ).all()
    of_item = {
        row.receiving_ae_title: row.subscribed
        for row in rows
        if row.subject_uid == item.sop_instance_uid
    }
    of_all = {
        row.receiving_ae_title: _includes(row, item)
        for row in rows
        if row.subject_uid == EVERY_WORK_ITEM
    }
    return sorted(title for title, watches in (of_all | of_item).items() if watches)


def notify(
    session: Session,
    item: WorkItemRow,
    event: WorkItemEvent,
    information: dict[str, Any],
    now: datetime,
) -> None:
    """Queue a report to everybody who watches a work item."""
    _queue(session, item, watchers(session, item), event, information, now)


def notify_state(session: Session, item: WorkItemRow, now: datetime, *, reason: str = "") -> None:
    """Queue a report of where a work item stands."""
    notify(session, item, WorkItemEvent.STATE, state_facts(item, reason=reason), now)


def state_facts(item: WorkItemRow, *, reason: str = "") -> dict[str, Any]:
    """What a state report says (PS3.4 Table CC.2.4-1)."""
    facts = {"state": item.state.value, "readiness": item.readiness.value}
    return {**facts, "reason": reason} if reason else facts


def _open_and_unwatched(session: Session, receiving_ae_title: str) -> list[WorkItemRow]:
    rows = session.scalars(
        select(WorkItemSubscription).where(
            WorkItemSubscription.receiving_ae_title == receiving_ae_title
        )
    ).all()
    of_item = {row.subject_uid: row.subscribed for row in rows}
    of_all = [row for row in rows if row.subject_uid == EVERY_WORK_ITEM]
    open_ones = session.scalars(
        select(WorkItemRow).where(WorkItemRow.state.not_in(FINAL_STATES)).order_by(WorkItemRow.id)
    )
    return [
        item
        for item in open_ones
        if not of_item.get(item.sop_instance_uid, any(_includes(row, item) for row in of_all))
    ]


def _includes(every: WorkItemSubscription, item: WorkItemRow) -> bool:
    """Whether a global subscription is about a work item: not if that came after its suspension."""
    return every.suspended_at is None or item.scheduled_at <= every.suspended_at


def _queue(
    session: Session,
    item: WorkItemRow,
    receivers: Iterable[str],
    event: WorkItemEvent,
    information: dict[str, Any],
    now: datetime,
) -> None:
    session.add_all(
        WorkItemNotification(
            receiving_ae_title=title,
            work_item_id=item.id,
            event_type=int(event),
            information=information,
            created_at=now,
            due_at=now,
        )
        for title in receivers
    )


def _subscription(
    session: Session, receiving_ae_title: str, subject_uid: str
) -> WorkItemSubscription | None:
    return session.scalars(
        select(WorkItemSubscription).where(
            WorkItemSubscription.receiving_ae_title == receiving_ae_title,
            WorkItemSubscription.subject_uid == subject_uid,
        )
    ).one_or_none()
