"""Which slices may be put beside those of a study: of the same patient, kept, and in force."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from chest.values.course import Course, CoursePoint
from chest.values.reading import ChestReading
from tests.unit.worklist.access.visitor import Visitor
from tests.unit.worklist.seeding import START, SeededHospital
from tests.unit.worklist.study.full_reading import full_reading
from tests.unit.worklist.study.seeded_slices import StudyWithSlices, study_with_slices


def test_the_latest_study_of_the_course_whose_slices_are_kept(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    first, second = study_with_slices(hospital), study_with_slices(hospital)
    now = study_with_slices(hospital, reading=_with_course(first.uid, second.uid))
    assert _beside(visitor, now) == (str(second.result_id), f"{START - timedelta(days=3):%Y-%m-%d}")
    second.slices.unlink()
    assert _beside(visitor, now) == (str(first.result_id), f"{START - timedelta(days=6):%Y-%m-%d}")
    first.slices.unlink()
    assert _beside(visitor, now) is None


def test_nothing_beside_a_study_without_a_course(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    """Another study of the hospital is not shown because its slices lie there."""
    study_with_slices(hospital)
    assert _beside(visitor, study_with_slices(hospital)) is None


def test_the_first_slice_is_named_in_the_page(hospital: SeededHospital, visitor: Visitor) -> None:
    """So that it is fetched beside the index, not after it."""
    study = study_with_slices(hospital)
    key = visitor.get(f"/results/{study.result_id}/slices").json()["key"]
    assert f'data-key="{key}"' in visitor.get(f"/studies/{study.uid}").text


def _with_course(*uids: str) -> ChestReading:
    """A reading of a patient who had these studies before, three days apart."""
    points = [
        CoursePoint(uid, START - timedelta(days=3 * (len(uids) - place)), 4300.0, 400.0, 9.3, None)
        for place, uid in enumerate(uids)
    ]
    this = CoursePoint("", START, 4330.0, 515.0, 11.9, None)
    return replace(full_reading(), course=Course((*points, this), ()))


def _beside(visitor: Visitor, study: StudyWithSlices) -> tuple[str, str] | None:
    text = visitor.get(f"/studies/{study.uid}").text
    found = re.search(r'data-earlier="(\d+)" data-earlier-day="([^"]*)"', text)
    return None if found is None else (found[1], found[2])
