"""The doctor's phantom on its way: where it stands, what was made of it, who was sent it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from database.doctor.ticket import PREFIX, is_in_force, is_ticket
from database.states import RUNNING, UNDER_WAY, DeliveryState, JobState, ObjectState
from database.tables.study.analysis import (
    DeliveredObject,
    Delivery,
    Job,
    Result,
    ResultObject,
    Study,
)


@dataclass(frozen=True, slots=True)
class PhantomJob:
    """What one bundle did with it.

    Attributes
    ----------
    error_kind, error_message : "" where nothing went wrong
    objects : of its result; 0 where there is none
    """

    bundle: str
    state: JobState
    error_kind: str
    error_message: str
    objects: int

    @property
    def is_over(self) -> bool:
        """Whether nothing more follows by itself."""
        return self.state not in RUNNING


@dataclass(frozen=True, slots=True)
class PhantomObject:
    """A result object, and what became of it at a destination.

    Attributes
    ----------
    path : within the results folder
    """

    kind: str
    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str
    path: str
    is_stored: bool
    reason: str


@dataclass(frozen=True, slots=True)
class PhantomDelivery:
    """Its way to one destination."""

    destination: str
    state: DeliveryState
    error_kind: str
    error_message: str
    objects: tuple[PhantomObject, ...]

    @property
    def is_over(self) -> bool:
        """Whether it was tried: neither another attempt nor a promise to keep it is waited for."""
        tried = bool(self.error_kind) or self.state is DeliveryState.SENT
        return tried or self.state not in UNDER_WAY


def is_here(session: Session, study_instance_uid: str) -> bool:
    """Whether any image of the phantom has come."""
    found = select(Study.id).where(Study.study_instance_uid == study_instance_uid)
    return session.scalar(found) is not None


def phantom_jobs(session: Session, study_instance_uid: str) -> tuple[PhantomJob, ...]:
    """Every job of the phantom; none before it was assembled."""
    jobs = session.scalars(
        select(Job)
        .join(Study, Study.id == Job.study_id)
        .where(Study.study_instance_uid == study_instance_uid)
        .order_by(Job.id)
    )
    return tuple(
        PhantomJob(
            job.bundle,
            job.state,
            job.error_kind,
            job.error_message,
            len(job.result.objects) if job.result else 0,
        )
        for job in jobs
    )


def phantom_deliveries(session: Session, study_instance_uid: str) -> tuple[PhantomDelivery, ...]:
    """Every delivery of its results."""
    deliveries = session.scalars(
        select(Delivery)
        .join(Result, Result.id == Delivery.result_id)
        .join(Study, Study.id == Result.study_id)
        .where(Study.study_instance_uid == study_instance_uid)
        .order_by(Delivery.id)
    )
    return tuple(
        PhantomDelivery(
            one.destination,
            one.state,
            one.error_kind,
            one.error_message,
            tuple(
                _object(session.get_one(ResultObject, answer.result_object_id), answer)
                for answer in one.statuses
            ),
        )
        for one in deliveries
    )


def left_phantoms(session: Session, now: datetime) -> tuple[str, ...]:
    """Study Instance UIDs of phantoms whose run was broken off before it removed them."""
    found = session.execute(
        select(Study.study_instance_uid, Study.calling_ae_title).where(
            Study.asked_for, Study.calling_ae_title.startswith(PREFIX)
        )
    )
    return tuple(
        uid for uid, title in found if is_ticket(title) and not is_in_force(session, title, now)
    )


def _object(made: ResultObject, answer: DeliveredObject) -> PhantomObject:
    return PhantomObject(
        made.kind.value,
        made.sop_class_uid,
        made.sop_instance_uid,
        made.series_instance_uid,
        made.path,
        answer.state in (ObjectState.STORED, ObjectState.COMMITTED),
        answer.reason,
    )
