"""Deliveries: results on their way to destinations, claimed and leased like jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from database.events import record_event
from database.jobs import LeaseLost
from database.states import DeliveryState, JobState, StudyState
from database.tables import DeliveredObject, Delivery, Job, Result, ResultObject, Study

_OPEN = (DeliveryState.WAITING, DeliveryState.REFUSED, DeliveryState.FAILED)


@dataclass(frozen=True, slots=True)
class DeliveryClaim:
    """A delivery in a worker's hands."""

    delivery_id: int
    result_id: int
    destination: str
    fencing_token: int
    attempts: int


def claim_delivery(session: Session, *, lease_s: float, now: datetime) -> DeliveryClaim | None:
    """Take the delivery that is due first; None when none is due.

    An expired lease frees a delivery without a sweep: sending twice gives PACS the same
    instances, so a worker that only seemed dead does no harm.
    """
    due = (
        select(Delivery.id)
        .where(
            Delivery.state == DeliveryState.WAITING,
            Delivery.due_at <= now,
            (Delivery.lease_until.is_(None)) | (Delivery.lease_until < now),
        )
        .order_by(Delivery.due_at, Delivery.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = session.execute(
        update(Delivery)
        .where(Delivery.id == due.scalar_subquery())
        .values(
            lease_until=now + timedelta(seconds=lease_s),
            fencing_token=Delivery.fencing_token + 1,
            attempts=Delivery.attempts + 1,
        )
        .returning(
            Delivery.id,
            Delivery.result_id,
            Delivery.destination,
            Delivery.fencing_token,
            Delivery.attempts,
        )
        .execution_options(synchronize_session=False)
    ).one_or_none()
    return DeliveryClaim(*row) if row is not None else None


def objects_to_send(session: Session, claim: DeliveryClaim) -> list[ResultObject]:
    """What was planned for the destination, in the order in which it was made.

    Without a plan it is every object of the result: the previous version of the code made none.
    """
    planned = session.scalars(
        select(DeliveredObject.result_object_id).where(
            DeliveredObject.delivery_id == claim.delivery_id
        )
    ).all()
    wanted = select(ResultObject).where(ResultObject.result_id == claim.result_id)
    if planned:
        wanted = wanted.where(ResultObject.id.in_(planned))
    return list(session.scalars(wanted.order_by(ResultObject.id)))


def record_statuses(
    session: Session, claim: DeliveryClaim, statuses: Mapping[int, int | None], now: datetime
) -> None:
    """Keep the peer's last answer for each object.

    Parameters
    ----------
    statuses : DIMSE status by result object id; None where nothing was sent
    """
    known = {
        row.result_object_id: row
        for row in session.scalars(
            select(DeliveredObject).where(DeliveredObject.delivery_id == claim.delivery_id)
        )
    }
    for object_id, status in statuses.items():
        row = known.get(object_id)
        if row is None:
            session.add(
                DeliveredObject(
                    delivery_id=claim.delivery_id,
                    result_object_id=object_id,
                    status=status,
                    answered_at=now,
                )
            )
            continue
        row.status = status
        row.answered_at = now


def end_delivery(
    session: Session,
    claim: DeliveryClaim,
    state: DeliveryState,
    now: datetime,
    *,
    error_kind: str = "",
    error_message: str = "",
) -> None:
    """End a delivery, and with the last one of a result its job too."""
    _write(
        session,
        claim,
        state=state,
        lease_until=None,
        finished_at=now,
        error_kind=error_kind,
        error_message=error_message,
    )
    result = session.scalars(select(Result).where(Result.id == claim.result_id)).one()
    record_event(
        session,
        "delivered" if state is DeliveryState.DELIVERED else "delivery_" + state.value,
        now,
        study_id=result.study_id,
        job_id=result.job_id,
        destination=claim.destination,
        error_kind=error_kind,
    )
    _end_job_when_all_delivered(session, result)


def postpone_delivery(
    session: Session,
    claim: DeliveryClaim,
    due_at: datetime,
    now: datetime,
    *,
    error_kind: str,
    error_message: str,
) -> None:
    """Try a delivery again later; the reason is shown meanwhile."""
    _write(
        session,
        claim,
        due_at=due_at,
        lease_until=None,
        error_kind=error_kind,
        error_message=error_message,
    )
    result = session.scalars(select(Result).where(Result.id == claim.result_id)).one()
    record_event(
        session,
        "delivery_postponed",
        now,
        study_id=result.study_id,
        job_id=result.job_id,
        destination=claim.destination,
        error_kind=error_kind,
        until=due_at.isoformat(),
    )


def due_deliveries(session: Session, now: datetime) -> int:
    """How many deliveries can be claimed now."""
    return len(
        session.scalars(
            select(Delivery.id).where(
                Delivery.state == DeliveryState.WAITING,
                Delivery.due_at <= now,
                (Delivery.lease_until.is_(None)) | (Delivery.lease_until < now),
            )
        ).all()
    )


def retry_deliveries(session: Session, job_id: int, now: datetime) -> int:
    """Queue a job's unfinished deliveries again, as a person asked; returns how many."""
    result = session.scalars(select(Result).where(Result.job_id == job_id)).one_or_none()
    if result is None:
        return 0
    deliveries = [one for one in result.deliveries if one.state in _OPEN]
    for delivery in deliveries:
        delivery.state = DeliveryState.WAITING
        delivery.due_at = now
        delivery.attempts = 0
        delivery.finished_at = None
    if deliveries:
        record_event(
            session,
            "deliveries_retried",
            now,
            study_id=result.study_id,
            job_id=job_id,
            count=len(deliveries),
        )
    return len(deliveries)


def _write(session: Session, claim: DeliveryClaim, **values: Any) -> None:
    changed = cast(
        "CursorResult[Any]",
        session.execute(
            update(Delivery)
            .where(
                Delivery.id == claim.delivery_id,
                Delivery.fencing_token == claim.fencing_token,
            )
            .values(**values)
            .execution_options(synchronize_session=False)
        ),
    )
    if changed.rowcount != 1:
        raise LeaseLost


def _end_job_when_all_delivered(session: Session, result: Result) -> None:
    open_states = session.scalars(
        select(Delivery.state).where(
            Delivery.result_id == result.id, Delivery.state != DeliveryState.DELIVERED
        )
    ).all()
    if open_states:
        return
    session.execute(update(Job).where(Job.id == result.job_id).values(state=JobState.DELIVERED))
    session.execute(
        update(Study)
        .where(
            Study.id == result.study_id,
            Study.version == result.study_version,
            Study.state == StudyState.ENCODED,
        )
        .values(state=StudyState.DELIVERED)
    )
