"""Published severity rules as tables, each with its source, its inputs and what is missing.

Start at `assess_severity`. What each rule is and where it comes from stands, for a physician, in
docs/severity.md. Nothing here is computed from a value that was not given.
"""

from radiology.chest.severity.assess import NOTICE, Severity, assess_severity
from radiology.chest.severity.clinical import ClinicalValues, Ventilation
from radiology.chest.severity.context import ClinicalContext, ClinicalSource
from radiology.chest.severity.ct_scores import ct_severity_score, mosmed_grade
from radiology.chest.severity.guideline import GuidelineClass, guideline_class
from radiology.chest.severity.imaging import ImagingFindings, LesionMeasurement, Pneumonia
from radiology.chest.severity.point_scores import curb_65, four_c_mortality, qcsi
from radiology.chest.severity.progress import lesion_progress
from radiology.chest.severity.score import Input, Score
from radiology.chest.severity.titles import title_of, value_words

__all__ = [
    "NOTICE",
    "ClinicalContext",
    "ClinicalSource",
    "ClinicalValues",
    "GuidelineClass",
    "ImagingFindings",
    "Input",
    "LesionMeasurement",
    "Pneumonia",
    "Score",
    "Severity",
    "Ventilation",
    "assess_severity",
    "ct_severity_score",
    "curb_65",
    "four_c_mortality",
    "guideline_class",
    "lesion_progress",
    "mosmed_grade",
    "qcsi",
    "title_of",
    "value_words",
]
