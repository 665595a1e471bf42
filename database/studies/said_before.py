"""Applies HL7 messages that arrived before the study or its flag existed.

Where a message and the study both name the patient and do not agree, nothing follows.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from database.flags.raised import acknowledge_flag
from database.studies.priorities import most_urgent
from database.studies.received_values import THROUGH
from database.tables.readers.flag import Flag
from database.tables.study.analysis import Study
from database.tables.study.hl7 import ImagingOrder, PatientVisit, StudyReport
from settings.peers import RequestPriority


def expected_priority(
    session: Session, *, accession_number: str, patient_id: str, now: datetime
) -> RequestPriority | None:
    """How soon a study that has just begun to arrive is wanted; None where nothing was said."""
    ordered: RequestPriority | None = None
    visiting: RequestPriority | None = None
    if accession_number:
        order = session.scalar(
            select(ImagingOrder).where(
                ImagingOrder.accession_number == accession_number,
                ImagingOrder.cancelled.is_(False),
                ImagingOrder.expires_at > now,
            )
        )
        # Where both name the patient and do not agree, one of the two is of somebody else.
        if order is not None and patient_id in ("", order.patient_id or patient_id):
            ordered = order.priority
    if patient_id:
        visit = session.scalar(
            select(PatientVisit).where(
                PatientVisit.patient_id == patient_id, PatientVisit.expires_at > now
            )
        )
        visiting = visit.priority if visit is not None else None
    return most_urgent(ordered, visiting)


def acknowledge_reported(session: Session, flag: Flag, now: datetime) -> bool:
    """Acknowledge a flag whose study was reported on before the flag was there.

    The report must have been made of all the images: one that is older than the last of them says
    nothing of those.

    Returns
    -------
    Whether it was acknowledged.
    """
    study = session.get_one(Study, flag.study_id)
    if not study.accession_number:
        return False
    report = session.scalar(
        select(StudyReport).where(
            StudyReport.accession_number == study.accession_number,
            StudyReport.reported_at > study.last_instance_at,
            StudyReport.expires_at > now,
        )
    )
    # Where both name the patient and do not agree, one of the two is of somebody else.
    if report is None or study.patient_id not in ("", report.patient_id or study.patient_id):
        return False
    return acknowledge_flag(session, flag.flag_uid, by=report.reported_by, through=THROUGH, now=now)
