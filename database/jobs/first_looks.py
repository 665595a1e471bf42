"""First looks at waiting jobs: which job is next, and how its look changes the order of the queue.

A look is noted before it is taken, so that each job is looked at once, whatever becomes of the
worker. It can only bring a job forward, as far as a request of that priority would have stood:
the rule that lets no old job starve holds as before.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from database.events import record_event
from database.states import JobState
from database.studies.assembly import Waits
from database.tables.study.analysis import Instance, Job
from settings.peers import RequestPriority

_LOOKED_AT = (RequestPriority.HIGH, RequestPriority.ROUTINE, RequestPriority.MEDIUM)


@dataclass(frozen=True, slots=True)
class JobToLookAt:
    """A waiting job, and the files of its study within the spool folder. It is looked at once."""

    job_id: int
    study_id: int
    bundle: str
    queued_at: datetime
    paths: dict[str, str]
    attempts: int = 1
    after_defect: bool = False


def next_to_look_at(
    session: Session, now: datetime, *, bundles: Collection[str] | None = None
) -> JobToLookAt | None:
    """Take the next job without a first look; None when there is no order to decide.

    STAT jobs need no look, and those of low priority are read again without haste. Several jobs of
    one study are no order to decide.

    Parameters
    ----------
    bundles : whose jobs the worker can run; None for all
    """
    mine = () if bundles is None else (Job.bundle.in_(bundles),)
    waiting = (Job.state == JobState.QUEUED, Job.lease_until.is_(None), *mine)
    studies = select(Job.study_id).where(*waiting).distinct().limit(2).subquery()
    if (session.scalar(select(func.count()).select_from(studies)) or 0) < 2:
        return None
    first = (
        select(Job.id)
        .where(*waiting, Job.looked_at.is_(None), Job.priority.in_(_LOOKED_AT))
        .order_by(Job.due_at, Job.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = session.execute(
        update(Job)
        .where(Job.id == first.scalar_subquery())
        .values(looked_at=now)
        .returning(Job.id, Job.study_id, Job.bundle, Job.queued_at, Job.study_version)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if row is None:
        return None
    instances = session.execute(
        select(Instance.sop_instance_uid, Instance.path).where(
            Instance.study_id == row.study_id,
            Instance.study_version <= row.study_version,
            Instance.removed_at.is_(None),
        )
    )
    return JobToLookAt(
        job_id=row.id,
        study_id=row.study_id,
        bundle=row.bundle,
        queued_at=row.queued_at,
        paths={one.sop_instance_uid: one.path for one in instances},
    )


def record_look(
    session: Session,
    job: JobToLookAt,
    priority: RequestPriority | None,
    waits: Waits,
    now: datetime,
    **facts: float | str,
) -> bool:
    """Note what a look showed, and bring the job forward; returns whether it moved.

    Parameters
    ----------
    priority : what the job waits like from now on; None leaves it where it is
    """
    moved = False
    if priority is not None:
        due_at = job.queued_at + waits.allowance(priority)
        row = session.execute(
            update(Job)
            .where(Job.id == job.job_id, Job.state == JobState.QUEUED, Job.due_at > due_at)
            .values(due_at=due_at)
            .returning(Job.id)
            .execution_options(synchronize_session=False)
        ).one_or_none()
        moved = row is not None
    record_event(
        session,
        "first_look",
        now,
        study_id=job.study_id,
        job_id=job.job_id,
        moved_forward=moved,
        **facts,
    )
    return moved
