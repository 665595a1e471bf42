"""Severity of a stored reading, computed again with values that came later."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chest.answer.known import given_in, stated_in
from chest.judge_again import judge_again
from chest.values.course import Course, CoursePoint
from chest.values.reading import ChestReading
from models.older_readings import stored_reading
from radiology.answer.reading import Reading
from radiology.clinical import ClinicalContext, ClinicalValues
from radiology.sex import Sex
from radiology.urgency import Urgency
from tests.unit.worklist.seeded_values import Lesions, reading_of, stored_chest
from tests.unit.worklist.study.full_reading import full_reading, reading_without_lobes

_NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


def _stored_by_0_1_0(reading: ChestReading, **more: object) -> Reading:
    """As version 0.1.0 stored it."""
    return stored_reading(json.loads(json.dumps({**reading.facts(), **more})))


def _stored_now(reading: ChestReading) -> Reading:
    """As it is stored today."""
    return stored_reading(json.loads(json.dumps(stored_chest(reading, Urgency.URGENT))))


_STORED = pytest.mark.parametrize("stored", [_stored_by_0_1_0, _stored_now])


@_STORED
@pytest.mark.parametrize("reading", [full_reading(), reading_without_lobes()])
def test_without_new_values_nothing_changes(
    reading: ChestReading, stored: Callable[[ChestReading], Reading]
) -> None:
    """The stored reading holds all that the rules saw: computed again, it says the same."""
    assert reading.severity is not None
    assert judge_again(stored(reading), ClinicalValues()) == reading.severity


@_STORED
def test_age_and_sex_of_the_headers_still_count(stored: Callable[[ChestReading], Reading]) -> None:
    """They count where nobody entered them; what was entered goes before."""
    read = stored(full_reading())
    assert stated_in(read) == ClinicalValues(age_years=71.0, sex=Sex.MALE)
    given = {one.name: one.value for one in judge_again(read, ClinicalValues()).four_c.inputs}
    assert (given["age_years"], given["sex"]) == (71.0, "male")
    entered = judge_again(read, ClinicalValues(age_years=44.0)).four_c.inputs
    assert {one.name: one.value for one in entered}["age_years"] == 44.0


def test_what_was_given_at_the_reading_is_not_taken_for_the_headers() -> None:
    """Taken back on the page, a given age makes room for that of the headers, not for itself."""
    values = ClinicalValues(age_years=44.0, gcs=15)
    context = ClinicalContext(values).facts(ClinicalValues(age_years=71.0, sex=Sex.MALE))
    stored = _stored_by_0_1_0(full_reading(), context=context)
    assert given_in(stored) == {"age_years": 44.0, "gcs": 15}
    assert stated_in(stored) == ClinicalValues(age_years=71.0, sex=Sex.MALE)
    inputs = judge_again(stored, ClinicalValues()).four_c.inputs
    assert {one.name: one.value for one in inputs}["age_years"] == 71.0
    assert given_in(_stored_by_0_1_0(full_reading())) == {}


@_STORED
def test_progress_is_judged_from_the_stored_course(
    stored: Callable[[ChestReading], Reading],
) -> None:
    """Growth by more than half within 24 to 48 hours is severe with entered values too."""
    then = CoursePoint("1.1", _NOW - timedelta(hours=30), 4300.0, 300.0, 7.0, -600.0)
    now = replace(then, study_instance_uid="1.2", acquired_at=_NOW, lesion_volume_ml=515.0)
    reading = replace(full_reading(), course=Course((then, now)), acquired_at=_NOW)
    progress = judge_again(stored(reading), ClinicalValues(gcs=15)).progress
    assert progress.grade == "severe"


@pytest.mark.parametrize("reading", [None, _stored_now(reading_of(None, Lesions(), "Too few"))])
def test_without_a_reading_only_clinical_rules_are_computed(reading: Reading | None) -> None:
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
