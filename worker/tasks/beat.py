"""The clock of the sweep: a wake-up every `sweep_s` while something waits, now and then otherwise.

A sweep looks at every queue, and takes some hundred times what the one question takes that tells
whether it would find something to do. A site at rest asks, and sweeps for what time alone makes
due: retention, the disk, uploads that are past their time.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from datetime import datetime

from celery import Celery

from database.session import Engine, query
from database.work_waits import work_waits
from radiology.errors import DatabaseUnavailable
from settings.log.log_events import get_logger
from worker.celery_app import BROKER_AWAY
from worker.tasks.wake_ups import SWEEP

_log = get_logger("beat")
AT_REST_S = 10.0
"""A sweep comes so often at least: what no row says to be waiting is late by no more."""


class Beat:
    """Sends the sweep's wake-ups.

    Parameters
    ----------
    sweep_s : how often it looks
    clock : of the rows
    """

    def __init__(
        self, app: Celery, engine: Engine, sweep_s: float, clock: Callable[[], datetime]
    ) -> None:
        self._app = app
        self._engine = engine
        self._sweep_s = sweep_s
        self._clock = clock
        self._sent_at: datetime | None = None
        self._something_waited = False
        self._is_sent = True

    def run(self) -> None:
        """Look and send until told to stop."""
        stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: stopped.set())
        while not stopped.is_set():
            self.look()
            stopped.wait(self._sweep_s)

    def look(self) -> bool:
        """Send a wake-up if one is wanted; returns whether it was sent.

        After the last moment at which something waited one more is sent: what came of that may
        itself be something to do.
        """
        now = self._clock()
        waits = self._something_waits(now)
        wanted, self._something_waited = waits or self._something_waited, waits
        rested = self._sent_at is None or not (
            0 <= (now - self._sent_at).total_seconds() < AT_REST_S
        )
        return (wanted or rested) and self._send(now)

    def _something_waits(self, now: datetime) -> bool:
        try:
            with query(self._engine) as session:
                return work_waits(session, now)
        except DatabaseUnavailable:
            return True  # the sweep says it, and sees first when it is back

    def _send(self, now: datetime) -> bool:
        # A sweep that waited longer has been overtaken by younger ones.
        expires_s = max(10 * self._sweep_s, 2 * AT_REST_S)
        try:
            self._app.send_task(SWEEP, expires=expires_s)
        except BROKER_AWAY as error:
            if self._is_sent:  # once for each time that the broker is away
                _log.error("wake_up_not_sent", task=SWEEP, error_kind=type(error).__name__)
            self._is_sent = False
            return False
        self._is_sent, self._sent_at = True, now
        return True
