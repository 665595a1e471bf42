"""A turn of a queue: repeated attempts, until none is due or the turn is over."""

from __future__ import annotations

import time
from collections.abc import Callable

from worker.celery_app import LONGEST_TURN_S


def until_none_is_due(attempt: Callable[[], bool]) -> bool:
    """Make one attempt after the other; False if more may be due and the task should end.

    It ends well before its time limit, which is for a single attempt that hangs: otherwise it
    would break off whichever row is in hand just then.
    """
    ends_at = time.monotonic() + LONGEST_TURN_S
    while attempt():
        if time.monotonic() >= ends_at:
            return False
    return True
