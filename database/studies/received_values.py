"""Finds the received clinical values that belong to a study, and records them for it."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from database.events import record_event
from database.studies.clinical_values import clinical_values, record_clinical_values
from database.tables.study.analysis import Study
from database.tables.study.hl7 import ReceivedValue
from radiology.clinical import ClinicalValues
from radiology.clinical.values import WHOLE
from radiology.errors import ClinicalValuesRefused

_NAMES: Final = tuple(field.name for field in fields(ClinicalValues))

THROUGH = "HL7"


def values_near(session: Session, patient_id: str, moment: datetime) -> ClinicalValues:
    """Of each kind the value that was observed nearest to a moment for which it is valid.

    Values that contradict each other (a diastolic pressure above the systolic one) are left out
    together: one of them is wrong, and we cannot know which.
    """
    rows = session.scalars(
        select(ReceivedValue).where(
            ReceivedValue.patient_id == patient_id,
            ReceivedValue.name.in_(_NAMES),  # one of another version's keeps no image out
            ReceivedValue.valid_from <= moment,
            ReceivedValue.valid_until >= moment,
        )
    )
    nearest: dict[str, ReceivedValue] = {}
    for row in sorted(rows, key=lambda one: (abs(one.observed_at - moment), -one.id)):
        nearest.setdefault(row.name, row)
    facts: dict[str, object] = {
        name: int(row.value) if name in WHOLE else row.value for name, row in nearest.items()
    }
    try:
        return ClinicalValues.from_facts(facts)
    except ClinicalValuesRefused as refused:
        doubtful = set(refused.problems) | {"systolic_mmhg", "diastolic_mmhg"}
        return ClinicalValues.from_facts(
            {name: value for name, value in facts.items() if name not in doubtful}
        )


def give_values(session: Session, patient_id: str, now: datetime) -> None:
    """Record a patient's values for the studies whose images arrived at the same time."""
    valid = select(ReceivedValue).where(ReceivedValue.patient_id == patient_id)
    rows = session.scalars(valid).all()
    if not rows:
        return
    first = min(row.valid_from for row in rows)
    last = max(row.valid_until for row in rows)
    near = select(Study).where(
        Study.patient_id == patient_id,
        Study.asked_for.is_(False),
        Study.received_at >= first,
        Study.received_at <= last,
    )
    for study in session.scalars(near.order_by(Study.id)):
        give_values_to(session, study, now)


def give_values_to(session: Session, study: Study, now: datetime) -> None:
    """Give a study the values that its patient had when its images came."""
    values = values_near(session, study.patient_id, study.received_at)
    if values.facts():
        hand_over(session, study.id, values, now)


def take_back_values(session: Session, study: Study, now: datetime) -> None:
    """Take back what was received for a study: it turned out to be of another patient."""
    sources = clinical_values(session, study.id).sources
    received = [name for name, source in sources.items() if source.through == THROUGH]
    if received:
        record_clinical_values(session, study.id, dict.fromkeys(received), THROUGH, THROUGH, now)


def hand_over(session: Session, study_id: int, values: ClinicalValues, now: datetime) -> None:
    """Enter what was received into the severity form of a study.

    What a person entered there stands. What contradicts it is not entered, and an event says so.
    """
    entered = clinical_values(session, study_id).sources
    given = {
        name: value
        for name, value in values.facts().items()
        if name not in entered or entered[name].through == THROUGH
    }
    if not given:
        return
    try:
        changed = record_clinical_values(session, study_id, given, THROUGH, THROUGH, now)
    except ClinicalValuesRefused as error:
        record_event(
            session,
            "clinical_values_refused",
            now,
            study_id=study_id,
            fields=", ".join(sorted(error.problems)),
            through=THROUGH,
        )
        return
    if changed:
        record_event(
            session,
            "clinical_values_received",
            now,
            study_id=study_id,
            fields=len(given),
            through=THROUGH,
        )
