"""Every coded concept that we emit: a name for each triplet.

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
CT_CHEST = Code("24627-2", "LN", "CT Chest")  # LOINC; PS3.16 CID 7000 has it as report title
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
LUNG = Code("39607008", "SCT", "Lung")  # CID 4
RIGHT = Code("24028007", "SCT", "Right")  # CID 244
LEFT = Code("7771000", "SCT", "Left")  # CID 244
BILATERAL = Code("51440002", "SCT", "Bilateral")  # CID 244
LOBE_OF_LUNG = Code("31094006", "SCT", "Lobe of lung")  # CID 7151
UPPER_LOBE = Code("45653009", "SCT", "Upper lobe of lung")  # CID 6170
MIDDLE_LOBE = Code("72481006", "SCT", "Middle lobe of right lung")  # CID 6170
LOWER_LOBE = Code("90572001", "SCT", "Lower lobe of lung")  # CID 6170
UPPER_ZONE = Code("281392002", "SCT", "Upper zone of lung")  # CID 6171
MIDDLE_ZONE = Code("281393007", "SCT", "Middle zone of lung")  # CID 6171
LOWER_ZONE = Code("281394001", "SCT", "Lower zone of lung")  # CID 6171
ANATOMICAL_STRUCTURE = Code("91723000", "SCT", "Anatomical Structure")  # CID 7150
ABNORMAL_STRUCTURE = Code("49755003", "SCT", "Morphologically Abnormal Structure")  # CID 7150

# --- Findings -----------------------------------------------------------------------------------
ABNORMAL_OPACITY = Code("112033", "DCM", "Abnormal opacity")  # CID 6101
GROUND_GLASS_OPACITY = Code("112120", "DCM", "Ground glass opacity")  # CID 6102, CID 6104
# SNOMED CT international edition; PS3.16 has no concept for it (CID 6104 is extensible).
CONSOLIDATION = Code("95436008", "SCT", "Lung consolidation")
AIR_BRONCHOGRAM = Code("112071", "DCM", "Air bronchogram")  # CID 6102
# Its definition in PS3.16 Annex D is that of interlobular septal thickening.
SEPTAL_LINES = Code("112114", "DCM", "Septal line(s)")  # CID 6103
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
TRIAGE = Code("TRIAGE", PRIVATE_SCHEME, "AI triage of chest CT")
NOT_ASSESSABLE = Code("NOT_ASSESSABLE", PRIVATE_SCHEME, "Not assessable")
FAILED_CHECKS = Code("FAILED_CHECKS", PRIVATE_SCHEME, "NOT ASSESSABLE - failed checks")
LESION_SHARE = Code("LESION_SHARE", PRIVATE_SCHEME, "Lesion share of lung")
GROUND_GLASS_VOLUME = Code("GGO_VOLUME", PRIVATE_SCHEME, "Ground glass volume")
CONSOLIDATION_VOLUME = Code("CONSOL_VOLUME", PRIVATE_SCHEME, "Consolidation volume")
SLICES_INVOLVED = Code("SLICES_INVOLVED", PRIVATE_SCHEME, "Slices involved")
LESION_VOLUME = Code("LESION_VOLUME", PRIVATE_SCHEME, "Lesion volume")
LESION_ATTENUATION = Code("LESION_HU", PRIVATE_SCHEME, "Mean attenuation of lesions")
SHARE_OF_LOBE = Code("SHARE_OF_LOBE", PRIVATE_SCHEME, "Lesion share of lobe")
SHARE_OF_ZONE = Code("SHARE_OF_ZONE", PRIVATE_SCHEME, "Lesion share of zone")
ZONE_OF_LUNG = Code("ZONE_OF_LUNG", PRIVATE_SCHEME, "Zone of lung, a third of its height")
QUALITY_WARNINGS = Code("QUALITY_WARNINGS", PRIVATE_SCHEME, "Quality warnings")
# How firmly an answer stands; (111012, DCM, "Certainty of Finding") is how likely it is true.
CONFIDENCE = Code("CONFIDENCE", PRIVATE_SCHEME, "Confidence in the answer")
PNEUMONIA_TYPE = Code("PNEUMONIA_TYPE", PRIVATE_SCHEME, "Pneumonia type (hint, no diagnosis)")
VIRAL_PROBABILITY = Code("VIRAL_PROB", PRIVATE_SCHEME, "Viral pattern probability (hint)")
VIRAL_SUSPECTED = Code("VIRAL", PRIVATE_SCHEME, "Viral pattern suspected")
VIRAL_NOT_SUSPECTED = Code("NOT_VIRAL", PRIVATE_SCHEME, "Viral pattern not suspected")
SIGNS = Code("SIGNS", PRIVATE_SCHEME, "Signs of pneumonia")
CRAZY_PAVING = Code("CRAZY_PAVING", PRIVATE_SCHEME, "Crazy paving")
GROUND_GLASS_PROBABILITY = Code("GGO_PROB", PRIVATE_SCHEME, "Ground glass, probability")
CONSOLIDATION_PROBABILITY = Code("CONSOL_PROB", PRIVATE_SCHEME, "Consolidation, probability")
CRAZY_PAVING_PROBABILITY = Code("PAVING_PROB", PRIVATE_SCHEME, "Crazy paving, probability")
AIR_BRONCHOGRAM_PROBABILITY = Code("BRONCHO_PROB", PRIVATE_SCHEME, "Air bronchogram, probability")
SEPTAL_LINES_PROBABILITY = Code("SEPTAL_PROB", PRIVATE_SCHEME, "Septal lines, probability")
SEVERITY = Code("SEVERITY", PRIVATE_SCHEME, "Severity by published rules")
MOSMED_GRADE = Code("MOSMED_GRADE", PRIVATE_SCHEME, "MosMed CT grade (0 to 4)")
CT_SEVERITY_SCORE = Code("CT_SEVERITY", PRIVATE_SCHEME, "CT severity score (0 to 25)")
PRIOR_LESION_VOLUME = Code("PRIOR_LESION_ML", PRIVATE_SCHEME, "Lesion volume in the prior study")
LESION_VOLUME_CHANGE = Code("LESION_CHANGE", PRIVATE_SCHEME, "Change of lesion volume")
LESION_GROWTH = Code("LESION_GROWTH", PRIVATE_SCHEME, "Growth of lesions since the prior study")
COMPARED_WITH = Code("COMPARED_WITH", PRIVATE_SCHEME, "Compared with")
STUDY_PAGE = Code("STUDY_PAGE", PRIVATE_SCHEME, "Page of the study")
# CID 280 (extensible) has baseline and enrolment; the CT before the last one is neither.
EARLIER_CT = Code("EARLIER_CT", PRIVATE_SCHEME, "Earlier CT that is compared with")
