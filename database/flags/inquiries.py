"""Inquiries whether a flag's work item is taken elsewhere: when a channel asks, and the answers.

A manager accepts a notice, but does not report when its work item is taken. So it is asked while
the flag is open. An inquiry is leased like a notice, so that one worker at a time speaks to a
channel; no answer holds a flag up: the next step is told when it is due.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session, aliased

from database.events import record_event
from database.flag_states import FlagState, NoticeState
from database.flags.raised import acknowledge_flag
from database.flags.told_channels import RAISING
from database.lease import claim_first, ended_in_defect, is_free, write_held
from database.list_place import lock_study
from database.one_at_a_time import one_at_a_time
from database.tables.base import KIND_LENGTH
from database.tables.readers.flag import Flag, FlagNotice
from radiology.urgency import Urgency
from settings.flags import Channel, Flagging


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A question in a worker's hands. `reference` is what the channel calls what it made.

    Questions are not counted: a channel is asked for as long as the flag is open.
    """

    notice_id: int
    flag_id: int
    channel: str
    reference: str
    fencing_token: int
    after_defect: bool  # the attempt before this one ended in a defect
    attempts: int = 1


def begin_asking(
    session: Session, notice_id: int, channel: Channel, flagging: Flagging, now: datetime
) -> None:
    """From now on ask a channel that has just taken a notice, if its flag waits for somebody."""
    notice = session.get_one(FlagNotice, notice_id)
    flag = notice.flag
    if notice.kind not in RAISING or not _waits_for_somebody(flag):
        return
    session.execute(
        update(FlagNotice)
        .where(FlagNotice.flag_id == flag.id, FlagNotice.channel == channel.name)
        .values(ask_at=None)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(FlagNotice)
        .where(FlagNotice.id == notice_id)
        .values(ask_at=_ask_at(flag, channel, flagging, now), ask_error="")
        .execution_options(synchronize_session=False)
    )


def channels_to_ask(session: Session, now: datetime) -> list[str]:
    """The channels that are to be asked something now."""
    return list(
        session.scalars(select(FlagNotice.channel).where(*inquiry_is_due(now)).distinct()).all()
    )


def claim_inquiry(
    session: Session, channel: str, *, lease_s: float, now: datetime
) -> Inquiry | None:
    """Take the question that a channel is asked next; None when there is none, or it is busy.

    A worker that dies leaves a question that is asked again when its lease has run out.
    """
    one_at_a_time(session, f"flag channel {channel}")
    row = claim_first(
        session,
        FlagNotice,
        (FlagNotice.channel == channel, *inquiry_is_due(now)),
        (FlagNotice.ask_at, FlagNotice.id),
        lease_s=lease_s,
        now=now,
        returning=(
            FlagNotice.id,
            FlagNotice.flag_id,
            FlagNotice.channel,
            FlagNotice.reference,
            FlagNotice.fencing_token,
            ended_in_defect(FlagNotice),
        ),
        ask_at=now + timedelta(seconds=lease_s),
    )
    return None if row is None else Inquiry(*row)


def end_inquiry(
    session: Session,
    inquiry: Inquiry,
    channel: Channel | None,
    flagging: Flagging,
    now: datetime,
    *,
    taken: str = "",
    error_kind: str = "",
    trace: str = "",
    again: bool = True,
) -> bool:
    """Write what was answered; whether the flag is acknowledged by it.

    What the flag was changed to meanwhile, by a newer result or by somebody's acknowledgement, is
    not touched: the answer is about what was told before.

    Parameters
    ----------
    taken : where what the channel made stands, if it is taken there; "" if not
    error_kind, trace : of the fault, if there was no answer
    again : whether asking again may bring another answer

    Raises
    ------
    LeaseLost
        Somebody else asks by now.
    """
    of_flag = select(Flag.study_id).where(Flag.id == inquiry.flag_id)
    lock_study(session, of_flag.scalar_subquery())
    flag = session.scalars(select(Flag).where(Flag.id == inquiry.flag_id).with_for_update()).one()
    asked = session.execute(
        select(FlagNotice.ask_at, FlagNotice.ask_error).where(FlagNotice.id == inquiry.notice_id)
    ).one()
    is_current = asked.ask_at is not None and flag.state is FlagState.OPEN
    next_at = None
    if is_current and again and not taken and channel is not None:
        next_at = _ask_at(flag, channel, flagging, now)
    write_held(
        session,
        FlagNotice,
        inquiry.notice_id,
        inquiry.fencing_token,
        lease_until=None,
        ask_at=next_at,
        ask_error=error_kind[:KIND_LENGTH],
        trace=trace,
    )
    if error_kind and error_kind != asked.ask_error:  # once for each outage
        _event(session, inquiry, "claim_not_known", now, error_kind=error_kind)
    if not is_current or not taken:
        return False
    _event(session, inquiry, "work_item_claimed", now, state=taken, work_item=inquiry.reference)
    return acknowledge_flag(
        session, flag.flag_uid, by=inquiry.channel, through=inquiry.channel, now=now
    )


def _waits_for_somebody(flag: Flag) -> bool:
    """A flag that is not urgent and has no other receiver is not waited for."""
    is_urgent = flag.urgency is Urgency.URGENT or flag.escalate_at is not None
    return flag.state is FlagState.OPEN and is_urgent


def _ask_at(flag: Flag, channel: Channel, flagging: Flagging, now: datetime) -> datetime | None:
    return flagging.ask_at(
        now, raised_at=flag.raised_at, escalate_at=flag.escalate_at, answer_s=channel.answer_s
    )


def inquiry_is_due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """The conditions of notices whose channel is to be asked at a moment."""
    other = aliased(FlagNotice)
    busy = select(other.id).where(other.channel == FlagNotice.channel, other.lease_until >= now)
    waits = select(Flag.id).where(
        Flag.id == FlagNotice.flag_id,
        Flag.state == FlagState.OPEN,
        or_(Flag.urgency == Urgency.URGENT, Flag.escalate_at.is_not(None)),
    )
    return (
        FlagNotice.ask_at <= now,
        FlagNotice.state == NoticeState.ACCEPTED,
        is_free(FlagNotice, now),
        ~busy.exists(),
        waits.exists(),
    )


def _event(session: Session, inquiry: Inquiry, name: str, now: datetime, **facts: Any) -> None:
    study_id = session.scalars(select(Flag.study_id).where(Flag.id == inquiry.flag_id)).one()
    record_event(session, name, now, study_id=study_id, channel=inquiry.channel, **facts)
