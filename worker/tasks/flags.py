"""The queue of the flags: each channel is told what is due, then asked."""

from __future__ import annotations

import functools
from typing import Any

from celery.signals import worker_shutdown

from worker.celery_app import app
from worker.flag.ask_elsewhere import ask_one
from worker.flag.channels import Channels
from worker.flag.flag_study import tell_one
from worker.tasks.process import equipment
from worker.tasks.wake_ups import TELL_NEXT


@functools.cache
def channels() -> Channels:
    """The flag channels of this process, with the connections that they keep."""
    return Channels(equipment().settings)


@app.task(name=TELL_NEXT)
def tell_next(channel: str) -> None:
    """Tell a channel everything that is due, then ask it; it holds up no other one."""
    worker, known = equipment(), channels()
    # A notice goes before every question.
    while tell_one(worker, known, channel) or ask_one(worker, known, channel):
        pass


@worker_shutdown.connect
def close_channels(**_: Any) -> None:
    """Close the connections that are kept."""
    channels().close()
