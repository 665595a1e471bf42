"""The clinical values of the patient beside the images, and the origin of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from radiology.answer.statement import PlainValue

HEADERS: Final = "headers"
"""Through what a value came that the headers of the study state."""


@dataclass(frozen=True, slots=True)
class KnownValue:
    """One value of the patient that a reading was made with.

    Attributes
    ----------
    name : its field, such as "age_years"
    through : "page", "HL7", `HEADERS`; empty for a value that was given without saying
    by : a reader's name, or a system's; empty where it is not known
    at : when it was given; None where it is not known
    """

    name: str
    value: PlainValue
    through: str = ""
    by: str = ""
    at: datetime | None = None

    @property
    def stated(self) -> bool:
        """Whether the headers state it, and nobody gave it."""
        return self.through == HEADERS
