"""Converts the clinical values that a chest was judged with to those of any reading, and back."""

from __future__ import annotations

from radiology.answer.known import HEADERS, KnownValue
from radiology.answer.reading import Reading
from radiology.answer.statement import PlainValue
from radiology.clinical import ClinicalContext, ClinicalValues


def known_values(context: ClinicalContext, stated: ClinicalValues) -> tuple[KnownValue, ...]:
    """What was given, with its source, then what the headers state."""
    return (
        *(_given(name, value, context) for name, value in context.values.facts().items()),
        *(KnownValue(name, value, HEADERS) for name, value in stated.facts().items()),
    )


def given_in(reading: Reading) -> dict[str, PlainValue]:
    """The clinical values that a reading was made with; older rows were made without any."""
    return {one.name: one.value for one in reading.known if not one.stated}


def stated_in(reading: Reading) -> ClinicalValues:
    """Age and sex as the headers stated them when the study was read.

    Raises
    ------
    ClinicalValuesRefused
        They are refused today.
    """
    return ClinicalValues.from_facts({one.name: one.value for one in reading.known if one.stated})


def _given(name: str, value: PlainValue, context: ClinicalContext) -> KnownValue:
    source = context.sources.get(name)
    if source is None:
        return KnownValue(name, value)
    return KnownValue(name, value, source.through, source.by, source.at)
