"""A worker without a pool: what hangs is broken off, and then the worker with it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

_PROGRAM = """
import sys, time
from celery import Celery
from celery.exceptions import SoftTimeLimitExceeded
from structlog import configure, processors
from worker.tasks.time_limits import keep_time_limits

configure(processors=[processors.JSONRenderer()])
app = Celery("worker")
keep_time_limits()


@app.task(soft_time_limit=0.5, time_limit=2.0)
def hang(deaf):
    while True:
        try:
            time.sleep(60)
        except SoftTimeLimitExceeded:
            if not deaf:
                raise


@app.task(soft_time_limit=0.5, time_limit=1.0)
def work():
    return 7


print(work.apply().get(), flush=True)
time.sleep(1.5)  # the limits of what has ended touch nothing
ended = hang.apply((False,))
print(ended.result.__class__.__name__, flush=True)
hang.apply((True,))
"""


def test_a_task_that_hangs() -> None:
    """An exception at the soft limit; where that does not help, the process dies and says why."""
    began = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == -signal.SIGKILL
    kept, broken_off, said = ended.stdout.splitlines()
    assert (kept, broken_off) == ("7", "SoftTimeLimitExceeded")
    assert json.loads(said)["event"] == "worker_hangs"
    assert json.loads(said)["limit_s"] == 2.0
    assert time.monotonic() - began < 50
