"""Notices as the queue of flags hands them to a channel, whichever channel it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from chest import chest_codes
from models.older_readings import reading_if_readable
from radiology import codes
from radiology.algorithm import AlgorithmIdentity
from radiology.answer.measurement import Measurement
from radiology.answer.reading import Reading, ReportWords, Suspicion
from radiology.answer.statement import Statement
from radiology.answer.stored_reading import to_facts
from radiology.outcome import Outcome
from radiology.urgency import Urgency
from worker.flag.channel import Notice, NoticeKind, NoticeObject

RAISED_AT = datetime(2026, 11, 21, 8, 2, tzinfo=UTC)

STORED: dict[str, Any] = {
    **to_facts(
        Reading(
            Outcome.FINDINGS,
            AlgorithmIdentity("chest-ct-pneumonia", "2.0.0", "ab" * 32),
            ReportWords("chest CT", chest_codes.CT_CHEST, "pneumonia"),
            suspicion=Suspicion(0.97, 0.35),
            summary=(
                Measurement(chest_codes.LESION_SHARE, 27.44, codes.PERCENT, decimals=1),
                Measurement(chest_codes.LESION_VOLUME, 1204.6, codes.MILLILITRE, decimals=1),
                Statement(chest_codes.PNEUMONIA_TYPE, chest_codes.VIRAL_SUSPECTED),
                Statement(codes.CONFIDENCE, codes.HIGH),
                Measurement(chest_codes.MOSMED_GRADE, 2, codes.NO_UNIT),
                Measurement(chest_codes.CT_SEVERITY_SCORE, 14, codes.NO_UNIT),
            ),
        )
    ),
    "quoted": "PatientName Doe^Jane",  # what no channel may repeat
}


def notice(kind: NoticeKind = NoticeKind.RAISED, **changes: Any) -> Notice:
    """A notice about one urgent study, with some of it changed."""
    whole = Notice(
        flag_uid="2.25.71",
        notice_uid="2.25.72",
        kind=kind,
        study_instance_uid="2.25.1",
        patient_id="P001",
        issuer_of_patient_id="HOSPITAL",
        patient_sex="F",
        accession_number="A-0001",
        outcome=Outcome.FINDINGS,
        urgency=Urgency.URGENT,
        rule="suspected, and lesions in 25 % or more of the worse lung",
        suspicion=0.97,
        reading=reading_if_readable(STORED),
        objects=(
            NoticeObject("1.2.840.10008.5.1.4.1.1.88.34", "2.25.80", "2.25.81"),
            NoticeObject("1.2.840.10008.5.1.4.1.1.66.4", "2.25.90", "2.25.91"),
        ),
        raised_at=RAISED_AT,
        last_instance_at=RAISED_AT - timedelta(seconds=40),
        study_url="https://ct-ai.hospital/studies/2.25.1",
        acknowledge_url="https://ct-ai.hospital/flags/2.25.71/acknowledge/secret-token",
    )
    return replace(whole, **changes)
