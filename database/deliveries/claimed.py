"""Deliveries: results on their way to destinations, claimed and leased like jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, select
from sqlalchemy.orm import Session

from database.deliveries.ends import note_delivery_end
from database.events import record_event
from database.lease import (
    claim_first,
    ended,
    ended_in_defect,
    is_free,
    postponed,
    write_held,
)
from database.states import (
    ENDED_WELL,
    UNDER_WAY,
    DeliveryPurpose,
    DeliveryState,
    ObjectState,
)
from database.tables.study.analysis import Delivery, Result


@dataclass(frozen=True, slots=True)
class DeliveryClaim:
    """A delivery in a worker's hands. `state` says what it waits for: sending, or a promise."""

    delivery_id: int
    result_id: int
    destination: str
    fencing_token: int
    attempts: int
    unanswered: int  # of these attempts, how many found the destination away
    asks: int
    after_defect: bool  # the attempt before this one ended in a defect
    state: DeliveryState


def claim_delivery(session: Session, *, lease_s: float, now: datetime) -> DeliveryClaim | None:
    """Take the delivery that is due first; None when none is due.

    An expired lease frees a delivery without a sweep: sending twice gives PACS the same
    instances, so a worker that only seemed dead does no harm.
    """
    sending = case((Delivery.state == DeliveryState.WAITING, 1), else_=0)
    row = claim_first(
        session,
        Delivery,
        delivery_is_due(now),
        (Delivery.due_at, Delivery.id),
        lease_s=lease_s,
        now=now,
        returning=(
            Delivery.id,
            Delivery.result_id,
            Delivery.destination,
            Delivery.fencing_token,
            Delivery.attempts,
            Delivery.unanswered,
            Delivery.asks,
            ended_in_defect(Delivery),
            Delivery.state,
        ),
        attempts=Delivery.attempts + sending,
    )
    return DeliveryClaim(*row) if row is not None else None


def end_delivery(
    session: Session,
    claim: DeliveryClaim,
    state: DeliveryState,
    now: datetime,
    *,
    error_kind: str = "",
    error_message: str = "",
    trace: str = "",
) -> None:
    """End a delivery, and with the last delivery of a result its job.

    Raises
    ------
    LeaseLost
        The delivery is somebody else's by now.
    """
    _write(
        session,
        claim,
        **ended(state, now, error_kind=error_kind, error_message=error_message, trace=trace),
    )
    note_delivery_end(session, claim.delivery_id, now)


def postpone_delivery(
    session: Session,
    claim: DeliveryClaim,
    due_at: datetime,
    now: datetime,
    *,
    error_kind: str,
    error_message: str,
    trace: str = "",
    state: DeliveryState | None = None,
    unanswered: bool = False,
) -> None:
    """Try a delivery again later; the reason is shown meanwhile.

    Parameters
    ----------
    state : what it waits for from now on; as before when left out
    unanswered : the destination was away, so the attempt at sending counts towards no limit
    """
    before = session.execute(
        select(Delivery.error_kind, Delivery.error_message).where(Delivery.id == claim.delivery_id)
    ).one()
    counted = unanswered and claim.state is DeliveryState.WAITING
    _write(
        session,
        claim,
        **postponed(due_at, error_kind=error_kind, error_message=error_message, trace=trace),
        state=claim.state if state is None else state,
        unanswered=claim.unanswered + counted,
    )
    # A destination that is away for a week is one event, not one for each attempt.
    if tuple(before) != (error_kind, error_message):
        until = due_at.isoformat()
        record_delivery_event(
            session, claim, "delivery_postponed", now, error_kind=error_kind, until=until
        )


def await_commitment(
    session: Session,
    claim: DeliveryClaim,
    due_at: datetime,
    *,
    asks: int | None = None,
    error_kind: str = "",
    error_message: str = "",
) -> None:
    """Leave a delivery whose objects are stored until it is time to ask for their commitment.

    Parameters
    ----------
    due_at : when to ask, if no answer has come by then
    asks : how often it was asked since they were stored; as before when left out
    error_kind, error_message : what the destination did not take, if anything
    """
    counted = {} if asks is None else {"asks": asks}
    _write(
        session,
        claim,
        **postponed(due_at, error_kind=error_kind, error_message=error_message),
        state=DeliveryState.SENT,
        **counted,
    )


def due_deliveries(session: Session, now: datetime) -> int:
    """How many deliveries can be claimed now."""
    return len(session.scalars(select(Delivery.id).where(*delivery_is_due(now))).all())


def retry_deliveries(
    session: Session, job_id: int, now: datetime, *, destination: str | None = None
) -> int:
    """Queue the unfinished deliveries of a job again, as a person asked.

    Parameters
    ----------
    destination : only to this one; to every one where it is None

    Returns
    -------
    How many. A delivery that the destination took a part of counts: it may take the rest by now.
    """
    result = session.scalars(select(Result).where(Result.job_id == job_id)).one_or_none()
    if result is None:
        return 0
    deliveries = [
        candidate
        for candidate in result.deliveries
        if may_be_retried(candidate, result) and destination in (None, candidate.destination)
    ]
    for delivery in deliveries:
        wait_again(delivery, now)
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


def record_delivery_event(
    session: Session, claim: DeliveryClaim, name: str, now: datetime, **facts: Any
) -> None:
    """Add an event about a delivery to those of its study."""
    result = session.scalars(select(Result).where(Result.id == claim.result_id)).one()
    record_event(
        session,
        name,
        now,
        study_id=result.study_id,
        job_id=result.job_id,
        destination=claim.destination,
        **facts,
    )


def may_be_retried(delivery: Delivery, result: Result) -> bool:
    """Whether something of a delivery has not arrived, and is still wanted."""
    if result.withdrawn_at is not None and delivery.purpose is DeliveryPurpose.RESULT:
        return False
    if delivery.state in ENDED_WELL:
        return bool(delivery.error_kind)  # it took a part
    return delivery.state is not DeliveryState.WITHDRAWN


def wait_again(delivery: Delivery, now: datetime) -> None:
    """Let all of a delivery be sent as if it had never been tried."""
    delivery.state = DeliveryState.WAITING
    delivery.due_at = now
    delivery.attempts = delivery.unanswered = delivery.asks = 0
    delivery.finished_at = None
    delivery.trace = ""
    for row in delivery.statuses:
        row.state = ObjectState.WAITING


def delivery_is_due(now: datetime) -> Sequence[ColumnElement[bool]]:
    """The conditions of deliveries that can be claimed at a moment."""
    return (
        Delivery.state.in_(UNDER_WAY),
        Delivery.due_at <= now,
        is_free(Delivery, now),
    )


def _write(session: Session, claim: DeliveryClaim, **values: Any) -> None:
    write_held(session, Delivery, claim.delivery_id, claim.fencing_token, **values)
