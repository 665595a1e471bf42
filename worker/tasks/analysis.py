"""The queue of the analysis: first looks, jobs and uploads, and studies that are still coming."""

from __future__ import annotations

import functools
import gc
from typing import Any

from celery.signals import worker_init, worker_process_init

from database.jobs.requeue import waiting_jobs
from database.session import query
from database.uploads.sweep import waiting_uploads
from radiology.errors import ModelUnavailable
from settings.log.log_events import get_logger
from worker.ahead.read_ahead import ReadingAhead
from worker.celery_app import LONGEST_READ_AHEAD_S, app
from worker.infer.held_memory import MemoryAtRest, give_back_memory
from worker.infer.prepare_process import prepare_for_reading
from worker.look_first import look_first
from worker.pipeline import analyse_one
from worker.tasks.process import equipment
from worker.tasks.wake_ups import ANALYSE_NEXT, DELIVER_NEXT, READ_AHEAD, wake, wake_flags
from worker.upload.analyse_upload import analyse_upload

_log = get_logger("celery")
_rest = MemoryAtRest(after_s=30.0)


@app.task(name=ANALYSE_NEXT)
def analyse_next() -> None:
    """Analyse the job that is due first, or else an upload; pass the wake-up on if more wait."""
    with _rest.interrupted():
        _analyse_next()


@app.task(name=READ_AHEAD)
def read_next() -> None:
    """Read slices of studies that are still coming until a job waits, and analyse that."""
    with _rest.interrupted():
        _reading_ahead().turn()
        _analyse_next()


def _analyse_next() -> None:
    worker = equipment()
    look_first(worker)
    if analyse_one(worker):
        wake_flags(worker)  # first: an urgent flag waits for no delivery
        wake(DELIVER_NEXT)
    elif not analyse_upload(worker):
        return
    with query(worker.engine) as session:
        more = waiting_jobs(session) or waiting_uploads(session, worker.clock())
    if more:
        wake(ANALYSE_NEXT)


@functools.cache
def _reading_ahead() -> ReadingAhead:
    """What this process has read ahead; made once, like its equipment."""
    return ReadingAhead(equipment(), most_s=LONGEST_READ_AHEAD_S)


@worker_init.connect
def prepare(**_: Any) -> None:
    """Set the process up before it forks."""
    prepare_for_reading()


@worker_process_init.connect
def warm_up(**_: Any) -> None:
    """Load the bundles in use, after the fork: no threads of ONNX Runtime or CUDA survive one."""
    try:
        equipment().warm_up()
    except ModelUnavailable as error:
        # Said at once, not only with the first study; each job then waits and says it too.
        _log.error("model_unavailable", message=str(error))
    gc.collect()
    gc.freeze()  # bundles stay
    give_back_memory()
