"""What last went to each destination and flag channel, and what last came by HL7. Read only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from database.flag_states import NoticeKind, NoticeState
from database.row_facts import facts_of
from database.states import DeliveryState, ObjectState
from database.tables.readers.flag import FlagNotice
from database.tables.study.analysis import DeliveredObject, Delivery
from database.tables.study.hl7 import ReceivedMessage
from database.unindexed import unindexed

_STORED = (DeliveryState.SENT, DeliveryState.DELIVERED, DeliveryState.COMMITTED)
_NEWEST = 20  # deliveries: one may be stored after a younger one
_SHOWN = (NoticeState.ACCEPTED, NoticeState.REFUSED, NoticeState.FAILED, NoticeState.WAITING)


@dataclass(frozen=True, slots=True)
class LastNotice:
    """The newest notice of a channel that was not dropped.

    Attributes
    ----------
    waiting : how many of the channel wait, this one among them
    """

    kind: NoticeKind
    state: NoticeState
    created_at: datetime
    due_at: datetime
    finished_at: datetime | None
    attempts: int
    error_kind: str
    error_message: str
    waiting: int


@dataclass(frozen=True, slots=True)
class LastMessage:
    """The newest HL7 message that was taken: who sent it, as MSH says it, and of which kind."""

    sender: str
    kind: str
    received_at: datetime


def last_stored(session: Session, destinations: Sequence[str]) -> dict[str, datetime]:
    """When each destination last stored an object of ours; those that never did are left out."""
    found = {}
    for name in destinations:
        newest = (
            select(Delivery.id)
            .where(Delivery.destination == name, unindexed(Delivery.state.in_(_STORED)))
            .order_by(Delivery.id.desc())
            .limit(_NEWEST)
        )
        found[name] = session.scalar(
            select(func.max(DeliveredObject.answered_at)).where(
                DeliveredObject.delivery_id.in_(newest.scalar_subquery()),
                DeliveredObject.state.in_((ObjectState.STORED, ObjectState.COMMITTED)),
            )
        )
    return {name: at for name, at in found.items() if at is not None}


def last_notices(session: Session, channels: Sequence[str]) -> dict[str, LastNotice]:
    """How the newest notice of each channel went; channels that were told nothing are left out."""
    found = {}
    for channel in channels:
        by_state = [_newest_notice(session, channel, state) for state in _SHOWN]
        known = [one for one in by_state if one is not None]
        if not known:
            continue
        waiting = session.scalar(
            select(func.count(FlagNotice.id)).where(
                FlagNotice.state == NoticeState.WAITING, FlagNotice.channel == channel
            )
        )
        newest = max(known, key=lambda one: one.id)
        found[channel] = facts_of(LastNotice, newest, waiting=waiting or 0)
    return found


def _newest_notice(session: Session, channel: str, state: NoticeState) -> FlagNotice | None:
    """By the index of the queue: state, channel, id."""
    return session.scalars(
        select(FlagNotice)
        .where(FlagNotice.state == state, FlagNotice.channel == channel)
        .order_by(FlagNotice.id.desc())
        .limit(1)
    ).one_or_none()


def last_message(session: Session) -> LastMessage | None:
    """The newest HL7 message that was taken and is not forgotten yet."""
    row = session.scalars(
        select(ReceivedMessage).order_by(ReceivedMessage.id.desc()).limit(1)
    ).one_or_none()
    return None if row is None else facts_of(LastMessage, row)
