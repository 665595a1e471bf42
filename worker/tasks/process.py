"""The process of a queue: its resources, its heartbeats, and its run."""

from __future__ import annotations

import functools
import gc
import importlib
from datetime import UTC, datetime
from typing import Any

import celery.apps.worker
from celery.signals import (
    worker_process_init,
    worker_process_shutdown,
    worker_ready,
    worker_shutdown,
)

from database.process_signs import give_signs, process_name
from database.session import open_engine
from settings.environment import read_settings
from settings.log.log_events import get_logger
from storage.keep_cache import keep_cache
from worker.celery_app import ANALYSIS, DELIVERY, FLAGS, app
from worker.equipment import Equipment
from worker.tasks.end_with_parent import end_with_parent
from worker.tasks.time_limits import keep_time_limits

_log = get_logger("celery")
_FORKS, _THREADS, _ITSELF = "prefork", "threads", "solo"  # as Celery calls them


def _now() -> datetime:
    return datetime.now(UTC)


@functools.cache
def equipment() -> Equipment:
    """What this process works with: made once, after the fork, and kept."""
    settings = read_settings()
    return Equipment(
        settings=settings,
        engine=open_engine(settings.database_address),
        worker=process_name(),
        clock=_now,
    )


def run_worker(queue: str, concurrency: int) -> None:
    """Run a worker of one queue until it is told to stop."""
    pool = _pool(queue, concurrency)
    # After the fork: neither threads nor connections survive one. The first of what is done there,
    # so that a process which loads its bundles counts as alive. Without a fork, once it is ready.
    begins = worker_process_init if pool == _FORKS else worker_ready
    begins.connect(functools.partial(_give_signs, queue, pool), weak=False)
    if pool == _ITSELF:
        keep_time_limits()
    importlib.import_module(f"worker.tasks.{queue}")  # before the fork: the children share it
    if pool == _FORKS:
        # What is there by now stays: a collection in a child that touched it would copy its pages.
        gc.collect()
        gc.freeze()
    # What Celery says when it is told to stop goes to standard output, past every log.
    celery.apps.worker.safe_say = _log_what_celery_says  # type: ignore[attr-defined]
    app.worker_main(
        [
            "--quiet",  # no banner: the log is JSON lines
            "worker",
            f"--queues={queue}",
            f"--concurrency={concurrency}",
            f"--hostname={queue}@%h",
            f"--pool={pool}",
            "--loglevel=WARNING",
            # Gossip, mingle and heartbeats between workers: nobody listens to them.
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
        ]
    )


def _log_what_celery_says(text: str, _file: object = None) -> None:
    _log.info("celery_says", message=text.strip())


def _pool(queue: str, concurrency: int) -> str:
    """How Celery runs the tasks of a queue."""
    if queue == FLAGS:
        return _THREADS  # each channel keeps its connection in this process, and waits alone
    if queue == ANALYSIS or (queue == DELIVERY and concurrency > 1):
        return _FORKS
    # One process in place of two, 40 MB less: a task of these waits for disks and peers, and keeps
    # nothing that a fresh process would give back.
    return _ITSELF


def _give_signs(queue: str, pool: str, **_: Any) -> None:
    if pool == _FORKS:
        end_with_parent()
    end_signs = give_signs(equipment().engine, queue, equipment().clock)
    end_cache = keep_cache(equipment().settings)
    ends = worker_process_shutdown if pool == _FORKS else worker_shutdown

    def end(**_: Any) -> None:
        end_cache()
        end_signs()

    ends.connect(end, weak=False)
