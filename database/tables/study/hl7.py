"""Statements of HL7 messages about patients and studies, kept for a while until the study is there.

Identifiers, codes and figures only: no name, no address, no birth date. Each row carries the moment
from which it is forgotten, because most patients that a hospital sends messages about never get a
chest CT.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from database.tables.base import Base
from settings.peers import RequestPriority


class ReceivedMessage(Base):
    """A message that was accepted. By it a repetition is known, and answered without any effect."""

    __tablename__ = "received_message"
    __table_args__ = (UniqueConstraint("sender", "control_id", "sha256"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    sender: Mapped[str] = mapped_column(String(200))  # MSH-3 and MSH-4
    control_id: Mapped[str] = mapped_column(String(200))  # MSH-10
    sha256: Mapped[str] = mapped_column(String(64))  # of the message as it came
    kind: Mapped[str] = mapped_column(String(20))  # MSH-9, for example "ORM^O01"
    received_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class ImagingOrder(Base):
    """The newest that was said of an order: how soon, and for which kind of patient.

    `priority` is that of the order and of the patient's class together; None when neither says
    anything.
    """

    __tablename__ = "imaging_order"

    id: Mapped[int] = mapped_column(primary_key=True)
    accession_number: Mapped[str] = mapped_column(String(64), unique=True)
    patient_id: Mapped[str] = mapped_column(String(64), default="")
    issuer_of_patient_id: Mapped[str] = mapped_column(String(64), default="", server_default="")
    priority: Mapped[RequestPriority | None]
    patient_class: Mapped[str] = mapped_column(String(8), default="")  # Table 0004
    cancelled: Mapped[bool] = mapped_column(default=False)
    said_at: Mapped[datetime]  # MSH-7; what was said earlier does not replace it
    expires_at: Mapped[datetime] = mapped_column(index=True)


class PatientVisit(Base):
    """Where a patient is at the moment, and as what."""

    __tablename__ = "patient_visit"

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[str] = mapped_column(String(64), unique=True)
    issuer_of_patient_id: Mapped[str] = mapped_column(String(64), default="", server_default="")
    patient_class: Mapped[str] = mapped_column(String(8), default="")  # Table 0004
    location: Mapped[str] = mapped_column(String(64), default="")  # point of care, PL.1
    priority: Mapped[RequestPriority | None]
    said_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class ReceivedValue(Base):
    """One vital sign or laboratory value, by its name in `ClinicalValues` and in its unit.

    It belongs to images that came between `valid_from` and `valid_until`.
    """

    __tablename__ = "received_value"
    __table_args__ = (UniqueConstraint("patient_id", "name", "observed_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(64))
    value: Mapped[float]
    observed_at: Mapped[datetime]
    valid_from: Mapped[datetime]
    valid_until: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class StudyReport(Base):
    """A radiologist's report was sent for a study: somebody has seen it."""

    __tablename__ = "study_report"

    id: Mapped[int] = mapped_column(primary_key=True)
    accession_number: Mapped[str] = mapped_column(String(64), unique=True)
    patient_id: Mapped[str] = mapped_column(String(64), default="")
    reported_by: Mapped[str] = mapped_column(String(64), default="")  # an identifier, no name
    status: Mapped[str] = mapped_column(String(8))  # OBR-25, Table 0123
    reported_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
