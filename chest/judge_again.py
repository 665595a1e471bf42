"""Judges the severity of a stored reading again, with the clinical values in force now.

The rules are pure: what they saw in the images stands in the reading, so nothing is read again.
"""

from __future__ import annotations

from datetime import datetime

from chest import chest_codes
from chest.answer.known import stated_in
from chest.answer.statements import severity_statements
from chest.answer.stored_table import lungs_in, territories_in
from chest.gates import Acquisition
from chest.judge_severity import judge_severity
from chest.values.figures import Side
from chest.values.severity import ImagingFindings, Pneumonia, Severity, assess_severity
from radiology.answer.reading import Reading, TimePoint
from radiology.answer.statement import Statement
from radiology.clinical import ClinicalContext, ClinicalValues, LesionMeasurement
from radiology.codes import Code
from radiology.outcome import Outcome


def judge_again(reading: Reading | None, values: ClinicalValues) -> Severity:
    """Apply every rule to a stored reading and to what was entered.

    Age and sex of the headers count where nobody entered them, as they did at the first time.

    Parameters
    ----------
    reading : as it was stored, by any version; None where there is no reading
    values : what was entered

    Returns
    -------
    Where there is no reading that can be relied upon, the rules that need no images are
    computed, and the others say what is missing.

    Raises
    ------
    ClinicalValuesRefused
        A value contradicts what the headers state.
    ValueError, TypeError
        The reading is not that of a chest.
    """
    if reading is None:
        return _without_images(values)
    stated, figures = stated_in(reading), lungs_in(reading.table)
    if reading.outcome is Outcome.NOT_ASSESSABLE or any(one not in figures for one in Side):
        return _without_images(values.or_else(stated))
    return judge_severity(
        figures,
        territories_in(reading.table),
        Acquisition(
            patient_age_years=stated.age_years,
            patient_sex=stated.sex,
            acquired_at=reading.acquired_at,
        ),
        suspected=reading.has_findings,
        context=ClinicalContext(values=values, prior=_prior(reading)),
    )


def statements_again(reading: Reading | None, values: ClinicalValues) -> tuple[Statement, ...]:
    """The same, as the statements of any reading.

    Raises
    ------
    ClinicalValuesRefused, ValueError, TypeError
        As for `judge_again`.
    """
    return tuple(severity_statements(judge_again(reading, values)))


def _without_images(values: ClinicalValues) -> Severity:
    return assess_severity(ImagingFindings(Pneumonia.UNDETERMINED), values)


def _prior(reading: Reading) -> LesionMeasurement | None:
    """The latest earlier study of the course, if its time can be compared with this one's."""
    if len(reading.course) < 2:
        return None
    earlier, now = reading.course[-2], reading.acquired_at
    then = earlier.acquired_at
    if then is None or now is None or not _comparable(then, now):
        return None
    return LesionMeasurement(
        then,
        _measured(earlier, chest_codes.LESION_VOLUME),
        _measured(earlier, chest_codes.LESION_SHARE),
    )


def _comparable(then: datetime, now: datetime) -> bool:
    return (then.tzinfo is None) == (now.tzinfo is None)


def _measured(point: TimePoint, concept: Code) -> float | None:
    return next((one.value for one in point.measurements if one.concept == concept), None)
