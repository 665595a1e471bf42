"""What each channel was told about a flag, and the notices that a change makes due.

A notice that nobody has begun to send is changed or dropped; a notice that may have arrived is
followed by another notice. So every channel that was told is corrected, and no other channel gets a
correction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from sqlalchemy import select
from sqlalchemy.orm import Session

from database.flag_states import FlagState, NoticeKind, NoticeState
from database.tables.readers.flag import Flag, FlagNotice
from radiology.identity import derived_uid
from settings.flags import Channel

RAISING = (NoticeKind.RAISED, NoticeKind.RAISED_AGAIN)
_TELLING = (*RAISING, NoticeKind.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class Addressee:
    """A channel as the rows know it."""

    channel: str
    step: int
    keeps_state: bool
    follows_results: bool = True

    @classmethod
    def of(cls, channel: Channel) -> Self:
        """From the settings."""
        return cls(channel.name, channel.escalation, channel.keeps_state, channel.follows_results)


def add_notice(
    session: Session,
    flag: Flag,
    addressee: Addressee,
    kind: NoticeKind,
    now: datetime,
    *,
    named: Mapping[str, Any] | None = None,
) -> None:
    """Have a channel told; its UID follows from the flag and from how many notices there were."""
    session.add(
        FlagNotice(
            notice_uid=derived_uid("flag notice", flag.flag_uid, str(len(flag.notices))),
            flag=flag,
            result_id=flag.result_id,
            channel=addressee.channel,
            kind=kind,
            step=addressee.step,
            keeps_state=addressee.keeps_state,
            created_at=now,
            due_at=now,
            named=None if named is None else dict(named),
        )
    )


def tell_change(
    session: Session, flag: Flag, wanting: Sequence[Addressee], now: datetime, *, changed: bool
) -> None:
    """Tell every channel what follows for it from what the flag says now.

    Parameters
    ----------
    wanting : who is to know of the flag; everybody else who was told is told to forget it
    changed : whether the urgency or its rule differs from what was said before
    """
    notices = _locked_notices(session, flag)
    wanted = {one.channel: one for one in wanting}
    for name, to_channel in notices.items():
        _drop_unsent(to_channel, now)
        _ask_no_more(to_channel)
        if name not in wanted and _is_told(to_channel):
            known = Addressee(name, to_channel[-1].step, to_channel[-1].keeps_state)
            add_notice(session, flag, known, NoticeKind.WITHDRAWN, now)
    for addressee in wanting:
        to_channel = notices.get(addressee.channel, [])
        if not _is_told(to_channel):
            add_notice(session, flag, addressee, NoticeKind.RAISED, now)
        elif changed or addressee.follows_results or not _has_taken(to_channel):
            add_notice(session, flag, addressee, NoticeKind.RAISED_AGAIN, now)


def take_back_name(session: Session, flag: Flag, named: Mapping[str, Any], now: datetime) -> None:
    """Tell every channel that was told of a flag to forget it, in the name that it was told.

    Whatever follows in the right name comes behind it: this notice is neither dropped nor
    overtaken.

    Parameters
    ----------
    named : the fields of `NoticeContent` that say whose study it was
    """
    for name, to_channel in _locked_notices(session, flag).items():
        _drop_unsent(to_channel, now)
        _ask_no_more(to_channel)
        if _is_told(to_channel):
            known = Addressee(name, to_channel[-1].step, to_channel[-1].keeps_state)
            add_notice(session, flag, known, NoticeKind.WITHDRAWN, now, named=named)


def tell_acknowledged(session: Session, flag: Flag, now: datetime) -> None:
    """Spare those of the further steps, and tell those that keep a state and did not say it."""
    for name, to_channel in _locked_notices(session, flag).items():
        _drop_unsent([one for one in to_channel if one.step > 0], now)
        _ask_no_more(to_channel)
        last = to_channel[-1]
        if last.keeps_state and name != flag.acknowledged_through and _is_heard(to_channel):
            known = Addressee(name, last.step, keeps_state=True)
            add_notice(session, flag, known, NoticeKind.ACKNOWLEDGED, now)


def is_overtaken(session: Session, notice: FlagNotice) -> bool:
    """Whether a notice need not be sent again: its channel is told something newer, or is spared.

    What it says may have arrived all the same.
    """
    if notice.named is not None:
        return False
    newer = session.scalars(
        select(FlagNotice.id)
        .where(
            FlagNotice.flag_id == notice.flag_id,
            FlagNotice.channel == notice.channel,
            FlagNotice.kind.in_(_TELLING),
            FlagNotice.id > notice.id,
        )
        .limit(1)
    ).one_or_none()
    if newer is not None:
        return True
    seen = notice.flag.state is FlagState.ACKNOWLEDGED
    return seen and notice.step > 0 and notice.kind in RAISING


def _locked_notices(session: Session, flag: Flag) -> dict[str, list[FlagNotice]]:
    """The notices of a flag by channel, in their order; nobody claims one until the end."""
    found: dict[str, list[FlagNotice]] = {}
    for notice in session.scalars(
        select(FlagNotice)
        .where(FlagNotice.flag_id == flag.id)
        .order_by(FlagNotice.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ):
        found.setdefault(notice.channel, []).append(notice)
    return found


def _drop_unsent(notices: Sequence[FlagNotice], now: datetime) -> None:
    """Stop sending and retrying; what is being sent just now goes on."""
    for notice in notices:
        is_held = notice.lease_until is not None and notice.lease_until >= now
        if notice.state is NoticeState.WAITING and not is_held and notice.named is None:
            notice.state = NoticeState.DROPPED
            notice.finished_at = now


def _ask_no_more(notices: Sequence[FlagNotice]) -> None:
    """What was made of these notices is out of date, or of no consequence any more."""
    for notice in notices:
        notice.ask_at = None


def _last_heard(notices: Sequence[FlagNotice]) -> NoticeKind | None:
    heard = [
        one.kind
        for one in notices
        if (one.maybe_told or one.named is not None) and one.kind in _TELLING
    ]
    return heard[-1] if heard else None


def _is_heard(notices: Sequence[FlagNotice]) -> bool:
    """Whether a channel holds the flag for raised, or is to hear of it yet."""
    waits = any(one.state is NoticeState.WAITING and one.kind in RAISING for one in notices)
    return waits or _is_told(notices)


def _is_told(notices: Sequence[FlagNotice]) -> bool:
    """Whether a channel may hold the flag for raised: an answer that is lost counts."""
    return _last_heard(notices) in RAISING


def _has_taken(notices: Sequence[FlagNotice]) -> bool:
    """Whether it is certain that a channel holds the flag for raised."""
    told = [one for one in notices if one.maybe_told and one.kind in _TELLING]
    return bool(told) and told[-1].state is NoticeState.ACCEPTED
