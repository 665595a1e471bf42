"""Wait for a condition with a limit; the only way in which a test waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class WaitedTooLong(AssertionError):
    """The condition did not come true within its limit."""


def wait_until(
    condition: Callable[[], T],
    *,
    what: str,
    limit_s: float = 20.0,
    interval_s: float = 0.02,
) -> T:
    """Call `condition` until it gives something true, and give that back.

    Parameters
    ----------
    condition : called again and again; raise from it to stop at once
    what : the condition in words, for the message when the limit is reached
    limit_s : after this many seconds the wait fails
    interval_s : pause between two calls

    Raises
    ------
    WaitedTooLong
        The limit was reached.
    """
    pause = threading.Event()
    deadline = time.monotonic() + limit_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise WaitedTooLong(f"waited {limit_s:g} s in vain for: {what}; last value {value!r}")
        pause.wait(interval_s)
