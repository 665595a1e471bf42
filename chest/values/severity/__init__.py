"""Published severity rules as tables, each with its source, its inputs and what is missing.

Start at `assess_severity`. What each rule is and where it comes from stands, for a physician, in
docs/severity.md. Nothing here is computed from a value that was not given.
"""

from chest.values.severity.assess import NOTICE, Severity, assess_severity
from chest.values.severity.ct_scores import ct_severity_score, mosmed_grade
from chest.values.severity.guideline import GuidelineClass, guideline_class
from chest.values.severity.imaging import ImagingFindings, Pneumonia
from chest.values.severity.point_scores import curb_65, four_c_mortality, qcsi
from chest.values.severity.progress import lesion_progress
from chest.values.severity.score import Input, Score
from chest.values.severity.titles import title_of, value_words

__all__ = [
    "NOTICE",
    "GuidelineClass",
    "ImagingFindings",
    "Input",
    "Pneumonia",
    "Score",
    "Severity",
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
