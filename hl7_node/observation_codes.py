"""The observations that the severity scores use: LOINC code, unit, and conversion to our unit.

Codes and their kinds of quantity: LOINC. Units: UCUM, and what senders write instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from radiology.clinical import ClinicalValues
from radiology.clinical.values import WHOLE
from radiology.errors import ClinicalValuesRefused

_NUMBER: Final = re.compile(r"[+-]?\d{1,9}(\.\d{1,9})?")

_MMHG_IN_KPA: Final = 7.500615  # 101.325 kPa are 760 mmHg
_UREA_G_PER_MOL: Final = 60.056
_UREA_NITROGEN_G_PER_MOL: Final = 28.014  # two atoms in each molecule

_RATE: Final = {
    **dict.fromkeys(("/min", "1/min", "{breaths}/min", "{resp}/min", "breaths/min", "bpm"), 1.0),
    "": 1.0,  # there is no other unit for it
}
_PERCENT: Final = {"%": 1.0, "1": 100.0, "{fraction}": 100.0}
_PRESSURE: Final = {
    **dict.fromkeys(("mm[hg]", "mmhg", "mm hg", "torr"), 1.0),
    "kpa": _MMHG_IN_KPA,
}
_SCORE: Final = {"": 1.0, "{score}": 1.0, "1": 1.0, "{points}": 1.0}
_FLOW: Final = {"l/min": 1.0}
_MOLAR: Final = {"mmol/l": 1.0}
_UREA_MASS: Final = {"mg/dl": 10.0 / _UREA_G_PER_MOL, "g/l": 1000.0 / _UREA_G_PER_MOL}
_UREA_NITROGEN_MASS: Final = {"mg/dl": 10.0 / _UREA_NITROGEN_G_PER_MOL}
_PROTEIN_MASS: Final = {"mg/l": 1.0, "ug/ml": 1.0, "mg/dl": 10.0}

ARTERIAL_OXYGEN: Final = "pao2_mmhg"
INSPIRED_OXYGEN: Final = "fio2_percent"
RATIO: Final = "pao2_fio2_mmhg"
"""What the two above make together, where they were observed at one moment."""


@dataclass(frozen=True, slots=True)
class Feeds:
    """What a LOINC code is to us.

    Attributes
    ----------
    name : the field of `ClinicalValues`, or one of the two above
    factors : unit, in small letters, to what a value in it is multiplied with
    """

    name: str
    factors: Mapping[str, float]


LOINC: Final[Mapping[str, Feeds]] = {
    "9279-1": Feeds("respiratory_rate_per_min", _RATE),  # Respiratory rate
    "59408-5": Feeds("spo2_percent", _PERCENT),  # Oxygen saturation in arterial blood, oximetry
    "2708-6": Feeds("spo2_percent", _PERCENT),  # Oxygen saturation in arterial blood
    "3151-8": Feeds("oxygen_flow_l_min", _FLOW),  # Inhaled oxygen flow rate
    "50984-4": Feeds(RATIO, _PRESSURE),  # Horowitz index in arterial blood
    "2703-7": Feeds(ARTERIAL_OXYGEN, _PRESSURE),  # Oxygen partial pressure in arterial blood
    "3150-0": Feeds(INSPIRED_OXYGEN, _PERCENT),  # Inhaled oxygen concentration
    "19994-3": Feeds(INSPIRED_OXYGEN, _PERCENT),  # Oxygen/inspired gas setting, ventilator
    "8480-6": Feeds("systolic_mmhg", _PRESSURE),  # Systolic blood pressure
    "8462-4": Feeds("diastolic_mmhg", _PRESSURE),  # Diastolic blood pressure
    "9269-2": Feeds("gcs", _SCORE),  # Glasgow coma score total
    "22664-7": Feeds("urea_mmol_l", _MOLAR),  # Urea, moles per volume, serum or plasma
    "3091-6": Feeds("urea_mmol_l", _UREA_MASS),  # Urea, mass per volume, serum or plasma
    "3094-0": Feeds("urea_mmol_l", _UREA_NITROGEN_MASS),  # Urea nitrogen, mass per volume
    "6299-2": Feeds("urea_mmol_l", _UREA_NITROGEN_MASS),  # Urea nitrogen, mass per volume, blood
    "1988-5": Feeds("crp_mg_l", _PROTEIN_MASS),  # C reactive protein
    "30522-7": Feeds("crp_mg_l", _PROTEIN_MASS),  # C reactive protein, high sensitivity
}


def converted(loinc: str, text: str, unit: str) -> float | None:
    """A value in our unit; None where it is no plain number, or its unit is not one we know.

    "<5" is no number: it is not known how far below. A value without its unit could mean anything.
    """
    factor = LOINC[loinc].factors.get(unit.strip().lower())
    if factor is None or not _NUMBER.fullmatch(text.strip()):
        return None
    return float(text) * factor


def is_possible(name: str, value: float) -> bool:
    """Whether a patient can have such a value (`radiology.clinical.values.LIMITS`)."""
    if name == ARTERIAL_OXYGEN:
        return 10 <= value <= 800  # as wide as the limits of the ratio
    if name == INSPIRED_OXYGEN:
        return 20.9 <= value <= 100  # room air to pure oxygen
    try:
        ClinicalValues.from_facts(
            {name: int(value) if name in WHOLE and value == int(value) else value}
        )
    except ClinicalValuesRefused:
        return False
    return True
