"""Assembles a study into a version with its jobs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from database.events import record_event
from database.states import UNREAD, JobState, StudyState
from database.studies.study_state import settle_study
from database.tables.study.analysis import Instance, Job, Study
from database.work_items.kept import keep_work_item
from settings.peers import RequestPriority

MORE_CAME: Final = "More images came"
CORRECTED: Final = "Corrected images came"
EARLIER_CAME: Final = "Earlier studies came to compare with"


@dataclass(frozen=True, slots=True)
class Waits:
    """How long a job of each priority may wait before it goes ahead of newer, more urgent ones."""

    high_s: float
    routine_s: float
    low_s: float

    def allowance(self, priority: RequestPriority) -> timedelta:
        """The wait of one priority. STAT does not wait; MEDIUM counts as ROUTINE."""
        seconds = {
            RequestPriority.STAT: 0.0,
            RequestPriority.HIGH: self.high_s,
            RequestPriority.LOW: self.low_s,
        }.get(priority, self.routine_s)
        return timedelta(seconds=seconds)


def assemble_study(
    session: Session, study_id: int, *, bundles: Sequence[str], waits: Waits, now: datetime
) -> tuple[int, ...]:
    """Close the current version of a study and queue its jobs, in the caller's transaction.

    One for each bundle that is in use. Whether a bundle applies to a study is only known once the
    headers have been read: that is the job's first step.

    Jobs of earlier versions that nobody has started are superseded: their instances are all part
    of the new version.

    Returns
    -------
    The ids of the new jobs; none when there was nothing to assemble (another sweep was faster).
    """
    study = session.scalars(select(Study).where(Study.id == study_id).with_for_update()).one()
    if study.state is not StudyState.RECEIVED:
        return ()
    version = study.version + 1
    corrected = session.execute(
        update(Instance)
        .where(Instance.study_id == study_id, Instance.corrected)
        .values(study_version=version, corrected=False)
    )
    if corrected.rowcount:  # type: ignore[attr-defined]
        study.corrected_version = version
    session.execute(
        update(Instance)
        .where(Instance.study_id == study_id, Instance.study_version.is_(None))
        .values(study_version=version)
    )
    instances = session.scalar(
        select(func.count()).select_from(Instance).where(Instance.study_id == study_id)
    )
    session.execute(
        update(Job)
        .where(Job.study_id == study_id, Job.state == JobState.QUEUED, Job.lease_until.is_(None))
        .values(state=JobState.SUPERSEDED, finished_at=now)
    )
    record_event(session, "assembled", now, study_id=study_id, version=version, instances=instances)
    reason = ""
    if version > 1:
        reason = CORRECTED if corrected.rowcount else MORE_CAME  # type: ignore[attr-defined]
    job_ids = _queue_version(
        session, study, study.priority, bundles=bundles, waits=waits, now=now, reason=reason
    )
    keep_work_item(session, study_id, now, new_images=True)
    return job_ids


def reread_study(
    session: Session, study_id: int, *, bundles: Collection[str], waits: Waits, now: datetime
) -> tuple[int, ...]:
    """Queue a study once more as a version of its own, in the caller's transaction.

    It is of low priority: the first answer stands until the new answer exists, and no other study's
    first answer waits for it.

    Returns
    -------
    The ids of the new jobs; none while the study is unread: its reading is to come anyway.
    """
    study = session.scalars(select(Study).where(Study.id == study_id).with_for_update()).one()
    if study.state in UNREAD or not bundles:
        return ()
    return _queue_version(
        session,
        study,
        RequestPriority.LOW,
        bundles=bundles,
        waits=waits,
        now=now,
        reason=EARLIER_CAME,
    )


def _queue_version(
    session: Session,
    study: Study,
    priority: RequestPriority,
    *,
    bundles: Collection[str],
    waits: Waits,
    now: datetime,
    reason: str,
) -> tuple[int, ...]:
    study.version += 1
    study.state = StudyState.QUEUED
    study.heading_due_at = now
    study.awaits = ""
    job_ids = tuple(
        queue_job(session, study, bundle, priority, waits=waits, now=now, reason=reason)
        for bundle in bundles
    )
    settle_study(session, study.id)
    return job_ids


def queue_job(
    session: Session,
    study: Study,
    bundle: str,
    priority: RequestPriority,
    *,
    waits: Waits,
    now: datetime,
    reason: str,
) -> int:
    """Queue one bundle's job about the newest version of a study, whose row is locked.

    Parameters
    ----------
    reason : why, for the event: a sentence that the page translates; "" for a study's first version
    """
    job = Job(
        study_id=study.id,
        study_version=study.version,
        bundle=bundle,
        state=JobState.QUEUED,
        priority=priority,
        queued_at=now,
        due_at=now + waits.allowance(priority),
    )
    session.add(job)
    session.flush()  # the id is needed by the event
    record_event(
        session,
        "queued",
        now,
        study_id=study.id,
        job_id=job.id,
        priority=priority.value,
        bundle=bundle,
        **({"reason": reason} if reason else {}),
    )
    return job.id
