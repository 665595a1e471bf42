"""Inspects an upload in a child process, and starts it again without a file that stops it."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import IO, Any

from radiology.errors import UploadRefused
from settings.log.log_events import get_logger
from worker.upload.inspection import InspectionOrder, InspectionResult

_log = get_logger("upload")
_MOST_STARTS = 6
_LOOK_EVERY_S = 0.2
_PASSED_ON = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "LANG", "LC_ALL", "TMPDIR")
"""Of our environment: what a Python needs. Passwords stand in the rest."""

OnStep = Callable[[str, int, int], None]


class _Stopped(Exception):
    """The child ended without a verdict, at the file of this number."""

    def __init__(self, number: str) -> None:
        super().__init__()
        self.number = number


def run_inspection(
    order: InspectionOrder,
    *,
    on_step: OnStep,
    on_wait: Callable[[], None],
    seconds: Callable[[], float] = time.monotonic,
) -> InspectionResult:
    """Look through an upload in a process of its own.

    Parameters
    ----------
    on_step : told what the child does, how much of it is done, and how much there is
    on_wait : called several times a second; what it raises stops the child
    seconds : a clock that only goes forward

    Raises
    ------
    UploadRefused
        It took too long, or too many files stop whoever reads them.
    """
    ends_at = seconds() + order.limits.look_through_s
    for _ in range(_MOST_STARTS):
        try:
            return _one_child(order, on_step, on_wait, lambda: ends_at - seconds())
        except _Stopped as stopped:
            _log.warning("inspection_stopped", number=stopped.number)
            if not stopped.number or stopped.number in order.skip:
                break
            order = replace(order, skip=(*order.skip, stopped.number))
    raise UploadRefused("The images made the program that decodes them stop")


def _one_child(
    order: InspectionOrder,
    on_step: OnStep,
    on_wait: Callable[[], None],
    left_s: Callable[[], float],
) -> InspectionResult:
    at = ""
    with _child(order) as lines:
        while True:
            on_wait()
            if left_s() <= 0:
                raise UploadRefused(
                    "It took too long to look through", limit=order.limits.look_through_s
                )
            try:
                line = lines.get(timeout=_LOOK_EVERY_S)
            except queue.Empty:
                continue
            if line is None:
                raise _Stopped(at)
            told: dict[str, Any] = json.loads(line)
            if "verdict" in told:
                return InspectionResult.from_facts(told["verdict"])
            if "step" in told:
                on_step(told["step"], told["done"], told["total"])
            at = told.get("at", at)


@contextlib.contextmanager
def _child(order: InspectionOrder) -> Iterator[queue.Queue[str | None]]:
    """The running child's lines, None at their end; it is killed at the end of the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "worker.upload.inspect_upload", order.text()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # decoders quote what they read
        env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        encoding="utf-8",
    )
    assert process.stdout is not None
    lines: queue.Queue[str | None] = queue.Queue()
    reader = threading.Thread(target=_read, args=(process.stdout, lines), daemon=True)
    reader.start()
    try:
        yield lines
    finally:
        process.kill()
        process.wait()
        reader.join()
        process.stdout.close()


def _read(stream: IO[str], lines: queue.Queue[str | None]) -> None:
    for line in stream:
        lines.put(line)
    lines.put(None)
