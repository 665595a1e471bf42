"""The sex of a patient, as images and scores give it."""

from __future__ import annotations

from enum import StrEnum


class Sex(StrEnum):
    """Sex at birth, as the 4C Mortality Score asks for it."""

    FEMALE = "female"
    MALE = "male"
