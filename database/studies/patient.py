"""Whose study it is: one patient in its row, or nobody.

Whatever leaves Firstread about a study names the patient of its row: messages, work items, the
page, the audit. The row takes the patient from the first instance, is compared with every other
one as it arrives, and is settled from the headers of all of them when a job begins. While they
name several patients the row names none. docs/decisions/0040-one-patient-in-a-study.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from database.events import record_event
from database.flags.content import named_by
from database.flags.raised import take_back_misnamed
from database.listed.headings import forget_name
from database.states import DeliveryPurpose, DeliveryState, StudyState
from database.studies.patient_issuers import issuer_said, name_issuer
from database.studies.priorities import most_urgent
from database.studies.received_values import THROUGH, give_values_to, take_back_values
from database.studies.said_before import expected_priority
from database.tables.study.analysis import Delivery, Instance, Result, Study
from database.work_items.kept import keep_work_item
from radiology.clinical.age_band import age_band
from radiology.errors import PatientCorrected, SeveralPatients

_SEXES: Final = ("F", "M")  # PS3.3 C.7.1.1: O is neither or not known
_MOST_LETTERS: Final = 200


@dataclass(frozen=True, slots=True)
class StatedPatient:
    """What instances say of the patient and the order; "" where they do not say."""

    patient_id: str
    issuer_of_patient_id: str
    accession_number: str
    patient_sex: str
    patient_age: str


def note_stated_patient(
    session: Session, study: Study, stated: StatedPatient, now: datetime
) -> None:
    """Compare what one more instance says with a locked study's row.

    What the row lacks it takes. If the two are of different patients, the row names none until
    all headers have been read.
    """
    if study.several_patients or _contradict(study, stated):
        withhold_patient(session, study, stated.patient_id)
        return
    before = study.patient_id, study.accession_number
    study.patient_id = study.patient_id or stated.patient_id
    study.issuer_of_patient_id = study.issuer_of_patient_id or stated.issuer_of_patient_id
    study.accession_number = study.accession_number or stated.accession_number
    study.patient_sex = study.patient_sex or stated.patient_sex
    if (study.patient_id, study.accession_number) != before:
        apply_what_was_said(session, study, now)


def withhold_patient(session: Session, study: Study, *patient_ids: str) -> None:
    """Let a locked study's row name nobody, and remember whom its instances name."""
    named = [one for one in study.several_patients.split(", ") if one]
    for one in (study.patient_id, *patient_ids):
        if (one or "no Patient ID") not in named and (one or not study.several_patients):
            named.append(one or "no Patient ID")
    study.several_patients = ", ".join(named)[:_MOST_LETTERS]
    study.patient_id = study.issuer_of_patient_id = study.accession_number = ""
    study.patient_sex = study.patient_age = ""
    study.age_band = age_band("")
    forget_name(session, study.id)


def withhold_patient_of(session: Session, study_id: int) -> None:
    """Let a study's row name nobody: its headers contradict each other, or cannot be read."""
    study = _locked(session, study_id)
    if not study.several_patients:
        withhold_patient(session, study)


def settle_patient(
    session: Session, study_id: int, version: int, stated: StatedPatient, now: datetime
) -> None:
    """Enter the patient that all headers of a study agree in.

    Parameters
    ----------
    version : that was read; where more has arrived since, its own job settles it
    """
    study = _locked(session, study_id)
    if study.state is StudyState.RECEIVED or study.version != version:
        return
    was_withheld, before = bool(study.several_patients), study.patient_id
    order_before = study.accession_number
    study.several_patients = ""
    study.patient_id = stated.patient_id
    if stated.issuer_of_patient_id or was_withheld or before != stated.patient_id:
        study.issuer_of_patient_id = stated.issuer_of_patient_id
    study.accession_number = stated.accession_number
    study.patient_sex, study.patient_age = stated.patient_sex, stated.patient_age
    study.age_band = age_band(stated.patient_age)
    study.heading_due_at = now
    session.flush()
    if (before, order_before) != (study.patient_id, study.accession_number):
        if before != study.patient_id:
            take_back_values(session, study, now)
        apply_what_was_said(session, study, now)
    if was_withheld:
        record_event(session, "patient_settled", now, study_id=study.id, version=version)
        keep_work_item(session, study.id, now, new_images=True)


