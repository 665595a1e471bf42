"""How old a patient was, from what headers say."""

from __future__ import annotations

import pytest

from worker.series.patient_age import patient_age_years


@pytest.mark.parametrize(
    ("age", "birth_date", "study_date", "years"),
    [
        ("045Y", "", "", 45.0),
        ("018M", "", "", 1.5),
        ("010D", "", "", 10 / 365.25),
        ("006W", "", "", 42 / 365.25),
        ("045Y", "20100101", "20200101", 45.0),  # as stated; the dates may have been shifted
        ("", "20100101", "20200101", 10.0),
        ("45", "20100101", "20200101", 10.0),
        ("", "20200101", "20100101", None),
        ("", "2010", "20200101", None),
        ("", "20101340", "20200101", None),
        ("", "", "20200101", None),
        ("", "", "", None),
    ],
)
def test_age_comes_from_the_age_and_else_from_the_dates(
    age: str, birth_date: str, study_date: str, years: float | None
) -> None:
    found = patient_age_years(age, birth_date, study_date)
    assert found == (None if years is None else pytest.approx(years, abs=0.01))


@pytest.mark.parametrize(
    ("birth_date", "study_date", "completed"),
    [
        ("19560314", "20210314", 65),
        ("19570314", "20220314", 65),
        ("19570314", "20220313", 64),
        ("20040229", "20220228", 17),
        ("20040229", "20220301", 18),
    ],
)
def test_a_year_is_completed_on_the_birthday_and_not_before(
    birth_date: str, study_date: str, completed: int
) -> None:
    """The severity rules and the gate for adults ask for completed years."""
    found = patient_age_years("", birth_date, study_date)
    assert found is not None
    assert int(found) == completed
