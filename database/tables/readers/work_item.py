"""The tables of our own work items, their subscriptions and event reports.

PS3.4 Annex CC. A work item's attributes follow from the rows of its study; here stands what only
the work item knows: its state, who has taken it, and what that client has set.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from database.states import NotificationState
from database.tables.base import AE_TITLE_LENGTH, UID_LENGTH, Base, Leased
from database.tables.study.analysis import Study
from radiology.work_item import InputReadiness, WorkItemPriority, WorkItemState


class WorkItemRow(Base):
    """One work item: a study that somebody is to read, or has read.

    A study has a second one (`number` 2) when images come after the first one was completed or
    canceled: a final state is not left again.

    Attributes
    ----------
    transaction_uid : known to whoever has taken it; "" until then
    claimed_by : AE title of that client
    performed : what clients have set by N-SET, as DICOM JSON (PS3.18 Annex F)
    """

    __tablename__ = "work_item"
    __table_args__ = (
        UniqueConstraint("study_id", "number"),
        Index("ix_work_item_list", "state", "scheduled_at", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    sop_instance_uid: Mapped[str] = mapped_column(String(UID_LENGTH), unique=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id"))
    number: Mapped[int] = mapped_column(default=1)
    state: Mapped[WorkItemState] = mapped_column(default=WorkItemState.SCHEDULED)
    priority: Mapped[WorkItemPriority]
    readiness: Mapped[InputReadiness]
    transaction_uid: Mapped[str] = mapped_column(String(UID_LENGTH), default="")
    claimed_by: Mapped[str] = mapped_column(String(AE_TITLE_LENGTH), default="")
    scheduled_at: Mapped[datetime]
    modified_at: Mapped[datetime]
    claimed_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    performed: Mapped[dict[str, Any]] = mapped_column(default=dict)

    study: Mapped[Study] = relationship()


class WorkItemSubscription(Base):
    """Who is told about which work items (PS3.4 Section CC.2.3).

    Attributes
    ----------
    subject_uid : SOP Instance UID of a work item, or a well-known UID for all of them
    subscribed : False where somebody who watches all has left out this one
    suspended_at : work items that came later are not watched any more
    """

    __tablename__ = "work_item_subscription"
    __table_args__ = (UniqueConstraint("receiving_ae_title", "subject_uid"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    receiving_ae_title: Mapped[str] = mapped_column(String(AE_TITLE_LENGTH))
    subject_uid: Mapped[str] = mapped_column(String(UID_LENGTH), index=True)
    subscribed: Mapped[bool] = mapped_column(default=True)
    deletion_lock: Mapped[bool] = mapped_column(default=False)
    subscribed_at: Mapped[datetime]
    suspended_at: Mapped[datetime | None]


class WorkItemNotification(Leased, Base):
    """One N-EVENT-REPORT on its way to one receiver, in the order in which things happened.

    `unanswered` counts the attempts that found the receiver away.
    """

    __tablename__ = "work_item_notification"
    __table_args__ = (
        Index("ix_work_item_notification_queue", "state", "receiving_ae_title", "id"),
    )

    receiving_ae_title: Mapped[str] = mapped_column(String(AE_TITLE_LENGTH))
    work_item_id: Mapped[int] = mapped_column(ForeignKey("work_item.id"), index=True)
    event_type: Mapped[int]  # PS3.4 Table CC.2.4-1
    information: Mapped[dict[str, Any]]  # what it says: state, readiness, reason …
    state: Mapped[NotificationState] = mapped_column(default=NotificationState.WAITING)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    unanswered: Mapped[int] = mapped_column(default=0, server_default="0")
    finished_at: Mapped[datetime | None]
    error_kind: Mapped[str] = mapped_column(String(64), default="")
    error_message: Mapped[str] = mapped_column(Text, default="")
