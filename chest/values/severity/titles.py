"""The titles and units of the inputs of the severity rules."""

from __future__ import annotations

from collections.abc import Mapping

from chest.values.lobe import Lobe
from radiology.clinical import titles as clinical_titles

# Name of the field to what a person reads and its unit (UCUM, but "mmHg" as physicians write it).
TITLES: Mapping[str, tuple[str, str]] = {
    **clinical_titles.TITLES,
    "spo2_on_room_air": ("SpO2 on room air", "%"),
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
    """An input with its unit, as a person would say it; "not given" for one that was not."""
    return clinical_titles.said(value, TITLES[name][1] if name in TITLES else "")


def listed(names: tuple[str, ...]) -> str:
    """The titles of inputs as part of a sentence."""
    return ", ".join(title_of(name) for name in names)