def note_correction(session: Session, study: Study, stated: StatedPatient, now: datetime) -> None:
    """A copy with another patient or order took the place of an instance of a locked study.

    What was made of the old copies is not sent any more, and who was told of the study is told to
    forget it, in the name that they were told.
    """
    before = named_by(study)
    study.heading_due_at = now
    note_stated_patient(session, study, stated, now)
    if stated.accession_number and not study.several_patients:
        study.accession_number = stated.accession_number
    if named_by(study) != before:
        take_back_misnamed(session, study.id, before, now)
    session.execute(
        update(Delivery)
        .where(
            Delivery.result_id.in_(select(Result.id).where(Result.study_id == study.id)),
            Delivery.purpose == DeliveryPurpose.RESULT,
            Delivery.state == DeliveryState.WAITING,
            Delivery.lease_until.is_(None),
        )
        .values(state=DeliveryState.WITHDRAWN, finished_at=now)
    )
    if study.state is not StudyState.RECEIVED:
        record_event(session, "correction_received", now, study_id=study.id)


def require_patient(
    session: Session, study_id: int, version: int, patient_id: str | None = None
) -> None:
    """Refuse to go on with a study that was corrected meanwhile, or that names several patients.

    Belongs into the transaction after which something leaves in the patient's name.

    Parameters
    ----------
    version : that was read
    patient_id : whom the results name; None where there are none yet

    Raises
    ------
    PatientCorrected
        Its instances are not those that were read.
    SeveralPatients
        It has instances of several patients by now.
    """
    study = _locked(session, study_id)
    corrected = session.scalar(
        select(exists().where(Instance.study_id == study_id, Instance.corrected))
    )
    if corrected or version < study.corrected_version:
        raise PatientCorrected(version=version)
    if patient_id is not None:
        check_named(study, patient_id)


def check_named(study: Study, patient_id: str) -> None:
    """Refuse what names another patient than the study's row.

    Raises
    ------
    SeveralPatients, PatientCorrected
        The study is of several patients, or of somebody else.
    """
    if study.several_patients:
        raise SeveralPatients(patients=study.several_patients)
    if patient_id and study.patient_id and as_kept(patient_id) != study.patient_id:
        raise PatientCorrected(study_instance_uid=study.study_instance_uid)


def as_kept(text: str, length: int = 64) -> str:
    """A text as the row has it: printable, and no longer than its column."""
    return "".join(letter for letter in text if letter.isprintable()).strip()[:length]


def apply_what_was_said(session: Session, study: Study, now: datetime) -> None:
    """Give a locked study what HL7 messages have said of its patient and its order before."""
    raise_as_ordered(session, study, now)
    if study.patient_id:
        name_issuer(session, study, issuer_said(session, study, now), now)
        give_values_to(session, study, now)


def raise_as_ordered(session: Session, study: Study, now: datetime) -> None:
    """An order, or the patient's visit, may have said more of it than its sender does."""
    expected = expected_priority(
        session,
        accession_number=study.accession_number,
        patient_id=study.patient_id,
        now=now,
    )
    before = study.priority
    if expected is not None and most_urgent(before, expected) is not before:
        study.priority = expected
        record_event(
            session,
            "priority_raised",
            now,
            study_id=study.id,
            priority=expected.value,
            before=before.value,
            through=THROUGH,
        )


def _contradict(study: Study, stated: StatedPatient) -> bool:
    """Whether an instance cannot be of the row's patient, by what arrives in the first place.

    The issuer of the row may be one that HL7 named: the headers tell, when they are read.
    """
    ids = {study.patient_id, stated.patient_id} - {""}
    sexes = {study.patient_sex, stated.patient_sex} & set(_SEXES)
    return len(ids) > 1 or len(sexes) > 1


def _locked(session: Session, study_id: int) -> Study:
    # Not against references: who holds a flag and adds an event of its study must not wait for us
    return session.scalars(
        select(Study)
        .where(Study.id == study_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
