"""How the inputs of the severity rules are called and in which unit they are given."""

from __future__ import annotations

from collections.abc import Mapping

from radiology.chest.lobe import Lobe

# Name of the field to what a person reads and its unit (UCUM, but "mmHg" as physicians write it).
TITLES: Mapping[str, tuple[str, str]] = {
    "age_years": ("age", "years"),
    "sex": ("sex at birth", ""),
    "symptoms": ("fever or airway symptoms", ""),
    "respiratory_rate_per_min": ("respiratory rate", "/min"),
    "spo2_percent": ("SpO2", "%"),
    "spo2_on_room_air": ("SpO2 on room air", "%"),
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
    "pneumonia": ("pneumonia on CT", ""),
    "right_lung": ("lesion share of the right lung", "%"),
    "left_lung": ("lesion share of the left lung", "%"),
    "measurement": ("measurement of this study", ""),
    "prior_measurement": ("measurement of a prior study", ""),
    "lesion_volume_ml": ("lesion volume", "ml"),
    "prior_lesion_volume_ml": ("lesion volume in the prior study", "ml"),
    "lesion_share_percent": ("lesion share of both lungs", "%"),
    "prior_lesion_share_percent": ("lesion share of both lungs in the prior study", "%"),
    "interval_hours": ("time since the prior study", "h"),
    "growth_percent": ("growth of lesions", "%"),
    **{lobe.value: (f"lesion share of the {lobe.words}", "%") for lobe in Lobe},
}


def title_of(name: str) -> str:
    """What a person reads for the name of an input."""
    return TITLES[name][0]


def unit_of(name: str) -> str:
    """The unit that an input is given in; empty for a word or a count."""
    return TITLES[name][1]


def value_words(name: str, value: float | str | None) -> str:
    """A value with its unit, as a person would say it; "not given" for one that was not."""
    if value is None:
        return "not given"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        unit = TITLES[name][1] if name in TITLES else ""
        return f"{value:.4g} {unit}".rstrip()
    return value.replace("_", " ")


def listed(names: tuple[str, ...]) -> str:
    """The titles of inputs as part of a sentence."""
    return ", ".join(title_of(name) for name in names)
