"""Storage commitment: the requests to destinations, and their answers.

PS3.4 Annex J. A request is a row before it is sent, so an answer that comes after a crash, or in
another process, still finds it. An answer is recorded by whoever receives it; what follows from a
failure (sending again, and when) is decided by the worker that claims the delivery next.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from database.deliveries.claimed import DeliveryClaim
from database.deliveries.ends import note_delivery_end, refusals_in_words
from database.deliveries.objects import ObjectAtDestination
from database.events import record_event
from database.lease import take_away
from database.states import DeliveryState, ObjectState
from database.tables.study.analysis import DeliveredObject, Delivery, Result, ResultObject
from database.tables.study.commitment import CommitmentObject, StorageCommitment


@dataclass(frozen=True, slots=True)
class ReportedInstance:
    """One instance of a report. `failure_reason` is None where it is committed (PS3.3 C.14)."""

    sop_class_uid: str
    failure_reason: int | None = None


@dataclass(frozen=True, slots=True)
class CommitmentReport:
    """An N-EVENT-REPORT (PS3.4 Section J.3.3): instances by SOP Instance UID."""

    transaction_uid: str
    instances: Mapping[str, ReportedInstance]


class Reported(Enum):
    """What became of a report."""

    RECORDED = auto()
    REPEATED = auto()  # the transaction was answered before; nothing changes
    UNKNOWN_TRANSACTION = auto()
    OTHER_PEER = auto()  # not the one that was asked
    OTHER_INSTANCES = auto()  # not the ones that were asked about


_ASKED = (DeliveryState.SENT, DeliveryState.FAILED)  # a late promise is a promise
_REFUSED = (Reported.UNKNOWN_TRANSACTION, Reported.OTHER_PEER, Reported.OTHER_INSTANCES)


def record_request(
    session: Session, claim: DeliveryClaim, transaction_uid: str, now: datetime
) -> list[ObjectAtDestination]:
    """Note that commitment is about to be asked for everything that the destination has stored.

    Returns
    -------
    The objects to ask for, in the order of their making.
    """
    rows = session.execute(
        select(DeliveredObject, ResultObject)
        .join(ResultObject, ResultObject.id == DeliveredObject.result_object_id)
        .where(
            DeliveredObject.delivery_id == claim.delivery_id,
            DeliveredObject.state == ObjectState.STORED,
        )
        .order_by(ResultObject.id)
    ).all()
    session.add(
        StorageCommitment(
            delivery_id=claim.delivery_id,
            transaction_uid=transaction_uid,
            asked_at=now,
            objects=[CommitmentObject(delivered_object_id=stored.id) for stored, _ in rows],
        )
    )
    session.execute(
        update(Delivery)
        .where(Delivery.id == claim.delivery_id)
        .values(asks=Delivery.asks + 1)
        .execution_options(synchronize_session=False)
    )
    return [
        ObjectAtDestination(
            made.kind, made.sop_class_uid, made.sop_instance_uid, stored.state, stored.reason
        )
        for stored, made in rows
    ]


def record_report(
    session: Session,
    report: CommitmentReport,
    now: datetime,
    *,
    destinations: Collection[str],
    **origin: str | int | None,
) -> Reported:
    """Keep a destination's answer, and end the delivery when all of it is committed.

    A failure makes the objects wait to be sent again, and the delivery due at once. A refused
    report changes only the audit trail.

    Parameters
    ----------
    destinations : the names that the reporting peer has in the settings
    origin : whom the report came from, for the audit trail
    """
    request = session.scalars(
        select(StorageCommitment)
        .where(StorageCommitment.transaction_uid == report.transaction_uid)
        .with_for_update()
    ).one_or_none()
    outcome = _judge(session, request, report, destinations)
    if request is None or outcome is not Reported.RECORDED:
        _audit(session, outcome, now, origin, request)
        return outcome
    _keep_answers(session, request, report, now)
    delivery = _delivery(session, request)
    if delivery.state not in _ASKED:
        return outcome  # sent again meanwhile: the answer is kept and decides nothing
    if _uncommitted(session, delivery):
        if delivery.state is DeliveryState.SENT:
            _hand_over(delivery, now)
        return outcome
    _hand_over(delivery, now)
    delivery.state = DeliveryState.COMMITTED
    delivery.finished_at = now
    delivery.error_kind, delivery.error_message = refusals_in_words(session, delivery.id)
    session.flush()
    note_delivery_end(session, delivery.id, now)
    return outcome


def _hand_over(delivery: Delivery, now: datetime) -> None:
    """Whoever still waits for this answer has nothing to write any more; the next one looks."""
    take_away(delivery)
    delivery.due_at = now
    delivery.trace = ""


def _judge(
    session: Session,
    request: StorageCommitment | None,
    report: CommitmentReport,
    destinations: Collection[str],
) -> Reported:
    if request is None:
        return Reported.UNKNOWN_TRANSACTION
    if _delivery(session, request).destination not in destinations:
        return Reported.OTHER_PEER
    asked = {
        made.sop_instance_uid: made.sop_class_uid
        for made in session.scalars(
            select(ResultObject)
            .join(DeliveredObject, DeliveredObject.result_object_id == ResultObject.id)
            .join(CommitmentObject, CommitmentObject.delivered_object_id == DeliveredObject.id)
            .where(CommitmentObject.commitment_id == request.id)
        )
    }
    if asked != {uid: one.sop_class_uid for uid, one in report.instances.items()}:
        return Reported.OTHER_INSTANCES
    return Reported.RECORDED if request.answered_at is None else Reported.REPEATED


def _keep_answers(
    session: Session, request: StorageCommitment, report: CommitmentReport, now: datetime
) -> None:
    """Write the answer for each object; one that failed waits to be sent again."""
    request.answered_at = now
    rows = session.execute(
        select(CommitmentObject, DeliveredObject, ResultObject.sop_instance_uid)
        .join(DeliveredObject, DeliveredObject.id == CommitmentObject.delivered_object_id)
        .join(ResultObject, ResultObject.id == DeliveredObject.result_object_id)
        .where(CommitmentObject.commitment_id == request.id)
    )
    for asked, delivered, sop_instance_uid in rows:
        reason = report.instances[sop_instance_uid].failure_reason
        asked.committed = reason is None
        asked.failure_reason = reason
        if delivered.state is not ObjectState.STORED:
            continue  # waits to be sent again already
        if reason is None:
            delivered.state, delivered.reason = ObjectState.COMMITTED, ""
            continue
        delivered.state = ObjectState.WAITING
        delivered.reason = f"not committed, failure reason 0x{reason:04X}"
    session.flush()


def _uncommitted(session: Session, delivery: Delivery) -> bool:
    """Whether something waits that this answer was not about."""
    return (
        session.scalars(
            select(DeliveredObject.id)
            .where(
                DeliveredObject.delivery_id == delivery.id,
                DeliveredObject.state.in_((ObjectState.WAITING, ObjectState.STORED)),
            )
            .limit(1)
        ).one_or_none()
        is not None
    )


def _delivery(session: Session, request: StorageCommitment) -> Delivery:
    return session.scalars(
        select(Delivery).where(Delivery.id == request.delivery_id).with_for_update()
    ).one()


def _audit(
    session: Session,
    outcome: Reported,
    now: datetime,
    origin: Mapping[str, str | int | None],
    request: StorageCommitment | None,
) -> None:
    if outcome not in _REFUSED:
        return
    result = None
    if request is not None:
        delivery = _delivery(session, request)
        result = session.scalars(select(Result).where(Result.id == delivery.result_id)).one()
    record_event(
        session,
        "commitment_report_refused",
        now,
        study_id=result.study_id if result else None,
        job_id=result.job_id if result else None,
        reason=outcome.name.lower(),
        **origin,
    )
