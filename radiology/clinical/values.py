"""Clinical values at presentation: given by a person or a system, never assumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, Self

from radiology.answer.statement import PlainValue
from radiology.clinical.titles import unit_of
from radiology.errors import ClinicalValuesRefused
from radiology.sex import Sex


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

WHOLE = ("gcs", "comorbidity_count")
YES_OR_NO = ("symptoms", "on_oxygen", "shock", "organ_failure_in_icu", "confusion")
CHOICES: Mapping[str, type[StrEnum]] = {"sex": Sex, "ventilation": Ventilation}


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
    ClinicalValuesRefused
        Values cannot be: outside `LIMITS`, of another type, or against another value. All that
        are wrong by themselves are named together.
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
        problems = {
            field.name: f"must be {allowed(field.name)}"
            for field in fields(self)
            if not _is_possible(field.name, getattr(self, field.name))
        } or _contradictions(self)
        if problems:
            raise ClinicalValuesRefused(problems)

    @classmethod
    def from_facts(cls, facts: Mapping[str, object]) -> Self:
        """Read what a file, a form or `facts` holds: field to a plain value, None for not given.

        Raises
        ------
        ClinicalValuesRefused
            Names are not known, or values cannot be; all of them together. A name that is not
            known is told by its number, not repeated: it may be that of a patient.
        """
        names = [field.name for field in fields(cls)]
        problems = {
            f"key {number}": f"is no clinical value{_meant(name, names)}"
            for number, name in enumerate(facts, start=1)
            if name not in names
        }
        known: dict[str, Any] = {name: facts[name] for name in names if name in facts}
        for name, kind in CHOICES.items():
            # A word that is none of the choices stays one, and is refused below.
            known[name] = next((one for one in kind if one == known.get(name)), known.get(name))
        try:
            values = cls(**known)
        except ClinicalValuesRefused as error:
            raise ClinicalValuesRefused({**problems, **error.problems}) from None
        if problems:
            raise ClinicalValuesRefused(problems)
        return values

    def or_else(self, other: Self) -> Self:
        """These values, and those of `other` where these say nothing.

        Raises
        ------
        ClinicalValuesRefused
            The two hold values that contradict each other.
        """
        names = [field.name for field in fields(self) if getattr(self, field.name) is None]
        return replace(self, **{name: getattr(other, name) for name in names})

    def facts(self) -> dict[str, PlainValue]:
        """What was given, as plain values for the result row and JSON."""
        return {
            name: value.value if isinstance(value, StrEnum) else value
            for name, value in asdict(self).items()
            if value is not None
        }


def allowed(name: str) -> str:
    """What a field may hold, as part of a sentence: "a number from 30 to 100 %"."""
    if name in YES_OR_NO:
        return "true or false"
    if name in CHOICES:
        *others, last = (f'"{one.value}"' for one in CHOICES[name])
        return f"{', '.join(others)} or {last}"
    low, high = LIMITS[name]
    kind = "a whole number" if name in WHOLE else "a number"
    return f"{kind} from {low:g} to {high:g} {unit_of(name)}".rstrip()


def _is_possible(name: str, value: Any) -> bool:
    """Whether a value is of the right kind, and one that a patient can have."""
    if value is None:
        return True
    if name in YES_OR_NO:
        return isinstance(value, bool)
    if name in CHOICES:
        return isinstance(value, CHOICES[name])
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    low, high = LIMITS[name]
    # Compared before anything else is asked of it: NaN, infinity and very long numbers fail here.
    return low <= value <= high and (name not in WHOLE or value == int(value))


def _contradictions(values: ClinicalValues) -> dict[str, str]:
    """Values that contradict each other: one of them is wrong, and we cannot know which."""
    problems = {}
    systolic, diastolic = values.systolic_mmhg, values.diastolic_mmhg
    if systolic is not None and diastolic is not None and diastolic > systolic:
        problems["diastolic_mmhg"] = "is above systolic_mmhg"
    flow = values.oxygen_flow_l_min
    if flow is not None and values.on_oxygen is not None and values.on_oxygen != (flow > 0):
        problems["oxygen_flow_l_min"] = "contradicts on_oxygen"
    return problems


def _meant(name: object, names: list[str]) -> str:
    """The known name that an unknown one is nearest to, as the end of a sentence."""
    written = str(name).lower()[:40]
    begun = [one for one in names if len(written) > 1 and one.startswith(written)]
    found = begun or get_close_matches(written, names, n=1)
    return f" (did you mean {found[0]}?)" if found else ""
