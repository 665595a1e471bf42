"""What libraries log and warn of, in the form of our own log events.

A line of theirs becomes the event `library_message`. Of an exception it keeps the type and the
lines of the program that it came from: its message may quote a data set. What is said again and
again within a minute is said a few times and then counted: a full disk fails every task, twice a
second and each with its trace.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable, MutableMapping
from typing import Any

import structlog

_SAID_AGAIN = 3  # times in a window; then it is counted
_WINDOW_S = 60.0
_MOST_KEYS = 1000  # of what is remembered: whoever makes up a new text each time fills no memory


class Repeats:
    """Counts what is said again, by any key."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.RLock()  # a signal handler may log in the middle of it
        self._said: dict[object, tuple[float, int]] = {}  # begin of its window, times in it

    def left_out(self, key: object) -> int | None:
        """How often this was left out before; None: leave it out now."""
        now = self._clock()
        with self._lock:
            begun, times = self._said.get(key, (now, 0))
            if now - begun >= _WINDOW_S:
                self._said[key] = (now, 1)
                return max(0, times - _SAID_AGAIN)
            if key not in self._said and len(self._said) >= _MOST_KEYS:
                self._said.pop(next(iter(self._said)))
            self._said[key] = (begun, times + 1)
        return 0 if times < _SAID_AGAIN else None


class LibraryLog(logging.Handler):
    """Turns records of `logging` into log events.

    Parameters
    ----------
    processors : of our own events, from the level on, with the renderer as the last
    write : takes a finished line
    """

    def __init__(
        self,
        processors: list[structlog.types.Processor],
        write: Callable[[str], object],
        repeats: Repeats,
    ) -> None:
        super().__init__(logging.WARNING)
        self._processors = processors
        self._write = write
        self._repeats = repeats

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record as one line."""
        try:
            left_out = self._repeats.left_out(_key(record))
            if left_out is not None:
                self._write(self._line(record, left_out) + "\n")
        except Exception:  # noqa: BLE001 what logs must not fail because of it
            self.handleError(record)

    def _line(self, record: logging.LogRecord, left_out: int) -> str:
        event: MutableMapping[str, Any] = {
            "part": "library",
            "logger": record.name,
            "message": _message(record),
            "event": "library_message",
        }
        if left_out:
            event["left_out"] = left_out
        if record.exc_info and record.exc_info[0] is not None:
            event["error_kind"] = record.exc_info[0].__name__
            event["trace"] = "".join(traceback.format_tb(record.exc_info[2]))
        line: Any = event
        for processor in self._processors:
            line = processor(None, record.levelname.lower(), line)
        return str(line)


def _key(record: logging.LogRecord) -> tuple[object, ...]:
    kind = record.exc_info[0] if record.exc_info else None
    return record.name, record.levelno, record.pathname, record.lineno, record.msg, kind


def _message(record: logging.LogRecord) -> str:
    """The text without the exception that some libraries put behind it, over many lines."""
    text = record.getMessage().strip()
    head, trace, _ = text.partition("Traceback (most recent call last)")
    return head.strip() if trace else text
