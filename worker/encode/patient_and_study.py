"""The elements of the Patient and Study modules, copied from an instance (PS3.3 C.7.1 and C.7.2).

Each is copied by the VR that PS3.6 has for it, also where it came under another one: an archive
files an object without Patient ID under nobody.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydicom import DataElement, Dataset

from radiology.errors import PatientUnreadable
from worker.patient.stated_element import stated_element
from worker.series.frame_headers import HEADER_ERRORS, items, text


def patient_and_study(header: Dataset) -> tuple[DataElement, ...]:
    """The elements of the Patient and Study modules that an instance has, as they are.

    Raises
    ------
    PatientUnreadable
        One by which an archive files an object cannot be read.
    """
    return (*elements(header, _PATIENT_AND_STUDY), *_method_not_stated(header))


def elements(header: Dataset, keywords: Sequence[str]) -> tuple[DataElement, ...]:
    """The elements that are there, each by the VR that PS3.6 has for it.

    What cannot be read so is left out where the result is worth more than it.

    Raises
    ------
    PatientUnreadable
        It is one by which an archive files the object.
    """
    found = []
    for keyword in keywords:
        try:
            element = stated_element(header, keyword)
        except HEADER_ERRORS:
            if keyword in _FILED_BY:
                raise PatientUnreadable(attribute=keyword) from None
            continue
        if element is not None:
            found.append(element)
    return tuple(found)


def _method_not_stated(header: Dataset) -> list[DataElement]:
    """What PS3.3 C.7.1.1 asks of a de-identified study, if the source leaves it out (type 1C)."""
    stated = text(header, "DeidentificationMethod") or items(
        header, "DeidentificationMethodCodeSequence"
    )
    if text(header, "PatientIdentityRemoved") != "YES" or stated:
        return []
    return [DataElement("DeidentificationMethod", "LO", "Not stated by the source")]


# What says whose an object is: without one of them it is filed under nobody, or somebody else.
_FILED_BY = frozenset(
    (
        "SpecificCharacterSet",
        "PatientName",
        "PatientID",
        "IssuerOfPatientID",
        "IssuerOfPatientIDQualifiersSequence",
        "PatientBirthDate",
        "PatientSex",
        "StudyInstanceUID",
        "StudyDate",
        "StudyTime",
        "AccessionNumber",
        "IssuerOfAccessionNumberSequence",
        "ReferringPhysicianName",
        "StudyID",
    )
)

# PS3.3 C.7.1.1 (Patient), C.7.1.3 (Clinical Trial Subject), C.7.2.1 (General Study),
# C.7.2.2 (Patient Study), C.7.2.3 (Clinical Trial Study)
_PATIENT_AND_STUDY = (
    "SpecificCharacterSet",  # PS3.3 C.12.1: without it the names could not be read
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "TypeOfPatientID",
    "IssuerOfPatientIDQualifiersSequence",
    "SourcePatientGroupIdentificationSequence",
    "PatientBirthDate",
    "PatientBirthTime",
    "PatientSex",
    "QualityControlSubject",
    "ReferencedPatientSequence",
    "OtherPatientIDsSequence",
    "OtherPatientNames",
    "EthnicGroup",
    "PatientComments",
    "ResponsiblePerson",
    "ResponsiblePersonRole",
    "ResponsibleOrganization",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "DeidentificationMethodCodeSequence",
    "ClinicalTrialSponsorName",
    "ClinicalTrialProtocolID",
    "ClinicalTrialProtocolName",
    "ClinicalTrialSiteID",
    "ClinicalTrialSiteName",
    "ClinicalTrialSubjectID",
    "ClinicalTrialSubjectReadingID",
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "IssuerOfAccessionNumberSequence",
    "ReferringPhysicianName",
    "ReferringPhysicianIdentificationSequence",
    "ConsultingPhysicianName",
    "StudyID",
    "StudyDescription",
    "PhysiciansOfRecord",
    "NameOfPhysiciansReadingStudy",
    "RequestingService",
    "ReferencedStudySequence",
    "ProcedureCodeSequence",
    "ReasonForPerformedProcedureCodeSequence",
    "AdmittingDiagnosesDescription",
    "AdmittingDiagnosesCodeSequence",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "PatientBodyMassIndex",
    "MedicalAlerts",
    "Allergies",
    "SmokingStatus",
    "PregnancyStatus",
    "LastMenstrualDate",
    "Occupation",
    "AdditionalPatientHistory",
    "AdmissionID",
    "IssuerOfAdmissionIDSequence",
    "ServiceEpisodeID",
    "IssuerOfServiceEpisodeIDSequence",
    "ServiceEpisodeDescription",
    "PatientState",
    "PatientSexNeutered",
    "ClinicalTrialTimePointID",
    "ClinicalTrialTimePointDescription",
)
