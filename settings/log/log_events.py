"""Log events: static names, identifiers only, never a patient's name, birth date or free text."""

from __future__ import annotations

import logging
import os
import sys
import threading
import traceback
import warnings

import structlog

from settings.environment import PREFIX, LogFormat, Settings
from settings.log.library_log import LibraryLog, Repeats
from settings.log.log_file import LogFile, write_whole

_LOG_LEVEL = PREFIX + "LOG_LEVEL"


class _StandardError:
    """Standard error as it is when something is written: whoever embeds us may replace it."""

    def write(self, line: str) -> None:
        stream = sys.stderr
        if sys.__stderr__ is None or stream is not sys.__stderr__:
            stream.write(line)
            stream.flush()
            return
        # Past its buffer, which refuses a signal handler that writes while a write is under way
        write_whole(sys.__stderr__.fileno(), line.encode())


class _Nowhere:
    """Takes what nobody wants to read."""

    def write(self, line: str) -> None:
        """Leave it out."""


class _Lines:
    """Hands on each finished event with its end of line, by one call and without a lock.

    By two calls, as `print` makes, another thread's line gets between. A lock would be waited for
    without end by a signal handler that logs while its own thread holds it.
    """

    def __init__(self, output: _StandardError | _Nowhere | LogFile) -> None:
        self._output = output

    def debug(self, event: str) -> None:
        self._output.write(event + "\n")

    info = warning = error = critical = debug


def configure_command_logging(settings: Settings) -> None:
    """Configure the log of a command that a person calls and that answers in sentences.

    A log file gets every event. Without one, events would stand among the command's own lines: a
    terminal gets none, and another standard error, as the journal of a timer, those from WARNING
    on. Whoever sets FIRSTREAD_LOG_LEVEL for the command asks for them and gets them.

    Raises
    ------
    SettingsRefused
        The file cannot be written.
    """
    if settings.log_file is not None or os.environ.get(_LOG_LEVEL):
        configure_logging(settings)
        return
    output = _Nowhere() if sys.stderr.isatty() else _StandardError()
    least = max(logging.WARNING, logging.getLevelNamesMapping()[settings.log_level])
    _configure(settings, output, least)


def configure_logging(settings: Settings) -> None:
    """Send structlog events to standard error or a file, as JSON lines or as columns for a person.

    Libraries that log through `logging` (pynetdicom, celery, alembic) or warn are let through from
    WARNING on only, as events of the same form: at lower levels some of them print data sets. What
    ends a thread is an event too.

    Raises
    ------
    SettingsRefused
        The file cannot be written.
    """
    output = _StandardError() if settings.log_file is None else LogFile(settings.log_file)
    _configure(settings, output, logging.getLevelNamesMapping()[settings.log_level])


def _configure(settings: Settings, output: _StandardError | _Nowhere | LogFile, level: int) -> None:
    repeats = Repeats()

    def count_repeated_traces(
        _logger: object, _name: str, event: structlog.types.EventDict
    ) -> structlog.types.EventDict:
        """Of one fault that comes again and again some traces are enough."""
        if event.get("trace"):
            key = (event.get("part"), event.get("event"), event["trace"])
            left_out = repeats.left_out(key)
            if left_out is None:
                raise structlog.DropEvent
            if left_out:
                event["left_out"] = left_out
        return event

    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if settings.log_format is LogFormat.JSON
        else structlog.dev.ConsoleRenderer(colors=settings.log_file is None and sys.stderr.isatty())
    )
    structlog.configure(
        processors=[count_repeated_traces, *shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: _Lines(output),
        cache_logger_on_first_use=True,
    )
    # pydicom repeats values of the data set in what it logs and warns of: names among them.
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", module=r"pydicom\.")
    logging.captureWarnings(True)
    libraries = LibraryLog([*shared, renderer], output.write, repeats)
    # The second one belongs to Celery's processes and hands nothing on to the first.
    for logger in (logging.getLogger(), logging.getLogger("multiprocessing")):
        for handler in [one for one in logger.handlers if isinstance(one, LibraryLog)]:
            logger.removeHandler(handler)
        logger.addHandler(libraries)
        logger.setLevel(logging.WARNING)
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _log_end_of_thread


def _log_end_of_thread(ended: threading.ExceptHookArgs) -> None:
    """A thread that a defect has ended, without the message: it may quote a data set or a row."""
    if issubclass(ended.exc_type, SystemExit):
        return
    get_logger("thread").error(
        "thread_failed",
        thread="" if ended.thread is None else ended.thread.name,
        error_kind=ended.exc_type.__name__,
        trace="".join(traceback.format_tb(ended.exc_traceback)),
    )


def get_logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """A logger whose events carry the name of the part of Firstread that speaks."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(part=name)
    return logger
