"""The rule table of urgency."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chest.triage.urgency import rules_seen, triage_reading
from chest.values.course import Course, CoursePoint
from chest.values.figures import LungFigures, Side
from chest.values.reading import ChestReading
from radiology.algorithm import AlgorithmIdentity
from radiology.outcome import Outcome
from radiology.urgency import Triage, Urgency


def figures(side: Side, lesion_ml: float, consolidation_ml: float = 0.0) -> LungFigures:
    return LungFigures(
        side=side,
        lung_volume_ml=2000.0 if side is not Side.TOTAL else 4000.0,
        lesion_volume_ml=lesion_ml,
        ground_glass_ml=lesion_ml - consolidation_ml,
        consolidation_ml=consolidation_ml,
        lesion_mean_hu=-500.0,
        slices_involved=10,
    )


def answer(
    outcome: Outcome, right_ml: float = 0.0, left_ml: float = 0.0, consolidation_ml: float = 0.0
) -> Triage | None:
    reading = ChestReading(
        outcome=outcome,
        algorithm=AlgorithmIdentity("bundle", "1.0.0", "0" * 64),
        suspicion=0.5,
        suspicion_threshold=0.5,
        figures={
            Side.RIGHT: figures(Side.RIGHT, right_ml),
            Side.LEFT: figures(Side.LEFT, left_ml),
            Side.TOTAL: figures(Side.TOTAL, right_ml + left_ml, consolidation_ml),
        },
        gates=(),
        key_slice=None,
        regions=None,
    )
    return triage_reading(reading)


@pytest.mark.parametrize(
    ("right_ml", "left_ml", "consolidation_ml", "urgency"),
    [
        (100.0, 50.0, 0.0, Urgency.SUSPECTED),  # 5 % and 2.5 %
        (499.0, 499.0, 0.0, Urgency.SUSPECTED),  # just under 25 % of either lung
        (500.0, 0.0, 0.0, Urgency.URGENT),  # 25 % of the right lung, 12.5 % of both
        (0.0, 600.0, 0.0, Urgency.URGENT),
        (250.0, 150.0, 400.0, Urgency.URGENT),  # 10 % of both lungs consolidated
    ],
)
def test_a_suspected_study_is_ranked_by_its_shares(
    right_ml: float, left_ml: float, consolidation_ml: float, urgency: Urgency
) -> None:
    """A quarter of one lung, or a tenth of both consolidated, makes a suspected study urgent."""
    triage = answer(Outcome.FINDINGS, right_ml, left_ml, consolidation_ml)
    assert triage is not None
    assert triage.urgency is urgency


def test_without_suspicion_a_study_is_routine() -> None:
    """Whatever the shares, a study below the threshold of suspicion is routine."""
    triage = answer(Outcome.NO_FINDINGS, right_ml=1000.0)
    assert triage is not None
    assert triage.urgency is Urgency.ROUTINE


def test_not_assessable_has_no_urgency() -> None:
    """A study that cannot be assessed is not called routine."""
    assert answer(Outcome.NOT_ASSESSABLE) is None


@pytest.mark.parametrize(
    ("then_ml", "now_ml", "hours", "urgent"),
    [
        (60.0, 100.0, 47.0, True),
        (60.0, 100.0, 6.0, True),  # less than the guideline's 24 hours is no less urgent
        (60.0, 100.0, 49.0, False),
        (70.0, 100.0, 47.0, False),  # by 43 %
        (12.0, 21.0, 47.0, False),  # by 9 ml
        (0.0, 100.0, 47.0, False),  # nothing to grow from
    ],
)
def test_quick_growth_is_urgent(then_ml: float, now_ml: float, hours: float, urgent: bool) -> None:
    """More than half as much again within 48 hours, and not just a little."""
    first = datetime(2026, 1, 1, tzinfo=UTC)
    points = tuple(
        CoursePoint(f"2.25.{number}", at, 4000.0, lesion_ml, lesion_ml / 40.0, -500.0)
        for number, (at, lesion_ml) in enumerate(
            [(first, then_ml), (first + timedelta(hours=hours), now_ml)], start=1
        )
    )
    reading = ChestReading(
        outcome=Outcome.FINDINGS,
        algorithm=AlgorithmIdentity("bundle", "1.0.0", "0" * 64),
        suspicion=0.9,
        suspicion_threshold=0.5,
        figures={},
        gates=(),
        key_slice=None,
        regions=None,
        course=Course(points),
    )
    found = triage_reading(reading)
    assert found is not None
    assert (found.urgency is Urgency.URGENT) == urgent
    assert ("grew" in found.rule) == urgent


def test_every_rule_says_what_it_saw() -> None:
    """Held or not, each row of the table tells its value and its limit; the triage is the first."""
    reading = ChestReading(
        outcome=Outcome.FINDINGS,
        algorithm=AlgorithmIdentity("bundle", "1.0.0", "0" * 64),
        suspicion=0.9,
        suspicion_threshold=0.5,
        figures={
            Side.RIGHT: figures(Side.RIGHT, 100.0),
            Side.LEFT: figures(Side.LEFT, 40.0),
            Side.TOTAL: figures(Side.TOTAL, 140.0, 30.0),
        },
        gates=(),
        key_slice=None,
        regions=None,
    )
    seen = rules_seen(reading)
    assert [one.seen for one in seen] == [
        "5.0 % of the worse lung",
        "0.8 % consolidated",
        "no earlier CT to compare with",
        "0.90, threshold 0.50",
        "0.90, threshold 0.50",
    ]
    assert all(one.limit for one in seen)
    first = next(one for one in seen if one.held)
    triage = triage_reading(reading)
    assert triage is not None
    assert (triage.rule, triage.urgency) == (first.name, first.urgency)


def test_no_rule_is_asked_about_what_is_not_assessable() -> None:
    """Nothing is "not urgent" that nobody could assess."""
    reading = ChestReading(
        outcome=Outcome.NOT_ASSESSABLE,
        algorithm=AlgorithmIdentity("bundle", "1.0.0", "0" * 64),
        suspicion=None,
        suspicion_threshold=0.5,
        figures={},
        gates=(),
        key_slice=None,
        regions=None,
    )
    assert rules_seen(reading) == ()
