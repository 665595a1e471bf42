"""The two queues of a channel: notices, and inquiries."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol, TypeVar

from database.session import Session
from settings.flags import Channel
from worker.attempt.queue import Claimed, Queue
from worker.equipment import Equipment
from worker.flag.channels import Channels

_ANSWERS_PER_LEASE = 3.0  # connecting, sending and answering may each take as long as an answer
_LEAST_LEASE_S = 5.0

C = TypeVar("C", bound=Claimed)
C_co = TypeVar("C_co", bound=Claimed, covariant=True)


class Take(Protocol[C_co]):
    """How a row of a channel gets into a worker's hands."""

    def __call__(
        self, session: Session, channel: str, *, lease_s: float, now: datetime
    ) -> C_co | None:
        """Take the row that is due first; None when none is due."""
        ...


class ChannelQueue(Queue[C]):
    """The rows of one kind for one channel, held as long as it may take to answer."""

    def __init__(
        self, equipment: Equipment, channels: Channels, channel: str, take: Take[C]
    ) -> None:
        super().__init__(equipment)
        self._channels = channels
        self._channel = channel
        self._take = take

    def claim(self, session: Session, now: datetime) -> C | None:
        """Take the row that is due first; None when none is due."""
        lease_s = _lease_s(self._channels.setting(self._channel))
        return self._take(session, self._channel, lease_s=lease_s, now=now)


def _lease_s(channel: Channel | None) -> float:
    return _LEAST_LEASE_S + (_ANSWERS_PER_LEASE * channel.answer_s if channel else 0.0)
