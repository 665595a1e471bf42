"""Time limits of a worker that runs its tasks itself: Celery keeps those of a pool alone."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType
from typing import Any, NoReturn

from celery.exceptions import SoftTimeLimitExceeded
from celery.signals import task_postrun, task_prerun

from settings.log.log_events import get_logger

_log = get_logger("celery")


def keep_time_limits() -> None:
    """From now on a task that takes too long is broken off, and then this process with it.

    As a pool does it: an exception at the soft limit, and death at the hard one, for a task that
    hangs where no exception gets to. Whoever started the process starts it again, and what the
    task had in hand is freed by its lease. Call it in the main thread, which runs the tasks.
    """
    signal.signal(signal.SIGALRM, _break_off)
    watch = _Watch()
    task_prerun.connect(watch.begin, weak=False)
    task_postrun.connect(watch.end, weak=False)


class _Watch:
    """Over the task that runs."""

    def __init__(self) -> None:
        self._ending: threading.Timer | None = None

    def begin(self, *, task: Any, **_: Any) -> None:
        if task.soft_time_limit:
            signal.setitimer(signal.ITIMER_REAL, task.soft_time_limit)
        if task.time_limit:
            self._ending = threading.Timer(task.time_limit, _end, (task.name, task.time_limit))
            self._ending.daemon = True
            self._ending.start()

    def end(self, **_: Any) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None


def _break_off(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SoftTimeLimitExceeded


def _end(task: str, limit_s: float) -> None:
    _log.error("worker_hangs", task=task, limit_s=limit_s)
    os.kill(os.getpid(), signal.SIGKILL)
