"""The patient's age at the study; the date of birth itself goes no further.

PS3.3 C.7.2.2 (Patient's Age), C.7.1.1 (Patient's Birth Date), C.7.2.1 (Study Date).
"""

from __future__ import annotations

import re
from datetime import date, datetime

_AGE = re.compile(r"(\d{3})([DWMY])")  # PS3.5 Table 6.2-1, value representation AS
_DAYS_PER_YEAR = 365.25
_UNIT_YEARS = {"D": 1 / _DAYS_PER_YEAR, "W": 7 / _DAYS_PER_YEAR, "M": 1 / 12, "Y": 1.0}


def patient_age_years(age: str, birth_date: str, study_date: str) -> float | None:
    """Age in years from an AS value, or else from two DA values; None when neither is valid."""
    stated = _AGE.fullmatch(age.strip())
    if stated is not None:
        return int(stated[1]) * _UNIT_YEARS[stated[2]]
    born, studied = _date(birth_date), _date(study_date)
    if born is None or studied is None or studied < born:
        return None
    before_birthday = (studied.month, studied.day) < (born.month, born.day)
    completed = float(studied.year - born.year - before_birthday)
    # On a birthday the days may fall short of the years by a part of a day.
    return max((studied - born).days / _DAYS_PER_YEAR, completed)


def _date(value: str) -> date | None:
    try:
        return datetime.strptime(value.strip(), "%Y%m%d").date()  # noqa: DTZ007 a date has no zone
    except ValueError:
        return None
