"""Updates what a study shows of its bundles: state, place in the list, label and suspicion."""

from __future__ import annotations

from typing import TypeVar

from sqlalchemy import Select, case, func, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from database.list_place import FLAGGED, is_acknowledged
from database.states import StudyState
from database.studies.standing import (
    BundleStanding,
    JobStanding,
    bundle_standings,
    study_standing,
)
from database.tables.study.analysis import Instance, Job, Result, Study
from radiology.urgency import Urgency

T = TypeVar("T")
_MOST_URGENT_FIRST = case(
    {Urgency.URGENT: 0, Urgency.SUSPECTED: 1, Urgency.ROUTINE: 2}, value=Result.urgency, else_=3
)


def settle_study(session: Session, study_id: int) -> None:
    """Bring what a study shows of its bundles in step with its jobs and results.

    Belongs into each transaction that changes one of them. The study is locked first, so that of
    two bundles that end at once the second sees what the first has said.
    """
    study = session.execute(
        select(Study.state).where(Study.id == study_id).with_for_update(key_share=True)
    ).one()
    arriving = study.state is StudyState.RECEIVED
    standings = standings_of(session, study_id, arriving=arriving)
    if not standings:
        return
    state, rank = study_standing(standings, arriving=arriving)
    session.execute(
        update(Study)
        .where(Study.id == study_id)
        .values(
            state=state,
            worklist_rank=rank,
            acknowledged=is_acknowledged(study_id) if rank in FLAGGED else False,
            label=_label(session, study_id),
            bundle=standings[0].bundle,
            suspicion=_suspicion(session, study_id),
        )
        .execution_options(synchronize_session="fetch")
    )


def standings_of(session: Session, study_id: int, *, arriving: bool) -> tuple[BundleStanding, ...]:
    """Where a study stands for each bundle, the most urgent first."""
    # Columns, not objects: what was written past the session must be seen.
    rows = session.execute(
        select(Job.id, Job.bundle, Job.study_version, Job.state, Job.rank, Result.withdrawn_at)
        .outerjoin(Result, Result.job_id == Job.id)
        .where(Job.study_id == study_id)
    )
    images_version = session.scalar(
        select(func.max(Instance.study_version)).where(Instance.study_id == study_id)
    )
    return bundle_standings(
        [
            JobStanding(job_id, bundle, version, state, rank, withdrawn_at is not None)
            for job_id, bundle, version, state, rank, withdrawn_at in rows
        ],
        images_version=images_version or 0,
        arriving=arriving,
    )


def _label(session: Session, study_id: int) -> str:
    """What the list is filtered by: the label of the most urgent result in force that has one."""
    said = session.scalars(_of_most_urgent(Result.label, study_id).where(Result.label != ""))
    return said.first() or ""


def _suspicion(session: Session, study_id: int) -> float | None:
    """What the list can be ordered by: the suspicion of the most urgent result in force."""
    return session.scalars(_of_most_urgent(Result.suspicion, study_id)).first()


def _of_most_urgent(column: InstrumentedAttribute[T], study_id: int) -> Select[T]:
    return (
        select(column)
        .where(
            Result.study_id == study_id,
            Result.superseded_by_id.is_(None),
            Result.withdrawn_at.is_(None),
        )
        .order_by(_MOST_URGENT_FIRST, Result.id)
        .limit(1)
    )
