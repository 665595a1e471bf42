"""The issuer of a study's patient ID, from HL7 (CX.4) where the images do not name one.

PS3.3 Section C.7.1.1 (Issuer of Patient ID), HL7 v2.5.1 Section 2.A.14 (CX). What images say is
never replaced.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from database.events import record_event
from database.studies.received_values import THROUGH
from database.tables.study.analysis import Study
from database.tables.study.hl7 import ImagingOrder, PatientVisit


def issuer_said(session: Session, study: Study, now: datetime) -> str:
    """Who issued the patient ID, as the study's order said, else the patient's visit; "" if none.

    Parameters
    ----------
    study : with a patient ID
    """
    ordered = None
    if study.accession_number:
        ordered = session.scalar(
            select(ImagingOrder.issuer_of_patient_id).where(
                ImagingOrder.accession_number == study.accession_number,
                ImagingOrder.patient_id == study.patient_id,
                ImagingOrder.expires_at > now,
            )
        )
    visited = session.scalar(
        select(PatientVisit.issuer_of_patient_id).where(
            PatientVisit.patient_id == study.patient_id, PatientVisit.expires_at > now
        )
    )
    return ordered or visited or ""


def name_issuer(session: Session, study: Study, issuer: str, now: datetime) -> None:
    """Note who issued a locked study's patient ID, unless its images have said so."""
    if not issuer or not study.patient_id or study.issuer_of_patient_id:
        return
    study.issuer_of_patient_id = issuer
    record_event(session, "issuer_named", now, study_id=study.id, issuer=issuer, through=THROUGH)
