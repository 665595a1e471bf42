"""4C Mortality, CURB-65 and qCSI: what holds for every patient."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chest.values.severity import curb_65, four_c_mortality, qcsi
from radiology.clinical import ClinicalValues, Ventilation
from radiology.sex import Sex

RULES = (four_c_mortality, curb_65, qcsi)

# Worse is higher, except for these.
LOWER_IS_WORSE = {"spo2_percent", "gcs", "systolic_mmhg", "diastolic_mmhg"}
NUMBERS = {
    "age_years": st.floats(18, 110),
    "respiratory_rate_per_min": st.floats(6, 60),
    "spo2_percent": st.floats(60, 100),
    "oxygen_flow_l_min": st.floats(0, 6),
    "systolic_mmhg": st.floats(121, 220),
    "diastolic_mmhg": st.floats(20, 120),
    "gcs": st.integers(3, 15),
    "urea_mmol_l": st.floats(1, 60),
    "crp_mg_l": st.floats(0, 500),
    "comorbidity_count": st.integers(0, 12),
}


@st.composite
def complete(draw: st.DrawFn) -> ClinicalValues:
    """Adults for whom everything is known."""
    values: dict[str, Any] = {name: draw(strategy) for name, strategy in NUMBERS.items()}
    if draw(st.booleans()):
        values["systolic_mmhg"] = draw(st.floats(max(30, values["diastolic_mmhg"]), 120))
    return ClinicalValues(
        **values,
        sex=draw(st.sampled_from(Sex)),
        confusion=draw(st.booleans()),
        on_oxygen=values["oxygen_flow_l_min"] > 0,
        ventilation=Ventilation.NONE,
    )


@given(values=complete(), name=st.sampled_from(sorted(NUMBERS)), data=st.data())
def test_no_score_falls_when_one_value_gets_worse(
    values: ClinicalValues, name: str, data: st.DataObject
) -> None:
    """A higher respiratory rate, a lower SpO2 … never makes a patient look better."""
    now = getattr(values, name)
    other = data.draw(NUMBERS[name])
    worse = min(now, other) if name in LOWER_IS_WORSE else max(now, other)
    if name == "systolic_mmhg":
        worse = max(worse, values.diastolic_mmhg or 0)
    changes: dict[str, Any] = {name: worse}
    if name == "oxygen_flow_l_min":
        changes["on_oxygen"] = worse > 0
    after = replace(values, **changes)
    for rule in RULES:
        before_value, after_value = rule(values).value, rule(after).value
        if before_value is not None and after_value is not None:
            assert after_value >= before_value, rule


@st.composite
def partly_known(draw: st.DrawFn) -> tuple[ClinicalValues, ClinicalValues]:
    """A complete patient, and the same with some values not given."""
    values = draw(complete())
    hidden = draw(st.sets(st.sampled_from([field.name for field in fields(values)])))
    return values, replace(values, **dict.fromkeys(hidden))


@given(patients=partly_known())
def test_what_is_missing_never_yields_a_number_and_never_a_wrong_group(
    patients: tuple[ClinicalValues, ClinicalValues],
) -> None:
    """A value or a group that is given is the one that the complete patient has."""
    values, partial = patients
    for rule in RULES:
        full, part = rule(values), rule(partial)
        if part.missing:
            assert part.value is None
            assert all(title in part.note for title in ("Not computed", "missing"))
        if part.value is not None and full.value is not None:
            assert part.value == full.value
        if part.grade is not None and full.grade is not None:
            assert part.grade == full.grade


@given(values=complete())
def test_a_sum_is_the_sum_of_the_points_shown(values: ClinicalValues) -> None:
    """A reader who adds up the column gets the score."""
    for rule in RULES:
        score = rule(values)
        if score.value is not None:
            assert score.value == sum(one.points or 0 for one in score.inputs)
