"""The log: one JSON object a line, whoever speaks, and a fault that repeats is counted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from settings.log.library_log import Repeats
from tests.peers.terminal import said_at_a_terminal

_LIBRARIES = """
import logging, warnings
from settings.environment import read_settings
from settings.log.log_events import configure_logging, get_logger
configure_logging(read_settings())
get_logger("here").info("ours", study_id=7)
logging.getLogger("pynetdicom.transport").error("TCP Initialisation Error: %s", "refused")
logging.getLogger("kombu").info("not shown")
warnings.warn("a library is old\\nvery old")
for _ in range(500):
    try:
        raise OSError("No space left on device: Doe^Jane")
    except OSError as error:
        logging.getLogger("celery.app.trace").error("Task %s raised", "sweep", exc_info=True)
        get_logger("here").error("defect", trace="line 7")
logging.getLogger("multiprocessing").error("a child died")
"""

_THREAD = """
import threading
from settings.environment import read_settings
from settings.log.log_events import configure_logging
configure_logging(read_settings())
def fail(): raise LookupError("no place for Doe^Jane")
thread = threading.Thread(target=fail, name="lease")
thread.start(); thread.join()
"""

# Two threads speak, one of them as a library does, and a signal handler between any two steps.
_AT_ONCE = """
import logging, signal, sys, threading
from settings.environment import read_settings
from settings.log.log_events import configure_logging, get_logger
configure_logging(read_settings())
sys.setswitchinterval(1e-6)
library = logging.getLogger("celery")
def handle(*_):
    get_logger("handler").info("told_to_stop")
    signal.setitimer(signal.ITIMER_REAL, 0.001)
signal.signal(signal.SIGALRM, handle)
signal.setitimer(signal.ITIMER_REAL, 0.001)
def speak():
    for number in range(3000):
        library.error(f"number {number}")
thread = threading.Thread(target=speak)
thread.start()
for number in range(3000):
    get_logger("here").info("counted", number=number)
thread.join()
signal.setitimer(signal.ITIMER_REAL, 0)
"""

_COMMAND = """
import logging, sys
from settings.environment import read_settings
from settings.log.log_events import configure_command_logging, get_logger
configure_command_logging(read_settings())
get_logger("forget").info("study_forgotten", study_id=7)
logging.getLogger("pynetdicom.transport").error("TCP Initialisation Error")
print("Gone: 1 study.", file=sys.stderr)
"""


def logged(code: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout == ""
    assert "Doe" not in done.stderr
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_every_line_is_one_json_object() -> None:
    """Ours, those of libraries, their warnings; each with level, time and who speaks."""
    events = logged(_LIBRARIES)
    assert all({"event", "level", "timestamp", "part"} <= one.keys() for one in events)
    assert (events[0]["event"], events[0]["study_id"]) == ("ours", 7)
    libraries = [one for one in events if one["event"] == "library_message"]
    assert libraries[0]["message"] == "TCP Initialisation Error: refused"
    assert libraries[0]["logger"] == "pynetdicom.transport"
    assert "a library is old\nvery old" in libraries[1]["message"]
    assert libraries[-1]["message"] == "a child died"


def test_lines_of_threads_and_signal_handlers_stay_apart() -> None:
    """Nothing gets between a line and its end, and a handler waits for no lock."""
    events = logged(_AT_ONCE)
    numbers = [one["number"] for one in events if one["event"] == "counted"]
    assert numbers == list(range(3000))
    assert sum(one["event"] == "library_message" for one in events) == 3000
    assert any(one["event"] == "told_to_stop" for one in events)


def test_a_fault_that_repeats_is_not_written_each_time() -> None:
    """Five hundred failures within a minute are a few lines with a trace, ours and theirs."""
    events = logged(_LIBRARIES)
    theirs = [one for one in events if one.get("logger") == "celery.app.trace"]
    assert 1 <= len(theirs) <= 3
    assert (theirs[0]["error_kind"], bool(theirs[0]["trace"])) == ("OSError", True)
    assert 1 <= len([one for one in events if one["event"] == "defect"]) <= 3


def test_what_ends_a_thread_is_an_event_without_its_message() -> None:
    """Python would print the message, over several lines, to whoever gathers the log."""
    (event,) = logged(_THREAD)
    told = {"event": "thread_failed", "thread": "lease", "error_kind": "LookupError"}
    assert told.items() <= event.items()
    assert "in fail" in event["trace"]


def test_what_was_left_out_is_counted() -> None:
    """When a minute is over, the next line says how many there were; other faults go through."""
    now = 0.0
    repeats = Repeats(lambda: now)
    assert [repeats.left_out("a") for _ in range(5)] == [0, 0, 0, None, None]
    assert repeats.left_out("b") == 0
    now = 59.0
    assert repeats.left_out("a") is None
    now = 60.0
    assert repeats.left_out("a") == 3
    now = 121.0
    assert repeats.left_out("a") == 0


def test_memory_stays_bounded() -> None:
    """Whoever logs a new text each time does not fill the memory."""
    repeats = Repeats(lambda: 0.0)
    for number in range(5000):
        repeats.left_out(number)
    assert len(repeats._said) <= 1000


def test_a_command_leaves_its_terminal_to_sentences() -> None:
    """No log event stands between what a person reads, unless that person asks for them."""
    assert said_at_a_terminal([sys.executable, "-c", _COMMAND]) == "Gone: 1 study.\n"
    asked = said_at_a_terminal([sys.executable, "-c", _COMMAND], FIRSTREAD_LOG_LEVEL="INFO")
    assert "study_forgotten" in asked
    assert "TCP Initialisation Error" in asked


def test_the_journal_of_a_command_has_what_to_look_at() -> None:
    """A timer's command has nobody at a terminal: warnings stay, what went well does not."""
    done = subprocess.run([sys.executable, "-c", _COMMAND], capture_output=True, text=True)
    assert "TCP Initialisation Error" in done.stderr
    assert "study_forgotten" not in done.stderr


def test_a_log_file_has_all_events_of_a_command(tmp_path: Path) -> None:
    """And its terminal none."""
    log = tmp_path / "firstread.log"
    said = said_at_a_terminal([sys.executable, "-c", _COMMAND], FIRSTREAD_LOG_FILE=str(log))
    assert said == "Gone: 1 study.\n"
    events = [json.loads(line)["event"] for line in log.read_text().splitlines()]
    assert events == ["study_forgotten", "library_message"]
