"""Stores the contents of HL7 messages about patients and studies, and applies them to studies.

A message may come before its study (`said_before`) or after it. Orders and reports are matched by
accession number, visits and values by patient ID, never by name. Where a message and a study both
name the patient and do not agree, nothing follows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from database.events import record_event
from database.flags.raised import acknowledge_flag
from database.flags.unacknowledged import open_flag_of
from database.states import UNREAD
from database.studies.assembly import Waits
from database.studies.patient_issuers import name_issuer
from database.studies.priorities import raise_priority
from database.studies.received_values import THROUGH, give_values
from database.tables.study.analysis import Study
from database.tables.study.hl7 import (
    ImagingOrder,
    PatientVisit,
    ReceivedMessage,
    ReceivedValue,
    StudyReport,
)
from settings.peers import RequestPriority

_EXPIRING = (ReceivedMessage, ImagingOrder, PatientVisit, ReceivedValue, StudyReport)


@dataclass(frozen=True, slots=True)
class Moments:
    """When a message came, when it was sent, and when what it said is forgotten."""

    now: datetime
    said_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class OrderSaid:
    """An order for a study (ORM^O01, OMI^O23)."""

    accession_number: str
    patient_id: str
    priority: RequestPriority | None
    patient_class: str
    cancelled: bool
    issuer_of_patient_id: str = ""


@dataclass(frozen=True, slots=True)
class VisitSaid:
    """Where a patient is, and as what (ADT)."""

    patient_id: str
    patient_class: str
    location: str
    priority: RequestPriority | None
    issuer_of_patient_id: str = ""


@dataclass(frozen=True, slots=True)
class ValueSaid:
    """One clinical value (ORU^R01); `value` is None where an earlier one was wrong."""

    patient_id: str
    name: str
    value: float | None
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class ReportSaid:
    """That a radiologist has reported on a study (ORU^R01)."""

    accession_number: str
    patient_id: str
    reported_by: str
    status: str


def note_message(
    session: Session, *, sender: str, control_id: str, sha256: str, kind: str, moments: Moments
) -> bool:
    """Note a message; False when the very same one was accepted before."""
    made = session.execute(
        _insert(session)(ReceivedMessage)
        .values(
            sender=sender,
            control_id=control_id,
            sha256=sha256,
            kind=kind,
            received_at=moments.now,
            expires_at=moments.expires_at,
        )
        .on_conflict_do_nothing(index_elements=["sender", "control_id", "sha256"])
        .returning(ReceivedMessage.id)
    ).scalar()
    return made is not None


def take_order(session: Session, said: OrderSaid, moments: Moments, waits: Waits) -> None:
    """Keep an order, and raise the priority of the study that it is about."""
    kept = _newest(
        session,
        ImagingOrder,
        {"accession_number": said.accession_number},
        {
            "patient_id": said.patient_id,
            "issuer_of_patient_id": said.issuer_of_patient_id,
            "priority": said.priority,
            "patient_class": said.patient_class,
            "cancelled": said.cancelled,
        },
        moments,
    )
    if not kept or said.cancelled:
        return
    for study in _studies_of_accession(session, said.accession_number, said.patient_id):
        if study.patient_id == said.patient_id:
            name_issuer(session, study, said.issuer_of_patient_id, moments.now)
        raise_priority(session, study, said.priority, waits=waits, through=THROUGH, now=moments.now)


def take_visit(session: Session, said: VisitSaid, moments: Moments, waits: Waits) -> None:
    """Store a visit, and raise the priority of the patient's unread studies."""
    kept = _newest(
        session,
        PatientVisit,
        {"patient_id": said.patient_id},
        {
            "issuer_of_patient_id": said.issuer_of_patient_id,
            "patient_class": said.patient_class,
            "location": said.location,
            "priority": said.priority,
        },
        moments,
    )
    if not kept:
        return
    unread = select(Study).where(
        Study.patient_id == said.patient_id,
        Study.asked_for.is_(False),
        Study.state.in_(UNREAD),
    )
    for study in session.scalars(unread.order_by(Study.id).with_for_update()):
        name_issuer(session, study, said.issuer_of_patient_id, moments.now)
        raise_priority(session, study, said.priority, waits=waits, through=THROUGH, now=moments.now)


