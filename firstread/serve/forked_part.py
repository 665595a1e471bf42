"""A part of Firstread as a fork of its supervisor: what the parts share is in memory once.

Python, NumPy, pydicom, pynetdicom, SQLAlchemy with our tables, and Celery are most of what a part
holds while it waits, a hundred MB each. The supervisor imports them once; a fork shares the pages
until somebody writes to them. A container or a unit runs one part, and imports for itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Final, Protocol

from database.schema import prepare_tables

_FORK: Final = multiprocessing.get_context("fork")
_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h
_PR_SET_NAME: Final = 15
_STOPPING: Final = (signal.SIGTERM, signal.SIGINT)
_SHARED: Final = (
    # What two parts and more import, without what belongs to one queue: the tasks of a queue tell
    # Celery, as they are imported, what a process of that queue does.
    "celery.apps.worker",
    "celery.bin.celery",
    "celery.concurrency.prefork",
    "celery.worker.consumer",
    "dicom_node.node",
    "worker.deliver.deliver_results",
    "worker.housekeeping",
    "worker.tasks.beat",
    "worker.tasks.process",
)


def import_what_parts_share() -> None:
    """Import it, and let no collection of a fork touch it: that would copy its pages."""
    for name in _SHARED:
        importlib.import_module(name)
    prepare_tables()
    gc.collect()
    gc.freeze()


def die_with_parent() -> None:
    """Linux: children of a supervisor that is killed outright must not live on unwatched."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def reap_ended() -> None:
    """Let no fork that has ended stay in the table of processes; each still tells its exit code."""
    multiprocessing.active_children()  # it waits for those that have ended


class RunningPart(Protocol):
    """A part that was started, by whatever means; `subprocess.Popen` is one."""

    @property
    def pid(self) -> int:
        """Its process id."""
        ...

    def poll(self) -> int | None:
        """Its exit code, a signal's number below zero; None while it runs."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; raises `subprocess.TimeoutExpired`."""
        ...

    def terminate(self) -> None:
        """Ask it to end."""
        ...

    def kill(self) -> None:
        """End it."""
        ...


class ForkedPart:
    """A fork that runs a part; to be asked and ended as `subprocess.Popen` is.

    Fork where no thread runs: what another thread holds just then, nobody lets go in the fork.

    Parameters
    ----------
    name : what `ps` and `top` call it
    run : the part; gives its exit code
    """

    def __init__(self, name: str, run: Callable[[], int]) -> None:
        self._process = _FORK.Process(target=_run, args=(name, run, os.getpid()), name=name)
        # A fork that is told to stop before it is itself would take it for its supervisor's.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process.pid is not None  # it has been started
        return self._process.pid

    def poll(self) -> int | None:
        """Its exit code, a signal's number below zero; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; gives the exit code.

        Raises
        ------
        subprocess.TimeoutExpired
            It still runs.
        """
        self._process.join(timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0.0)
        return code

    def terminate(self) -> None:
        """Ask it to end."""
        self._process.terminate()

    def kill(self) -> None:
        """End it."""
        self._process.kill()


def _run(name: str, run: Callable[[], int], supervisor: int) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    die_with_parent()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)
    if os.getppid() != supervisor:
        return  # killed before it could be tied to us
    _call(name)
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(run())
    sys.exit(130)


def _call(name: str) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode()[:15])
