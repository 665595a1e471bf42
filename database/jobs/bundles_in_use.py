"""Brings the jobs of waiting studies in line with the bundles in use: ends some, adds missing ones.

Which bundles are in use is a setting. A job says which bundle it is of, so what waits when the
setting changes can be told apart:

- A waiting job of a bundle that is off ends as not wanted. Its study shows why.
- When the bundle is on again, such a job waits again where it stood, and each study that waits for
  another bundle and has no job of this one gets it.
- A study that has been read is not read again by itself.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session, aliased

from database.events import record_event
from database.lease import take_away
from database.states import RUNNING, JobState, StudyState
from database.studies.assembly import Waits, queue_job
from database.studies.study_state import settle_study
from database.tables.study.analysis import Instance, Job, Study
from database.work_items.kept import keep_work_item
from radiology.errors import BundleSwitchedOff

IN_USE_NOW: Final = "The bundle came into use"


@dataclass(frozen=True, slots=True)
class BundleQueue:
    """How many jobs of one bundle wait, are in hand, and were ended as not wanted."""

    bundle: str
    waiting: int
    in_hand: int
    not_wanted: int


def unwanted_jobs_wait(session: Session, bundles: Collection[str]) -> bool:
    """Whether a job waits of a bundle that is not in use; looked at without a lock."""
    found = select(Job.id).where(*_unwanted(bundles)).limit(1)
    return session.scalar(found) is not None


def end_unwanted(session: Session, bundles: Collection[str], now: datetime) -> list[int]:
    """End the waiting jobs of bundles that are not in use; a job that a worker holds goes on."""
    jobs = session.scalars(
        select(Job).where(*_unwanted(bundles)).order_by(Job.id).with_for_update(skip_locked=True)
    ).all()
    for job in jobs:
        take_away(job)
        job.state = JobState.NOT_WANTED
        job.finished_at = now
        job.rank = None
        job.error_kind = BundleSwitchedOff.__name__
        job.error_message = str(BundleSwitchedOff())
        session.flush()  # the study is settled from the rows
        settle_study(session, job.study_id)
        keep_work_item(session, job.study_id, now)
        _event(session, job, JobState.NOT_WANTED.value, now)
    return [job.id for job in jobs]


def queue_wanted(
    session: Session, bundles: Collection[str], waits: Waits, now: datetime
) -> list[int]:
    """Queue what bundles in use lack of the studies that wait; returns the jobs."""
    again = _wait_again(session, bundles, now)
    return again + [job_id for bundle in bundles for job_id in _add(session, bundle, waits, now)]


def bundle_queues(session: Session, now: datetime) -> dict[str, BundleQueue]:
    """The jobs of each bundle that has any of these, by its name."""
    free = Job.lease_until.is_(None)
    waiting = (Job.state == JobState.QUEUED) & free
    in_hand = Job.state.in_(RUNNING) & (Job.lease_until >= now)
    rows = session.execute(
        select(
            Job.bundle,
            func.count(case((waiting, 1))),
            func.count(case((in_hand, 1))),
            func.count(case((Job.state == JobState.NOT_WANTED, 1))),
        )
        .where(Job.state.in_((*RUNNING, JobState.NOT_WANTED)))
        .group_by(Job.bundle)
    )
    return {row[0]: BundleQueue(*row) for row in rows}


def _unwanted(bundles: Collection[str]) -> tuple[ColumnElement[bool], ...]:
    return (
        Job.state == JobState.QUEUED,
        Job.lease_until.is_(None),
        Job.bundle.not_in(bundles),
    )


def _wait_again(session: Session, bundles: Collection[str], now: datetime) -> list[int]:
    """Let the newest jobs that were not wanted wait where they stood."""
    newer = aliased(Job)
    jobs = session.scalars(
        select(Job)
        .where(
            Job.state == JobState.NOT_WANTED,
            Job.bundle.in_(bundles),
            ~select(newer.id)
            .where(
                newer.study_id == Job.study_id,
                newer.bundle == Job.bundle,
                newer.study_version > Job.study_version,
            )
            .exists(),
        )
        .order_by(Job.id)
        .with_for_update(skip_locked=True)
    ).all()
    for job in jobs:
        job.state = JobState.QUEUED
        job.attempts = 0
        job.finished_at = None
        job.error_kind = job.error_message = ""
        session.flush()
        settle_study(session, job.study_id)
        keep_work_item(session, job.study_id, now)
        _event(session, job, "wanted_again", now)
    return [job.id for job in jobs]


def _add(session: Session, bundle: str, waits: Waits, now: datetime) -> list[int]:
    """Queue a bundle's job for each study that waits and has none about its newest images."""
    waiting, there = aliased(Job), aliased(Job)
    newest_images = (
        select(func.coalesce(func.max(Instance.study_version), 0))
        .where(Instance.study_id == Study.id)
        .correlate(Study)
        .scalar_subquery()
    )
    studies = session.scalars(
        select(Study)
        .where(
            Study.state != StudyState.RECEIVED,  # its next version gets jobs of all
            select(waiting.id)
            .where(
                waiting.study_id == Study.id,
                waiting.study_version == Study.version,
                waiting.state.in_(RUNNING),
            )
            .exists(),
            ~select(there.id)
            .where(
                there.study_id == Study.id,
                there.bundle == bundle,
                there.study_version >= newest_images,
            )
            .exists(),
        )
        .order_by(Study.id)
        .with_for_update(skip_locked=True)
    ).all()
    found = []
    for study in studies:
        found.append(
            queue_job(
                session, study, bundle, study.priority, waits=waits, now=now, reason=IN_USE_NOW
            )
        )
        settle_study(session, study.id)
        keep_work_item(session, study.id, now)
    return found


def _event(session: Session, job: Job, name: str, now: datetime) -> None:
    record_event(session, name, now, study_id=job.study_id, job_id=job.id, bundle=job.bundle)