def take_values(
    session: Session, said: Sequence[ValueSaid], moments: Moments, *, values_hours: float
) -> None:
    """Keep clinical values, and give them to the patient's studies of that time."""
    window = timedelta(hours=values_hours)
    for statement in said:
        key = {
            "patient_id": statement.patient_id,
            "name": statement.name,
            "observed_at": statement.observed_at,
        }
        if statement.value is None:
            session.execute(delete(ReceivedValue).filter_by(**key))
            continue
        values = {
            "value": statement.value,
            "valid_from": statement.observed_at - window,
            "valid_until": statement.observed_at + window,
            "expires_at": moments.expires_at,
        }
        session.execute(
            _insert(session)(ReceivedValue)
            .values(**key, **values)
            .on_conflict_do_update(index_elements=list(key), set_=values)
        )
    for patient_id in sorted({one.patient_id for one in said}):
        give_values(session, patient_id, moments.now)


def take_report(session: Session, said: ReportSaid, moments: Moments) -> None:
    """Keep that a study was reported on, and note it on the study."""
    kept = _newest(
        session,
        StudyReport,
        {"accession_number": said.accession_number},
        {
            "patient_id": said.patient_id,
            "reported_by": said.reported_by,
            "status": said.status,
        },
        moments,
        said_at="reported_at",
    )
    if not kept:
        return
    for study in _studies_of_accession(session, said.accession_number, said.patient_id):
        note_report(session, study, said, moments.now)


def note_report(session: Session, study: Study, said: ReportSaid, now: datetime) -> None:
    """A study has been reported on: somebody has seen it, and with it its flag."""
    record_event(
        session,
        "reported",
        now,
        study_id=study.id,
        reader=said.reported_by,
        status=said.status,
        through=THROUGH,
    )
    flag = open_flag_of(session, study.id)
    if flag is not None:
        acknowledge_flag(session, flag.flag_uid, by=said.reported_by, through=THROUGH, now=now)


def forget_expired(session: Session, now: datetime) -> None:
    """Delete what is no longer of use."""
    for table in _EXPIRING:
        session.execute(delete(table).where(table.expires_at <= now))


def _studies_of_accession(session: Session, accession_number: str, patient_id: str) -> list[Study]:
    """The studies, locked, of an accession number and, where both are named, of its patient."""
    matching = select(Study).where(
        Study.accession_number == accession_number, Study.asked_for.is_(False)
    )
    if patient_id:
        matching = matching.where(or_(Study.patient_id == patient_id, Study.patient_id == ""))
    return list(session.scalars(matching.order_by(Study.id).with_for_update()))


def _newest(
    session: Session,
    table: Any,
    key: Mapping[str, str],
    values: Mapping[str, Any],
    moments: Moments,
    *,
    said_at: str = "said_at",
) -> bool:
    """Keep what is said, unless something newer was said already."""
    session.execute(
        _insert(session)(table)
        .values(**key, **values, **{said_at: moments.said_at}, expires_at=moments.expires_at)
        .on_conflict_do_nothing(index_elements=list(key))
    )
    row = session.scalars(
        select(table).filter_by(**key).with_for_update().execution_options(populate_existing=True)
    ).one()
    if getattr(row, said_at) > moments.said_at:
        return False
    for name, value in {
        **values,
        said_at: moments.said_at,
        "expires_at": moments.expires_at,
    }.items():
        setattr(row, name, value)
    return True


def _insert(session: Session) -> Any:
    # Only the dialects' own INSERT knows ON CONFLICT DO NOTHING
    return postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
