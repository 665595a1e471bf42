"""Event reports on their way to subscribers: claimed, leased and tried again like deliveries.

The reports to one receiver go out in the order in which things happened: a later one waits while
an earlier one does. So a receiver never hears that a work item is completed before it hears that
somebody works on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, aliased

from database.lease import (
    claim_first,
    ended,
    ended_in_defect,
    is_free,
    postponed,
    write_held,
)
from database.states import NotificationState
from database.tables.readers.work_item import WorkItemNotification, WorkItemRow


@dataclass(frozen=True, slots=True)
class NotificationClaim:
    """A report in a worker's hands."""

    notification_id: int
    receiving_ae_title: str
    sop_instance_uid: str
    event_type: int
    information: dict[str, Any]
    fencing_token: int
    attempts: int
    after_defect: bool  # the attempt before this one ended in a defect


def claim_notification(
    session: Session, *, lease_s: float, now: datetime
) -> NotificationClaim | None:
    """Take the report that is due first; None when none is due."""
    row = claim_first(
        session,
        WorkItemNotification,
        notification_is_due(now),
        (WorkItemNotification.due_at, WorkItemNotification.id),
        lease_s=lease_s,
        now=now,
        returning=(
            WorkItemNotification.id,
            WorkItemNotification.receiving_ae_title,
            WorkItemNotification.work_item_id,
            WorkItemNotification.event_type,
            WorkItemNotification.information,
            WorkItemNotification.fencing_token,
            WorkItemNotification.attempts,
            ended_in_defect(WorkItemNotification),
        ),
        attempts=WorkItemNotification.attempts + 1,
    )
    if row is None:
        return None
    notification_id, receiving_ae_title, work_item_id, *rest = row
    uid = session.scalars(
        select(WorkItemRow.sop_instance_uid).where(WorkItemRow.id == work_item_id)
    ).one()
    return NotificationClaim(notification_id, receiving_ae_title, uid, *rest)


def due_notifications(session: Session, now: datetime) -> int:
    """How many reports can be claimed now."""
    return (
        session.scalar(select(func.count(WorkItemNotification.id)).where(*notification_is_due(now)))
        or 0
    )


def end_notification(
    session: Session,
    claim: NotificationClaim,
    state: NotificationState,
    now: datetime,
    *,
    error_kind: str = "",
    error_message: str = "",
    trace: str = "",
) -> None:
    """End a report: sent, or given up.

    Raises
    ------
    LeaseLost
        It is somebody else's by now.
    """
    _write(
        session,
        claim,
        **ended(state, now, error_kind=error_kind, error_message=error_message, trace=trace),
    )


def postpone_notification(
    session: Session,
    claim: NotificationClaim,
    due_at: datetime,
    *,
    error_kind: str,
    error_message: str,
    trace: str = "",
) -> None:
    """Try a report again later.

    Raises
    ------
    LeaseLost
        It is somebody else's by now.
    """
    _write(
        session,
        claim,
        **postponed(due_at, error_kind=error_kind, error_message=error_message, trace=trace),
    )


def notification_is_due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """The conditions of reports that can be claimed at a moment."""
    earlier = aliased(WorkItemNotification)
    waits_for_earlier = (
        select(earlier.id)
        .where(
            earlier.receiving_ae_title == WorkItemNotification.receiving_ae_title,
            earlier.state == NotificationState.WAITING,
            earlier.id < WorkItemNotification.id,
        )
        .exists()
    )
    return (
        WorkItemNotification.state == NotificationState.WAITING,
        WorkItemNotification.due_at <= now,
        is_free(WorkItemNotification, now),
        ~waits_for_earlier,
    )


def _write(session: Session, claim: NotificationClaim, **values: Any) -> None:
    write_held(session, WorkItemNotification, claim.notification_id, claim.fencing_token, **values)
