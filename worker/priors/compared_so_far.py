"""Finds when a study was acquired, and the earlier study of its comparison in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from database.priors.requests import StudyToCompare
from models.older_readings import reading_if_readable
from radiology.answer.reading import TimePoint


@dataclass(frozen=True, slots=True)
class ComparedSoFar:
    """What the result in force says of a study's time and of its comparison.

    Attributes
    ----------
    acquired_at : None where the headers do not say, or where no result is in force any more
    earlier : that it was compared with; None if with none
    """

    acquired_at: datetime | None = None
    earlier: TimePoint | None = None

    @property
    def earlier_at(self) -> datetime | None:
        """When that one was acquired; None where its headers do not say."""
        return None if self.earlier is None else self.earlier.acquired_at


def compared_so_far(study: StudyToCompare) -> ComparedSoFar:
    """What the stored reading says; nothing where there is none that can be read."""
    reading = None if study.reading is None else reading_if_readable(study.reading)
    if reading is None:
        return ComparedSoFar()
    comparison = reading.comparison
    return ComparedSoFar(reading.acquired_at, None if comparison is None else comparison.earlier)
