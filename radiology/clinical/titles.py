"""The titles and units of clinical values."""

from __future__ import annotations

from collections.abc import Mapping

# Name of the field to what a person reads and its unit (UCUM, but "mmHg" as physicians write it).
TITLES: Mapping[str, tuple[str, str]] = {
    "age_years": ("age", "years"),
    "sex": ("sex at birth", ""),
    "symptoms": ("fever or airway symptoms", ""),
    "respiratory_rate_per_min": ("respiratory rate", "/min"),
    "spo2_percent": ("SpO2", "%"),
    "on_oxygen": ("whether oxygen was given", ""),
    "oxygen_flow_l_min": ("oxygen flow", "l/min"),
    "pao2_fio2_mmhg": ("PaO2/FiO2", "mmHg"),
    "altitude_m": ("altitude", "m"),
    "barometric_pressure_mmhg": ("barometric pressure", "mmHg"),
    "ventilation": ("mechanical ventilation", ""),
    "shock": ("shock", ""),
    "organ_failure_in_icu": ("other organ failure in intensive care", ""),
    "systolic_mmhg": ("systolic blood pressure", "mmHg"),
    "diastolic_mmhg": ("diastolic blood pressure", "mmHg"),
    "confusion": ("new confusion", ""),
    "gcs": ("Glasgow Coma Scale", ""),
    "urea_mmol_l": ("urea", "mmol/l"),
    "crp_mg_l": ("C-reactive protein", "mg/l"),
    "comorbidity_count": ("comorbidities", ""),
}


def title_of(name: str) -> str:
    """What a person reads for the name of a value."""
    return TITLES[name][0]


def unit_of(name: str) -> str:
    """The unit that a value is given in; empty for a word or a count."""
    return TITLES[name][1]


def value_words(name: str, value: float | str | None) -> str:
    """A clinical value with its unit, as a person would say it."""
    return said(value, TITLES[name][1] if name in TITLES else "")


def said(value: float | str | None, unit: str) -> str:
    """A value with a unit, as a person would say it; "not given" for one that was not."""
    if value is None:
        return "not given"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:.4g} {unit}".rstrip()
    return value.replace("_", " ")
