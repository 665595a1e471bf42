"""Errors and attempts to delays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radiology.errors import PeerBusy, PeerRefused, PeerUnreachable
from worker.attempt.retry import Backoff, retry_delay_s

BACKOFF = Backoff(first_s=2.0, longest_s=60.0, max_attempts=10)


@pytest.mark.parametrize(
    ("attempt", "delay_s"),
    [(1, 2.0), (2, 4.0), (3, 8.0), (5, 32.0), (6, 60.0), (9, 60.0)],  # 2 · 2^(n-1), at most 60
)
def test_the_delay_doubles_up_to_a_cap(attempt: int, delay_s: float) -> None:
    """Each attempt waits twice as long as the one before, never longer than the cap."""
    assert retry_delay_s(PeerUnreachable(), attempt, BACKOFF, jitter=0.0) == delay_s


@pytest.mark.parametrize("error", [PeerRefused(), ValueError("a defect")])
def test_what_will_never_pass_is_not_tried_again(error: Exception) -> None:
    """A refusal and a defect have no next attempt."""
    assert retry_delay_s(error, 1, BACKOFF, jitter=0.0) is None


def test_the_last_attempt_has_no_next() -> None:
    """After the configured number of attempts a person must decide."""
    assert retry_delay_s(PeerBusy(), 10, BACKOFF, jitter=0.0) is None


@given(attempt=st.integers(1, 10**9), jitter=st.floats(0, 1))
def test_any_attempt_and_jitter_give_a_delay_in_bounds(attempt: int, jitter: float) -> None:
    """However often a peer failed, the delay is positive and at most the cap."""
    endless = Backoff(first_s=2.0, longest_s=60.0, max_attempts=10**10)
    delay_s = retry_delay_s(PeerBusy(), attempt, endless, jitter=jitter)
    assert delay_s is not None
    assert 1.5 <= delay_s <= 60.0
