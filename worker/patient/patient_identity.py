"""Reads who the patient of an instance is, and decides whether two studies are of the same one.

PS3.3 C.7.1.1 (Patient's Name, Patient ID, Issuer of Patient ID, Issuer of Patient ID Qualifiers
Sequence, Patient's Birth Date, Patient's Sex). They are read from received instances when they are
needed; name and birth date are never kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset

from dicom_node.library_faults import PYDICOM_FAULTS
from radiology.errors import PatientUnreadable
from worker.patient.stated_element import stated_items, stated_text

KEYWORDS = (
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "IssuerOfPatientIDQualifiersSequence",
    "PatientBirthDate",
    "PatientSex",
    "PatientAge",
    "AccessionNumber",
)
# Two of these may not be taken for one another. A letter that could not be read stands for any.
_IDENTIFIERS = ("PatientID", "IssuerOfPatientID", "UniversalEntityID", "AccessionNumber")
_UNREADABLE_LETTER = "\ufffd"
# What is typed where nobody knows who it is, or where an export took the patient ID away.
_NOBODY = re.compile(
    r"0*|[X?\-. ]*|UNKNOWN|UNKNOWN PATIENT|NONE|NULL|N/?A|ANON(YM(OUS|IZED|ISED)?)?|TEST|PATIENT",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class PatientIdentity:
    """What a header says of who the patient is; empty where it does not say.

    `accession_number` says which order it belongs to. It is no part of who the patient is.
    """

    patient_id: str = field(default="", repr=False)
    issuer: str = field(default="", repr=False)
    universal_issuer: str = field(default="", repr=False)
    birth_date: str = field(default="", repr=False)
    sex: str = field(default="", repr=False)
    name: str = field(default="", repr=False)
    age: str = field(default="", repr=False)
    accession_number: str = field(default="", repr=False)


def patient_identity(dataset: Dataset) -> PatientIdentity:
    """Who a data set is about.

    Raises
    ------
    PatientUnreadable
        An element that says so cannot be read as what PS3.6 says that it is, or an identifier has
        letters that its character set does not have: those of two patients then look alike.
    """
    qualifiers = stated_items(dataset, "IssuerOfPatientIDQualifiersSequence")
    return PatientIdentity(
        patient_id=_text(dataset, "PatientID"),
        issuer=_text(dataset, "IssuerOfPatientID"),
        universal_issuer=_text(qualifiers[0], "UniversalEntityID") if qualifiers else "",
        birth_date=_text(dataset, "PatientBirthDate"),
        sex=_text(dataset, "PatientSex").upper(),
        name=_text(dataset, "PatientName"),
        age=_text(dataset, "PatientAge"),
        accession_number=_text(dataset, "AccessionNumber"),
    )


def read_patient_identity(path: Path) -> PatientIdentity | None:
    """Who a received instance is about; None when it is gone or cannot be read."""
    try:
        return patient_identity(
            dcmread(path, stop_before_pixels=True, specific_tags=list(KEYWORDS))
        )
    except (*PYDICOM_FAULTS, PatientUnreadable):
        return None


def is_nobody(patient_id: str) -> bool:
    """Whether a Patient ID does not tell who it is."""
    return _NOBODY.fullmatch(patient_id) is not None


def contradiction(first: PatientIdentity, second: PatientIdentity) -> str:
    """Why two studies cannot be taken for those of one patient; empty when they can.

    The patient ID must be there, must mean somebody, and must be the same. What both state
    besides must be the same too. The name is not looked at: between studies it proves nothing, in
    either direction. No value is repeated in the answer.
    """
    if is_nobody(first.patient_id) or is_nobody(second.patient_id):
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


def _text(dataset: Dataset, keyword: str) -> str:
    try:
        said = stated_text(dataset, keyword)
    except PYDICOM_FAULTS:
        raise PatientUnreadable(attribute=keyword) from None
    if keyword in _IDENTIFIERS and _UNREADABLE_LETTER in said:
        raise PatientUnreadable(attribute=keyword)
    return said
