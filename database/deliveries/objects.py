"""Delivered objects: which objects of a result a destination gets, and its answer for each."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from database.deliveries.claimed import DeliveryClaim
from database.states import DeliveryPurpose, ObjectKind, ObjectState
from database.studies.patient import check_named
from database.tables.study.analysis import DeliveredObject, Delivery, Result, ResultObject, Study


@dataclass(frozen=True, slots=True)
class ObjectAnswer:
    """What a destination answered for one object.

    `status` is the DIMSE status or what stands for it; None: nothing was sent, or no answer came.
    `reason` is why it is not stored, in words.
    """

    state: ObjectState
    status: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ObjectAtDestination:
    """Where one object of a delivery stands."""

    kind: ObjectKind
    sop_class_uid: str
    sop_instance_uid: str
    state: ObjectState
    reason: str


def objects_to_send(session: Session, claim: DeliveryClaim) -> list[ResultObject]:
    """What the destination has not answered for good yet, in the order in which it was made.

    Without planned objects (`DeliveredObject`) it is every object of the result.
    """
    planned = session.execute(
        select(DeliveredObject.result_object_id, DeliveredObject.state).where(
            DeliveredObject.delivery_id == claim.delivery_id
        )
    ).all()
    wanted = select(ResultObject).where(ResultObject.result_id == claim.result_id)
    if planned:
        waiting = [found for found, state in planned if state is ObjectState.WAITING]
        wanted = wanted.where(ResultObject.id.in_(waiting))
    else:
        wanted = wanted.where(ResultObject.kind != ObjectKind.REJECTION)
    return list(session.scalars(wanted.order_by(ResultObject.id)))


def check_patient(session: Session, claim: DeliveryClaim, patient_ids: Collection[str]) -> None:
    """Refuse to send objects that name another patient than their study does by now.

    A note that rejects objects names the patient that they name, whoever it was.

    Parameters
    ----------
    patient_ids : that the objects name

    Raises
    ------
    SeveralPatients, PatientCorrected
        The study has instances of several patients, or of another one.
    """
    purpose, study = session.execute(
        select(Delivery.purpose, Study)
        .join(Result, Result.id == Delivery.result_id)
        .join(Study, Study.id == Result.study_id)
        .where(Delivery.id == claim.delivery_id)
    ).one()
    if purpose is DeliveryPurpose.RESULT:
        for one in patient_ids:
            check_named(study, one)


def objects_at_destination(session: Session, delivery_id: int) -> list[ObjectAtDestination]:
    """Where each planned or sent object of a delivery stands, in the order of their making."""
    rows = session.execute(
        select(
            ResultObject.kind,
            ResultObject.sop_class_uid,
            ResultObject.sop_instance_uid,
            DeliveredObject.state,
            DeliveredObject.reason,
        )
        .join(ResultObject, ResultObject.id == DeliveredObject.result_object_id)
        .where(DeliveredObject.delivery_id == delivery_id)
        .order_by(ResultObject.id)
    )
    return [ObjectAtDestination(*row) for row in rows]


def record_answers(
    session: Session, claim: DeliveryClaim, answers: Mapping[int, ObjectAnswer], now: datetime
) -> None:
    """Keep the peer's last answer for each object.

    Parameters
    ----------
    answers : by result object id
    """
    known = {
        row.result_object_id: row
        for row in session.scalars(
            select(DeliveredObject).where(DeliveredObject.delivery_id == claim.delivery_id)
        )
    }
    for object_id, answer in answers.items():
        row = known.get(object_id)
        if row is None:
            row = DeliveredObject(delivery_id=claim.delivery_id, result_object_id=object_id)
            session.add(row)
        row.state = answer.state
        row.status = answer.status
        row.reason = answer.reason
        row.answered_at = now
    session.flush()  # whoever looks next in this transaction sees them


def send_all_again(session: Session, claim: DeliveryClaim) -> None:
    """Let every object of a claimed delivery wait to be sent, whatever was answered before."""
    session.execute(
        update(DeliveredObject)
        .where(DeliveredObject.delivery_id == claim.delivery_id)
        .values(state=ObjectState.WAITING)
        .execution_options(synchronize_session=False)
    )
