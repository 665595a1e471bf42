"""The queue of the housekeeping: the sweep, which wakes whoever has something to do."""

from __future__ import annotations

import functools
from datetime import timedelta
from typing import Any

from celery.signals import worker_ready, worker_shutdown

from database.arrivals.coming import coming_studies
from database.audit.sending import events_to_send, follow_repository
from database.deliveries.claimed import due_deliveries
from database.flags.raised import escalate_due
from database.flags.unacknowledged import flags_to_escalate
from database.one_at_a_time import alone
from database.priors.requests import due_requests
from database.process_signs import EVERY_S, last_sweep, note_sweep
from database.session import query, transaction
from database.work_items.notifications import due_notifications
from radiology.errors import SettingsRefused
from settings.log.log_events import get_logger
from worker.attempt.attempt_step import attempt_step
from worker.bundles_in_use import drop_unwanted, follow_bundles
from worker.celery_app import (
    ANALYSIS,
    DELIVERY,
    RETRIEVAL,
    SWEEP_HARD_LIMIT_S,
    app,
    wake_up_waits,
)
from worker.deliver.ask_away import peers_to_ask
from worker.equipment import Equipment
from worker.heading.keep_headings import follow_name_setting, keep_headings
from worker.housekeeping import count_what_is_kept, sweep_once
from worker.retention.retain import retain
from worker.tasks.process import equipment
from worker.tasks.wake_ups import (
    ANALYSE_NEXT,
    DELIVER_NEXT,
    READ_AHEAD,
    RETRIEVE_NEXT,
    SWEEP,
    wake,
    wake_flags,
)
from worker.upload.sweep_uploads import sweep_uploads

_log = get_logger("housekeeping")
_COMES_S = 5.0  # a study with a new image since then is coming


@app.task(name=SWEEP)
def sweep() -> None:
    """Assemble quiet studies, requeue jobs of silent workers, wake the queues that have work.

    One sweep at a time, however many beats and housekeeping workers there are: another one would
    find the same to do, and what is not rows (files, log) would be done twice.
    """
    worker = equipment()
    with alone(worker.engine, SWEEP, most_s=SWEEP_HARD_LIMIT_S) as nobody_else_sweeps:
        if nobody_else_sweeps:
            _sweep(worker)


def _sweep(worker: Equipment) -> None:
    _follow_bundles(worker)
    outcome = sweep_once(worker.settings, worker.engine, worker.clock())
    for _ in range(outcome.new_jobs):
        wake(ANALYSE_NEXT)
    # The same wake-up again only if none waits: a worker that is down for a day would find
    # a hundred thousand of them.
    uploads = sweep_uploads(worker.settings, worker.engine, worker.clock())
    if (outcome.overdue or uploads) and not wake_up_waits(app, ANALYSIS):
        wake(ANALYSE_NEXT)
    _wake_for_what_comes(worker)
    attempt_step(_repository_followed, "audit repository")
    _keep_headings(worker)
    count_what_is_kept(worker.engine, worker.clock())
    attempt_step(lambda: retain(worker.settings, worker.engine, worker.clock()), "retention")
    with query(worker.engine) as session:
        due = due_deliveries(session, worker.clock()) + due_notifications(session, worker.clock())
        due += events_to_send(session, worker.clock())
        away = peers_to_ask(session, worker.settings, worker.clock())
        asked = due_requests(session, worker.clock())
        escalating = flags_to_escalate(session, worker.clock())
    if escalating:
        with transaction(worker.engine) as session:
            escalate_due(session, worker.flag_rules, worker.clock())
    wake_flags(worker, unless_one_waits=True)
    if asked and not wake_up_waits(app, RETRIEVAL):
        wake(RETRIEVE_NEXT)
    if (due or away) and not wake_up_waits(app, DELIVERY):
        wake(DELIVER_NEXT)
    _note_sweep(worker)


@worker_ready.connect
def trace_studies(**_: Any) -> None:
    """Send traces from here where the settings name a collector."""
    worker = equipment()
    if worker.settings.monitoring.traces_url is None:
        return
    from worker.traces.follow_studies import follow_studies

    try:
        end = follow_studies(worker.engine, worker.settings.monitoring, worker.clock)
    except SettingsRefused as error:
        _log.error("traces_not_sent", message=str(error))  # no study waits for them
        return
    worker_shutdown.connect(lambda **_: end(), weak=False)


def _follow_bundles(worker: Equipment) -> None:
    """Let jobs follow the bundles in use; what goes wrong keeps no study from being assembled."""
    attempt_step(_bundles_followed, "bundles in use")
    attempt_step(
        lambda: drop_unwanted(worker.settings, worker.engine, worker.clock()), "bundles in use"
    )


def _wake_for_what_comes(worker: Equipment) -> None:
    """Let an idle worker read slices of studies that are still coming."""
    if not worker.settings.read_ahead:
        return
    # A turn of reading ahead goes on by itself while images come.
    since = worker.clock() - timedelta(seconds=_COMES_S)
    with query(worker.engine) as session:
        coming = coming_studies(session, since)
    if coming and not wake_up_waits(app, ANALYSIS):
        wake(READ_AHEAD)


def _keep_headings(worker: Equipment) -> None:
    """Read what the list says of studies; what goes wrong keeps no study from being assembled."""
    attempt_step(_names_follow_the_setting, "names of patients")
    attempt_step(lambda: keep_headings(worker.settings, worker.engine), "headings")


def _note_sweep(worker: Equipment) -> None:
    """Say that sweeps come, now and then: a write for each would be two a second."""
    now = worker.clock()
    with query(worker.engine) as session:
        last = last_sweep(session)
    if last is None or (now - last).total_seconds() >= EVERY_S:
        with transaction(worker.engine) as session:
            note_sweep(session, now)


@functools.cache
def _bundles_followed() -> None:
    """Once in this process; where it fails, the next sweep does it."""
    worker = equipment()
    follow_bundles(worker.settings, worker.engine, worker.clock())


@functools.cache
def _repository_followed() -> None:
    """Once in this process; where it fails, the next sweep does it."""
    worker = equipment()
    wanted = worker.settings.audit.repository is not None
    with transaction(worker.engine) as session:
        follow_repository(session, wanted=wanted, now=worker.clock())


@functools.cache
def _names_follow_the_setting() -> None:
    """Once in this process; where it fails, the next sweep does it."""
    worker = equipment()
    follow_name_setting(worker.settings, worker.engine)
