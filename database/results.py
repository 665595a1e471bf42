"""Results: exactly one per job; a newer version of the study supersedes the older ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from database.events import record_event
from database.states import DeliveryState
from database.tables import Delivery, Result, ResultObject


@dataclass(frozen=True, slots=True)
class Stored:
    """What storing a result led to."""

    result_id: int
    current: bool  # False: a newer version's result was there first; nothing is delivered
    superseded_ids: tuple[int, ...]


def store_result(
    session: Session,
    result: Result,
    objects: list[ResultObject],
    destinations: list[str],
    now: datetime,
) -> Stored:
    """Add a result with its objects, supersede older ones, and queue its deliveries.

    A job that runs again after its first run had stored a result replaces nothing: the unique
    `result.job_id` lets the second transaction fail.
    """
    result.objects = objects
    session.add(result)
    session.flush()  # the id is needed by what follows
    newer = session.scalars(
        select(Result.id)
        .where(Result.study_id == result.study_id, Result.study_version > result.study_version)
        .order_by(Result.study_version.desc())
        .limit(1)
    ).one_or_none()
    if newer is not None:
        result.superseded_by_id = newer
        return Stored(result.id, current=False, superseded_ids=())
    superseded = _supersede_older(session, result, now)
    if objects:
        session.add_all(
            Delivery(result_id=result.id, destination=name, due_at=now) for name in destinations
        )
    return Stored(result.id, current=True, superseded_ids=superseded)


def _supersede_older(session: Session, result: Result, now: datetime) -> tuple[int, ...]:
    older = tuple(
        session.scalars(
            select(Result.id).where(
                Result.study_id == result.study_id,
                Result.id != result.id,
                Result.superseded_by_id.is_(None),
            )
        )
    )
    if not older:
        return ()
    session.execute(update(Result).where(Result.id.in_(older)).values(superseded_by_id=result.id))
    session.execute(
        update(Delivery)
        .where(
            Delivery.result_id.in_(older),
            Delivery.state == DeliveryState.WAITING,
            Delivery.lease_until.is_(None),
        )
        .values(state=DeliveryState.WITHDRAWN, finished_at=now)
    )
    for old in older:
        record_event(
            session,
            "superseded",
            now,
            study_id=result.study_id,
            job_id=result.job_id,
            old_result=old,
            new_result=result.id,
        )
    return older


def current_report(session: Session, study_id: int) -> ResultObject | None:
    """The SR of the study's current result: what a superseding SR names as its predecessor."""
    return session.scalars(
        select(ResultObject)
        .join(Result, Result.id == ResultObject.result_id)
        .where(
            Result.study_id == study_id,
            Result.superseded_by_id.is_(None),
            ResultObject.kind == "SR",
        )
        .limit(1)
    ).one_or_none()


def is_our_object(session: Session, sop_instance_uid: str) -> bool:
    """Whether we made the instance with this UID."""
    return (
        session.scalars(
            select(ResultObject.id)
            .where(ResultObject.sop_instance_uid == sop_instance_uid)
            .limit(1)
        ).one_or_none()
        is not None
    )
