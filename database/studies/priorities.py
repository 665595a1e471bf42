"""Raises the priority of a study that waits, or that is still to come."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from database.events import record_event
from database.states import JobState
from database.studies.assembly import Waits
from database.tables.study.analysis import Job, Study
from database.work_items.kept import keep_work_item
from settings.peers import RequestPriority

MOST_URGENT_FIRST = (
    RequestPriority.STAT,
    RequestPriority.HIGH,
    RequestPriority.ROUTINE,
    RequestPriority.MEDIUM,
    RequestPriority.LOW,
)


def most_urgent(*priorities: RequestPriority | None) -> RequestPriority | None:
    """The most urgent of some; None when there is none."""
    given = [one for one in priorities if one is not None]
    return min(given, key=MOST_URGENT_FIRST.index, default=None)


def raise_priority(
    session: Session,
    study: Study,
    priority: RequestPriority | None,
    *,
    waits: Waits,
    through: str,
    now: datetime,
) -> bool:
    """Make a study, and its job that waits, more urgent; never less.

    A job that reads the study once more, at a lower priority than its own, keeps it: the first
    answer stands.

    Parameters
    ----------
    study : its row, locked
    through : what said so, for the study's page

    Returns
    -------
    Whether it became more urgent.
    """
    before = study.priority
    if priority is None or most_urgent(before, priority) is before:
        return False
    study.priority = priority
    waiting = session.query(Job).filter(
        Job.study_id == study.id,
        Job.state == JobState.QUEUED,
        Job.priority == before,
    )
    # Not waited for: a worker that ends a job locks it first and its study then, and would wait for
    # us. What is locked is in a worker's hands anyway.
    for job in waiting.with_for_update(skip_locked=True):
        session.execute(
            update(Job)
            .where(Job.id == job.id)
            .values(
                priority=priority,
                due_at=min(job.due_at, job.queued_at + waits.allowance(priority)),
            )
            .execution_options(synchronize_session=False)
        )
    record_event(
        session,
        "priority_raised",
        now,
        study_id=study.id,
        priority=priority.value,
        before=before.value,
        through=through,
    )
    keep_work_item(session, study.id, now)
    return True
