"""Clinical values at presentation: given by a person or a system, or not given. Never assumed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, Self

from radiology.errors import Refused
from radiology.severity.score import Plain


class Sex(StrEnum):
    """Sex at birth, as the 4C Mortality Score asks for it."""

    FEMALE = "female"
    MALE = "male"


class Ventilation(StrEnum):
    """Mechanical ventilation; oxygen by cannula or mask, high-flow too, is none."""

    NONE = "none"
    NON_INVASIVE = "non_invasive"
    INVASIVE = "invasive"


# Lowest and highest value that is accepted. Ours, and wide: a limit is there to catch a wrong unit
# or a slip of the hand (SpO2 as a fraction, a weight in the place of an age), not to judge.
LIMITS: Mapping[str, tuple[float, float]] = {
    "age_years": (0, 125),
    "respiratory_rate_per_min": (1, 120),
    "spo2_percent": (30, 100),
    "oxygen_flow_l_min": (0, 80),
    # At sea level pure oxygen gives at most (760 - 47) - 40 mmHg in the alveoli.
    "pao2_fio2_mmhg": (20, 700),
    "altitude_m": (-450, 6000),
    "barometric_pressure_mmhg": (300, 810),
    "systolic_mmhg": (30, 300),
    "diastolic_mmhg": (10, 200),
    "gcs": (3, 15),  # Teasdale and Jennett, Lancet 1974;2:81: by definition
    "urea_mmol_l": (0.1, 120),
    "crp_mg_l": (0, 1000),
    "comorbidity_count": (0, 20),
}

ADULT_YEARS = 18  # Knight et al. 2020 included patients of 18 years and more

_WHOLE = ("gcs", "comorbidity_count")
_YES_OR_NO = ("symptoms", "on_oxygen", "shock", "organ_failure_in_icu", "confusion")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicalValues:
    """What is known of the patient; None is "not given", which is never "normal".

    Attributes
    ----------
    age_years : completed years
    symptoms : fever or symptoms of the airways
    spo2_percent : lowest at rest, by pulse oximetry, with the oxygen that `on_oxygen` tells of
    on_oxygen : whether oxygen was given while `spo2_percent` was measured
    oxygen_flow_l_min : by nasal cannula or mask
    pao2_fio2_mmhg : PaO2 in mmHg over FiO2 as a fraction, as measured, not corrected for altitude
    altitude_m, barometric_pressure_mmhg : where `pao2_fio2_mmhg` was measured
    shock : as the treating physician says, vasopressors for it included
    organ_failure_in_icu : failure of an organ other than the lungs that needs intensive care
    confusion : new disorientation in person, place or time, or Abbreviated Mental Test 8 or less
    gcs : Glasgow Coma Scale
    comorbidity_count : how many of the list of the 4C Mortality Score (docs/severity.md)

    Raises
    ------
    Refused
        A value cannot be: outside `LIMITS`, of another type, or against another value.
    """

    age_years: float | None = None
    sex: Sex | None = None
    symptoms: bool | None = None
    respiratory_rate_per_min: float | None = None
    spo2_percent: float | None = None
    on_oxygen: bool | None = None
    oxygen_flow_l_min: float | None = None
    pao2_fio2_mmhg: float | None = None
    altitude_m: float | None = None
    barometric_pressure_mmhg: float | None = None
    ventilation: Ventilation | None = None
    shock: bool | None = None
    organ_failure_in_icu: bool | None = None
    systolic_mmhg: float | None = None
    diastolic_mmhg: float | None = None
    confusion: bool | None = None
    gcs: int | None = None
    urea_mmol_l: float | None = None
    crp_mg_l: float | None = None
    comorbidity_count: int | None = None

    def __post_init__(self) -> None:
        for name, (low, high) in LIMITS.items():
            _check_number(name, getattr(self, name), low, high)
        for name in _YES_OR_NO:
            if not isinstance(getattr(self, name), bool | None):
                raise Refused("A clinical value must be yes or no", field=name)
        for name, kind in (("sex", Sex), ("ventilation", Ventilation)):
            if not isinstance(getattr(self, name), kind | None):
                raise Refused("A clinical value is none of its choices", field=name)
        _check_together(self)

    @classmethod
    def from_facts(cls, facts: Mapping[str, Plain]) -> Self:
        """Read back what `facts` gave, or what a form or a message holds under the same names.

        Raises
        ------
        Refused
            A name is not known, or a value cannot be. Neither is repeated: it may be free text.
        """
        given: dict[str, Any] = dict(facts)
        if not given.keys() <= {field.name for field in fields(cls)}:
            raise Refused("There is no clinical value of this name")
        for name, kind in (("sex", Sex), ("ventilation", Ventilation)):
            if given.get(name) is None:
                continue
            if given[name] not in list(kind):
                raise Refused("A clinical value is none of its choices", field=name)
            given[name] = kind(given[name])
        return cls(**given)

    def facts(self) -> dict[str, Plain]:
        """What was given, as plain values for the result row and JSON."""
        return {
            name: value.value if isinstance(value, StrEnum) else value
            for name, value in asdict(self).items()
            if value is not None
        }


def _check_number(name: str, value: Any, low: float, high: float) -> None:
    """Refuse what is no number, or one that no patient has."""
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused("A clinical value is not a number", field=name)
    if not math.isfinite(value) or not low <= value <= high:
        raise Refused(
            "A clinical value is outside what is possible",
            field=name,
            value=float(value),
            lowest=low,
            highest=high,
        )
    if name in _WHOLE and value != int(value):
        raise Refused("A clinical value must be a whole number", field=name, value=float(value))


def _check_together(values: ClinicalValues) -> None:
    """Refuse values that contradict each other: one of them is wrong, and we cannot know which."""
    systolic, diastolic = values.systolic_mmhg, values.diastolic_mmhg
    if systolic is not None and diastolic is not None and diastolic > systolic:
        raise Refused(
            "The diastolic pressure is above the systolic", systolic=systolic, diastolic=diastolic
        )
    flow = values.oxygen_flow_l_min
    if flow is not None and values.on_oxygen is not None and values.on_oxygen != (flow > 0):
        raise Refused(
            "The oxygen flow contradicts whether oxygen is given",
            oxygen_flow_l_min=flow,
            on_oxygen=values.on_oxygen,
        )
