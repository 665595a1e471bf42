"""Clinical values: what is refused and how it is said, and what is read back."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chest.values.severity.titles import unit_of
from radiology.clinical import ClinicalValues, Ventilation
from radiology.clinical.values import LIMITS, allowed
from radiology.errors import ClinicalValuesRefused
from radiology.sex import Sex

VALUES = ClinicalValues(
    age_years=67,
    sex=Sex.MALE,
    symptoms=True,
    spo2_percent=91,
    on_oxygen=False,
    ventilation=Ventilation.NONE,
    gcs=15,
    urea_mmol_l=8.2,
)


@pytest.mark.parametrize("name", LIMITS)
def test_what_cannot_be_is_refused(name: str) -> None:
    """At the limits a value is taken, outside it is refused with the name of the field."""
    low, high = LIMITS[name]
    given_value: dict[str, Any]
    for fine in (low, high):
        given_value = {name: fine}
        assert getattr(ClinicalValues(**given_value), name) == fine
    for wrong in (low - 0.1, high + 0.1, math.nan, math.inf, 10**400, True, "12", [12]):
        given_value = {name: wrong}
        with pytest.raises(ClinicalValuesRefused) as refused:
            ClinicalValues(**given_value)
        assert refused.value.problems == {name: f"must be {allowed(name)}"}
        assert f"from {low:g} to {high:g}" in str(refused.value)
        assert unit_of(name) in str(refused.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"spo2_percent": 0.93},  # a fraction
        {"gcs": 14.5},
        {"comorbidity_count": 1.5},
        {"sex": "female"},  # text is for from_facts
        {"ventilation": "invasive"},
        {"shock": "no"},
        {"confusion": 1},
        {"systolic_mmhg": 70, "diastolic_mmhg": 110},
        {"on_oxygen": False, "oxygen_flow_l_min": 2},
        {"on_oxygen": True, "oxygen_flow_l_min": 0},
    ],
)
def test_slips_and_contradictions_are_refused(wrong: dict[str, Any]) -> None:
    """A wrong unit, a wrong type or two values that cannot both be true never make a score."""
    with pytest.raises(ClinicalValuesRefused):
        ClinicalValues(**wrong)


@given(order=st.permutations(sorted(VALUES.facts())))
def test_values_read_back_are_the_values_in_any_order(order: list[str]) -> None:
    """A row, a file or a form may name the values in any order."""
    facts = VALUES.facts()
    assert ClinicalValues.from_facts({name: facts[name] for name in order}) == VALUES


@pytest.mark.parametrize(
    "facts",
    [
        {"patient": "somebody"},
        {"sex": "divers"},
        {"ventilation": 1},
        {"gcs": "fifteen"},
        {"Doe^Jane": 1951},
        {"age_years": 19510203},
        {"shock": {"since": "noon"}},
        {"sex": ["male"]},
    ],
)
def test_what_is_not_understood_is_refused_without_repeating_it(facts: dict[str, Any]) -> None:
    """It is no "not given", and may be anything: it is not in the error."""
    with pytest.raises(ClinicalValuesRefused) as refused:
        ClinicalValues.from_facts(facts)
    assert str(*facts.values()) not in str(refused.value)
    assert "Doe" not in str(refused.value)


def test_each_wrong_field_is_named_with_what_it_may_hold() -> None:
    """A form shows all of them at once; an unknown name is told by its place and the nearest."""
    with pytest.raises(ClinicalValuesRefused) as refused:
        ClinicalValues.from_facts(
            {"spo2": 91, "gcs": 14.5, "age_years": 67, "sex": "m", "Doe^Jane": 1, "shock": "no"}
        )
    assert refused.value.problems == {
        "key 1": "is no clinical value (did you mean spo2_percent?)",
        "key 5": "is no clinical value",
        "sex": 'must be "female" or "male"',
        "shock": "must be true or false",
        "gcs": "must be a whole number from 3 to 15",
    }
    assert str(refused.value).count("\n") == 0


def test_values_that_contradict_each_other_are_named() -> None:
    """Both fields, since nobody knows which of them is wrong."""
    with pytest.raises(ClinicalValuesRefused, match="diastolic_mmhg is above systolic_mmhg"):
        ClinicalValues(systolic_mmhg=70, diastolic_mmhg=110)
    with pytest.raises(ClinicalValuesRefused, match="oxygen_flow_l_min contradicts on_oxygen"):
        ClinicalValues(on_oxygen=False, oxygen_flow_l_min=2)


def test_what_one_source_does_not_say_another_may() -> None:
    """The first one counts where both say something; None says nothing."""
    given_values = ClinicalValues.from_facts({"age_years": 67, "sex": None})
    headers = ClinicalValues(age_years=71, sex=Sex.FEMALE)
    assert given_values.or_else(headers) == ClinicalValues(age_years=67, sex=Sex.FEMALE)
