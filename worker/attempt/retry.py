"""An error and an attempt to a decision: pure, capped, the jitter passed in."""

from __future__ import annotations

from dataclasses import dataclass

from radiology.errors import Refused, Unavailable


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait between attempts, and how often to try."""

    first_s: float
    longest_s: float
    max_attempts: int


def retry_delay_s(
    error: Exception, attempt: int, backoff: Backoff, *, jitter: float
) -> float | None:
    """How long to wait before the next attempt.

    Parameters
    ----------
    error : what ended the attempt
    attempt : which attempt it was, counted from 1
    jitter : 0 to 1, random, from the caller; shortens the wait by up to a quarter, so that many
        deliveries that failed together do not come back together

    Returns
    -------
    Seconds, doubling with each attempt up to `longest_s`; None when trying again is of no use
    (refused, a defect) or was tried often enough.
    """
    if isinstance(error, Refused) or not isinstance(error, Unavailable):
        return None
    if attempt >= backoff.max_attempts:
        return None
    # The exponent is capped before the power: attempt 5000 must not make a number of 5000 bits.
    doubled = backoff.first_s * 2.0 ** min(attempt - 1, 30)
    return min(doubled, backoff.longest_s) * (1.0 - 0.25 * jitter)
