"""Information about a patient beside the images: clinical values, and an earlier measurement."""

from radiology.clinical.context import ClinicalContext, ClinicalSource
from radiology.clinical.measurement import LesionMeasurement
from radiology.clinical.values import ClinicalValues, Ventilation

__all__ = [
    "ClinicalContext",
    "ClinicalSource",
    "ClinicalValues",
    "LesionMeasurement",
    "Ventilation",
]
