"""Ends a delivery: records its event, and ends the job with the last delivery."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from database.events import record_event
from database.metrics.counted import count_once_committed, observe_once_committed
from database.metrics.declared import DELIVERIES_ENDED, DELIVERY_TIME
from database.states import (
    ENDED_WELL,
    DeliveryPurpose,
    DeliveryState,
    JobState,
    ObjectState,
)
from database.studies.study_state import settle_study
from database.tables.study.analysis import (
    DeliveredObject,
    Delivery,
    Job,
    Result,
    ResultObject,
    Study,
)
from radiology.errors import PeerRefused


def note_delivery_end(session: Session, delivery_id: int, now: datetime) -> None:
    """Record that a delivery has ended; end its job when it was the last one.

    The delivery's row must have its last state already.
    """
    delivery = session.scalars(
        select(Delivery)
        .where(Delivery.id == delivery_id)
        .execution_options(populate_existing=True)  # it is written past the session
    ).one()
    # The study before the result, as a worker does that stores a newer one.
    of_result = select(Result.study_id).where(Result.id == delivery.result_id).scalar_subquery()
    session.execute(
        select(Study.id).where(Study.id == of_result).with_for_update(key_share=True)
    ).one()
    # Two that end at the same moment would each take the other one for open.
    result = session.scalars(
        select(Result).where(Result.id == delivery.result_id).with_for_update()
    ).one()
    word = delivery.state.value
    name = word if delivery.state in ENDED_WELL else f"delivery_{word}"
    if delivery.purpose is DeliveryPurpose.REJECTION:
        name = f"rejection_{word}"
    record_event(
        session,
        name,
        now,
        study_id=result.study_id,
        job_id=result.job_id,
        destination=delivery.destination,
        error_kind=delivery.error_kind,
    )
    count_once_committed(
        session,
        DELIVERIES_ENDED,
        destination=delivery.destination,
        purpose=delivery.purpose.value,
        state=word,
    )
    if delivery.purpose is DeliveryPurpose.RESULT:
        _note_time(session, delivery, result, now)
        _end_job_when_all_have_it(session, result)


def _note_time(session: Session, delivery: Delivery, result: Result, now: datetime) -> None:
    if delivery.state in ENDED_WELL:
        took_s = (now - result.created_at).total_seconds()
        observe_once_committed(session, DELIVERY_TIME, took_s, destination=delivery.destination)


def refusals_in_words(session: Session, delivery_id: int) -> tuple[str, str]:
    """What a destination took and what it refused: kind and message of an error; empty if nothing.

    For a delivery that has stored something. A destination that has stored nothing refused the
    result as a whole.
    """
    rows = session.execute(
        select(ResultObject.kind, DeliveredObject.state, DeliveredObject.reason)
        .join(ResultObject, ResultObject.id == DeliveredObject.result_object_id)
        .where(DeliveredObject.delivery_id == delivery_id)
        .order_by(ResultObject.id)
    ).all()
    refused = [(kind.value, reason) for kind, state, reason in rows if state is ObjectState.REFUSED]
    if not refused:
        return "", ""
    taken = " and ".join(
        dict.fromkeys(kind.value for kind, state, _ in rows if state is not ObjectState.REFUSED)
    )
    reasons = dict.fromkeys(f"{kind}: {reason}" for kind, reason in refused)
    return PeerRefused.__name__, f"Took {taken}; refused {'; '.join(reasons)}"


def _end_job_when_all_have_it(session: Session, result: Result) -> None:
    """A job is committed when every destination has the result, and one has committed to it."""
    states = set(
        session.scalars(
            select(Delivery.state).where(
                Delivery.result_id == result.id, Delivery.purpose == DeliveryPurpose.RESULT
            )
        )
    )
    if not states <= set(ENDED_WELL):
        return
    committed = DeliveryState.COMMITTED in states
    job_state = JobState.COMMITTED if committed else JobState.DELIVERED
    session.execute(update(Job).where(Job.id == result.job_id).values(state=job_state))
    settle_study(session, result.study_id)
