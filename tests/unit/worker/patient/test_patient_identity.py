"""Two headers are of one patient only when nothing speaks against it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from worker.patient.patient_identity import (
    PatientIdentity,
    contradiction,
    patient_identity,
    read_patient_identity,
)

WHO = PatientIdentity("4711", "HOSPITAL A", "1.2.3", "19610203", "F")


def test_the_same_patient() -> None:
    """Equal identities, and those that state less, do not contradict each other."""
    assert contradiction(WHO, WHO) == ""
    assert contradiction(WHO, PatientIdentity("4711")) == ""


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (replace(WHO, patient_id="4712"), "patient ID"),
        (replace(WHO, issuer="HOSPITAL B"), "issuer"),
        (replace(WHO, universal_issuer="1.2.4"), "issuer"),
        (replace(WHO, birth_date="19610302"), "birth date"),
        (replace(WHO, sex="M"), "sex"),
    ],
)
def test_what_contradicts_is_named_without_its_value(other: PatientIdentity, named: str) -> None:
    """The reason says which attribute, and repeats nothing of the patient."""
    for reason in (contradiction(WHO, other), contradiction(other, WHO)):
        assert named in reason
        assert not any(value in reason for value in ("4711", "4712", "1961", "HOSPITAL"))


@pytest.mark.parametrize("nobody", ["", "0", "0000", "UNKNOWN", "anonymous", "N/A", "XXXX", "???"])
def test_an_id_that_means_nobody_is_nobodys(nobody: str) -> None:
    """Exports and emergencies share such IDs between patients."""
    assert contradiction(PatientIdentity(nobody), PatientIdentity(nobody)) != ""


def test_identities_do_not_print_themselves() -> None:
    """A log or a trace that holds an identity holds none of its values."""
    assert repr(WHO) == "PatientIdentity()"


def test_the_name_proves_nothing_between_studies() -> None:
    """Namesakes are common, and one person has many spellings."""
    assert contradiction(WHO, replace(WHO, name="Doe^Jane")) == ""
    assert contradiction(replace(WHO, name="Roe^Jane"), replace(WHO, name="Doe^Jane")) == ""


def test_what_a_header_says() -> None:
    """Of the patient, and of the order."""
    dataset = Dataset()
    dataset.PatientName, dataset.PatientID, dataset.PatientSex = "Doe^Jane", "4711", "F"
    dataset.PatientAge, dataset.AccessionNumber = "064Y", "A-1"
    qualifiers = Dataset()
    qualifiers.UniversalEntityID = "1.2.3"
    dataset.IssuerOfPatientIDQualifiersSequence = [qualifiers]
    assert patient_identity(dataset) == PatientIdentity(
        "4711",
        universal_issuer="1.2.3",
        sex="F",
        name="Doe^Jane",
        age="064Y",
        accession_number="A-1",
    )


def test_what_cannot_be_read_identifies_nobody(tmp_path: Path) -> None:
    """A file that is gone or is no DICOM file is no proof."""
    assert read_patient_identity(tmp_path / "gone.dcm") is None
    (tmp_path / "text.dcm").write_text("not DICOM")
    assert read_patient_identity(tmp_path / "text.dcm") is None
