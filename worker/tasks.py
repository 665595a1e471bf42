"""Celery tasks: wake-ups without content, and the processes that they wake.

What is to be done stands in the database.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from celery.signals import worker_process_init, worker_shutdown

from database.deliveries.claimed import due_deliveries
from database.flags.inquiries import channels_to_ask
from database.flags.notices import due_channels
from database.flags.raised import escalate_due
from database.flags.unacknowledged import flags_to_escalate
from database.jobs.requeue import waiting_jobs
from database.priors.requests import due_requests
from database.process_signs import give_signs, process_name
from database.session import open_engine, query, transaction
from database.uploads.sweep import waiting_uploads
from database.work_items.notifications import due_notifications
from radiology.errors import ModelUnavailable
from settings.environment import read_settings
from settings.log_events import get_logger
from worker.attempt.attempt_step import attempt_step
from worker.bundles_in_use import drop_unwanted, follow_bundles
from worker.celery_app import (
    ANALYSIS,
    DELIVERY,
    FLAGS,
    LONGEST_TURN_S,
    RETRIEVAL,
    app,
    wake_up_waits,
)
from worker.deliver.deliver_results import deliver_one
from worker.deliver.report_work_items import report_one
from worker.equipment import Equipment
from worker.flag.ask_elsewhere import ask_one
from worker.flag.channels import Channels
from worker.flag.flag_study import tell_one
from worker.housekeeping import count_what_is_kept, sweep_once
from worker.look_first import look_first
from worker.pipeline import analyse_one
from worker.priors.retrieve_priors import retrieve_one
from worker.upload.analyse_upload import analyse_upload
from worker.upload.sweep_uploads import sweep_uploads

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


@functools.cache
def channels() -> Channels:
    """The flag channels of this process, with the connections that they keep."""
    return Channels(equipment().settings)


@app.task(name="worker.tasks.analyse_next")
def analyse_next() -> None:
    """Analyse the job that is due first, or else an upload; pass the wake-up on if more wait."""
    worker = equipment()
    look_first(worker)
    if analyse_one(worker):
        _wake_flags(worker)  # first: an urgent flag waits for no delivery
        deliver_next.delay()
    elif not analyse_upload(worker):
        return
    with query(worker.engine) as session:
        more = waiting_jobs(session) or waiting_uploads(session, worker.clock())
    if more:
        analyse_next.delay()


@app.task(name="worker.tasks.deliver_next")
def deliver_next() -> None:
    """Send every delivery that is due, and tell subscribers what happened to work items."""
    worker = equipment()
    if not _until_none_is_due(lambda: deliver_one(worker) or report_one(worker)):
        deliver_next.delay()


@app.task(name="worker.tasks.tell_next")
def tell_next(channel: str) -> None:
    """Tell a channel everything that is due, then ask it; it holds up no other one."""
    worker, known = equipment(), channels()
    # A notice goes before every question.
    while tell_one(worker, known, channel) or ask_one(worker, known, channel):
        pass


@app.task(name="worker.tasks.retrieve_next")
def retrieve_next() -> None:
    """Ask for the earlier studies that are wanted."""
    worker = equipment()
    if not _until_none_is_due(lambda: retrieve_one(worker)):
        retrieve_next.delay()


def _until_none_is_due(attempt: Callable[[], bool]) -> bool:
    """Make one attempt after the other; False if more may be due and the task should end.

    It ends well before its time limit, which is for a single attempt that hangs: otherwise it
    would break off whichever row is in hand just then.
    """
    ends_at = time.monotonic() + LONGEST_TURN_S
    while attempt():
        if time.monotonic() >= ends_at:
            return False
    return True


@app.task(name="worker.tasks.sweep")
def sweep() -> None:
    """Assemble quiet studies, take jobs back from the dead, wake whoever has something to do."""
    worker = equipment()
    _follow_bundles(worker)
    outcome = sweep_once(worker.settings, worker.engine, worker.clock())
    for _ in range(outcome.new_jobs):
        analyse_next.delay()
    # The same wake-up again only if none waits: a worker that is down for a day would find
    # a hundred thousand of them.
    uploads = sweep_uploads(worker.settings, worker.engine, worker.clock())
    if (outcome.overdue or uploads) and not wake_up_waits(app, ANALYSIS):
        analyse_next.delay()
    count_what_is_kept(worker.engine, worker.clock())
    with query(worker.engine) as session:
        due = due_deliveries(session, worker.clock()) + due_notifications(session, worker.clock())
        asked = due_requests(session, worker.clock())
        escalating = flags_to_escalate(session, worker.clock())
    if escalating:
        with transaction(worker.engine) as session:
            escalate_due(session, worker.flag_rules, worker.clock())
    _wake_flags(worker, unless_one_waits=True)
    if asked and not wake_up_waits(app, RETRIEVAL):
        retrieve_next.delay()
    if due and not wake_up_waits(app, DELIVERY):
        deliver_next.delay()


def run_worker(queue: str, concurrency: int) -> None:
    """Run a worker of one queue until it is told to stop."""
    # After the fork: neither threads nor connections survive one.
    worker_process_init.connect(functools.partial(_give_signs, queue), weak=False)
    if queue == ANALYSIS:
        # Made after the fork: neither ONNX Runtime's threads nor CUDA survive one.
        worker_process_init.connect(_warm_up, weak=False)
    # Threads for the flags: each channel keeps its connection in this process, and waits alone.
    pool = "threads" if queue == FLAGS else "prefork"
    if queue == FLAGS:
        worker_shutdown.connect(_close_channels, weak=False)
    app.worker_main(
        [
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


def _give_signs(queue: str, **_: Any) -> None:
    give_signs(equipment().engine, queue, equipment().clock)


def _warm_up(**_: Any) -> None:
    try:
        equipment().warm_up()
    except ModelUnavailable as error:
        # Said at once, not only with the first study; each job then waits and says it too.
        _log.error("model_unavailable", message=str(error))


def _close_channels(**_: Any) -> None:
    channels().close()


def _follow_bundles(worker: Equipment) -> None:
    """Let jobs follow the bundles in use; what goes wrong keeps no study from being assembled."""
    attempt_step(_bundles_followed, "bundles in use")
    attempt_step(
        lambda: drop_unwanted(worker.settings, worker.engine, worker.clock()), "bundles in use"
    )


@functools.cache
def _bundles_followed() -> None:
    """Once in this process; where it fails, the next sweep does it."""
    worker = equipment()
    follow_bundles(worker.settings, worker.engine, worker.clock())


def _wake_flags(worker: Equipment, *, unless_one_waits: bool = False) -> None:
    """A wake-up for each channel that has something to be told."""
    with query(worker.engine) as session:
        names = {*due_channels(session, worker.clock()), *channels_to_ask(session, worker.clock())}
    if names and unless_one_waits and wake_up_waits(app, FLAGS):
        return
    for name in sorted(names):
        tell_next.delay(name)
