"""What others hold of a study: destinations its objects, channels its flag, clients its work item.

They are not told to forget it: a person reads this and does it there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from database.flag_states import NoticeState
from database.lease import is_free
from database.states import RUNNING, UNDER_WAY, NotificationState, PriorRequestState
from database.tables.readers.flag import Flag, FlagNotice
from database.tables.readers.work_item import WorkItemNotification, WorkItemRow
from database.tables.study.analysis import (
    DeliveredObject,
    Delivery,
    Job,
    Result,
    ResultObject,
    Study,
)
from database.tables.study.prior import PriorRequest


@dataclass(frozen=True, slots=True)
class HeldElsewhere:
    """One thing that another system has or may have."""

    study_instance_uid: str
    holder: str  # a destination, a flag channel, an AE title
    what: str  # "SR 1.2.3", "flag", "work item"


def held_elsewhere(session: Session, study_ids: tuple[int, ...]) -> list[HeldElsewhere]:
    """Everything that has left of these studies, as far as rows tell."""
    objects = session.execute(
        select(
            Study.study_instance_uid,
            Delivery.destination,
            ResultObject.kind,
            ResultObject.sop_instance_uid,
        )
        .join(Result, Result.study_id == Study.id)
        .join(Delivery, Delivery.result_id == Result.id)
        .join(DeliveredObject, DeliveredObject.delivery_id == Delivery.id)
        .join(ResultObject, ResultObject.id == DeliveredObject.result_object_id)
        .where(Study.id.in_(study_ids), DeliveredObject.answered_at.is_not(None))
        .order_by(Study.id, Delivery.destination, ResultObject.id)
    )
    flags = session.execute(
        select(Study.study_instance_uid, FlagNotice.channel)
        .join(Flag, Flag.study_id == Study.id)
        .join(FlagNotice, FlagNotice.flag_id == Flag.id)
        .where(Study.id.in_(study_ids), FlagNotice.maybe_told)
        .distinct()
    )
    told = session.execute(
        select(Study.study_instance_uid, WorkItemNotification.receiving_ae_title)
        .join(WorkItemRow, WorkItemRow.study_id == Study.id)
        .join(WorkItemNotification, WorkItemNotification.work_item_id == WorkItemRow.id)
        .where(Study.id.in_(study_ids), WorkItemNotification.state == NotificationState.SENT)
        .distinct()
    )
    return [
        *(HeldElsewhere(uid, to, f"{kind.value} {sop}") for uid, to, kind, sop in objects),
        *(HeldElsewhere(uid, channel, "flag") for uid, channel in flags),
        *(HeldElsewhere(uid, title, "work item") for uid, title in told),
    ]


def in_hand(session: Session, study_id: int, now: datetime) -> str:
    """Which work on a study a worker has in hand; "" where none has, nor will have.

    Rows that wait for a worker are locked until the transaction ends: claims pass over them. What
    somebody else has locked is about to be claimed, or to be written to.
    """
    asked = (
        ("a job", select(Job.id).where(Job.study_id == study_id, Job.state.in_(RUNNING)), Job),
        (
            "a delivery",
            select(Delivery.id)
            .join(Result, Result.id == Delivery.result_id)
            .where(Result.study_id == study_id, Delivery.state.in_(UNDER_WAY)),
            Delivery,
        ),
        (
            "a notice of its flag",
            select(FlagNotice.id)
            .join(Flag, Flag.id == FlagNotice.flag_id)
            .where(Flag.study_id == study_id, FlagNotice.state == NoticeState.WAITING),
            FlagNotice,
        ),
        (
            "a report on its work item",
            select(WorkItemNotification.id)
            .join(WorkItemRow, WorkItemRow.id == WorkItemNotification.work_item_id)
            .where(
                WorkItemRow.study_id == study_id,
                WorkItemNotification.state == NotificationState.WAITING,
            ),
            WorkItemNotification,
        ),
        (
            "a request for earlier studies",
            select(PriorRequest.id).where(
                PriorRequest.study_id == study_id,
                PriorRequest.state == PriorRequestState.WAITING,
            ),
            PriorRequest,
        ),
    )
    for what, rows, table in asked:
        ours = set(session.scalars(rows.with_for_update(skip_locked=True, of=table)))
        if not ours.issuperset(session.scalars(rows)):
            return what
        busy = rows.where(~is_free(table, now)).limit(1)
        if table is Job:  # one that waits for its next attempt has a lease too, and no worker
            busy = busy.where(Job.error_kind == "")
        if session.scalar(busy) is not None:
            return what
    return ""
