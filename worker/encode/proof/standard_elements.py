"""The elements of the Patient and Study modules, with their VRs and keywords: PS3.6 Section 6.

PS3.3 C.7.1.1, C.7.1.3, C.7.2.1, C.7.2.2 and C.7.2.3. Written down here a second time on purpose:
what the objects are made by, and what they are proved by, have no list and no dictionary in common.
"""

from __future__ import annotations

from typing import Final

SPECIFIC_CHARACTER_SET: Final = 0x00080005
SOP_INSTANCE_UID: Final = 0x00080018
ACCESSION_NUMBER: Final = 0x00080050
SERIES_INSTANCE_UID: Final = 0x0020000E
MEDIA_STORAGE_SOP_INSTANCE_UID: Final = 0x00020003
PATIENT_IDENTITY_REMOVED: Final = 0x00120062
DEIDENTIFICATION_METHOD: Final = 0x00120063
DEIDENTIFICATION_METHOD_CODES: Final = 0x00120064

PATIENT_AND_STUDY: Final = {
    0x00080020: ("DA", "StudyDate"),
    0x00080030: ("TM", "StudyTime"),
    0x00080050: ("SH", "AccessionNumber"),
    0x00080051: ("SQ", "IssuerOfAccessionNumberSequence"),
    0x00080090: ("PN", "ReferringPhysicianName"),
    0x00080096: ("SQ", "ReferringPhysicianIdentificationSequence"),
    0x0008009C: ("PN", "ConsultingPhysicianName"),
    0x00081030: ("LO", "StudyDescription"),
    0x00081032: ("SQ", "ProcedureCodeSequence"),
    0x00081048: ("PN", "PhysiciansOfRecord"),
    0x00081060: ("PN", "NameOfPhysiciansReadingStudy"),
    0x00081080: ("LO", "AdmittingDiagnosesDescription"),
    0x00081084: ("SQ", "AdmittingDiagnosesCodeSequence"),
    0x00081110: ("SQ", "ReferencedStudySequence"),
    0x00081120: ("SQ", "ReferencedPatientSequence"),
    0x00100010: ("PN", "PatientName"),
    0x00100020: ("LO", "PatientID"),
    0x00100021: ("LO", "IssuerOfPatientID"),
    0x00100022: ("CS", "TypeOfPatientID"),
    0x00100024: ("SQ", "IssuerOfPatientIDQualifiersSequence"),
    0x00100026: ("SQ", "SourcePatientGroupIdentificationSequence"),
    0x00100030: ("DA", "PatientBirthDate"),
    0x00100032: ("TM", "PatientBirthTime"),
    0x00100040: ("CS", "PatientSex"),
    0x00100200: ("CS", "QualityControlSubject"),
    0x00101001: ("PN", "OtherPatientNames"),
    0x00101002: ("SQ", "OtherPatientIDsSequence"),
    0x00101010: ("AS", "PatientAge"),
    0x00101020: ("DS", "PatientSize"),
    0x00101022: ("DS", "PatientBodyMassIndex"),
    0x00101030: ("DS", "PatientWeight"),
    0x00102000: ("LO", "MedicalAlerts"),
    0x00102110: ("LO", "Allergies"),
    0x00102160: ("SH", "EthnicGroup"),
    0x00102180: ("SH", "Occupation"),
    0x001021A0: ("CS", "SmokingStatus"),
    0x001021B0: ("LT", "AdditionalPatientHistory"),
    0x001021C0: ("US", "PregnancyStatus"),
    0x001021D0: ("DA", "LastMenstrualDate"),
    0x00102203: ("CS", "PatientSexNeutered"),
    0x00102297: ("PN", "ResponsiblePerson"),
    0x00102298: ("CS", "ResponsiblePersonRole"),
    0x00102299: ("LO", "ResponsibleOrganization"),
    0x00104000: ("LT", "PatientComments"),
    0x00120010: ("LO", "ClinicalTrialSponsorName"),
    0x00120020: ("LO", "ClinicalTrialProtocolID"),
    0x00120021: ("LO", "ClinicalTrialProtocolName"),
    0x00120030: ("LO", "ClinicalTrialSiteID"),
    0x00120031: ("LO", "ClinicalTrialSiteName"),
    0x00120040: ("LO", "ClinicalTrialSubjectID"),
    0x00120042: ("LO", "ClinicalTrialSubjectReadingID"),
    0x00120050: ("LO", "ClinicalTrialTimePointID"),
    0x00120051: ("ST", "ClinicalTrialTimePointDescription"),
    0x00120062: ("CS", "PatientIdentityRemoved"),
    0x00120063: ("LO", "DeidentificationMethod"),
    0x00120064: ("SQ", "DeidentificationMethodCodeSequence"),
    0x0020000D: ("UI", "StudyInstanceUID"),
    0x00200010: ("SH", "StudyID"),
    0x00321033: ("LO", "RequestingService"),
    0x00380010: ("LO", "AdmissionID"),
    0x00380014: ("SQ", "IssuerOfAdmissionIDSequence"),
    0x00380060: ("LO", "ServiceEpisodeID"),
    0x00380062: ("LO", "ServiceEpisodeDescription"),
    0x00380064: ("SQ", "IssuerOfServiceEpisodeIDSequence"),
    0x00380500: ("LO", "PatientState"),
    0x00401012: ("SQ", "ReasonForPerformedProcedureCodeSequence"),
}
LAST: Final = max(PATIENT_AND_STUDY)

# What archives file an object by: no object is sent without one that its source has.
FILED_BY: Final = (
    *(0x00080020, 0x00080030, 0x00080050, 0x00080051, 0x00080090),  # of study and order
    *(0x00100010, 0x00100020, 0x00100021, 0x00100024, 0x00100030, 0x00100040),  # of the patient
    *(0x0020000D, 0x00200010),
)
IDENTIFIERS: Final = (0x00080050, 0x00100020, 0x00100021)
# What all instances of a series must have in common.
OF_ONE_PATIENT: Final = (0x00100020, 0x00100021, 0x00100030, 0x00100040, 0x0020000D)
