"""Ends a forked process of a worker with the worker itself, however that ends.

A worker that is killed, since it did not end in time or the machine was short of memory, would
otherwise leave its fork with the job in hand: minutes on all cores that nobody asked for any more,
beside the one that has taken the worker's place. The job comes back when its lease has run out.
"""

from __future__ import annotations

import os
import select
import threading
from typing import Final

ENDED: Final = 1
"""The exit code of a fork whose worker is gone."""


def end_with_parent() -> None:
    """Begin to watch the parent of this process, in a thread that waits and costs nothing."""
    if not hasattr(os, "pidfd_open"):  # not Linux: a fork ends with the job that it has in hand
        return
    parent = os.getppid()
    try:
        handle = os.pidfd_open(parent)
    except ProcessLookupError:
        os._exit(ENDED)
    threading.Thread(target=_wait_for, args=(handle, parent), name="parent", daemon=True).start()


def _wait_for(handle: int, parent: int) -> None:
    waiting = select.poll()
    waiting.register(handle, select.POLLIN)
    while os.getppid() == parent:
        waiting.poll()  # readable when the process has ended
    os._exit(ENDED)
