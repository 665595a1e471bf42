"""Jobs and deliveries that did not end well, and objects in quarantine, for the administrator.

Each query goes through an index and brings a bounded number of rows.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from database.row_facts import facts_of
from database.states import ENDED_WELL, UNDER_WAY, DeliveryState, JobState
from database.tables.analysis import Delivery, Job, Result, Study
from database.tables.quarantine import QuarantinedObject
from database.views.worklist_facts import DeliveryFacts, JobFacts, QuarantineFacts, StudyFacts


def failed_jobs(session: Session, *, limit: int) -> tuple[tuple[StudyFacts, JobFacts], ...]:
    """The newest jobs of listed studies that ended with a fault, each with its study."""
    found = session.execute(
        select(Study, Job)
        .join(Job, Job.study_id == Study.id)
        .where(Job.state == JobState.FAILED, Study.asked_for.is_(False))
        .order_by(Job.due_at.desc(), Job.id.desc())
        .limit(limit)
        .options(defer(Job.trace))
    )
    return tuple((facts_of(StudyFacts, study), facts_of(JobFacts, job)) for study, job in found)


def open_deliveries(
    session: Session, *, limit: int
) -> tuple[tuple[StudyFacts, int, DeliveryFacts], ...]:
    """Deliveries that have not ended well, or not whole: study, job id and delivery.

    The next one due comes first.
    """
    unfinished = (*UNDER_WAY, DeliveryState.REFUSED, DeliveryState.FAILED)
    in_part = Delivery.state.in_(ENDED_WELL) & (Delivery.error_kind != "")
    found = session.execute(
        select(Study, Result.job_id, Delivery)
        .join(Result, Result.study_id == Study.id)
        .join(Delivery, Delivery.result_id == Result.id)
        .where(Delivery.state.in_(unfinished) | in_part)
        .order_by(Delivery.due_at, Delivery.id)
        .limit(limit)
    )
    return tuple(
        (facts_of(StudyFacts, study), job_id, facts_of(DeliveryFacts, delivery))
        for study, job_id, delivery in found
    )


def latest_quarantine(session: Session, *, limit: int) -> tuple[QuarantineFacts, ...]:
    """The objects that were last put aside, newest first."""
    found = session.scalars(
        select(QuarantinedObject).order_by(QuarantinedObject.received_at.desc()).limit(limit)
    )
    return tuple(facts_of(QuarantineFacts, row) for row in found)
