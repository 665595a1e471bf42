"""A notice as `worker.flag_study` makes one, for tests of the channels."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from radiology.finding import Outcome, Urgency
from worker.flag.channel import Notice, NoticeKind, NoticeObject

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
NOTICE = Notice(
    flag_uid="2.25.1",
    notice_uid="2.25.2",
    kind=NoticeKind.RAISED,
    study_instance_uid="2.25.3",
    patient_id="P-7",
    issuer_of_patient_id="",
    patient_sex="F",
    accession_number="A-9",
    outcome=Outcome.FINDINGS,
    urgency=Urgency.URGENT,
    rule="suspected, and lesions in 25 % or more of the worse lung",
    suspicion=0.93,
    reading={"quoted": "PatientName Doe^Jane"},
    objects=(NoticeObject("1.2.840.10008.5.1.4.1.1.88.34", "2.25.4", "2.25.5"),),
    raised_at=NOW,
    last_instance_at=NOW,
    study_url="https://ct-ai.hospital.example/studies/2.25.3",
    acknowledge_url="https://ct-ai.hospital.example/flags/2.25.1/acknowledge/secret-token",
)


def notice(**values: Any) -> Notice:
    """The same with other values."""
    return replace(NOTICE, **values)
