"""Which headers of one study are of one patient, and whom they name together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from radiology.errors import SeveralPatients
from worker.patient.one_patient import one_patient, patient_of_series
from worker.patient.patient_identity import PatientIdentity

WHO = PatientIdentity(
    patient_id="4711",
    issuer="HOSPITAL A",
    universal_issuer="1.2.3",
    birth_date="19610203",
    sex="F",
    name="Doe^Jane",
    age="064Y",
    accession_number="A-1",
)


@pytest.mark.parametrize(
    "other",
    [
        WHO,
        PatientIdentity(),
        replace(WHO, name="Müller^Anna"),
        replace(WHO, sex="O"),
        replace(WHO, sex="W"),
        replace(WHO, birth_date="1961.02.03"),
        replace(WHO, accession_number="A-2"),
        replace(WHO, age="065Y"),
        PatientIdentity(patient_id="4711"),
    ],
)
def test_what_does_not_contradict_is_one_patient(other: PatientIdentity) -> None:
    """In any order; what one leaves out the other says."""
    assert one_patient([WHO, other]) == WHO
    assert one_patient([other, WHO]).patient_id == "4711"


@pytest.mark.parametrize(
    ("other", "attribute"),
    [
        (replace(WHO, patient_id="4712"), "Patient ID"),
        (replace(WHO, patient_id="04711"), "Patient ID"),
        (replace(WHO, patient_id="ANON"), "Patient ID"),
        (replace(WHO, issuer="HOSPITAL B"), "Issuer of Patient ID"),
        (replace(WHO, universal_issuer="1.2.4"), "Issuer of Patient ID Qualifiers"),
        (replace(WHO, birth_date="19610302"), "Patient's Birth Date"),
        (replace(WHO, sex="M"), "Patient's Sex"),
    ],
)
def test_what_contradicts_is_refused(other: PatientIdentity, attribute: str) -> None:
    """With the attribute and the Patient IDs, each with its images; no name and no date."""
    with pytest.raises(SeveralPatients) as caught:
        one_patient([WHO, WHO, other])
    assert caught.value.facts["attribute"] == attribute
    named = str(caught.value.facts["patients"])
    assert "4711: 2 images" in named
    assert f"{other.patient_id}: 1 image" in named
    for value in ("Doe", "1961", "HOSPITAL"):
        assert value not in str(caught.value)


@pytest.mark.parametrize("nobody", ["", "0", "ANON", "unknown"])
def test_the_name_tells_where_no_patient_id_does(nobody: str) -> None:
    """Only there: order, case and a missing part make no other person."""
    jane = PatientIdentity(patient_id=nobody, name="Doe^Jane")
    for same in ("DOE^JANE^^", "Jane Doe", "Doe^Jane^Mary", "Doe^Jane=山田^太郎", ""):
        assert one_patient([jane, replace(jane, name=same)]).name == "Doe^Jane"
    with pytest.raises(SeveralPatients, match="attribute=Patient's Name") as caught:
        one_patient([jane, replace(jane, name="Roe^Jane")])
    assert "Roe" not in str(caught.value)


def test_control_characters_and_long_identifiers_are_not_repeated() -> None:
    """The reason stands on the page and in the log."""
    odd = PatientIdentity(patient_id="A\n" + "B" * 100)
    with pytest.raises(SeveralPatients) as caught:
        one_patient([WHO, odd])
    assert "\n" not in str(caught.value)
    assert "B" * 65 not in str(caught.value)


def test_the_order_is_that_of_the_series() -> None:
    """Where it names none, that of the study."""
    series = [replace(WHO, accession_number="A-2")]
    assert patient_of_series(WHO, series).accession_number == "A-2"
    assert patient_of_series(WHO, [replace(WHO, accession_number="")]) == WHO


def test_a_series_of_nobody_is_refused_where_others_name_somebody() -> None:
    """One image without Patient ID is enough: objects take theirs from one of them."""
    with pytest.raises(SeveralPatients, match="send it again with its Patient ID"):
        patient_of_series(WHO, [WHO, replace(WHO, patient_id="")])
    nobody = replace(WHO, patient_id="")
    assert patient_of_series(nobody, [nobody]) == nobody
