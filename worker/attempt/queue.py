"""The interface between the runner of attempts and a queue."""

from __future__ import annotations

import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Generic, Protocol, TypeVar

from database.lease import AttemptFault
from database.session import Session
from radiology.errors import FirstreadError
from worker.attempt.lease import Lease
from worker.attempt.retry import Backoff, Decision, Ending, is_defect
from worker.equipment import Equipment

_OF_A_DEFECT = "A defect; the trace is kept"

Renewal = Callable[[Session, int], None]
"""Holds a claimed row for longer and notes how many percent are done; raises LeaseLost."""


class Claimed(Protocol):
    """A row in a worker's hands, as far as the runner needs to know it."""

    @property
    def attempts(self) -> int:
        """Which attempt this is, counted from 1."""
        ...

    @property
    def after_defect(self) -> bool:
        """Whether the attempt before this one ended in a defect."""
        ...


C = TypeVar("C", bound=Claimed)


@dataclass(frozen=True, slots=True)
class Unsuccessful:
    """How an attempt ended that did not succeed, for the queue to write to its row."""

    error: Exception
    decision: Decision
    now: datetime

    @property
    def ending(self) -> Ending:
        """Refused, again, or failed."""
        return self.decision.ending

    @property
    def due_at(self) -> datetime:
        """When the next attempt is due; `now` where there is none."""
        return self.now + timedelta(seconds=self.decision.delay_s or 0.0)

    @property
    def fault(self) -> AttemptFault:
        """What the row keeps.

        The message of a foreign exception may quote a data set; its type and the lines that it
        came from may not. So only our own messages are kept, and a trace without messages.
        """
        error = self.error
        said = error.in_full if isinstance(error, FirstreadError) else _OF_A_DEFECT
        return AttemptFault(
            error_kind=type(error).__name__,
            error_message=said,
            trace="".join(traceback.format_tb(error.__traceback__)) if is_defect(error) else "",
        )


class Queue(ABC, Generic[C]):
    """The rows of one kind: how one is claimed, tried, and settled when that did not succeed."""

    name: ClassVar[str]
    """In the log."""

    needs_files: ClassVar[bool] = False
    """Whether an attempt reads or writes images, results or uploads: none is begun while they
    cannot be had, so that none is lost to a bucket that is away."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment

    @property
    @abstractmethod
    def backoff(self) -> Backoff:
        """How this queue tries again, from its own settings."""

    @abstractmethod
    def claim(self, session: Session, now: datetime) -> C | None:
        """Take the row that is due first; None when none is due."""

    @abstractmethod
    def facts(self, claim: C) -> Mapping[str, int | str]:
        """Identifiers of a row, for the log."""

    def study_of(self, session: Session, claim: C) -> str:
        """Study Instance UID of the study that a row is about, for the log; "" of an upload."""
        return ""

    def renewal(self, claim: C) -> Renewal | None:
        """How the lease is renewed during an attempt; None where it is long enough as it is."""
        return None

    def attempt_number(self, claim: C, error: Exception) -> int:
        """Which attempt an error ended, as far as the backoff counts it."""
        return claim.attempts

    def unanswered(self, claim: C) -> int:
        """How many of the attempts found the peer away and count towards no limit."""
        return 0

    @abstractmethod
    def attempt(self, claim: C, lease: Lease) -> None:
        """Do what the row asks for, and write that it is done.

        Raises
        ------
        LeaseLost
            Somebody else has the row; nothing more may be written to it.
        Refused
            The row is not acceptable as it is.
        Unavailable
            Something is not there now.
        """

    @abstractmethod
    def settle(self, session: Session, claim: C, end: Unsuccessful) -> None:
        """Write how an attempt ended that did not succeed.

        Raises
        ------
        LeaseLost
            As for `attempt`.
        """

    def clear_up(self, claim: C, end: Unsuccessful) -> None:
        """Delete what the row needs no more, once `settle` is committed."""
