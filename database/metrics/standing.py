"""What stands in the rows when it is asked: what waits, since when, and what a person must see to.

Each query goes through an index and reads only what has not ended, however many studies there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from database.flag_states import FlagState, NoticeState
from database.states import RUNNING, UNDER_WAY, DeliveryState, JobState
from database.tables.readers.flag import Flag, FlagNotice
from database.tables.study.analysis import Delivery, Job, Result

_UNFINISHED = (*UNDER_WAY, DeliveryState.REFUSED, DeliveryState.FAILED)
_OPEN_NOTICES = (NoticeState.WAITING, NoticeState.REFUSED, NoticeState.FAILED)


@dataclass(frozen=True, slots=True)
class StandingRows:
    """How many of one kind stand somewhere, and since when the oldest of them.

    Attributes
    ----------
    labels : what they have in common, in the order that the function says
    oldest : None where that is not asked
    """

    labels: tuple[str, ...]
    number: int
    oldest: datetime | None = None


def jobs_waiting(session: Session) -> list[StandingRows]:
    """Jobs that no worker holds, by bundle and priority; the oldest by when it was queued.

    One whose attempt did not succeed waits too: its lease only says until when.
    """
    rows = session.execute(
        select(Job.bundle, Job.priority, func.count(), func.min(Job.queued_at))
        .where(Job.state == JobState.QUEUED, Job.lease_until.is_(None) | (Job.error_kind != ""))
        .group_by(Job.bundle, Job.priority)
    )
    return [
        StandingRows((bundle, priority.value), count, at) for bundle, priority, count, at in rows
    ]


def jobs_in_hand(session: Session, now: datetime) -> list[StandingRows]:
    """Jobs that a worker holds, by bundle and priority."""
    rows = session.execute(
        select(Job.bundle, Job.priority, func.count())
        .where(Job.state.in_(RUNNING), Job.lease_until >= now, Job.error_kind == "")
        .group_by(Job.bundle, Job.priority)
    )
    return [StandingRows((bundle, priority.value), count) for bundle, priority, count in rows]


def unfinished_deliveries(session: Session) -> list[StandingRows]:
    """Deliveries that have not ended well, by destination and state; the oldest by its result."""
    rows = session.execute(
        select(Delivery.destination, Delivery.state, func.count(), func.min(Delivery.result_id))
        .where(Delivery.state.in_(_UNFINISHED))
        .group_by(Delivery.destination, Delivery.state)
    ).all()
    # Numbers are given in the order of time: of each group one result is looked up, where the rows
    # of all would be read past their readings.
    oldest = [row[3] for row in rows]
    made = session.execute(select(Result.id, Result.created_at).where(Result.id.in_(oldest)))
    made_at: dict[int, datetime] = dict(made.all())
    return [
        StandingRows((name, state.value), count, made_at[first])
        for name, state, count, first in rows
    ]


def open_flags(session: Session) -> list[StandingRows]:
    """Flags that nobody has acknowledged, by urgency; the oldest by when it was raised."""
    rows = session.execute(
        select(Flag.urgency, func.count(), func.min(Flag.raised_at))
        .where(Flag.state == FlagState.OPEN)
        .group_by(Flag.urgency)
    )
    return [StandingRows((urgency.value,), count, at) for urgency, count, at in rows]


def open_notices(session: Session) -> list[StandingRows]:
    """Notices that were not taken, by channel and state; the oldest of those that wait."""
    rows = session.execute(
        select(
            FlagNotice.channel,
            FlagNotice.state,
            func.count(),
            func.min(case((FlagNotice.state == NoticeState.WAITING, FlagNotice.created_at))),
        )
        .where(FlagNotice.state.in_(_OPEN_NOTICES))
        .group_by(FlagNotice.channel, FlagNotice.state)
    )
    return [StandingRows((name, state.value), count, at) for name, state, count, at in rows]
