"""The guideline's classes: each criterion at its limit, and what stays open when values miss."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chest.values.severity import GuidelineClass, ImagingFindings, Pneumonia, guideline_class
from radiology.clinical import ClinicalValues, LesionMeasurement, Ventilation

PNEUMONIA = ImagingFindings(Pneumonia.YES)
STABLE = ClinicalValues(
    age_years=50,
    symptoms=True,
    respiratory_rate_per_min=18,
    spo2_percent=97,
    pao2_fio2_mmhg=420,
    ventilation=Ventilation.NONE,
    shock=False,
    organ_failure_in_icu=False,
)


def grown(percent: float) -> ImagingFindings:
    """Pneumonia whose lesions grew by so much in 36 hours."""
    then = datetime(2020, 3, 1, 8, tzinfo=UTC)
    return ImagingFindings(
        Pneumonia.YES,
        measurement=LesionMeasurement(then + timedelta(hours=36), 100.0 + percent),
        prior=LesionMeasurement(then, 100.0),
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "moderate"),
        ({"respiratory_rate_per_min": 29.9}, "moderate"),
        ({"respiratory_rate_per_min": 30}, "severe"),
        ({"respiratory_rate_per_min": 31}, "severe"),
        ({"spo2_percent": 94}, "moderate"),
        ({"spo2_percent": 93.1}, "moderate"),
        ({"spo2_percent": 93}, "severe"),
        ({"pao2_fio2_mmhg": 301}, "moderate"),
        ({"pao2_fio2_mmhg": 300}, "severe"),
        ({"pao2_fio2_mmhg": 299}, "severe"),
        ({"ventilation": Ventilation.NON_INVASIVE}, "critical"),
        ({"ventilation": Ventilation.INVASIVE}, "critical"),
        ({"shock": True}, "critical"),
        ({"organ_failure_in_icu": True}, "critical"),
        ({"age_years": 18}, "moderate"),
    ],
)
def test_each_criterion_at_its_limit(changes: dict[str, Any], expected: str) -> None:
    """Just below, at and just above each limit of trial version 7, one value at a time."""
    assert guideline_class(PNEUMONIA, replace(STABLE, **changes)).grade == expected


@pytest.mark.parametrize(
    ("percent", "expected"), [(49.9, "moderate"), (50, "moderate"), (51, "severe")]
)
def test_growth_by_more_than_half_is_severe(percent: float, expected: str) -> None:
    """The imaging criterion alone lifts an otherwise moderate patient."""
    score = guideline_class(grown(percent), STABLE)
    assert (score.grade, score.missing) == (expected, ())


def test_mild_is_without_pneumonia() -> None:
    """Symptoms and clean lungs are mild; undetermined lungs are at least mild."""
    assert guideline_class(ImagingFindings(Pneumonia.NO), STABLE).grade == "mild"
    unknown = guideline_class(ImagingFindings(Pneumonia.UNDETERMINED), STABLE)
    assert (unknown.grade, unknown.at_least) == (None, "mild")
    assert "pneumonia" in unknown.missing


def test_critical_is_certain_from_ventilation_alone() -> None:
    """SpO2 and all the rest may be missing: they are named, and the class is given."""
    score = guideline_class(PNEUMONIA, ClinicalValues(ventilation=Ventilation.INVASIVE))
    assert (score.grade, score.at_least) == ("critical", None)
    assert {"spo2_percent", "respiratory_rate_per_min", "shock", "age_years"} <= set(score.missing)
    assert "mechanical ventilation" in score.note


def test_severe_is_a_lower_limit_until_critical_is_excluded() -> None:
    """SpO2 90 % alone is at least severe: nobody said that the patient is not ventilated."""
    score = guideline_class(PNEUMONIA, ClinicalValues(age_years=60, spo2_percent=90))
    assert (score.grade, score.at_least, score.label) == (None, "severe", "at least severe")
    assert {"ventilation", "shock", "organ_failure_in_icu"} <= set(score.missing)


@pytest.mark.parametrize("name", ["respiratory_rate_per_min", "spo2_percent", "pao2_fio2_mmhg"])
def test_moderate_is_a_lower_limit_until_severe_is_excluded(name: str) -> None:
    """Without a blood gas nobody is moderate, but at least moderate."""
    score = guideline_class(PNEUMONIA, replace(STABLE, **{name: None}))
    assert (score.grade, score.at_least) == (None, "moderate")
    assert name in score.missing


def test_the_age_must_be_known_for_a_certain_class() -> None:
    """The criteria are those for adults; critical is defined alike for children."""
    unknown = guideline_class(PNEUMONIA, replace(STABLE, age_years=None))
    assert (unknown.grade, unknown.at_least) == (None, "moderate")
    child = guideline_class(PNEUMONIA, replace(STABLE, age_years=17, spo2_percent=80))
    assert (child.grade, child.at_least) == (None, None)
    assert "children" in child.note
    assert guideline_class(PNEUMONIA, replace(STABLE, age_years=3, shock=True)).grade == "critical"


def test_without_symptoms_there_is_no_class() -> None:
    """Unknown or absent symptoms are not slight symptoms."""
    for symptoms in (None, False):
        score = guideline_class(PNEUMONIA, replace(STABLE, symptoms=symptoms))
        assert (score.grade, score.at_least) == (None, None)
        assert "symptoms" in score.note


def test_without_clinical_values_only_growth_tells_something() -> None:
    """The images alone give no class, except that fast growth is at least severe."""
    alone = guideline_class(PNEUMONIA, ClinicalValues())
    assert (alone.grade, alone.at_least) == (None, None)
    assert guideline_class(grown(80), ClinicalValues()).at_least == "severe"


def test_a_prior_ct_that_cannot_be_compared_is_not_said_to_be_missing() -> None:
    """It was given; why it cannot be compared stands with the rule of lesion progress."""
    imaging = grown(80)
    assert imaging.prior is not None
    long_ago = replace(imaging.prior, acquired_at=imaging.prior.acquired_at - timedelta(days=10))
    score = guideline_class(replace(imaging, prior=long_ago), ClinicalValues())
    assert score.at_least is None
    assert "prior_measurement" not in score.missing
    assert "prior_measurement" in guideline_class(PNEUMONIA, ClinicalValues()).missing


@pytest.mark.parametrize(
    ("altitude", "pressure", "grade", "at_least"),
    [
        (None, None, "moderate", None),
        (1000, 570, "moderate", None),  # not above 1000 m: not corrected
        (2200, 570, "severe", None),  # 380 * 570 / 760 = 285
        (1000.5, 570, "severe", None),
        (2200, 600.5, "moderate", None),  # 380 * 600.5 / 760 = 300.25
        (2200, 600, "severe", None),  # 380 * 600 / 760 = 300
        (2200, None, None, "moderate"),
    ],
)
def test_oxygenation_is_corrected_above_1000_m(
    altitude: float | None, pressure: float | None, grade: str | None, at_least: str | None
) -> None:
    """380 mmHg at altitude, with and without the barometric pressure."""
    values = replace(
        STABLE, pao2_fio2_mmhg=380, altitude_m=altitude, barometric_pressure_mmhg=pressure
    )
    score = guideline_class(PNEUMONIA, values)
    assert (score.grade, score.at_least) == (grade, at_least)
    assert ("barometric_pressure_mmhg" in score.missing) == (grade is None)


def test_a_low_ratio_needs_no_correction() -> None:
    """The correction only lowers it: 250 mmHg is severe at any altitude."""
    values = replace(STABLE, pao2_fio2_mmhg=250, altitude_m=3000)
    assert guideline_class(PNEUMONIA, values).grade == "severe"


STATES = st.booleans()
PATIENTS = st.builds(
    ClinicalValues,
    age_years=st.floats(18, 100),
    symptoms=st.just(True),
    respiratory_rate_per_min=st.floats(8, 50),
    spo2_percent=st.floats(70, 100),
    pao2_fio2_mmhg=st.floats(60, 550),
    ventilation=st.sampled_from(Ventilation),
    shock=STATES,
    organ_failure_in_icu=STATES,
)
IMAGING = st.one_of(
    st.sampled_from([ImagingFindings(Pneumonia.YES), ImagingFindings(Pneumonia.NO)]),
    st.floats(-50, 200).map(grown),
)
NAMES = [field.name for field in fields(ClinicalValues)]


def _rank(grade: str | None) -> int:
    assert grade is not None
    return GuidelineClass(grade).rank


@given(imaging=IMAGING, values=PATIENTS, hidden=st.sets(st.sampled_from(NAMES)))
def test_a_missing_value_never_makes_a_class_wrong(
    imaging: ImagingFindings, values: ClinicalValues, hidden: set[str]
) -> None:
    """A class from part of the values is that of all values; "at least" is never too high."""
    full = _rank(guideline_class(imaging, values).grade)
    part = guideline_class(imaging, replace(values, **dict.fromkeys(hidden)))
    if part.grade is not None:
        assert _rank(part.grade) == full
    if part.at_least is not None:
        assert _rank(part.at_least) <= full
    assert part.grade is None or part.at_least is None


@given(
    imaging=IMAGING,
    values=PATIENTS,
    worse=st.sampled_from(
        [
            ("respiratory_rate_per_min", lambda now: now + 7),
            ("spo2_percent", lambda now: now - 5),
            ("pao2_fio2_mmhg", lambda now: now * 0.7),
            ("ventilation", lambda now: Ventilation.INVASIVE),
            ("shock", lambda now: True),
            ("organ_failure_in_icu", lambda now: True),
        ]
    ),
)
def test_the_class_never_falls_when_a_value_gets_worse(
    imaging: ImagingFindings, values: ClinicalValues, worse: tuple[str, Any]
) -> None:
    """One value worse: the same class or a higher one."""
    name, change = worse
    after = replace(values, **{name: change(getattr(values, name))})
    before_rank = _rank(guideline_class(imaging, values).grade)
    assert _rank(guideline_class(imaging, after).grade) >= before_rank
