"""Notices that a worker holds: the next of a channel, and the end of each attempt.

One worker at a time tells one channel, the oldest notice first. One that its receiver does not
take holds up the younger ones for a few attempts only, and those about the same study always; from
then on it comes behind them, and whichever of such notices has waited longest goes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, select
from sqlalchemy.orm import Session, aliased

from database.events import record_event
from database.flag_states import FlagState, NoticeKind, NoticeState
from database.flags.told_channels import RAISING, is_overtaken
from database.lease import (
    claim_first,
    ended,
    ended_in_defect,
    is_free,
    postponed,
    write_held,
)
from database.metrics.counted import count_once_committed, observe_once_committed
from database.metrics.declared import NOTICE_TIME, NOTICES_ENDED
from database.one_at_a_time import one_at_a_time
from database.tables.readers.flag import Flag, FlagAttempt, FlagNotice
from radiology.errors import PeerBusy, PeerUnreachable

_HOLDS_UP_FOR_ATTEMPTS = 3
_ATTEMPTS_KEPT = 10  # of an outage the rows of the first, and of the latest, are enough
_AWAY = (PeerUnreachable.__name__, PeerBusy.__name__)
_RETRYABLE = (NoticeState.REFUSED, NoticeState.FAILED)


@dataclass(frozen=True, slots=True)
class NoticeClaim:
    """A notice in a worker's hands."""

    attempt_id: int
    notice_id: int
    flag_id: int
    channel: str
    kind: NoticeKind
    fencing_token: int
    attempts: int
    unanswered: int  # of these attempts, how many found the receiver away
    after_defect: bool  # the attempt before this one ended in a defect


def claim_notice(
    session: Session, channel: str, *, lease_s: float, now: datetime
) -> NoticeClaim | None:
    """Take the notice that a channel is told next; None when none is due, or it is being told.

    An expired lease frees it without a sweep: the receiver drops a repetition by its UID.
    """
    one_at_a_time(session, f"flag channel {channel}")  # two workers must not each take one
    row = claim_first(
        session,
        FlagNotice,
        (FlagNotice.channel == channel, *notice_is_due(now)),
        _order(),
        lease_s=lease_s,
        now=now,
        returning=(
            FlagNotice.id,
            FlagNotice.flag_id,
            FlagNotice.channel,
            FlagNotice.kind,
            FlagNotice.fencing_token,
            FlagNotice.attempts,
            FlagNotice.unanswered,
            ended_in_defect(FlagNotice),
        ),
        attempts=FlagNotice.attempts + 1,
        maybe_told=True,
    )
    if row is None:
        return None
    attempt = FlagAttempt(notice_id=row[0], began_at=now)
    session.add(attempt)
    session.flush()  # its id belongs to the claim
    claim = NoticeClaim(attempt.id, *row)
    attempt.number = claim.attempts
    return claim


def due_channels(session: Session, now: datetime) -> list[str]:
    """The channels that a notice can be claimed for now."""
    return list(
        session.scalars(select(FlagNotice.channel).where(*notice_is_due(now)).distinct()).all()
    )


def accept_notice(
    session: Session, claim: NoticeClaim, now: datetime, *, code: str, reference: str = ""
) -> str:
    """Note that the receiver has taken a notice; returns the UID of its flag.

    Raises
    ------
    LeaseLost
        The notice is somebody else's by now.
    """
    flag = _locked_flag(session, claim)
    _write(
        session,
        claim,
        **ended(NoticeState.ACCEPTED, now),
        reference=reference[:256],
    )
    _end_attempt(session, claim, now, code=code)
    _event(session, flag, claim, "flag_sent", now, code=code[:64])
    _count_end(session, claim, NoticeState.ACCEPTED)
    if claim.kind is NoticeKind.RAISED:
        took_s = (now - flag.raised_at).total_seconds()
        observe_once_committed(session, NOTICE_TIME, took_s, channel=claim.channel)
    return flag.flag_uid


def end_notice(
    session: Session,
    claim: NoticeClaim,
    state: NoticeState,
    now: datetime,
    *,
    error_kind: str,
    error_message: str,
    trace: str = "",
) -> None:
    """Give a notice up: refused or failed. When no receiver was told, the next step is due.

    Raises
    ------
    LeaseLost
        The notice is somebody else's by now.
    """
    flag = _locked_flag(session, claim)
    refused = {"maybe_told": False} if state is NoticeState.REFUSED else {}
    _write(
        session,
        claim,
        **ended(state, now, error_kind=error_kind, error_message=error_message, trace=trace),
        **refused,
    )
    _end_attempt(session, claim, now, error_kind=error_kind, error_message=error_message)
    _event(session, flag, claim, f"flag_{state.value}", now, error_kind=error_kind)
    _count_end(session, claim, state)
    if flag.escalate_at is not None and not _somebody_hears(session, flag):
        flag.escalate_at = min(flag.escalate_at, now)


