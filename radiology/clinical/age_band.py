"""Age bands of patients, from what the images state."""

from __future__ import annotations

import re
from enum import StrEnum

_AGE = re.compile(r"0*(\d{1,3})([DWMY])")  # PS3.5 Table 6.2-1, value representation AS


class AgeBand(StrEnum):
    """A patient's age in completed years; `UNKNOWN` where the images do not state it."""

    CHILD = "0-17"
    YOUNG = "18-39"
    MIDDLE = "40-64"
    OLD = "65+"
    UNKNOWN = ""


def age_band(patient_age: str) -> AgeBand:
    """The band of a Patient's Age (0010,1010)."""
    match = _AGE.fullmatch(patient_age.strip())
    if match is None:
        return AgeBand.UNKNOWN
    per_year = {"D": 365.25, "W": 52.18, "M": 12.0, "Y": 1.0}[match[2]]
    years = int(int(match[1]) / per_year)
    if years < 18:
        return AgeBand.CHILD
    if years < 40:
        return AgeBand.YOUNG
    return AgeBand.MIDDLE if years < 65 else AgeBand.OLD
