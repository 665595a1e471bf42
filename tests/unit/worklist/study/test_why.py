"""Why a study is urgent, suspected, routine or without an answer: each with what was seen."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chest.triage.urgency import rules_seen, triage_reading
from chest.values.course import Course, CoursePoint
from chest.values.reading import ChestReading
from radiology.answer.plain_values import to_plain
from radiology.urgency import Urgency
from tests.unit.worklist.access.visitor import Visitor
from tests.unit.worklist.list.ordinary_day import CLEAR, MODERATE, SEVERE, OrdinaryDay
from tests.unit.worklist.seeded_values import Lesions, reading_of
from tests.unit.worklist.seeding import START, SeededHospital


def _why(hospital: SeededHospital, visitor: Visitor, reading: ChestReading) -> str:
    """What a person reads under "Why" of a study with this reading."""
    triage = triage_reading(reading)
    uid, claim = hospital.claimed()
    rules = [to_plain(one) for one in rules_seen(reading)]
    hospital.answer(
        claim,
        triage.urgency if triage else None,
        reading=reading,
        picture=False,
        more={"urgency_rules": rules},
    )
    text = visitor.text(f"/studies/{uid}")
    return text[text.index("\nWhy") : text.index("\nQuality gates")]


def test_a_suspected_study_says_by_how_much_it_missed_the_urgent_rules(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    """Each rule stands with what it saw, what it asks for, and which one decided."""
    why = _why(hospital, visitor, reading_of(Urgency.SUSPECTED, MODERATE, ""))
    assert "Suspected, and not urgent" in why
    assert "4.3 % of the worse lung suspected, and 25 % or more not urgent" in why
    assert "0.1 % consolidated suspected, and 10 % or more not urgent" in why
    assert "no earlier CT to compare with" in why
    assert "0.83, threshold 0.50 at or above the threshold suspected: decides" in why


def test_an_urgent_study_names_the_first_rule_that_held(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    """Rules below it are shown as what they are: not decisive."""
    lesions = Lesions(right=(700.0, 20.0), left=(10.0, 0.0), suspicion=0.99)
    why = _why(hospital, visitor, reading_of(Urgency.URGENT, lesions, ""))
    assert "Urgent: the first rule that holds decides" in why
    assert "30.6 % of the worse lung suspected, and 25 % or more urgent: decides" in why
    assert "suspected, but a rule above decides" in why


def test_a_routine_study_says_why_it_was_not_flagged(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    """Nobody has to guess how near to the threshold it was."""
    why = _why(hospital, visitor, reading_of(Urgency.ROUTINE, CLEAR, ""))
    assert "Routine: no rule above it held" in why
    assert "0.03, threshold 0.50 below the threshold routine: decides" in why


def test_growth_is_told_with_its_time(hospital: SeededHospital, visitor: Visitor) -> None:
    """The rule of growth shows how much in how many hours."""
    then = CoursePoint("1.2", START - timedelta(hours=30), 4300.0, 300.0, 7.0, -600.0)
    now = replace(then, study_instance_uid="1.3", acquired_at=START, lesion_volume_ml=515.0)
    reading = replace(reading_of(Urgency.URGENT, SEVERE, ""), course=Course((then, now)))
    why = _why(hospital, visitor, reading)
    assert "+72 %, +215.0 ml in 30 h" in why
    assert "urgent: decides" in why


def test_gates_that_refused(ordinary_day: OrdinaryDay, visitor: Visitor) -> None:
    """A study that is not assessable names the gate, its value and its limit."""
    text = visitor.text(f"/studies/{ordinary_day.not_assessable}")
    why = text[text.index("\nWhy") : text.index("\nQuality gates")]
    assert "Not assessable: a quality gate was not passed." in why
    assert "slices 12 at least 40 12 slices; at least 40 are needed." in why


def test_a_study_without_series(ordinary_day: OrdinaryDay, visitor: Visitor) -> None:
    """A refused study says so with the reason that was stored."""
    text = visitor.text(f"/studies/{ordinary_day.refused}")
    assert "Not analysed: No series of the study can be analysed." in text


@pytest.mark.parametrize(
    ("study", "words"),
    [
        ("failed", "Not analysed: the analysis ended with a fault. "),
        ("queued", "Not analysed yet: waits for a worker."),
        ("running", "Not analysed yet: images decoded."),
        ("receiving", "Not analysed yet: images are arriving."),
    ],
)
def test_studies_without_a_result(
    ordinary_day: OrdinaryDay, visitor: Visitor, study: str, words: str
) -> None:
    """What stands in the way is named."""
    text = visitor.text(f"/studies/{getattr(ordinary_day, study)}").replace("\n", " ")
    assert words in text


def test_older_results_say_what_was_not_kept(ordinary_day: OrdinaryDay, visitor: Visitor) -> None:
    """Nothing is made up for a result that was stored before the rules' values were."""
    text = visitor.text(f"/studies/{ordinary_day.suspected}")
    assert "what the other rules saw was not kept" in text
