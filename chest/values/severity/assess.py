"""Assesses a study by all severity rules: the only function that the rest of the program calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chest.values.severity.ct_scores import ct_severity_score, mosmed_grade
from chest.values.severity.guideline import guideline_class
from chest.values.severity.imaging import ImagingFindings
from chest.values.severity.point_scores import curb_65, four_c_mortality, qcsi
from chest.values.severity.progress import lesion_progress
from chest.values.severity.score import Score
from radiology.clinical import ClinicalValues

NOTICE = (
    "Published rules, computed from the values shown. An aid for a physician, for research use; "
    "no diagnosis and no advice on treatment."
)


@dataclass(frozen=True, slots=True)
class Severity:
    """The answers of all rules, computed or not; a rule that lacks inputs says which."""

    mosmed: Score
    ct_severity: Score
    progress: Score
    guideline: Score
    four_c: Score
    curb_65: Score
    qcsi: Score

    @property
    def scores(self) -> tuple[Score, ...]:
        """From the images first, then from the clinical values."""
        return (
            self.mosmed,
            self.ct_severity,
            self.progress,
            self.guideline,
            self.four_c,
            self.curb_65,
            self.qcsi,
        )

    def facts(self) -> dict[str, Any]:
        """Everything as plain values for the result row and JSON."""
        return {"notice": NOTICE, "scores": [score.facts() for score in self.scores]}


def assess_severity(imaging: ImagingFindings, clinical: ClinicalValues | None) -> Severity:
    """Apply every rule to what is known.

    Parameters
    ----------
    clinical : None when no clinical value is known, which is not an error
    """
    values = clinical if clinical is not None else ClinicalValues()
    return Severity(
        mosmed=mosmed_grade(imaging),
        ct_severity=ct_severity_score(imaging),
        progress=lesion_progress(imaging),
        guideline=guideline_class(imaging, values),
        four_c=four_c_mortality(values),
        curb_65=curb_65(values),
        qcsi=qcsi(values),
    )