def postpone_notice(
    session: Session,
    claim: NoticeClaim,
    due_at: datetime,
    now: datetime,
    *,
    error_kind: str,
    error_message: str,
    trace: str = "",
    unanswered: bool = False,
) -> None:
    """Try again later; or not at all, if something newer is to be said meanwhile.

    Parameters
    ----------
    unanswered : the receiver was away, so the attempt counts towards no limit

    Raises
    ------
    LeaseLost
        The notice is somebody else's by now.
    """
    _locked_flag(session, claim)
    overtaken = is_overtaken(session, session.get_one(FlagNotice, claim.notice_id))
    _write(
        session,
        claim,
        **postponed(due_at, error_kind=error_kind, error_message=error_message, trace=trace),
        state=NoticeState.DROPPED if overtaken else NoticeState.WAITING,
        finished_at=now if overtaken else None,
        unanswered=claim.unanswered + unanswered,
    )
    if unanswered and claim.unanswered > _ATTEMPTS_KEPT:
        _forget_attempt_before(session, claim)
    _end_attempt(session, claim, now, error_kind=error_kind, error_message=error_message)


def retry_notices(
    session: Session, flag_uid: str, now: datetime, *, channel: str | None = None
) -> int:
    """Have notices of a flag sent again that were refused or given up, as a person asked.

    Returns
    -------
    How many. One that something newer has overtaken does not count.
    """
    flag = session.scalars(
        select(Flag).where(Flag.flag_uid == flag_uid).with_for_update()
    ).one_or_none()
    if flag is None:
        return 0
    again = [
        candidate
        for candidate in flag.notices
        if candidate.state in _RETRYABLE
        and channel in (None, candidate.channel)
        and not is_overtaken(session, candidate)
        and (
            flag.state in (FlagState.OPEN, FlagState.ACKNOWLEDGED) or candidate.kind not in RAISING
        )
    ]
    for notice in again:
        notice.state = NoticeState.WAITING
        notice.due_at = now
        notice.attempts = notice.unanswered = 0
        notice.trace = ""
        notice.finished_at = None
    if again:
        record_event(session, "flag_retried", now, study_id=flag.study_id, count=len(again))
    return len(again)


def notice_is_due(now: datetime) -> Sequence[ColumnElement[bool]]:
    """The conditions of notices that can be claimed at a moment, of any channel."""
    other = aliased(FlagNotice)
    waiting = FlagNotice.state == NoticeState.WAITING
    same_channel = other.channel == FlagNotice.channel
    older = (same_channel, other.id < FlagNotice.id, other.state == NoticeState.WAITING)
    busy = select(other.id).where(same_channel, other.lease_until >= now)
    of_the_study = select(other.id).where(*older, other.flag_id == FlagNotice.flag_id)
    held_up = select(other.id).where(
        *older, other.due_at > now, other.attempts < _HOLDS_UP_FOR_ATTEMPTS
    )
    return (
        waiting,
        FlagNotice.due_at <= now,
        is_free(FlagNotice, now),
        ~busy.exists(),
        ~of_the_study.exists(),
        ~held_up.exists(),
    )


def _order() -> tuple[Any, ...]:
    """The oldest first; behind it, by turns, those that hold up nobody any more.

    By age alone two that their receiver never answers would keep all younger ones from it.
    """
    passed = FlagNotice.attempts >= _HOLDS_UP_FOR_ATTEMPTS
    return (case((passed, 1), else_=0), case((passed, FlagNotice.due_at)), FlagNotice.id)


def _forget_attempt_before(session: Session, claim: NoticeClaim) -> None:
    """Delete the row of the attempt before, which found nobody either: there may be thousands."""
    before = session.scalars(
        select(FlagAttempt)
        .where(
            FlagAttempt.notice_id == claim.notice_id,
            FlagAttempt.number == claim.attempts - 1,
            FlagAttempt.error_kind.in_(_AWAY),
        )
        .order_by(FlagAttempt.id.desc())
        .limit(1)
    ).one_or_none()
    if before is not None:
        session.delete(before)


def _locked_flag(session: Session, claim: NoticeClaim) -> Flag:
    """The flag first, then its notices: whoever changes both does it in this order."""
    return session.scalars(select(Flag).where(Flag.id == claim.flag_id).with_for_update()).one()


def _somebody_hears(session: Session, flag: Flag) -> bool:
    return any(
        notice.kind in RAISING and notice.state in (NoticeState.WAITING, NoticeState.ACCEPTED)
        for notice in session.scalars(
            select(FlagNotice)
            .where(FlagNotice.flag_id == flag.id)
            .execution_options(populate_existing=True)
        )
    )


def _write(session: Session, claim: NoticeClaim, **values: Any) -> None:
    write_held(session, FlagNotice, claim.notice_id, claim.fencing_token, **values)


def _end_attempt(session: Session, claim: NoticeClaim, now: datetime, **values: Any) -> None:
    attempt = session.get_one(FlagAttempt, claim.attempt_id)
    attempt.ended_at = now
    attempt.code = values.get("code", "")[:64]
    attempt.error_kind = values.get("error_kind", "")
    attempt.error_message = values.get("error_message", "")


def _count_end(session: Session, claim: NoticeClaim, state: NoticeState) -> None:
    count_once_committed(
        session, NOTICES_ENDED, channel=claim.channel, kind=claim.kind.value, state=state.value
    )


def _event(
    session: Session, flag: Flag, claim: NoticeClaim, name: str, now: datetime, **facts: Any
) -> None:
    record_event(
        session,
        name,
        now,
        study_id=flag.study_id,
        channel=claim.channel,
        kind=claim.kind.value,
        attempt=claim.attempts,
        **facts,
    )
