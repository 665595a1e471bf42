"""The coded concepts of any reading: a name for each triplet. A chest's: `chest.chest_codes`.

PS3.16 lists the concepts of DICOM (coding scheme DCM) and the context groups (CID) that others,
SNOMED CT (SCT) above all, are taken from. Each line below says where its triplet stands. Concepts
that no edition of PS3.16 has are in our private scheme. Its designator begins with 99 (PS3.16
Section 8.2), and every object that uses it identifies it in its Coding Scheme Identification
Sequence (PS3.3 C.12.1).

Retired SRT codes (G-C0E3 and their like) are not written any more: PS3.16 replaced them by SCT.
"""

from __future__ import annotations

from dataclasses import dataclass

PRIVATE_SCHEME = "99FIRSTREAD"
PRIVATE_SCHEME_NAME = "Firstread chest CT triage concepts"
PRIVATE_SCHEME_VERSION = "1"
PRIVATE_SCHEME_ORGANISATION = "Firstread"


@dataclass(frozen=True, slots=True)
class Code:
    """A coded concept (PS3.3 Section 8.8, Code Sequence Macro).

    Viewers print `meaning` as it is, so it is short English.
    """

    value: str
    scheme: str
    meaning: str


# --- The report ---------------------------------------------------------------------------------
IMAGING_MEASUREMENT_REPORT = Code("126000", "DCM", "Imaging Measurement Report")  # CID 7021
DIAGNOSTIC_IMAGING_STUDY = Code("18748-4", "LN", "Diagnostic imaging study")  # LOINC
ENGLISH = Code("en", "RFC5646", "English")  # PS3.16 CID 5000
QUALITATIVE_EVALUATIONS = Code("C0034375", "UMLS", "Qualitative Evaluations")  # TID 1500 row 12
COMMENT = Code("121106", "DCM", "Comment")  # PS3.16 Annex D
ARTIFICIAL_INTELLIGENCE = Code("123110", "DCM", "Artificial Intelligence")  # CID 7162

# --- Messages (HL7 v2) --------------------------------------------------------------------------
DICOM_STUDY = Code("113014", "DCM", "DICOM Study")  # PS3.16 Annex D; IHE RAD-128
PROCEDURE_FINDINGS = Code("59776-5", "LN", "Procedure Findings")  # LOINC; IHE RAD-128
# How actionable a finding is: categories of the ACR Actionable Reporting Work Group (Larson et al.
# 2014, J Am Coll Radiol 11:552), RadLex codes as in IHE Results Distribution.
ACTIONABLE_URGENT = Code("RID49481", "RADLEX", "Cat 2 Urgent Actionable Finding")
ACTIONABLE = Code("RID49482", "RADLEX", "Cat 3 Non-critical Actionable Finding")

# --- Equipment and references -------------------------------------------------------------------
DEVICE = Code("121007", "DCM", "Device")  # CID 270, observer type
ACQUISITION_EQUIPMENT = Code("109101", "DCM", "Acquisition Equipment")  # CID 7005
PROCESSING_EQUIPMENT = Code("109102", "DCM", "Processing Equipment")  # CID 7005
SOURCE_IMAGE = Code("121322", "DCM", "Source image for image processing operation")  # CID 7202

# --- Why a result is rejected (IHE IOCM; titles of Key Object Selection documents) --------------
REJECTED_FOR_QUALITY = Code("113001", "DCM", "Rejected for Quality Reasons")  # CID 7010
REJECTED_FOR_SAFETY = Code("113037", "DCM", "Rejected for Patient Safety Reasons")  # CID 7010
INCORRECT_WORKLIST_ENTRY = Code("113038", "DCM", "Incorrect Modality Worklist Entry")  # CID 7010
DATA_RETENTION_EXPIRED = Code("113039", "DCM", "Data Retention Policy Expired")  # CID 7010

# --- Anatomy ------------------------------------------------------------------------------------
RIGHT = Code("24028007", "SCT", "Right")  # CID 244
LEFT = Code("7771000", "SCT", "Left")  # CID 244
BILATERAL = Code("51440002", "SCT", "Bilateral")  # CID 244
ANATOMICAL_STRUCTURE = Code("91723000", "SCT", "Anatomical Structure")  # CID 7150
ABNORMAL_STRUCTURE = Code("49755003", "SCT", "Morphologically Abnormal Structure")  # CID 7150

