"""Flags that are not acknowledged yet: found and counted, never locked."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from database.flag_states import FlagState
from database.tables.readers.flag import Flag
from radiology.urgency import Urgency


def flags_to_escalate(session: Session, now: datetime) -> int:
    """How many flags wait for the next step; looked at without a lock."""
    wanted = select(func.count()).select_from(Flag)
    return session.scalar(wanted.where(Flag.state == FlagState.OPEN, Flag.escalate_at <= now)) or 0


def open_flag_of(session: Session, study_id: int) -> Flag | None:
    """The unacknowledged flag of a study."""
    return session.scalars(
        select(Flag).where(Flag.study_id == study_id, Flag.state == FlagState.OPEN)
    ).one_or_none()


def open_urgent_flags(session: Session) -> int:
    """The number of urgent studies with an unacknowledged flag."""
    wanted = select(func.count()).select_from(Flag)
    return (
        session.scalar(wanted.where(Flag.state == FlagState.OPEN, Flag.urgency == Urgency.URGENT))
        or 0
    )
