"""Mild, moderate, severe or critical by the national guideline of China, 7th edition."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from chest.values.severity.imaging import ImagingFindings, Pneumonia
from chest.values.severity.progress import SEVERE, lesion_progress
from chest.values.severity.score import Input, Score
from chest.values.severity.titles import listed, unit_of
from radiology.clinical import ClinicalValues, Ventilation
from radiology.clinical.values import ADULT_YEARS

NAME = "Guideline class"
SOURCE = (
    "National Health Commission of China, Diagnosis and Treatment Protocol for Novel Coronavirus "
    "Pneumonia, trial version 7 (3 March 2020), clinical classification of adults"
)

# Trial version 7, severe: any of these.
SEVERE_RESPIRATORY_RATE_PER_MIN = 30.0  # or more
SEVERE_SPO2_PERCENT = 93.0  # at rest, or less
SEVERE_PAO2_FIO2_MMHG = 300.0  # or less
# Above this altitude PaO2/FiO2 is multiplied by the barometric pressure over 760 mmHg.
HIGH_ALTITUDE_M = 1000.0
SEA_LEVEL_MMHG = 760.0

_NOTE = "Classes of confirmed COVID-19; whether it is confirmed is not known here."


class GuidelineClass(StrEnum):
    """The classes, in rising order."""

    MILD = "mild"
    MODERATE = "moderate"
    SEVERE = "severe"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for mild to 3 for critical."""
        return list(GuidelineClass).index(self)


@dataclass(frozen=True, slots=True)
class _Verdict:
    """The class, whether it is certain or only the lowest possible, and why."""

    grade: GuidelineClass | None
    certain: bool
    reason: str


def guideline_class(imaging: ImagingFindings, values: ClinicalValues) -> Score:
    """Classify by the guideline; a class is given only when no missing value could change it.

    "Critical" is certain as soon as one of its criteria is met. "Severe" is certain when critical
    is excluded, otherwise "at least severe". Mild and moderate need every criterion above them
    excluded, PaO2/FiO2 too. The one exception is growth between two CTs, which the guideline adds
    for patients who have two: without a prior CT it is listed as missing, and has no effect.
    """
    critical = _critical_criteria(values)
    severe = _severe_criteria(imaging, values)
    verdict = _verdict(imaging.pneumonia, values, _any(critical), _severe_state(severe))
    inputs = (
        Input("age_years", values.age_years, unit_of("age_years")),
        Input("symptoms", values.symptoms),
        Input("pneumonia", imaging.pneumonia.value),
        *critical,
        *severe,
        *_where_measured(values),
    )
    missing = _missing(inputs, prior_given=imaging.prior is not None)
    grade = None if verdict.grade is None else verdict.grade.value
    return Score(
        NAME,
        SOURCE,
        grade=grade if verdict.certain else None,
        at_least=None if verdict.certain else grade,
        inputs=inputs,
        missing=missing,
        note=" ".join((_explanation(verdict, (*critical, *severe), missing), _NOTE)),
    )


def _critical_criteria(values: ClinicalValues) -> tuple[Input, ...]:
    """Mechanical ventilation (the guideline calls the non-invasive one so too), shock, organs."""
    ventilation = values.ventilation
    return (
        Input(
            "ventilation",
            None if ventilation is None else ventilation.value,
            met=None if ventilation is None else ventilation is not Ventilation.NONE,
        ),
        Input("shock", values.shock, met=values.shock),
        Input("organ_failure_in_icu", values.organ_failure_in_icu, met=values.organ_failure_in_icu),
    )


def _severe_criteria(imaging: ImagingFindings, values: ClinicalValues) -> tuple[Input, ...]:
    """Respiratory rate, SpO2, PaO2/FiO2, and growth between two CTs, the last of all."""
    rate, spo2 = values.respiratory_rate_per_min, values.spo2_percent
    progress = lesion_progress(imaging)
    return (
        Input(
            "respiratory_rate_per_min",
            rate,
            "/min",
            met=None if rate is None else rate >= SEVERE_RESPIRATORY_RATE_PER_MIN,
        ),
        Input("spo2_percent", spo2, "%", met=None if spo2 is None else spo2 <= SEVERE_SPO2_PERCENT),
        _oxygenation(values),
        Input(
            "growth_percent",
            progress.value,
            "%",
            met=None if progress.grade is None else progress.grade == SEVERE,
        ),
    )


