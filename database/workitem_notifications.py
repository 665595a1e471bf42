"""Event reports on their way to subscribers: claimed, leased and tried again like deliveries.

The reports to one receiver go out in the order in which things happened: a later one waits while
an earlier one does. So a receiver never hears that a work item is completed before it hears that
it was claimed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, func, select, update
from sqlalchemy.orm import Session, aliased

from database.lease import LeaseLost
from database.states import NotificationState
from database.workitem_tables import WorkItemNotification, WorkItemRow


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


def claim_notification(
    session: Session, *, lease_s: float, now: datetime
) -> NotificationClaim | None:
    """Take the report that is due first; None when none is due."""
    due = (
        select(WorkItemNotification.id)
        .where(*_due(now))
        .order_by(WorkItemNotification.due_at, WorkItemNotification.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = session.execute(
        update(WorkItemNotification)
        .where(WorkItemNotification.id == due.scalar_subquery())
        .values(
            lease_until=now + timedelta(seconds=lease_s),
            fencing_token=WorkItemNotification.fencing_token + 1,
            attempts=WorkItemNotification.attempts + 1,
        )
        .returning(
            WorkItemNotification.id,
            WorkItemNotification.receiving_ae_title,
            WorkItemNotification.work_item_id,
            WorkItemNotification.event_type,
            WorkItemNotification.information,
            WorkItemNotification.fencing_token,
            WorkItemNotification.attempts,
        )
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if row is None:
        return None
    uid = session.scalars(
        select(WorkItemRow.sop_instance_uid).where(WorkItemRow.id == row.work_item_id)
    ).one()
    return NotificationClaim(
        notification_id=row.id,
        receiving_ae_title=row.receiving_ae_title,
        sop_instance_uid=uid,
        event_type=row.event_type,
        information=row.information,
        fencing_token=row.fencing_token,
        attempts=row.attempts,
    )


def due_notifications(session: Session, now: datetime) -> int:
    """How many reports can be claimed now."""
    return session.scalar(select(func.count(WorkItemNotification.id)).where(*_due(now))) or 0


def end_notification(
    session: Session,
    claim: NotificationClaim,
    state: NotificationState,
    now: datetime,
    *,
    error_kind: str = "",
    error_message: str = "",
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
        state=state,
        lease_until=None,
        finished_at=now,
        error_kind=error_kind,
        error_message=error_message,
    )


def postpone_notification(
    session: Session,
    claim: NotificationClaim,
    due_at: datetime,
    *,
    error_kind: str,
    error_message: str,
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
        due_at=due_at,
        lease_until=None,
        error_kind=error_kind,
        error_message=error_message,
    )


def _due(now: datetime) -> tuple[ColumnElement[bool], ...]:
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
        (WorkItemNotification.lease_until.is_(None)) | (WorkItemNotification.lease_until < now),
        ~waits_for_earlier,
    )


def _write(session: Session, claim: NotificationClaim, **values: Any) -> None:
    changed = cast(
        "CursorResult[Any]",
        session.execute(
            update(WorkItemNotification)
            .where(
                WorkItemNotification.id == claim.notification_id,
                WorkItemNotification.fencing_token == claim.fencing_token,
            )
            .values(**values)
            .execution_options(synchronize_session=False)
        ),
    )
    if changed.rowcount != 1:
        raise LeaseLost
