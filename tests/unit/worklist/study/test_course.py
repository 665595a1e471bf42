"""The course over time: a plot that is a table too, and what became of each lesion."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from chest.values.change import (
    Change,
    LesionChange,
    LungMeasurement,
    PriorComparison,
    RegistrationQuality,
)
from chest.values.course import Course, CoursePoint, NotCompared
from chest.values.figures import Side
from chest.values.reading import ChestReading
from models.older_readings import stored_reading
from radiology.answer.lesions import Became
from radiology.urgency import Urgency
from tests.unit.worklist.access.visitor import Visitor, readable
from tests.unit.worklist.seeded_values import stored_chest
from tests.unit.worklist.seeding import START, SeededHospital
from tests.unit.worklist.study.full_reading import full_reading
from worklist.reading.course_lines import HEIGHT, WIDTH, course_lines


def _points(*shares: float) -> tuple[CoursePoint, ...]:
    first = START - timedelta(days=3 * (len(shares) - 1))
    return tuple(
        CoursePoint(
            f"1.2.{day}", first + timedelta(days=3 * day), 4300.0, 43.0 * share, share, None
        )
        for day, share in enumerate(shares)
    )


def _change(course: Became, then_ml: float, now_ml: float, number: int) -> LesionChange:
    return LesionChange(
        course,
        Side.LEFT,
        f"1.2.9.{number}",
        () if course is Became.NEW else (number,),
        () if course is Became.RESOLVED else (number,),
        then_ml,
        now_ml,
        None,
        None,
    )


def _followed(reason: str = "") -> ChestReading:
    lung = LungMeasurement(4300.0, 200.0, -800.0, -600.0)
    comparison = PriorComparison(
        "1.2.0",
        START - timedelta(days=3),
        START,
        RegistrationQuality(0.9, 0.8, 0.0, reason),
        {Side.TOTAL: Change(lung, lung)},
        {},
        ()
        if reason
        else (
            _change(Became.SHRUNK, 30.0, 12.0, 3),
            _change(Became.NEW, 0.0, 4.0, 4),
            _change(Became.GROWN, 10.0, 31.0, 1),
            _change(Became.RESOLVED, 2.5, 0.0, 7),
        ),
    )
    course = Course(
        _points(3.0, 8.0, 11.9),
        (comparison,),
        (NotCompared("1.2.77", "another patient has the same ID"),),
    )
    return replace(full_reading(), course=course)


def _section(hospital: SeededHospital, visitor: Visitor, reading: ChestReading) -> str:
    uid, claim = hospital.claimed()
    hospital.answer(claim, Urgency.URGENT, reading=reading, picture=False)
    html = visitor.get(f"/studies/{uid}").text
    found = re.search(r'<section data-part="course".*?</section>', html, re.DOTALL)
    assert found
    return found.group()


def test_plot_and_table_tell_the_same(hospital: SeededHospital, visitor: Visitor) -> None:
    """Whoever cannot see the plot reads its figures, in order, with the day of each."""
    html = _section(hospital, visitor, _followed())
    text = readable(html)
    assert html.count("<circle") == 3
    assert "Acquired Lesion share of lung % Volume ml Lesion volume ml" in text
    assert "2026-11-21 08:00 (this study) 11.9 4300.0 511.7" in text
    assert text.index("2026-11-15") < text.index("2026-11-18")
    assert 'role="img"' in html
    assert " style=" not in html


def test_what_became_of_each_lesion(hospital: SeededHospital, visitor: Visitor) -> None:
    """New and grown first; resolved ones have no number in this study."""
    text = readable(_section(hospital, visitor, _followed()))
    assert "Lesions since 2026-11-18 1 new , 1 grown , 1 resolved , 1 shrunk" in text
    assert "4, left Show lesion 4 in the slices new 0.0 4.0 –" in text
    assert "grown 10.0 31.0 210" in text
    assert "–, left resolved 2.5 0.0 −100" in text
    assert "another patient has the same ID" in text


def test_why_lesions_are_not_compared(hospital: SeededHospital, visitor: Visitor) -> None:
    """Where registration was not good enough, the reason stands in the place of the lesions."""
    text = readable(_section(hospital, visitor, _followed("the lungs overlap by 0.61 only")))
    assert "Lesions are not compared one by one: the lungs overlap by 0.61 only" in text


def test_without_a_course_there_is_no_section(hospital: SeededHospital, visitor: Visitor) -> None:
    """One study alone is no course."""
    assert "hidden" in _section(hospital, visitor, full_reading()).split(">", 1)[0]


@pytest.mark.parametrize("shares", [(0.0, 0.0), (0.01, 0.02), (100.0, 99.0), (7.0, 8.0, 9.0, 8.5)])
def test_every_point_lies_in_the_plot(shares: tuple[float, ...]) -> None:
    """From nothing to everything, in the order of time, higher for more."""
    reading = replace(full_reading(), course=Course(_points(*shares)))
    points = course_lines(stored_reading(stored_chest(reading, Urgency.URGENT))).points
    assert [one.value for one in points] == list(shares)
    assert all(0 < one.x < WIDTH and 0 < one.y < HEIGHT for one in points)
    xs = [one.x for one in points]
    assert xs == sorted(xs)
    highest = max(points, key=lambda one: one.value)
    assert highest.y == min(one.y for one in points)
    assert points[-1].this_study


def test_two_studies_of_one_minute() -> None:
    """Points that lie upon each other have one date between them."""
    point = _points(5.0)[0]
    course = Course((point, replace(point, study_instance_uid="1.9", lesion_share_percent=6.0)))
    reading = replace(full_reading(), course=course)
    points = course_lines(stored_reading(stored_chest(reading, Urgency.URGENT))).points
    assert [one.labelled for one in points] == [False, True]
