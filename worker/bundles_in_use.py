"""Updates the jobs of waiting studies when the settings name other bundles."""

from __future__ import annotations

from datetime import datetime

from database.jobs.bundles_in_use import end_unwanted, queue_wanted, unwanted_jobs_wait
from database.session import Engine, query, transaction
from settings.environment import Settings
from settings.log.log_events import get_logger
from worker.housekeeping import waits

_log = get_logger("housekeeping")


def drop_unwanted(settings: Settings, engine: Engine, now: datetime) -> list[int]:
    """End the waiting jobs of bundles that are switched off; looking comes first, without a lock.

    For each sweep: a person may have sent one back to the queue.
    """
    with query(engine) as session:
        if not unwanted_jobs_wait(session, settings.bundles):
            return []
    with transaction(engine) as session:
        ended = end_unwanted(session, settings.bundles, now)
    _log.warning("jobs_not_wanted", job_ids=ended)
    return ended


def follow_bundles(settings: Settings, engine: Engine, now: datetime) -> list[int]:
    """Queue what bundles that were switched on lack of the studies that wait.

    Once in the life of a process: settings are read at its start. No worker is woken for it: jobs
    that wait beside an idle worker are found by the sweep.
    """
    with transaction(engine) as session:
        queued = queue_wanted(session, settings.bundles, waits(settings), now)
    if queued:
        _log.info("jobs_wanted", job_ids=queued)
    return queued
