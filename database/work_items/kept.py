"""Our own work items: one for each study that waits to be read, consistent with the study's rows.

`keep_work_item` is called in the transaction that changes a study, so a work item is neither lost
nor doubled. What clients may do with one is decided in `dicom_node.work_items.transitions`; the
rows that they change are locked here first, so that of two that take one at once one wins.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from database.events import record_event
from database.flags.raised import acknowledge_flag
from database.flags.unacknowledged import open_flag_of
from database.list_place import lock_study
from database.states import UNREAD, WorklistRank
from database.tables.readers.work_item import WorkItemRow
from database.tables.study.analysis import Study
from database.work_items.subscriptions import WorkItemEvent, notify, notify_state
from radiology.work_item import (
    FINAL_STATES,
    InputReadiness,
    WorkItemPriority,
    WorkItemState,
    work_item_uid,
)
from settings.peers import RequestPriority

_PRIORITY_OF: Final = {
    WorklistRank.URGENT: WorkItemPriority.HIGH,
    WorklistRank.SUSPECTED: WorkItemPriority.MEDIUM,
    WorklistRank.UNANSWERED: WorkItemPriority.MEDIUM,  # no answer is not a negative
    WorklistRank.PENDING: WorkItemPriority.MEDIUM,
    WorklistRank.ROUTINE: WorkItemPriority.LOW,
}
_ASKED_FOR_SOON: Final = (RequestPriority.STAT, RequestPriority.HIGH)


def keep_work_item(
    session: Session, study_id: int, now: datetime, *, new_images: bool = False
) -> None:
    """Bring a study's work item in line with the study, or make its first work item.

    Parameters
    ----------
    new_images : they came just now: a study that has been read is to be read again
    """
    # Columns, not the object: what was written past the session must be seen.
    study = session.execute(
        select(
            Study.study_instance_uid,
            Study.asked_for,
            Study.several_patients,
            Study.state,
            Study.worklist_rank,
            Study.priority,
        ).where(Study.id == study_id)
    ).one()
    if study.asked_for or study.several_patients:
        return  # nobody is to read it, or nobody knows whose it is
    unread = study.worklist_rank is WorklistRank.PENDING and study.state in UNREAD
    readiness = InputReadiness.INCOMPLETE if unread else InputReadiness.READY
    # A result never makes a study less urgent than it was asked for.
    asked_for_soon = study.priority in _ASKED_FOR_SOON
    priority = WorkItemPriority.HIGH if asked_for_soon else _PRIORITY_OF[study.worklist_rank]
    item = session.scalars(
        select(WorkItemRow)
        .where(WorkItemRow.study_id == study_id)
        .order_by(WorkItemRow.number.desc())
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    number = 1 if item is None else item.number
    if item is None or (item.state in FINAL_STATES and new_images):
        number += item is not None
        _add(session, study_id, study.study_instance_uid, number, priority, readiness, now)
    elif item.state not in FINAL_STATES and (item.priority, item.readiness) != (
        priority,
        readiness,
    ):
        item.priority, item.readiness, item.modified_at = priority, readiness, now
        notify_state(session, item, now)


def _add(
    session: Session,
    study_id: int,
    study_instance_uid: str,
    number: int,
    priority: WorkItemPriority,
    readiness: InputReadiness,
    now: datetime,
) -> None:
    item = WorkItemRow(
        sop_instance_uid=work_item_uid(study_instance_uid, number),
        study_id=study_id,
        number=number,
        state=WorkItemState.SCHEDULED,
        priority=priority,
        readiness=readiness,
        scheduled_at=now,
        modified_at=now,
        performed={},
    )
    session.add(item)
    session.flush()  # the id is needed by the reports
    notify_state(session, item, now)


def locked_work_item(session: Session, sop_instance_uid: str) -> WorkItemRow | None:
    """A work item, locked until the end of the transaction; its study before it."""
    of_item = select(WorkItemRow.study_id).where(WorkItemRow.sop_instance_uid == sop_instance_uid)
    lock_study(session, of_item.scalar_subquery())
    return session.scalars(
        select(WorkItemRow)
        .where(WorkItemRow.sop_instance_uid == sop_instance_uid)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def take_work_item(
    session: Session, item: WorkItemRow, transaction_uid: str, *, claimed_by: str, now: datetime
) -> None:
    """Give a scheduled, locked work item to a client: it has been seen."""
    item.state = WorkItemState.IN_PROGRESS
    item.transaction_uid = transaction_uid
    item.claimed_by = claimed_by
    item.claimed_at = now
    notify_state(session, item, now)
    note_taken(session, item.study_id, claimed_by=claimed_by, now=now)


def begin_canceling(session: Session, item: WorkItemRow, now: datetime) -> None:
    """Begin to cancel a locked work item that is not taken.

    PS3.4 Table CC.1.1-2: it becomes IN PROGRESS before it becomes CANCELED, and both are reported.
    """
    item.state = WorkItemState.IN_PROGRESS
    notify_state(session, item, now)


def end_work_item(
    session: Session, item: WorkItemRow, state: WorkItemState, now: datetime, *, reason: str = ""
) -> None:
    """Complete or cancel a locked work item."""
    item.state = state
    item.finished_at = now
    notify_state(session, item, now, reason=reason)
    name = "work_item_completed" if state is WorkItemState.COMPLETED else "work_item_canceled"
    record_event(session, name, now, study_id=item.study_id, work_item=item.sop_instance_uid)


def set_performed(
    session: Session, item: WorkItemRow, performed: dict[str, Any], now: datetime
) -> None:
    """Keep what a client has set of a locked work item; its progress is reported.

    Parameters
    ----------
    performed : as DICOM JSON, by tag; what is not named stays as it is
    """
    item.performed = {**item.performed, **performed}
    item.modified_at = now
    if _PROGRESS in performed:
        facts = {"progress": performed[_PROGRESS]}
        notify(session, item, WorkItemEvent.PROGRESS, facts, now)


_PROGRESS: Final = "00741002"  # Procedure Step Progress Information Sequence


def note_taken(session: Session, study_id: int, *, claimed_by: str, now: datetime) -> None:
    """Record that somebody has taken a study's work item, which acknowledges the study's flag."""
    record_event(
        session,
        "work_item_claimed",
        now,
        study_id=study_id,
        claimed_by=claimed_by,
        through="work-item",
    )
    flag = open_flag_of(session, study_id)
    if flag is not None:
        acknowledge_flag(session, flag.flag_uid, by=claimed_by, through="work-item", now=now)
