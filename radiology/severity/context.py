"""What is known of a patient beside the study: clinical values, and an earlier measurement."""

from __future__ import annotations

from dataclasses import dataclass, field

from radiology.severity.clinical import ClinicalValues
from radiology.severity.imaging import LesionMeasurement


@dataclass(frozen=True, slots=True)
class ClinicalContext:
    """What a person or a system gave for one patient, for one study.

    Attributes
    ----------
    values : they count before what the headers of the study state
    prior : of an earlier study of the same patient; None where there is none to compare with
    """

    values: ClinicalValues = field(default_factory=ClinicalValues)
    prior: LesionMeasurement | None = None
