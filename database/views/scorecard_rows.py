"""The rows behind the scorecard: each study's four moments, and the log of the job queue.

One query each, for a bounded number of rows of a period. Results, jobs and events are only looked
up in indexes that hold all that is asked of them: their rows are long.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, case, func, select
from sqlalchemy.orm import Session

from database.feedback.given import Period
from database.states import JobState
from database.tables.study.analysis import Event, Job, Result, Study
from database.unindexed import unindexed
from radiology.urgency import Urgency
from settings.peers import RequestPriority

MOST_ROWS = 20_000
"""Of a period; of more the newest are taken, and that is said."""

SENT, OPENED, ACKNOWLEDGED = "flag_sent", "study_opened", "flag_acknowledged"
# A refusal makes way for the answer of a job that a person tried again, and takes its moment with
# it. Its event stays: what a study has waited is not rewritten.
_ANSWERED = (JobState.ENCODED.value, JobState.REFUSED.value)


@dataclass(frozen=True, slots=True)
class StudyTimes:
    """When something first happened to a study after its last image; None: it has not.

    Attributes
    ----------
    urgency : of the most urgent result in force; None without an answer
    """

    study_id: int
    scanner: str  # AE title of who sent it
    urgency: Urgency | None
    last_instance_at: datetime
    result_at: datetime | None
    flag_sent_at: datetime | None
    opened_at: datetime | None
    acknowledged_at: datetime | None


@dataclass(frozen=True, slots=True)
class LoggedJob:
    """A job that a worker has ended."""

    priority: RequestPriority
    queued_at: datetime
    claimed_at: datetime
    finished_at: datetime


def study_times(
    session: Session, period: Period, *, scanner: str | None = None
) -> list[StudyTimes]:
    """The listed studies whose last image came in the period, the newest first."""
    chosen = (
        select(Study.id, Study.calling_ae_title, Study.last_instance_at)
        .where(*_chosen(period, scanner))
        .order_by(Study.last_instance_at.desc())
        .limit(MOST_ROWS)
        .cte("chosen")
    )
    # One by one for each study: whatever the period, no result and no event of another is read.
    of_study = Result.study_id == chosen.c.id
    result_at = select(func.min(Result.created_at)).where(
        of_study, Result.created_at >= chosen.c.last_instance_at
    )
    # Of the results in force, one of each bundle: the words of urgency are in the order of the
    # alphabet. The others are null, which a maximum passes over.
    in_force = case((Result.superseded_by_id.is_(None), Result.urgency))
    urgency = select(func.max(in_force)).where(of_study)

    def first_event(*names: str) -> ScalarSelect[Any]:
        return (
            select(func.min(Event.at))
            .where(
                Event.study_id == chosen.c.id,
                Event.name.in_(names),
                Event.at >= chosen.c.last_instance_at,
            )
            .scalar_subquery()
        )

    rows = session.execute(
        select(
            chosen.c.id,
            chosen.c.calling_ae_title,
            urgency.scalar_subquery(),
            chosen.c.last_instance_at,
            result_at.scalar_subquery().label("result_at"),
            first_event(*_ANSWERED).label("answered_at"),
            first_event(SENT),
            first_event(OPENED),
            first_event(ACKNOWLEDGED),
        ).order_by(chosen.c.last_instance_at.desc())
    )
    return [
        StudyTimes(
            study_id=row[0],
            scanner=row[1],
            urgency=row[2],
            last_instance_at=row[3],
            result_at=_first(row.result_at, row.answered_at),
            flag_sent_at=row[6],
            opened_at=row[7],
            acknowledged_at=row[8],
        )
        for row in rows
    ]


def _first(*moments: datetime | None) -> datetime | None:
    return min((one for one in moments if one is not None), default=None)


def scanners(session: Session, period: Period) -> list[str]:
    """Who sent the listed studies of a period."""
    return list(
        session.scalars(
            select(Study.calling_ae_title)
            .where(*_chosen(period, None))
            .group_by(Study.calling_ae_title)
            .order_by(Study.calling_ae_title)
        )
    )


def logged_jobs(session: Session, period: Period) -> list[LoggedJob]:
    """The jobs that were queued in the period and that a worker has ended, the newest first.

    Those of studies that came only to be compared with are there too: they kept a worker busy.
    """
    rows = session.execute(
        select(Job.priority, Job.queued_at, Job.claimed_at, Job.finished_at)
        .where(
            Job.queued_at >= period.since,
            Job.queued_at < period.until,
            Job.claimed_at.is_not(None),
            Job.finished_at >= Job.claimed_at,
        )
        .order_by(Job.queued_at.desc())
        .limit(MOST_ROWS)
    )
    return [
        LoggedJob(priority, queued_at, claimed_at, finished_at)
        for priority, queued_at, claimed_at, finished_at in rows
        if claimed_at is not None and finished_at is not None
    ]


def _chosen(period: Period, scanner: str | None) -> tuple[ColumnElement[bool], ...]:
    wanted = (
        unindexed(Study.asked_for.is_(False)),
        Study.last_instance_at >= period.since,
        Study.last_instance_at < period.until,
    )
    return wanted if scanner is None else (*wanted, Study.calling_ae_title == scanner)