def _oxygenation(values: ClinicalValues) -> Input:
    """PaO2/FiO2 as given, judged after the correction where the guideline asks for one.

    The correction only lowers the value, so a low one is low without it.
    """
    name, ratio = "pao2_fio2_mmhg", values.pao2_fio2_mmhg
    if ratio is None:
        return Input(name, None, "mmHg")
    met: bool | None = ratio <= SEVERE_PAO2_FIO2_MMHG
    if not met and values.altitude_m is not None and values.altitude_m > HIGH_ALTITUDE_M:
        pressure = values.barometric_pressure_mmhg
        met = (
            None if pressure is None else ratio * pressure / SEA_LEVEL_MMHG <= SEVERE_PAO2_FIO2_MMHG
        )
    return Input(name, ratio, "mmHg", met=met)


def _where_measured(values: ClinicalValues) -> tuple[Input, ...]:
    """What PaO2/FiO2 is corrected with, where it was given; at sea level nobody gives it."""
    given = (
        Input("altitude_m", values.altitude_m, "m"),
        Input("barometric_pressure_mmhg", values.barometric_pressure_mmhg, "mmHg"),
    )
    return tuple(one for one in given if one.value is not None)


def _any(criteria: Iterable[Input]) -> bool | None:
    """Met by one, excluded by all, or not known."""
    states = [one.met for one in criteria]
    if True in states:
        return True
    return None if None in states else False


def _severe_state(severe: tuple[Input, ...]) -> bool | None:
    """As `_any`, but growth between two CTs that was not measured excludes nothing."""
    *clinical, growth = severe
    return True if growth.met else _any(clinical)


def _verdict(
    pneumonia: Pneumonia, values: ClinicalValues, critical: bool | None, severe: bool | None
) -> _Verdict:
    """Go through the classes from the top."""
    if critical:
        return _Verdict(GuidelineClass.CRITICAL, True, "")
    # Trial version 7 has criteria of their own for children.
    if values.age_years is not None and values.age_years < ADULT_YEARS:
        return _Verdict(None, False, "the criteria of children are not in this table")
    excluded = critical is False and values.age_years is not None
    if severe:
        return _Verdict(GuidelineClass.SEVERE, excluded, "")
    if values.symptoms is None:
        return _Verdict(None, False, "symptoms were not given")
    if not values.symptoms:
        return _Verdict(None, False, "the guideline has no class for a patient without symptoms")
    excluded = excluded and severe is False
    if pneumonia is Pneumonia.YES:
        return _Verdict(GuidelineClass.MODERATE, excluded, "")
    return _Verdict(GuidelineClass.MILD, excluded and pneumonia is Pneumonia.NO, "")


def _missing(inputs: tuple[Input, ...], *, prior_given: bool) -> tuple[str, ...]:
    """What the guideline asks for and was not given.

    A prior measurement that was given and cannot be compared is not missing; why it cannot is
    said by the rule of lesion progress.
    """
    names = []
    for given in inputs:
        if given.name == "growth_percent":
            names += [] if prior_given or given.value is not None else ["prior_measurement"]
        elif given.value is None or given.value == Pneumonia.UNDETERMINED.value:
            names.append(given.name)
        elif given.name == "pao2_fio2_mmhg" and given.met is None:
            names.append("barometric_pressure_mmhg")
    return tuple(names)


def _explanation(verdict: _Verdict, criteria: tuple[Input, ...], missing: tuple[str, ...]) -> str:
    """What decided, and what could still change it."""
    parts = []
    met = tuple(one.name for one in criteria if one.met)
    if verdict.grade is None:
        parts.append(f"Not computed: {verdict.reason}.")
    if met:
        parts.append(f"Criteria met: {listed(met)}.")
    if missing:
        parts.append(f"Not given: {listed(missing)}.")
    return " ".join(parts)
