"""Notices about flags, as the queue of flags hands them to a channel."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from radiology.finding import Outcome, Urgency
from worker.flag.channel import Notice, NoticeKind, NoticeObject

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)

_NOTICE = Notice(
    flag_uid="2.25.77",
    notice_uid="2.25.771",
    kind=NoticeKind.RAISED,
    study_instance_uid="2.25.1",
    patient_id="P1",
    issuer_of_patient_id="",
    patient_sex="F",
    accession_number="A1",
    outcome=Outcome.FINDINGS,
    urgency=Urgency.URGENT,
    rule="suspected",
    suspicion=0.9,
    reading={},
    objects=(
        NoticeObject("1.2.840.10008.5.1.4.1.1.88.34", "2.25.900", "2.25.901"),
        NoticeObject("1.2.840.10008.5.1.4.1.1.66.4", "2.25.910", "2.25.911"),
    ),
    raised_at=NOON,
    last_instance_at=NOON,
    study_url="http://127.0.0.1:8470/studies/2.25.1",
)


def notice(kind: NoticeKind = NoticeKind.RAISED, **changes: object) -> Notice:
    """A notice about the same urgent study, with what differs."""
    return replace(_NOTICE, kind=kind, **changes)  # type: ignore[arg-type]
