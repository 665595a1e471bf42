"""Decides the fate of a row after a failed attempt; pure, the jitter is a parameter.

| what ended the attempt  | decision                                                     |
|-------------------------|--------------------------------------------------------------|
| `Refused`               | refused: never again                                         |
| `Unavailable`           | again, by the queue's backoff; failed after its last attempt |
| a peer that is away     | in a patient queue again, however often                      |
| other `FirstreadError`  | failed at once: a defect that a check of ours has found      |
| anything else: a defect | once more, then failed                                       |
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from radiology.errors import FirstreadError, PeerBusy, PeerUnreachable, Refused, Unavailable

_RETRY_AFTER = "retry_after_s"  # the fact by which a peer says how long it wants to be left alone


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long a queue waits between attempts, and how many attempts it makes.

    Attributes
    ----------
    patient : attempts that find the peer away count towards no limit: it is waited for, since what
        the row holds is lost to whoever waits for it otherwise
    longest_unreached_s : the longest wait for a peer that cannot be reached; None: `longest_s`
    """

    first_s: float
    longest_s: float
    max_attempts: int
    patient: bool = False
    longest_unreached_s: float | None = None

    def delay_s(self, attempt: int, *, jitter: float) -> float:
        """The wait after an attempt: doubles with each one, up to `longest_s`.

        Parameters
        ----------
        attempt : which attempt has ended, counted from 1
        jitter : 0 to 1, random, from the caller; shortens the wait by up to a quarter, so that
            many rows that failed together do not come back together
        """
        # The exponent is capped before the power: attempt 5000 must not make a number of 5000 bits.
        doubled = self.first_s * 2.0 ** min(attempt - 1, 30)
        return min(doubled, self.longest_s) * (1.0 - 0.25 * jitter)


class Ending(StrEnum):
    """How an attempt ends that did not succeed."""

    REFUSED = "refused"  # never again, unless a person asks
    AGAIN = "again"
    FAILED = "failed"  # a person must look


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of the row. `delay_s` is the wait before the next attempt; None without one."""

    ending: Ending
    delay_s: float | None = None


def is_away(error: Exception) -> bool:
    """Whether a peer did not answer, or takes nothing for now: nothing is wrong with the row."""
    return isinstance(error, PeerUnreachable | PeerBusy)


def is_defect(error: Exception) -> bool:
    """Whether an error is a fault of the program, and not of its input or of a peer."""
    return not isinstance(error, Refused | Unavailable)


def decide(
    error: Exception,
    attempt: int,
    backoff: Backoff,
    *,
    after_defect: bool,
    jitter: float,
    unanswered: int = 0,
) -> Decision:
    """Decide what becomes of a row.

    Parameters
    ----------
    error : what ended the attempt
    attempt : which attempt it was, counted from 1
    after_defect : whether the attempt before it ended in a defect
    jitter : as for `Backoff.delay_s`
    unanswered : how many attempts before this one found the peer away, in a patient queue
    """
    if isinstance(error, Refused):
        return Decision(Ending.REFUSED)
    waited_for = backoff.patient and is_away(error)
    if attempt - unanswered >= backoff.max_attempts and not waited_for:
        return Decision(Ending.FAILED)
    delay_s = backoff.delay_s(attempt, jitter=jitter)
    if isinstance(error, PeerUnreachable) and backoff.longest_unreached_s is not None:
        delay_s = min(delay_s, backoff.longest_unreached_s)
    if isinstance(error, Unavailable):
        asked_s = error.facts.get(_RETRY_AFTER)
        if isinstance(asked_s, int | float):
            delay_s = max(delay_s, min(float(asked_s), backoff.longest_s))
        return Decision(Ending.AGAIN, delay_s)
    # What a check of ours has found, the same input gives each time.
    if isinstance(error, FirstreadError) or after_defect:
        return Decision(Ending.FAILED)
    # Once more: memory may have been short, a disk slow.
    return Decision(Ending.AGAIN, delay_s)
