"""Every coded concept that we emit: one name, one triplet.

PS3.16 lists the concepts of DICOM (coding scheme DCM) and the context groups (CID) that others,
SNOMED CT (SCT) above all, are taken from. Each line below says where its triplet stands. What no
edition of PS3.16 has a concept for is in our private scheme, whose designator begins with 99
(PS3.16 Section 8.2) and which every object that uses it identifies in its Coding Scheme
Identification Sequence (PS3.3 C.12.1).

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
CT_CHEST = Code("24627-2", "LN", "CT Chest")  # LOINC; PS3.16 CID 7000 has it as report title
ENGLISH = Code("en", "RFC5646", "English")  # PS3.16 CID 5000
QUALITATIVE_EVALUATIONS = Code("C0034375", "UMLS", "Qualitative Evaluations")  # TID 1500 row 12
COMMENT = Code("121106", "DCM", "Comment")  # PS3.16 Annex D
ARTIFICIAL_INTELLIGENCE = Code("123110", "DCM", "Artificial Intelligence")  # CID 7162

# --- Equipment and references -------------------------------------------------------------------
DEVICE = Code("121007", "DCM", "Device")  # CID 270, observer type
ACQUISITION_EQUIPMENT = Code("109101", "DCM", "Acquisition Equipment")  # CID 7005
PROCESSING_EQUIPMENT = Code("109102", "DCM", "Processing Equipment")  # CID 7005
SOURCE_IMAGE = Code("121322", "DCM", "Source image for image processing operation")  # CID 7202

# --- Why a result is rejected (IHE IOCM; titles of Key Object Selection documents) --------------
REJECTED_FOR_QUALITY = Code("113001", "DCM", "Rejected for Quality Reasons")  # CID 7011
REJECTED_FOR_SAFETY = Code("113037", "DCM", "Rejected for Patient Safety Reasons")  # CID 7011
INCORRECT_WORKLIST_ENTRY = Code("113038", "DCM", "Incorrect Modality Worklist Entry")  # CID 7011
DATA_RETENTION_EXPIRED = Code("113039", "DCM", "Data Retention Policy Expired")  # CID 7011

# --- Anatomy ------------------------------------------------------------------------------------
LUNG = Code("39607008", "SCT", "Lung")  # CID 4
RIGHT = Code("24028007", "SCT", "Right")  # CID 244
LEFT = Code("7771000", "SCT", "Left")  # CID 244
BILATERAL = Code("51440002", "SCT", "Bilateral")  # CID 244
ANATOMICAL_STRUCTURE = Code("91723000", "SCT", "Anatomical Structure")  # CID 7150
ABNORMAL_STRUCTURE = Code("49755003", "SCT", "Morphologically Abnormal Structure")  # CID 7150

# --- Findings -----------------------------------------------------------------------------------
ABNORMAL_OPACITY = Code("112033", "DCM", "Abnormal opacity")  # CID 6101
GROUND_GLASS_OPACITY = Code("112120", "DCM", "Ground glass opacity")  # CID 6102, CID 6104
# SNOMED CT international edition; PS3.16 has no concept for it (CID 6104 is extensible).
CONSOLIDATION = Code("95436008", "SCT", "Lung consolidation")

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
PRIORITY = Code("260870009", "SCT", "Priority")  # TID 3100 and others
URGENT = Code("103391001", "SCT", "Urgent Procedure")  # CID 3414
SUSPECTED = Code("415684004", "SCT", "Suspected")  # CID 3770
ROUTINE = Code("373113001", "SCT", "Routine procedure")  # CID 3671

# --- Measurements -------------------------------------------------------------------------------
VOLUME = Code("118565006", "SCT", "Volume")  # CID 7469
MEAN_ATTENUATION = Code("112181", "DCM", "Mean Attenuation Coefficient")  # CID 6141

# --- Units (UCUM) -------------------------------------------------------------------------------
PERCENT = Code("%", "UCUM", "Percent")  # CID 83
MILLILITRE = Code("ml", "UCUM", "milliliter")  # UCUM: m (milli) and l (litre)
HOUNSFIELD_UNIT = Code("[hnsf'U]", "UCUM", "Hounsfield unit")  # CID 83
SLICES = Code("{slices}", "UCUM", "slices")  # UCUM annotation: a count of what it names
CHECKS = Code("{checks}", "UCUM", "checks")  # UCUM annotation

# --- Ours: no standard concept found ------------------------------------------------------------
TRIAGE = Code("TRIAGE", PRIVATE_SCHEME, "AI triage of chest CT")
NOT_ASSESSABLE = Code("NOT_ASSESSABLE", PRIVATE_SCHEME, "Not assessable")
FAILED_CHECKS = Code("FAILED_CHECKS", PRIVATE_SCHEME, "NOT ASSESSABLE - failed checks")
LESION_SHARE = Code("LESION_SHARE", PRIVATE_SCHEME, "Lesion share of lung")
GROUND_GLASS_VOLUME = Code("GGO_VOLUME", PRIVATE_SCHEME, "Ground glass volume")
CONSOLIDATION_VOLUME = Code("CONSOL_VOLUME", PRIVATE_SCHEME, "Consolidation volume")
SLICES_INVOLVED = Code("SLICES_INVOLVED", PRIVATE_SCHEME, "Slices involved")
