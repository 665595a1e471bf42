"""What is handed to the severity rules: shares that were measured, true lobes, stated values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from chest.gates import Acquisition
from chest.judge_severity import judge_severity
from chest.values.figures import LungFigures, Side
from chest.values.severity import Score, Severity
from chest.values.territory import Territory, TerritoryFigures
from radiology.clinical import ClinicalContext, ClinicalValues, LesionMeasurement
from radiology.sex import Sex

MOMENT = datetime(2020, 3, 14, 12, 0, 5)  # noqa: DTZ001 as most headers state it

LOBES = {
    Territory.RIGHT_UPPER_LOBE: 3.0,  # 1 point
    Territory.RIGHT_MIDDLE_LOBE: 0.0,  # 0
    Territory.RIGHT_LOWER_LOBE: 30.0,  # 3
    Territory.LEFT_UPPER_LOBE: 10.0,  # 2
    Territory.LEFT_LOWER_LOBE: 80.0,  # 5
}


def _lung(side: Side, lung_ml: float, lesion_ml: float) -> LungFigures:
    return LungFigures(side, lung_ml, lesion_ml, lesion_ml, 0.0, -500.0 if lesion_ml else None, 9)


def _figures(right_ml: float = 2000.0, left_ml: float = 1600.0) -> dict[Side, LungFigures]:
    """A fifth of the right lung and half of the left."""
    right, left = (
        _lung(Side.RIGHT, right_ml, 0.2 * right_ml),
        _lung(Side.LEFT, left_ml, 0.5 * left_ml),
    )
    total = _lung(Side.TOTAL, right_ml + left_ml, right.lesion_volume_ml + left.lesion_volume_ml)
    return {Side.RIGHT: right, Side.LEFT: left, Side.TOTAL: total}


def _territories(
    shares: Mapping[Territory, float], volume_ml: float = 500.0
) -> list[TerritoryFigures]:
    return [
        TerritoryFigures(one, volume_ml, volume_ml * share / 100.0, 0.0, 0.0, None)
        for one, share in shares.items()
    ]


def _judged(
    shares: Mapping[Territory, float] = LOBES,
    acquisition: Acquisition | None = None,
    *,
    figures: Mapping[Side, LungFigures] | None = None,
    suspected: bool = True,
    context: ClinicalContext | None = None,
) -> Severity:
    return judge_severity(
        figures or _figures(),
        _territories(shares),
        acquisition or Acquisition(),
        suspected=suspected,
        context=context,
    )


def _inputs(score: Score) -> dict[str, Any]:
    return {one.name: one.value for one in score.inputs}


def test_five_lobes_and_two_lungs_give_both_scores() -> None:
    severity = _judged()
    assert severity.ct_severity.value == 11
    assert severity.mosmed.grade == "CT-3"


@pytest.mark.parametrize(
    ("gone", "instead", "named"),
    [
        (
            (Territory.RIGHT_UPPER_LOBE, Territory.RIGHT_MIDDLE_LOBE),
            (Territory.RIGHT_UPPER_AND_MIDDLE_LOBE,),
            ("right upper lobe", "right middle lobe"),
        ),
        (
            (Territory.LEFT_UPPER_LOBE, Territory.LEFT_LOWER_LOBE),
            (Territory.LEFT_UPPER_ZONE, Territory.LEFT_MIDDLE_ZONE, Territory.LEFT_LOWER_ZONE),
            ("left upper lobe", "left lower lobe"),
        ),
    ],
    ids=["horizontal fissure not seen", "left oblique fissure not seen"],
)
def test_where_a_fissure_is_not_seen_there_is_no_ct_score_and_the_reason_is_said(
    gone: Sequence[Territory], instead: Sequence[Territory], named: Sequence[str]
) -> None:
    """Neither a united lobe nor a zone stands in for what was not told apart."""
    shares = {one: share for one, share in LOBES.items() if one not in gone}
    severity = _judged({**shares, **dict.fromkeys(instead, 20.0)})
    score = severity.ct_severity
    assert score.value is None
    assert not score.computed
    assert set(score.missing) == {name.replace(" ", "_") for name in named}
    assert score.note.startswith("Not computed: share missing of")
    assert all(name in score.note for name in named)
    assert "zones do not stand in for lobes" in score.note
    assert severity.mosmed.grade == "CT-3"  # the share of a lung asks for no fissure


def test_lung_that_was_not_found_is_not_a_lung_without_lesions() -> None:
    """The grade of the other lung is only a lower limit then."""
    mosmed = _judged(figures=_figures(left_ml=0.0)).mosmed
    assert mosmed.grade is None
    assert mosmed.at_least == "CT-1"
    assert mosmed.missing == ("left_lung",)


def test_lobe_without_a_voxel_is_missing() -> None:
    empty = TerritoryFigures(Territory.RIGHT_MIDDLE_LOBE, 0.0, 0.0, 0.0, 0.0, None)
    others = {one: share for one, share in LOBES.items() if one is not empty.territory}
    severity = judge_severity(
        _figures(), [*_territories(others), empty], Acquisition(), suspected=True
    )
    assert severity.ct_severity.missing == ("right_middle_lobe",)


@pytest.mark.parametrize("volume_ml", [0.1 * (0.7 + 0.001 * step) for step in range(200)])
def test_lung_and_lobe_that_are_all_lesion_have_a_share_of_exactly_100(volume_ml: float) -> None:
    """Rounded to more, the share would be refused, and the sickest study would have no reading."""
    assert _lung(Side.LEFT, volume_ml, volume_ml).lesion_share_percent == 100.0
    lobe = TerritoryFigures(Territory.LEFT_LOWER_LOBE, volume_ml, volume_ml, 0.0, 0.0, None)
    assert lobe.lesion_share_percent == 100.0


def test_what_was_measured_without_pneumonia_is_not_its_lesion() -> None:
    severity = _judged(suspected=False)
    assert severity.mosmed.grade == "CT-0"
    assert severity.ct_severity.value == 0


def test_without_headers_no_clinical_value_is_known() -> None:
    severity = _judged()
    assert _inputs(severity.four_c)["age_years"] is None
    assert _inputs(severity.four_c)["sex"] is None
    assert {"age_years", "sex"} <= set(severity.four_c.missing)


def test_age_and_sex_of_the_headers_are_shown_and_make_no_score_alone() -> None:
    severity = _judged(acquisition=Acquisition(patient_age_years=71.9, patient_sex=Sex.MALE))
    points = {one.name: one.points for one in severity.four_c.inputs}
    assert (points["age_years"], points["sex"]) == (6, 1)
    assert "age_years" not in severity.curb_65.missing
    for score in (severity.four_c, severity.curb_65, severity.qcsi, severity.guideline):
        assert score.value is None
        assert score.grade is None
        assert score.missing


def test_age_is_given_in_whole_years() -> None:
    """With the day of the study, 71.9 years would give the birth date away."""
    severity = _judged(acquisition=Acquisition(patient_age_years=71.9))
    assert _inputs(severity.four_c)["age_years"] == 71.0
    assert "71.9" not in json.dumps(severity.facts())


@pytest.mark.parametrize("age", [126.0, 999.0, -1.0])
def test_age_that_nobody_reaches_costs_no_study_its_reading(age: float) -> None:
    """Made-up birth dates are common."""
    severity = _judged(acquisition=Acquisition(patient_age_years=age))
    assert "age_years" in severity.four_c.missing
    assert severity.mosmed.computed


def test_given_values_count_before_those_of_the_headers() -> None:
    """What only the headers say stands beside what was given."""
    severity = _judged(
        acquisition=Acquisition(patient_age_years=71.9, patient_sex=Sex.MALE),
        context=ClinicalContext(ClinicalValues(age_years=52, urea_mmol_l=8.0)),
    )
    inputs = _inputs(severity.four_c)
    assert (inputs["age_years"], inputs["sex"], inputs["urea_mmol_l"]) == (52, "male", 8.0)


def test_prior_measurement_is_compared() -> None:
    """Lesions of 1200 ml after 600 ml the day before yesterday."""
    prior = LesionMeasurement(MOMENT - timedelta(hours=36), 600.0)
    acquisition = Acquisition(acquired_at=MOMENT)
    severity = _judged(acquisition=acquisition, context=ClinicalContext(prior=prior))
    assert severity.progress.label == "severe (100 %)"


def test_time_of_the_study_is_known_and_the_prior_one_is_missing() -> None:
    assert _judged(acquisition=Acquisition(acquired_at=MOMENT)).progress.missing == (
        "prior_measurement",
    )
    assert _judged().progress.missing == ("measurement", "prior_measurement")


def test_facts_are_plain_and_hold_neither_date_nor_name() -> None:
    acquisition = Acquisition(patient_age_years=71.9, patient_sex=Sex.FEMALE, acquired_at=MOMENT)
    text = json.dumps(_judged(acquisition=acquisition).facts())
    for told in ("2020-03-14", "20200314", "12:00:05"):
        assert told not in text
