"""Processor seconds of programs and of what they start, read from the kernel while they run."""

from __future__ import annotations

import bisect
import os
import threading
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import psutil

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_EVERY_S: Final = 0.02
_LOOK_FOR_NEW_S: Final = 2.0


def with_children(pid: int) -> list[int]:
    """A program and all that came from it."""
    try:
        return [pid, *(one.pid for one in psutil.Process(pid).children(recursive=True))]
    except psutil.NoSuchProcess:
        return []


def processor_s(pids: Sequence[int]) -> float:
    """Processor seconds so far, with those of children that have ended (proc_pid_stat(5))."""
    return sum(_of(pid) for pid in pids)


def _of(pid: int) -> float:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    fields = stat.rpartition(")")[2].split()  # the name before may hold anything
    return sum(int(field) for field in fields[11:15]) / _TICKS


class ProcessorTrace:
    """How the processor seconds of some programs grow, fifty samples a second.

    Parameters
    ----------
    roots : process ids; what they start is counted with them
    """

    def __init__(self, roots: Sequence[int]) -> None:
        self._roots = roots
        self._at: list[float] = []
        self._seconds: list[float] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="processors", daemon=True)

    def __enter__(self) -> Self:
        self._sample(self._pids())
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end.set()
        self._thread.join()

    def between(self, began: datetime, ended: datetime) -> float:
        """Processor seconds between two moments, within a sample of each."""
        return self._until(ended.timestamp()) - self._until(began.timestamp())

    def _until(self, at: float) -> float:
        place = bisect.bisect_right(self._at, at) - 1
        if place < 0:
            return self._seconds[0]
        if place + 1 == len(self._at):
            return self._seconds[-1]
        before, after = self._at[place], self._at[place + 1]
        share = (at - before) / (after - before)
        return self._seconds[place] + share * (self._seconds[place + 1] - self._seconds[place])

    def _run(self) -> None:
        pids, looked = self._pids(), time.monotonic()
        while not self._end.wait(_EVERY_S):
            if time.monotonic() - looked > _LOOK_FOR_NEW_S:
                pids, looked = self._pids(), time.monotonic()
            self._sample(pids)

    def _pids(self) -> list[int]:
        return [pid for root in self._roots for pid in with_children(root)]

    def _sample(self, pids: Sequence[int]) -> None:
        self._at.append(time.time())
        self._seconds.append(processor_s(pids))
