"""4C Mortality, CURB-65 and qCSI: every cut-off, and patients worked by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chest.values.severity import Score, curb_65, four_c_mortality, qcsi
from radiology.clinical import ClinicalValues, Ventilation
from radiology.sex import Sex

Rule = Callable[[ClinicalValues], Score]
RULES: list[Rule] = [four_c_mortality, curb_65, qcsi]

# A patient for whom every rule gives no point.
HEALTHY = ClinicalValues(
    age_years=30,
    sex=Sex.FEMALE,
    respiratory_rate_per_min=14,
    spo2_percent=98,
    on_oxygen=False,
    oxygen_flow_l_min=0,
    systolic_mmhg=120,
    diastolic_mmhg=80,
    confusion=False,
    gcs=15,
    urea_mmol_l=4,
    crp_mg_l=5,
    comorbidity_count=0,
)

Table = list[tuple[str, list[tuple[Any, int]]]]

FOUR_C_POINTS: Table = [
    ("age_years", [(49, 0), (49.9, 0), (50, 2), (59, 2), (60, 4), (69, 4), (70, 6), (79, 6)]),
    ("age_years", [(79.9, 6), (80, 7), (104, 7)]),
    ("sex", [(Sex.FEMALE, 0), (Sex.MALE, 1)]),
    ("comorbidity_count", [(0, 0), (1, 1), (2, 2), (7, 2)]),
    ("respiratory_rate_per_min", [(19, 0), (19.9, 0), (20, 1), (29, 1), (29.9, 1), (30, 2)]),
    ("spo2_percent", [(100, 0), (92, 0), (91.9, 2), (91, 2)]),
    ("gcs", [(15, 0), (14, 2), (3, 2)]),
    ("urea_mmol_l", [(6.9, 0), (7, 1), (14, 1), (14.1, 3)]),
    ("crp_mg_l", [(49.9, 0), (50, 1), (99, 1), (99.9, 1), (100, 2)]),
]
CURB_65_POINTS: Table = [
    ("confusion", [(False, 0), (True, 1)]),
    ("urea_mmol_l", [(7, 0), (7.1, 1)]),
    ("respiratory_rate_per_min", [(29, 0), (29.9, 0), (30, 1)]),
    ("systolic_mmhg", [(90, 0), (89.9, 1), (89, 1)]),
    ("diastolic_mmhg", [(61, 0), (60.1, 0), (60, 1)]),
    ("age_years", [(64, 0), (64.9, 0), (65, 1)]),
]
QCSI_POINTS: Table = [
    ("respiratory_rate_per_min", [(22, 0), (22.5, 1), (23, 1), (28, 1), (28.5, 2), (29, 2)]),
    ("spo2_percent", [(93, 0), (92.5, 0), (92, 2), (89, 2), (88.5, 2), (88, 5), (80, 5)]),
    ("oxygen_flow_l_min", [(0, 0), (2, 0), (2.5, 4), (3, 4), (4, 4), (4.5, 5), (5, 5), (6, 5)]),
]
CUT_OFFS = [
    pytest.param(rule, name, value, points, id=f"{rule.__name__}-{name}-{value}")
    for rule, table in (
        (four_c_mortality, FOUR_C_POINTS),
        (curb_65, CURB_65_POINTS),
        (qcsi, QCSI_POINTS),
    )
    for name, rows in table
    for value, points in rows
]


def patient(**changes: Any) -> ClinicalValues:
    """HEALTHY with other values; the flow decides whether oxygen is given."""
    flow = changes.get("oxygen_flow_l_min")
    if flow is not None:
        changes.setdefault("on_oxygen", flow > 0)
    return replace(HEALTHY, **changes)


@pytest.mark.parametrize(("rule", "name", "value", "points"), CUT_OFFS)
def test_each_cut_off_is_the_published_one(rule: Rule, name: str, value: Any, points: int) -> None:
    """Just below, at and just above every cut-off, one value at a time."""
    score = rule(patient(**{name: value}))
    assert score.value == points
    assert {one.name: one.points for one in score.inputs}[name] == points
    assert score.missing == ()


@pytest.mark.parametrize(
    ("rule", "grades"),
    [
        (four_c_mortality, ["low"] * 4 + ["intermediate"] * 5 + ["high"] * 6 + ["very high"] * 7),
        (curb_65, ["low"] * 2 + ["intermediate"] + ["high"] * 3),
        (qcsi, ["low"] * 4 + ["low-intermediate"] * 3 + ["high-intermediate"] * 3 + ["high"] * 3),
    ],
)
def test_each_sum_has_its_published_group(rule: Rule, grades: list[str]) -> None:
    """Every sum that patients can reach, from 0 to the largest, lies in its group."""
    seen: dict[Any, set[str | None]] = {}
    for values in _grid(rule):
        score = rule(values)
        seen.setdefault(score.value, set()).add(score.grade)
    assert max(seen) == len(grades) - 1
    for total, found in seen.items():
        assert found == {grades[total]}, total


def _grid(rule: Rule) -> list[ClinicalValues]:
    """Patients from no point to all points, adding one worse value at a time, in two orders."""
    tables: dict[Rule, Table] = {
        four_c_mortality: FOUR_C_POINTS,
        curb_65: CURB_65_POINTS,
        qcsi: QCSI_POINTS,
    }
    patients = [HEALTHY]
    for table in (tables[rule], tables[rule][::-1]):
        changes: dict[str, Any] = {}
        for name, rows in table:
            for value, _ in sorted(rows, key=lambda row: row[1]):
                changes[name] = value
                if changes.get("systolic_mmhg", 120) < changes.get("diastolic_mmhg", 0):
                    continue
                patients.append(patient(**changes))
    return patients


def test_four_c_of_a_patient_worked_by_hand() -> None:
    """Age 6, man 1, one comorbidity 1, 24 /min 1, SpO2 90 % 2, urea 9 1, CRP 120 2: 14."""
    score = four_c_mortality(
        patient(
            age_years=72,
            sex=Sex.MALE,
            comorbidity_count=1,
            respiratory_rate_per_min=24,
            spo2_percent=90,
            urea_mmol_l=9,
            crp_mg_l=120,
        )
    )
    assert (score.value, score.grade) == (14, "high")
    assert score.published_outcome == "31.4 % died in hospital (validation cohort)"
    assert score.label == "high (14 points)"


def test_four_c_reaches_its_published_largest_sum() -> None:
    """The worst of everything is 21, as the paper says."""
    worst = patient(
        age_years=85,
        sex=Sex.MALE,
        comorbidity_count=3,
        respiratory_rate_per_min=34,
        spo2_percent=85,
        gcs=9,
        urea_mmol_l=20,
        crp_mg_l=200,
    )
    assert four_c_mortality(worst).value == 21


def test_curb_65_counts_two_low_pressures_once() -> None:
    """A shocked patient gets one point for pressure, and the table shows one."""
    score = curb_65(patient(systolic_mmhg=80, diastolic_mmhg=40))
    assert score.value == 1
    assert sum(one.points or 0 for one in score.inputs) == 1


def test_one_low_pressure_decides_without_the_other() -> None:
    """Systolic 80 mmHg is the point, whatever the diastolic is; a normal one is not enough."""
    assert curb_65(patient(systolic_mmhg=80, diastolic_mmhg=None)).value == 1
    unknown = curb_65(patient(systolic_mmhg=120, diastolic_mmhg=None))
    assert (unknown.value, unknown.missing) == (None, ("diastolic_mmhg",))


def test_four_c_needs_the_saturation_on_room_air() -> None:
    """Good under oxygen tells nothing; low under oxygen is low on air; unknown oxygen is asked."""
    flow: dict[str, Any] = {"oxygen_flow_l_min": 4, "on_oxygen": True}
    under = four_c_mortality(patient(spo2_percent=96, **flow))
    assert (under.value, under.missing) == (None, ("spo2_on_room_air",))
    assert four_c_mortality(patient(spo2_percent=90, **flow)).value == 2
    unknown = four_c_mortality(patient(spo2_percent=96, on_oxygen=None, oxygen_flow_l_min=None))
    assert (unknown.value, unknown.missing) == (None, ("on_oxygen",))
    nothing = four_c_mortality(patient(spo2_percent=None, on_oxygen=None, oxygen_flow_l_min=None))
    assert nothing.missing == ("spo2_percent", "on_oxygen")


def test_qcsi_knows_that_no_oxygen_is_no_flow() -> None:
    """On room air nobody has to type a flow of 0."""
    score = qcsi(patient(on_oxygen=False, oxygen_flow_l_min=None))
    assert (score.value, score.missing) == (0, ())
    assert qcsi(patient(on_oxygen=None, oxygen_flow_l_min=None)).missing == ("oxygen_flow_l_min",)


@pytest.mark.parametrize(
    "changes",
    [
        {"oxygen_flow_l_min": 6.1},
        {"oxygen_flow_l_min": 15},
        {"ventilation": Ventilation.NON_INVASIVE},
        {"ventilation": Ventilation.INVASIVE},
    ],
)
def test_qcsi_is_not_computed_for_patients_unlike_those_of_the_study(
    changes: dict[str, Any],
) -> None:
    """More than 6 l/min, or a ventilator: the patient is past what the score foresees."""
    score = qcsi(patient(**changes))
    assert not score.computed
    assert score.label == "not computed"
    assert "outside the score" in score.note


@pytest.mark.parametrize("rule", RULES)
def test_no_score_for_children(rule: Rule) -> None:
    """17 years is refused with the reason, 18 is not."""
    child = rule(patient(age_years=17))
    assert not child.computed
    assert "adults" in child.note
    assert rule(patient(age_years=18)).value == 0


@pytest.mark.parametrize("rule", RULES)
def test_without_values_a_score_names_everything_it_needs(rule: Rule) -> None:
    """Nothing given: no number, no group, and no input that looks given."""
    score = rule(ClinicalValues())
    assert (score.value, score.grade, score.published_outcome) == (None, None, None)
    assert set(score.missing) == {one.name for one in score.inputs}


def test_a_group_that_no_missing_value_can_change_is_given() -> None:
    """Three points of CURB-65 are high risk, whatever urea is; the number is still not known."""
    score = curb_65(
        patient(age_years=80, confusion=True, respiratory_rate_per_min=32, urea_mmol_l=None)
    )
    assert (score.value, score.grade, score.missing) == (None, "high", ("urea_mmol_l",))
    assert "3 to 4 points" in score.note
