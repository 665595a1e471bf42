"""The process of a queue: its resources, its heartbeats, and its run."""

from __future__ import annotations

import functools
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
from worker.celery_app import FLAGS, app
from worker.equipment import Equipment

_log = get_logger("celery")


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
    # Threads for the flags: each channel keeps its connection in this process, and waits alone.
    pool = "threads" if queue == FLAGS else "prefork"
    # After the fork: neither threads nor connections survive one. The first of what is done there,
    # so that a process which loads its bundles counts as alive. Threads need no fork.
    begins = worker_ready if pool == "threads" else worker_process_init
    begins.connect(functools.partial(_give_signs, queue), weak=False)
    importlib.import_module(f"worker.tasks.{queue}")  # before the fork: the children share it
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


def _give_signs(queue: str, **_: Any) -> None:
    end = give_signs(equipment().engine, queue, equipment().clock)
    ends = worker_shutdown if queue == FLAGS else worker_process_shutdown
    ends.connect(lambda **_: end(), weak=False)
