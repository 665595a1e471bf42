"""Event reports on their way to subscribers: claimed, leased and tried again like deliveries.

The reports to one receiver go out in the order in which things happened: a later one waits while
an earlier one does. So a receiver never hears that a work item is completed before it hears that
somebody works on it. A receiver that is away is waited for, however long: its first report tries
for all of them, and they go together once it answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, func, select, update
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
from radiology.errors import PeerBusy, PeerUnreachable

_AWAY = (PeerUnreachable.__name__, PeerBusy.__name__)


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
    unanswered: int  # of these attempts, how many found the receiver away
    after_defect: bool  # the attempt before this one ended in a defect


@dataclass(frozen=True, slots=True)
class ReceiverAway:
    """A receiver that does not answer, or takes nothing for now.

    Attributes
    ----------
    waiting : reports that go by themselves when it does
    oldest : when the first of them was made
    """

    receiving_ae_title: str
    waiting: int
    oldest: datetime


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
            WorkItemNotification.unanswered,
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
    unanswered: bool = False,
) -> None:
    """Try a report again later.

    Parameters
    ----------
    unanswered : the receiver was away, so the attempt counts towards no limit

    Raises
    ------
    LeaseLost
        It is somebody else's by now.
    """
    _write(
        session,
        claim,
        **postponed(due_at, error_kind=error_kind, error_message=error_message, trace=trace),
        unanswered=claim.unanswered + unanswered,
    )


def receivers_away(session: Session) -> tuple[ReceiverAway, ...]:
    """Every receiver that reports wait for because it does not answer, by AE title."""
    tried = select(WorkItemNotification.receiving_ae_title).where(*_tried_in_vain())
    rows = session.execute(
        select(
            WorkItemNotification.receiving_ae_title,
            func.count(),
            func.min(WorkItemNotification.created_at),
        )
        .where(
            WorkItemNotification.state == NotificationState.WAITING,
            WorkItemNotification.receiving_ae_title.in_(tried),
        )
        .group_by(WorkItemNotification.receiving_ae_title)
        .order_by(WorkItemNotification.receiving_ae_title)
    )
    return tuple(ReceiverAway(*row) for row in rows)


def go_on_reporting(session: Session, receiving_ae_title: str, now: datetime) -> int:
    """Let the reports go at once that wait because their receiver did not answer; gives how many.

    That is the first of them; those behind it follow.
    """
    written = session.execute(
        update(WorkItemNotification)
        .where(
            *_tried_in_vain(),
            WorkItemNotification.receiving_ae_title == receiving_ae_title,
            WorkItemNotification.due_at > now,
            is_free(WorkItemNotification, now),
        )
        .values(due_at=now)
        .execution_options(synchronize_session=False)
    )
    return int(cast("CursorResult[Any]", written).rowcount)


def _tried_in_vain() -> tuple[ColumnElement[bool], ...]:
    return (
        WorkItemNotification.state == NotificationState.WAITING,
        WorkItemNotification.error_kind.in_(_AWAY),
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
