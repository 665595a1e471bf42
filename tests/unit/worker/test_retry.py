"""What becomes of a row after an attempt that did not succeed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radiology.errors import (
    FirstreadError,
    MessageMalformed,
    ModelUnavailable,
    NotCommitted,
    PeerBusy,
    PeerRefused,
    PeerUnreachable,
    ResultMismatch,
    SliceMissing,
    WorkerLost,
)
from worker.attempt.retry import Backoff, Decision, Ending, decide, is_defect

BACKOFF = Backoff(first_s=2.0, longest_s=60.0, max_attempts=10)
REFUSED, FAILED = Decision(Ending.REFUSED), Decision(Ending.FAILED)


def again(delay_s: float) -> Decision:
    return Decision(Ending.AGAIN, delay_s)


@pytest.mark.parametrize(
    ("error", "attempt", "after_defect", "decision"),
    [
        # Refused: never again, whichever attempt it was.
        (PeerRefused(), 1, False, REFUSED),
        (SliceMissing(), 10, True, REFUSED),
        # Unavailable: again by the backoff, 2 · 2^(n-1) and at most 60, then failed.
        (PeerUnreachable(), 1, False, again(2.0)),
        (PeerUnreachable(), 2, False, again(4.0)),
        (PeerBusy(), 5, True, again(32.0)),
        (ModelUnavailable(), 6, False, again(60.0)),
        (PeerUnreachable(), 9, False, again(60.0)),
        (PeerUnreachable(), 10, False, FAILED),
        (PeerUnreachable(), 11, False, FAILED),
        # A peer that asks to be left alone is, up to the longest wait.
        (PeerBusy(retry_after_s=30), 1, False, again(30.0)),
        (PeerBusy(retry_after_s=1), 3, False, again(8.0)),
        (PeerBusy(retry_after_s=7200), 1, False, again(60.0)),
        (PeerBusy(retry_after_s="soon"), 1, False, again(2.0)),
        # A defect: once more, then failed; the last attempt is the last one.
        (ValueError("quoted"), 1, False, again(2.0)),
        (KeyError("quoted"), 4, False, again(16.0)),
        (KeyError("quoted"), 2, True, FAILED),
        (MemoryError(), 10, False, FAILED),
        # A defect that a check of ours has found is the same each time.
        (ResultMismatch(), 1, False, FAILED),
        (MessageMalformed(), 1, False, FAILED),
        (WorkerLost(), 1, False, FAILED),
    ],
)
def test_an_error_and_an_attempt_to_a_decision(
    error: Exception, attempt: int, after_defect: bool, decision: Decision
) -> None:
    """The rule of every queue, as a table."""
    assert decide(error, attempt, BACKOFF, after_defect=after_defect, jitter=0.0) == decision


PATIENT = Backoff(first_s=2.0, longest_s=60.0, max_attempts=10, patient=True)


@pytest.mark.parametrize(
    ("error", "attempt", "unanswered", "decision"),
    [
        # A peer that is away is waited for, with the longest wait.
        (PeerUnreachable(), 10, 9, again(60.0)),
        (PeerUnreachable(), 5000, 4999, again(60.0)),
        (PeerBusy(), 5000, 0, again(60.0)),
        # What it says for good is the end, at once.
        (PeerRefused(), 5000, 4999, REFUSED),
        # Everything else counts, and only that.
        (NotCommitted(), 5000, 4991, again(60.0)),
        (NotCommitted(), 5000, 4990, FAILED),
        (ValueError("quoted"), 5000, 4999, again(60.0)),
        (ValueError("quoted"), 10, 0, FAILED),
    ],
)
def test_a_patient_queue_waits_for_a_peer_that_is_away(
    error: Exception, attempt: int, unanswered: int, decision: Decision
) -> None:
    """Attempts in vain count towards no limit; the limit stays for everything else."""
    found = decide(error, attempt, PATIENT, after_defect=False, jitter=0.0, unanswered=unanswered)
    assert found == decision


@pytest.mark.parametrize(
    ("error", "attempt", "delay_s"),
    [
        (PeerUnreachable(), 1, 2.0),
        (PeerUnreachable(), 9, 20.0),
        # One that answers is left alone as long as anything else, and as it asks.
        (PeerBusy(), 9, 60.0),
        (PeerBusy(retry_after_s=45), 1, 45.0),
        (NotCommitted(), 9, 60.0),
    ],
)
def test_a_peer_that_is_not_reached_is_tried_more_often(
    error: Exception, attempt: int, delay_s: float
) -> None:
    """Where a queue wants to know soon that it is back."""
    backoff = Backoff(2.0, 60.0, 10, patient=True, longest_unreached_s=20.0)
    assert decide(error, attempt, backoff, after_defect=False, jitter=0.0) == again(delay_s)


@given(attempt=st.integers(1, 10**9), jitter=st.floats(0, 1))
def test_any_attempt_and_jitter_give_a_delay_in_bounds(attempt: int, jitter: float) -> None:
    """However often a peer failed, the delay is positive and at most the cap."""
    endless = Backoff(first_s=2.0, longest_s=60.0, max_attempts=10**10)
    decision = decide(PeerBusy(), attempt, endless, after_defect=False, jitter=jitter)
    assert decision.ending is Ending.AGAIN
    assert decision.delay_s is not None
    assert 1.5 <= decision.delay_s <= 60.0


@given(
    attempt=st.integers(1, 100),
    max_attempts=st.integers(1, 100),
    error=st.sampled_from([PeerBusy(), PeerRefused(), ValueError(), FirstreadError()]),
    after_defect=st.booleans(),
)
def test_no_row_comes_back_for_ever(
    attempt: int, max_attempts: int, error: Exception, after_defect: bool
) -> None:
    """After the last attempt there is no next one, whatever has happened."""
    backoff = Backoff(1.0, 2.0, max_attempts)
    decision = decide(error, attempt, backoff, after_defect=after_defect, jitter=0.5)
    if attempt >= max_attempts:
        assert decision.ending is not Ending.AGAIN
    assert (decision.delay_s is None) == (decision.ending is not Ending.AGAIN)


@pytest.mark.parametrize(
    ("error", "defect"),
    [(PeerRefused(), False), (PeerBusy(), False), (ResultMismatch(), True), (OSError(), True)],
)
def test_what_is_a_defect(error: Exception, defect: bool) -> None:
    """A fault of ours, found by a check or not; neither a refusal nor what is not there now."""
    assert is_defect(error) is defect
