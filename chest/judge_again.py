"""Severity of a stored reading with the clinical values that are in force now.

The rules are pure: what they saw in the images stands in the reading, so nothing is read again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from chest.answer.statements import severity_statements
from chest.answer.stored_table import lungs_in, territories_in
from chest.gates import Acquisition
from chest.judge_severity import judge_severity
from chest.values.figures import LungFigures, Side
from chest.values.severity import ImagingFindings, Pneumonia, Severity, assess_severity
from chest.values.territory import Territory, TerritoryFigures
from radiology.answer.plain_values import from_plain
from radiology.answer.statement import Statement
from radiology.answer.stored_reading import UNVERSIONED, version_of
from radiology.answer.table import Table
from radiology.clinical import ClinicalContext, ClinicalValues, LesionMeasurement
from radiology.outcome import Outcome
from radiology.sex import Sex

_SIDES = (Side.RIGHT, Side.LEFT, Side.TOTAL)


def judge_again(reading: Mapping[str, Any] | None, values: ClinicalValues) -> Severity:
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
    """
    known = reading or {}
    stated = stated_in(known)
    figures, territories = _measured(known)
    if known.get("outcome") == Outcome.NOT_ASSESSABLE or any(one not in figures for one in _SIDES):
        return assess_severity(ImagingFindings(Pneumonia.UNDETERMINED), values.or_else(stated))
    acquired_at = _moment(known.get("acquired_at"))
    return judge_severity(
        figures,
        territories,
        Acquisition(
            patient_age_years=stated.age_years, patient_sex=stated.sex, acquired_at=acquired_at
        ),
        suspected=known.get("outcome") == Outcome.FINDINGS,
        context=ClinicalContext(values=values, prior=_prior(known, acquired_at)),
    )


def statements_again(
    reading: Mapping[str, Any] | None, values: ClinicalValues
) -> tuple[Statement, ...]:
    """The same, as the statements of any reading.

    Raises
    ------
    ClinicalValuesRefused
        As for `judge_again`.
    """
    return tuple(severity_statements(judge_again(reading, values)))


def given_in(reading: Mapping[str, Any]) -> Mapping[str, Any]:
    """The clinical values that a stored reading was made with; older ones were made with none."""
    given = (reading.get("context") or {}).get("given") or {}
    return given if isinstance(given, Mapping) else {}


def stated_in(reading: Mapping[str, Any]) -> ClinicalValues:
    """Age and sex as the headers stated them when the study was read.

    They stand beside what was given. An older reading was made with nothing but them, and has
    them among the inputs of its rules.
    """
    stated = (reading.get("context") or {}).get("headers")
    if isinstance(stated, Mapping):
        return ClinicalValues.from_facts(stated)
    inputs = {
        one.get("name"): one.get("value")
        for score in (reading.get("severity") or {}).get("scores") or ()
        for one in score.get("inputs") or ()
        if one.get("value") is not None
    }
    age, sex = inputs.get("age_years"), inputs.get("sex")
    return ClinicalValues(
        age_years=float(age) if isinstance(age, int | float) else None,
        sex=next((one for one in Sex if one == sex), None),
    )


def _measured(
    reading: Mapping[str, Any],
) -> tuple[Mapping[Side, LungFigures], tuple[TerritoryFigures, ...]]:
    if version_of(reading) == UNVERSIONED:
        return dict(_figures(reading)), tuple(_territories(reading))
    table = from_plain(Table, reading.get("table") or {})
    return lungs_in(table), territories_in(table)


def _figures(reading: Mapping[str, Any]) -> Iterator[tuple[Side, LungFigures]]:
    for side, one in (reading.get("figures") or {}).items():
        yield (
            Side(side),
            LungFigures(
                side=Side(side),
                lung_volume_ml=float(one["lung_volume_ml"]),
                lesion_volume_ml=float(one["lesion_volume_ml"]),
                ground_glass_ml=float(one["ground_glass_ml"]),
                consolidation_ml=float(one["consolidation_ml"]),
                lesion_mean_hu=one.get("lesion_mean_hu"),
                slices_involved=int(one["slices_involved"]),
            ),
        )


def _territories(reading: Mapping[str, Any]) -> Iterator[TerritoryFigures]:
    for one in reading.get("territories") or ():
        yield TerritoryFigures(
            territory=Territory(one["territory"]),
            volume_ml=float(one["volume_ml"]),
            lesion_volume_ml=float(one["lesion_volume_ml"]),
            ground_glass_ml=float(one["ground_glass_ml"]),
            consolidation_ml=float(one["consolidation_ml"]),
            lesion_mean_hu=one.get("lesion_mean_hu"),
        )


def _prior(reading: Mapping[str, Any], now: datetime | None) -> LesionMeasurement | None:
    """The latest earlier study of the course, if its time can be compared with this one's."""
    earlier = _earlier(reading)
    then = _moment(earlier.get("acquired_at"))
    if then is None or now is None or (then.tzinfo is None) != (now.tzinfo is None):
        return None
    return LesionMeasurement(
        then, float(earlier["lesion_volume_ml"]), float(earlier["lesion_share_percent"])
    )


def _earlier(reading: Mapping[str, Any]) -> Mapping[str, Any]:
    if version_of(reading) == UNVERSIONED:
        points: Sequence[Mapping[str, Any]] = (reading.get("course") or {}).get("points") or ()
        return points[-2] if len(points) > 1 else {}
    return (reading.get("context") or {}).get("earlier") or {}


def _moment(stored: object) -> datetime | None:
    try:
        return datetime.fromisoformat(stored) if isinstance(stored, str) else None
    except ValueError:
        return None
