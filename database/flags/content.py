"""The content of a notice: flag, study, result and objects as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from database.flag_states import NoticeKind
from database.states import ObjectKind
from database.tables.readers.flag import FlagNotice
from database.tables.study.analysis import Result, Study
from radiology.errors import SeveralPatients
from radiology.outcome import Outcome
from radiology.urgency import Urgency


@dataclass(frozen=True, slots=True)
class NoticeContent:
    """Everything that a notice may say.

    Attributes
    ----------
    urgency, rule : of the result that the notice speaks of
    bundle, bundle_version : that gave this result
    objects : SOP class, SOP instance and series instance UID of each
    """

    flag_uid: str
    token: str
    notice_uid: str
    kind: NoticeKind
    study_instance_uid: str
    patient_id: str
    issuer_of_patient_id: str
    patient_sex: str
    accession_number: str
    outcome: Outcome
    urgency: Urgency
    rule: str
    suspicion: float | None
    reading: dict[str, Any]
    bundle: str
    bundle_version: str
    objects: tuple[tuple[str, str, str], ...]
    raised_at: datetime
    last_instance_at: datetime


def named_by(study: Study) -> dict[str, str]:
    """Whom a notice names: the fields of `NoticeContent` that say whose study it is."""
    return {
        "patient_id": study.patient_id,
        "issuer_of_patient_id": study.issuer_of_patient_id,
        "patient_sex": study.patient_sex,
        "accession_number": study.accession_number,
    }


def notice_content(session: Session, notice_id: int) -> NoticeContent:
    """Read what a notice says.

    Raises
    ------
    SeveralPatients
        The study has instances of several patients by now: nothing is told of any of them.
    """
    notice = session.get_one(FlagNotice, notice_id)
    flag = notice.flag
    result, study = session.get_one(Result, notice.result_id), session.get_one(Study, flag.study_id)
    if study.several_patients and notice.named is None:
        raise SeveralPatients(patients=study.several_patients)
    return NoticeContent(
        flag_uid=flag.flag_uid,
        token=flag.token,
        notice_uid=notice.notice_uid,
        kind=notice.kind,
        study_instance_uid=study.study_instance_uid,
        **(notice.named or named_by(study)),
        outcome=result.outcome,
        urgency=result.urgency or flag.urgency,
        rule=result.urgency_rule,
        suspicion=result.suspicion,
        reading=result.reading,
        bundle=result.bundle,
        bundle_version=result.job.bundle_version,
        objects=tuple(
            (stored.sop_class_uid, stored.sop_instance_uid, stored.series_instance_uid)
            for stored in sorted(result.objects, key=lambda one: one.id)
            if stored.kind is not ObjectKind.REJECTION
        ),
        raised_at=flag.raised_at,
        last_instance_at=study.last_instance_at,
    )
