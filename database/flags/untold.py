"""Channels that do not take what they are to be told of flags."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, case, func, or_, select
from sqlalchemy.orm import Session

from database.flag_states import FlagState, NoticeState
from database.flags.told_channels import RAISING
from database.tables.readers.flag import Flag, FlagNotice

_GIVEN_UP = (NoticeState.REFUSED, NoticeState.FAILED)


@dataclass(frozen=True, slots=True)
class UntoldChannel:
    """One channel that does not take notices.

    Attributes
    ----------
    waiting : notices that wait, where an attempt at one of them has been in vain; else 0
    oldest : since when the first of these waits; None without one
    given_up : open flags that it refused to be told of, or was given up for
    """

    channel: str
    waiting: int
    oldest: datetime | None
    given_up: int


def untold_channels(session: Session) -> tuple[UntoldChannel, ...]:
    """Every channel that was tried in vain, by name.

    What was refused counts while the flag is open: somebody who has seen it needs no channel.
    """
    waits = FlagNotice.state == NoticeState.WAITING

    def count(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.count(case((condition, 1)))

    found = session.execute(
        select(
            FlagNotice.channel,
            count(waits),
            func.min(case((waits, FlagNotice.created_at))),
            count(~waits),
            count(waits & (FlagNotice.error_kind != "")),
        )
        .join(Flag, Flag.id == FlagNotice.flag_id)
        .where(
            or_(
                waits,
                FlagNotice.state.in_(_GIVEN_UP)
                & FlagNotice.kind.in_(RAISING)
                & (Flag.state == FlagState.OPEN),
            )
        )
        .group_by(FlagNotice.channel)
        .order_by(FlagNotice.channel)
    )
    return tuple(
        UntoldChannel(name, waiting if in_vain else 0, oldest if in_vain else None, given_up)
        for name, waiting, oldest, given_up, in_vain in found
        if in_vain or given_up
    )
