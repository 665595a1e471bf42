"""Decides whether two studies are of the same patient, by more than the patient ID.

PS3.3 C.7.1.1 (Patient ID, Issuer of Patient ID, Issuer of Patient ID Qualifiers Sequence, Patient's
Birth Date, Patient's Sex). They are read from received instances when they are needed, and never
kept. The name is not looked at: it proves nothing, in either direction.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset

from worker.series.frame_headers import HEADER_ERRORS, text

_KEYWORDS = (
    "PatientID",
    "IssuerOfPatientID",
    "IssuerOfPatientIDQualifiersSequence",
    "PatientBirthDate",
    "PatientSex",
)
# What is typed where nobody knows who it is, or where an export took the patient ID away.
_NOBODY = re.compile(
    r"0*|[X?\-. ]*|UNKNOWN|UNKNOWN PATIENT|NONE|NULL|N/?A|ANON(YM(OUS|IZED|ISED)?)?|TEST|PATIENT",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class PatientIdentity:
    """What a header says of who the patient is; empty where it does not say."""

    patient_id: str = field(repr=False)
    issuer: str = field(default="", repr=False)
    universal_issuer: str = field(default="", repr=False)
    birth_date: str = field(default="", repr=False)
    sex: str = field(default="", repr=False)


def patient_identity(dataset: Dataset) -> PatientIdentity:
    """Who a data set is about."""
    qualifiers = dataset.get("IssuerOfPatientIDQualifiersSequence") or []
    return PatientIdentity(
        patient_id=text(dataset, "PatientID"),
        issuer=text(dataset, "IssuerOfPatientID"),
        universal_issuer=text(qualifiers[0], "UniversalEntityID") if qualifiers else "",
        birth_date=text(dataset, "PatientBirthDate"),
        sex=text(dataset, "PatientSex").upper(),
    )


def read_patient_identity(path: Path) -> PatientIdentity | None:
    """Who a received instance is about; None when it is gone or cannot be read."""
    try:
        return patient_identity(
            dcmread(path, stop_before_pixels=True, specific_tags=list(_KEYWORDS))
        )
    except HEADER_ERRORS:
        return None


def contradiction(first: PatientIdentity, second: PatientIdentity) -> str:
    """Why two identities cannot be taken for the same patient; empty when they can.

    The patient ID must be there, must mean somebody, and must be the same. What both state
    besides must be the same too. No value is repeated in the answer.
    """
    if _NOBODY.fullmatch(first.patient_id) or _NOBODY.fullmatch(second.patient_id):
        return "the patient ID does not tell who it is"
    compared = (
        ("patient ID", first.patient_id, second.patient_id),
        ("issuer of the patient ID", first.issuer, second.issuer),
        ("issuer of the patient ID", first.universal_issuer, second.universal_issuer),
        ("birth date", first.birth_date, second.birth_date),
        ("sex", first.sex, second.sex),
    )
    for name, value, other in compared:
        if value and other and value != other:
            return f"the {name} differs"
    return ""
