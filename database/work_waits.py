"""Whether anything waits for a sweep: asked instead of sweeping, while a site is at rest.

One statement in place of the sweep's dozen. It may say yes where the sweep then finds nothing to
do; where it says no, nothing but time makes something due, and sweeps still come now and then
(`worker.tasks.beat`).
"""

from __future__ import annotations

import functools
from datetime import datetime
from typing import Final, cast

from sqlalchemy import Select, bindparam, or_, select
from sqlalchemy.orm import Session

from database.audit.sending import unsent_event_is_due
from database.deliveries.claimed import delivery_is_due
from database.flag_states import FlagState
from database.flags.inquiries import inquiry_is_due
from database.flags.notices import notice_is_due
from database.listed.headings import LONG_AGO
from database.priors.requests import request_is_due
from database.retention.state import TURN
from database.states import RUNNING, StudyState, UploadState
from database.tables.operation.audit import AuditSending
from database.tables.operation.retention import RetentionState
from database.tables.readers.flag import Flag, FlagNotice
from database.tables.readers.upload import Upload
from database.tables.readers.work_item import WorkItemNotification
from database.tables.study.analysis import Delivery, Job, Study
from database.tables.study.prior import PriorRequest
from database.work_items.notifications import notification_is_due

_NOW: Final = "now"


def work_waits(session: Session, now: datetime) -> bool:
    """Whether a study is being received or read, or something can be claimed at `now`.

    What waits for a later moment (a destination that is away, the next step of a flag) does not
    count until then.
    """
    return bool(session.scalar(_question(), {_NOW: now}))


@functools.cache
def _question() -> Select[tuple[bool]]:
    """Made once: to make it takes ten times what the database takes to answer it."""
    # The conditions compare columns with their moment, which a parameter is as well.
    now = cast("datetime", bindparam(_NOW, type_=Delivery.due_at.type))
    found = (
        select(Study.id).where(Study.state == StudyState.RECEIVED),
        select(Study.id).where(Study.heading_due_at >= LONG_AGO),
        select(Job.id).where(Job.state.in_(RUNNING)),
        select(Upload.id).where(Upload.state.in_((UploadState.WAITING, UploadState.RUNNING))),
        select(Delivery.id).where(*delivery_is_due(now)),
        select(FlagNotice.id).where(*notice_is_due(now)),
        select(FlagNotice.id).where(*inquiry_is_due(now)),
        select(Flag.id).where(Flag.state == FlagState.OPEN, Flag.escalate_at <= now),
        select(PriorRequest.id).where(*request_is_due(now)),
        select(WorkItemNotification.id).where(*notification_is_due(now)),
        select(AuditSending.id).where(*unsent_event_is_due(now)),
        select(RetentionState.name).where(
            RetentionState.name == TURN, RetentionState.facts["ended"].as_boolean().is_(False)
        ),
    )
    return select(or_(*(one.exists() for one in found)))
