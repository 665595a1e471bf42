"""A worker's fork that has a job in hand ends with the worker, also when that is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from tests.peers.waiting import wait_until

_WORKER = """
import os, time
from worker.tasks.end_with_parent import end_with_parent
if (fork := os.fork()) == 0:
    end_with_parent()
    print(os.getpid(), flush=True)
    while True:
        time.sleep(60)
os.wait()
"""


def test_a_fork_ends_when_its_worker_is_killed() -> None:
    """As a supervisor kills a worker that did not end in time, and a kernel one for its memory."""
    worker = subprocess.Popen([sys.executable, "-c", _WORKER], stdout=subprocess.PIPE, text=True)
    try:
        assert worker.stdout is not None
        fork = int(worker.stdout.readline())
        assert _runs(fork)
        worker.send_signal(signal.SIGKILL)
        worker.wait(timeout=20)
        wait_until(lambda: not _runs(fork), what="the end of the fork")
    finally:
        worker.kill()
        worker.stdout.close()


def _runs(process: int) -> bool:
    """Whether a process is there and has not ended; nobody need have asked for its exit code."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
