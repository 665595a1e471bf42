"""The sweep: what makes a crash between two steps cost seconds, and never a study."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from database.arrivals.expected import (
    Awaited,
    awaited_studies,
    images_of,
    note_what_is_awaited,
    worth_saying,
)
from database.arrivals.rhythm import learn_rhythm
from database.jobs.requeue import overdue_jobs, requeue_expired
from database.listed.searches import forget_searches
from database.process_signs import forget_silent
from database.retention.state import TURN, note_state
from database.session import Engine, query, transaction
from database.set_back import move_moments_back, set_back_by
from database.studies.assembly import Waits, assemble_study
from database.studies.study_of import uid_of_study
from database.views.administration_rows import count_disk_use, disk_use_is_due
from radiology.arrivals.whole import WaitLimits
from settings.environment import Settings
from settings.log.log_events import get_logger
from worker.attempt.attempt_step import attempt_step
from worker.deliver.reject_results import reject_superseded
from worker.priors.reread_with_priors import reread_with_priors

_log = get_logger("housekeeping")
_WAKE_UP_LOST_AFTER_S = 5.0  # a job that nobody claims for so long, while a worker is idle


@dataclass(frozen=True, slots=True)
class SweepOutcome:
    """What a sweep did; `overdue` jobs wait although no worker is busy."""

    assembled: tuple[int, ...]
    reread: tuple[int, ...]
    requeued: tuple[int, ...]
    overdue: int

    @property
    def new_jobs(self) -> int:
        """How many jobs began to wait: one wake-up for each, so that idle workers share them."""
        return len(self.assembled) + len(self.reread) + len(self.requeued)


def waits(settings: Settings) -> Waits:
    """How long jobs of each priority may wait, from the settings."""
    return Waits(
        high_s=settings.wait_high_s, routine_s=settings.wait_routine_s, low_s=settings.wait_low_s
    )


def wait_limits(settings: Settings) -> WaitLimits:
    """How long a study is waited for before it is assembled, from the settings."""
    return WaitLimits(
        quiet_s=settings.quiet_s,
        released_s=settings.quiet_released_s,
        longest_s=settings.quiet_longest_s,
    )


def sweep_once(settings: Settings, engine: Engine, now: datetime) -> SweepOutcome:
    """Assemble quiet studies and take expired jobs back; each study in a transaction of its own.

    Looking comes first, without a write lock: most sweeps find nothing, and SQLite has one writer.
    """
    attempt_step(functools.partial(_move_back, engine, now), "clock_set_back")
    with query(engine) as session:
        awaited = awaited_studies(session, now, wait_limits(settings))
        overdue = overdue_jobs(
            session, now=now, claimable_since=now - timedelta(seconds=_WAKE_UP_LOST_AFTER_S)
        )
    assembled = [
        attempt_step(
            functools.partial(_assemble, settings, engine, one, now),
            "assembly",
            study_id=one.study_id,
        )
        for one in awaited
        if one.due_at <= now
    ]
    attempt_step(functools.partial(_say_why, engine, awaited, now), "waiting_studies")
    attempt_step(lambda: reject_superseded(settings, engine, now), "rejections")
    requeued: list[int] = []
    if overdue.expired:
        with transaction(engine) as session:
            requeued = requeue_expired(session, max_attempts=settings.max_attempts, now=now)
        _log.warning("jobs_requeued", job_ids=requeued)
    reread = attempt_step(
        lambda: reread_with_priors(settings, engine, waits(settings), now), "rereadings"
    )
    return SweepOutcome(
        assembled=tuple(job_id for of_study in assembled for job_id in of_study or ()),
        reread=tuple(reread or ()),
        requeued=tuple(requeued),
        overdue=overdue.unclaimed,
    )


def count_what_is_kept(engine: Engine, now: datetime) -> None:
    """Count what the folders hold now and then, and forget processes and searches of long ago."""
    with query(engine) as session:
        due = disk_use_is_due(session, now)
    if due:
        with transaction(engine) as session:
            count_disk_use(session, now)
            forget_silent(session, now)
            forget_searches(session, now)


def _move_back(engine: Engine, now: datetime) -> None:
    """Let nothing wait for a moment of before the clock was set back."""
    with query(engine) as session:
        by = set_back_by(session, now)
    if by is not None:
        with transaction(engine) as session:
            moved = move_moments_back(session, now, by)
            note_state(session, TURN, now, ended=False)
        _log.warning("clock_was_set_back", seconds=by.total_seconds(), rows=moved)


def _assemble(
    settings: Settings, engine: Engine, awaited: Awaited, now: datetime
) -> tuple[int, ...]:
    study_id = awaited.study_id
    with transaction(engine) as session:
        images = images_of(session, study_id)
        job_ids = assemble_study(
            session, study_id, bundles=settings.bundles, waits=waits(settings), now=now
        )
        if job_ids and any(one.is_new for one in images):
            learn_rhythm(session, awaited.sender, images, settings.quiet_longest_s, now)
        uid = uid_of_study(session, study_id)
    if job_ids:
        _log.info(
            "assembled",
            study_id=study_id,
            study_instance_uid=uid,
            job_ids=list(job_ids),
            waited_s=round((now - awaited.last_at).total_seconds(), 1),
            awaited=awaited.why,
        )
    return job_ids


def _say_why(engine: Engine, awaited: Sequence[Awaited], now: datetime) -> None:
    """Let the page and the log say what a study waits for, where it waits for a while."""
    said = worth_saying(awaited, now)
    if not said:
        return
    with transaction(engine) as session:
        note_what_is_awaited(session, said)
        uids = [uid_of_study(session, one.study_id) for one in said]
    for one, uid in zip(said, uids, strict=True):
        _log.info(
            "study_waits",
            study_id=one.study_id,
            study_instance_uid=uid,
            awaited=one.why,
            until=one.due_at.isoformat(),
        )
