"""Celery tasks: wake-ups without content. What is to be done stands in the database."""

from __future__ import annotations

import functools
import random
from datetime import UTC, datetime

from database.deliveries.claimed import due_deliveries
from database.flags.inquiries import channels_to_ask
from database.flags.notices import due_channels
from database.flags.raised import escalate_due, flags_to_escalate
from database.jobs.requeue import waiting_jobs
from database.priors.requests import due_requests
from database.process_signs import process_name
from database.session import open_engine, query, transaction
from database.uploads.sweep import waiting_uploads
from database.work_items.notifications import due_notifications
from settings.environment import read_settings
from worker.celery_app import ANALYSIS, DELIVERY, FLAGS, RETRIEVAL, app, wake_up_waits
from worker.deliver.deliver_results import deliver_one
from worker.deliver.report_work_items import report_one
from worker.equipment import Equipment
from worker.flag.ask_claims import ask_one
from worker.flag.channels import Channels
from worker.flag.flag_study import tell_one
from worker.housekeeping import count_what_is_kept, sweep_once
from worker.look_first import look_first
from worker.pipeline import analyse_one
from worker.priors.retrieve_priors import retrieve_one
from worker.upload.analyse_upload import analyse_upload
from worker.upload.sweep_uploads import sweep_uploads


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
    own = equipment()
    look_first(own)
    if analyse_one(own):
        _wake_flags(own)  # first: an urgent flag waits for no delivery
        deliver_next.delay()
    elif not analyse_upload(own):
        return
    with query(own.engine) as session:
        more = waiting_jobs(session) or waiting_uploads(session)
    if more:
        analyse_next.delay()


@app.task(name="worker.tasks.deliver_next")
def deliver_next() -> None:
    """Send every delivery that is due, and tell subscribers what happened to work items."""
    own = equipment()
    while deliver_one(own.settings, own.engine, own.clock, random.random):
        pass
    while report_one(own.settings, own.engine, own.clock, random.random):
        pass


@app.task(name="worker.tasks.tell_next")
def tell_next(channel: str) -> None:
    """Tell a channel everything that is due, then ask it; it holds up no other one."""
    own, known = equipment(), channels()
    # A notice goes before every question.
    while tell_one(own.settings, own.engine, known, channel, own.clock, random.random) or ask_one(
        own.settings, own.engine, known, channel, own.clock
    ):
        pass


@app.task(name="worker.tasks.retrieve_next")
def retrieve_next() -> None:
    """Ask for the earlier studies that are wanted."""
    own = equipment()
    while retrieve_one(own.settings, own.engine, own.clock, random.random):
        pass


@app.task(name="worker.tasks.sweep")
def sweep() -> None:
    """Assemble quiet studies, take jobs back from the dead, wake whoever has something to do."""
    own = equipment()
    outcome = sweep_once(own.settings, own.engine, own.clock())
    for _ in range(outcome.new_jobs):
        analyse_next.delay()
    # The same wake-up again only if none waits: a worker that is down for a day would find
    # a hundred thousand of them.
    uploads = sweep_uploads(own.settings, own.engine, own.clock())
    if (outcome.overdue or uploads) and not wake_up_waits(app, ANALYSIS):
        analyse_next.delay()
    count_what_is_kept(own.engine, own.clock())
    with query(own.engine) as session:
        due = due_deliveries(session, own.clock()) + due_notifications(session, own.clock())
        asked = due_requests(session, own.clock())
        escalating = flags_to_escalate(session, own.clock())
    if escalating:
        with transaction(own.engine) as session:
            escalate_due(session, own.flag_rules, own.clock())
    _wake_flags(own, unless_one_waits=True)
    if asked and not wake_up_waits(app, RETRIEVAL):
        retrieve_next.delay()
    if due and not wake_up_waits(app, DELIVERY):
        deliver_next.delay()


def _wake_flags(own: Equipment, *, unless_one_waits: bool = False) -> None:
    """A wake-up for each channel that has something to be told."""
    with query(own.engine) as session:
        names = {*due_channels(session, own.clock()), *channels_to_ask(session, own.clock())}
    if names and unless_one_waits and wake_up_waits(app, FLAGS):
        return
    for name in sorted(names):
        tell_next.delay(name)