# --- Findings -----------------------------------------------------------------------------------
PRESENT = Code("52101004", "SCT", "Present")  # CID 240
ABSENT = Code("272519000", "SCT", "Absent")  # CID 240
UNDETERMINED = Code("373068000", "SCT", "Undetermined")  # CID 240

# --- The answer of the triage -------------------------------------------------------------------
PROBABILITY = Code("122157", "DCM", "Probability")  # PS3.16 Annex D
THRESHOLD_VALUE = Code("122411", "DCM", "Threshold Value")  # PS3.16 Annex D
PROCESSING_SUMMARY = Code("111017", "DCM", "CAD Processing and Findings Summary")  # TID 4001
SUCCEEDED_WITHOUT_FINDINGS = Code(  # CID 6047
    "111241", "DCM", "All algorithms succeeded; without findings"
)
SUCCEEDED_WITH_FINDINGS = Code(  # CID 6047
    "111242", "DCM", "All algorithms succeeded; with findings"
)
FAILED = Code("111245", "DCM", "No algorithms succeeded; without findings")  # CID 6047
QUALITY_ASSESSMENT = Code("111050", "DCM", "Quality Assessment")  # PS3.16 Annex D
QUALITY_FINDING = Code("111052", "DCM", "Quality Finding")  # PS3.16 Annex D
USABLE_WITH_RESERVATION = Code(  # CID 6044
    "111236", "DCM", "Usable - Does not meet the quality control standard"
)
PRIORITY = Code("260870009", "SCT", "Priority")  # TID 3100 and others
URGENT = Code("103391001", "SCT", "Urgent Procedure")  # CID 3414
SUSPECTED = Code("415684004", "SCT", "Suspected")  # CID 3770
ROUTINE = Code("373113001", "SCT", "Routine procedure")  # CID 3671
HIGH = Code("75540009", "SCT", "High")  # CID 75
MODERATE = Code("6736007", "SCT", "Moderate")  # CID 3716
LOW = Code("62482003", "SCT", "Low")  # CID 75

# --- Measurements -------------------------------------------------------------------------------
VOLUME = Code("118565006", "SCT", "Volume")  # CID 7469
MEAN_ATTENUATION = Code("112181", "DCM", "Mean Attenuation Coefficient")  # CID 6141

# --- Units (UCUM) -------------------------------------------------------------------------------
PERCENT = Code("%", "UCUM", "Percent")  # CID 83
MILLILITRE = Code("ml", "UCUM", "milliliter")  # UCUM: m (milli) and l (litre)
HOUNSFIELD_UNIT = Code("[hnsf'U]", "UCUM", "Hounsfield unit")  # CID 83
NO_UNIT = Code("1", "UCUM", "no units")  # CID 7181
DAY = Code("d", "UCUM", "day")  # UCUM
SLICES = Code("{slices}", "UCUM", "slices")  # UCUM annotation: a count of what it names
CHECKS = Code("{checks}", "UCUM", "checks")  # UCUM annotation

# --- Ours: no standard concept found ------------------------------------------------------------
NOT_ASSESSABLE = Code("NOT_ASSESSABLE", PRIVATE_SCHEME, "Not assessable")
FAILED_CHECKS = Code("FAILED_CHECKS", PRIVATE_SCHEME, "NOT ASSESSABLE - failed checks")
SLICES_INVOLVED = Code("SLICES_INVOLVED", PRIVATE_SCHEME, "Slices involved")
QUALITY_WARNINGS = Code("QUALITY_WARNINGS", PRIVATE_SCHEME, "Quality warnings")
# How firmly an answer stands; (111012, DCM, "Certainty of Finding") is how likely it is true.
CONFIDENCE = Code("CONFIDENCE", PRIVATE_SCHEME, "Confidence in the answer")
SEVERITY = Code("SEVERITY", PRIVATE_SCHEME, "Severity by published rules")
COMPARED_WITH = Code("COMPARED_WITH", PRIVATE_SCHEME, "Compared with")
STUDY_PAGE = Code("STUDY_PAGE", PRIVATE_SCHEME, "Page of the study")
# CID 280 (extensible) has baseline and enrolment; the CT before the last one is neither.
EARLIER_CT = Code("EARLIER_CT", PRIVATE_SCHEME, "Earlier CT that is compared with")
