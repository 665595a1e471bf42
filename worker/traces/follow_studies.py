"""Sends what happened to studies as traces, in a thread: no study waits for a collector.

What the collector does not take stays to be sent: the rows remember how far it has got.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from database.session import Engine, query, transaction
from database.traces.cursor import begin_traces, next_spans, note_sent
from database.traces.spans import StudySpan
from radiology.errors import DatabaseUnavailable, SettingsRefused
from settings.log.log_events import get_logger
from settings.monitoring import Monitoring

_log = get_logger("traces")
_EVERY_S = 5.0
_AGAIN_S = 60.0  # after the collector has not taken something


class SendsSpans(Protocol):
    """Sends spans; gives whether all were taken."""

    def send(self, spans: Sequence[StudySpan]) -> bool:
        """Send them in one request."""
        ...


def open_sender(monitoring: Monitoring) -> SendsSpans:
    """What sends to the collector of the settings.

    Raises
    ------
    SettingsRefused
        The libraries for it are not installed.
    """
    try:
        from worker.traces.send_spans import SpanSender
    except ModuleNotFoundError as error:
        raise SettingsRefused(
            "monitoring.traces_url needs libraries that are not installed: "
            "pip install 'firstread[tracing]'"
        ) from error
    return SpanSender(monitoring)


def send_next(engine: Engine, sender: SendsSpans, now: datetime) -> bool:
    """Send the spans that are to be sent; False where the collector did not take them.

    Raises
    ------
    DatabaseUnavailable
        Nothing was sent, or it is sent again: spans that come twice are the same.
    """
    while True:
        with query(engine) as session:
            spans, last = next_spans(session, now)
        if last is None:
            return True
        if spans and not sender.send(spans):
            return False
        with transaction(engine) as session:
            note_sent(session, last)


def follow_studies(
    engine: Engine, monitoring: Monitoring, clock: Callable[[], datetime]
) -> Callable[[], None]:
    """Begin to send traces, in a thread that ends with the process.

    Returns
    -------
    What a process calls that ends as it should.

    Raises
    ------
    SettingsRefused
        As for `open_sender`.
    """
    sender, ended = open_sender(monitoring), threading.Event()

    def send() -> None:
        begun, wait_s = False, 0.0
        while not ended.wait(wait_s):
            wait_s = _AGAIN_S
            try:
                if not begun:
                    with transaction(engine) as session:
                        begin_traces(session)
                    begun = True
                if send_next(engine, sender, clock()):
                    wait_s = _EVERY_S
                else:
                    _log.warning("traces_not_taken", retry_in_s=_AGAIN_S)
            except DatabaseUnavailable as error:
                _log.warning("traces_not_read", error_kind=error.kind)
            except Exception as error:  # noqa: BLE001 where a thread ends: docs/architecture.md
                trace = "".join(traceback.format_tb(error.__traceback__))
                _log.error("defect", step="traces", error_kind=type(error).__name__, trace=trace)

    thread = threading.Thread(target=send, name="traces", daemon=True)
    thread.start()
    return ended.set
