"""Severity of a stored reading, computed again with values that came later."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chest.judge_again import given_in, judge_again, stated_in
from chest.values.course import Course, CoursePoint
from chest.values.reading import ChestReading
from radiology.clinical import ClinicalContext, ClinicalValues
from radiology.sex import Sex
from tests.unit.worklist.study.full_reading import full_reading, reading_without_lobes

_NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


def _stored(reading: ChestReading) -> dict[str, Any]:
    """The facts as they come back from the database."""
    facts: dict[str, Any] = json.loads(json.dumps(reading.facts()))
    return facts


@pytest.mark.parametrize("reading", [full_reading(), reading_without_lobes()])
def test_without_new_values_nothing_changes(reading: ChestReading) -> None:
    """The stored reading holds all that the rules saw: computed again, it says the same."""
    assert reading.severity is not None
    assert judge_again(_stored(reading), ClinicalValues()) == reading.severity


def test_age_and_sex_of_the_headers_still_count() -> None:
    """They count where nobody entered them; what was entered goes before."""
    stored = _stored(full_reading())
    assert stated_in(stored) == ClinicalValues(age_years=71.0, sex=Sex.MALE)
    given = {one.name: one.value for one in judge_again(stored, ClinicalValues()).four_c.inputs}
    assert (given["age_years"], given["sex"]) == (71.0, "male")
    entered = judge_again(stored, ClinicalValues(age_years=44.0)).four_c.inputs
    assert {one.name: one.value for one in entered}["age_years"] == 44.0


def test_what_was_given_at_the_reading_is_not_taken_for_the_headers() -> None:
    """Taken back on the page, a given age makes room for that of the headers, not for itself."""
    values = ClinicalValues(age_years=44.0, gcs=15)
    context = ClinicalContext(values).facts(ClinicalValues(age_years=71.0, sex=Sex.MALE))
    stored = {**_stored(full_reading()), "context": json.loads(json.dumps(context))}
    assert given_in(stored) == {"age_years": 44.0, "gcs": 15}
    assert stated_in(stored) == ClinicalValues(age_years=71.0, sex=Sex.MALE)
    inputs = judge_again(stored, ClinicalValues()).four_c.inputs
    assert {one.name: one.value for one in inputs}["age_years"] == 71.0
    assert given_in({}) == {}


def test_progress_is_judged_from_the_stored_course() -> None:
    """Growth by more than half within 24 to 48 hours is severe with entered values too."""
    then = CoursePoint("1.1", _NOW - timedelta(hours=30), 4300.0, 300.0, 7.0, -600.0)
    now = replace(then, study_instance_uid="1.2", acquired_at=_NOW, lesion_volume_ml=515.0)
    reading = replace(full_reading(), course=Course((then, now)), acquired_at=_NOW)
    progress = judge_again(_stored(reading), ClinicalValues(gcs=15)).progress
    assert progress.grade == "severe"


@pytest.mark.parametrize(
    "reading", [None, {}, {"outcome": "not_assessable", "refused_by": "SliceMissing"}]
)
def test_without_a_reading_only_clinical_rules_are_computed(
    reading: dict[str, Any] | None,
) -> None:
    """A rule that needs images says so; nothing is taken for absent because nobody saw it."""
    severity = judge_again(
        reading,
        ClinicalValues(
            age_years=72.0,
            confusion=False,
            urea_mmol_l=9.0,
            respiratory_rate_per_min=31.0,
            systolic_mmhg=118.0,
            diastolic_mmhg=70.0,
        ),
    )
    assert severity.curb_65.value == 3
    assert not severity.mosmed.computed
    assert not severity.ct_severity.computed
