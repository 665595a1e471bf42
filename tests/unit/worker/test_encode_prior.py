"""What changed against an earlier CT, in both reports and in the picture."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from radiology.change import (
    Change,
    LesionChange,
    LungMeasurement,
    PriorComparison,
    RegistrationQuality,
    course_of,
)
from radiology.course import Course
from radiology.finding import Side
from radiology.language import Language
from radiology.territory import Territory
from tests.unit.worker.full_reading import full_context, fully_encoded, fully_segmented
from tests.unit.worker.report_content import comments, figures, groups_of, of_type, report_of
from worker.encode import encode_quantification_report
from worker.encode.derived_object import ResultContext
from worker.encode.picture_statements import statements
from worker.encode.prior_change import change_title
from worker.encode.wording import worded

NOW = datetime(2026, 3, 3)  # noqa: DTZ001 as headers state it
THEN = datetime(2026, 3, 1)  # noqa: DTZ001


def change(then_ml: float, now_ml: float) -> Change:
    then, now = (LungMeasurement(2000.0, lesions, -800.0, -500.0) for lesions in (then_ml, now_ml))
    return Change(then, now)


def lesion(number: int, then_ml: float, now_ml: float) -> LesionChange:
    course = course_of(then_ml, now_ml)
    return LesionChange(
        course, Side.RIGHT, f"2.25.{number}", (1,), (1,), then_ml, now_ml, None, None
    )


COMPARISON = PriorComparison(
    study_instance_uid="2.25.17",
    then_at=THEN,
    now_at=NOW,
    registration=RegistrationQuality(0.98, 0.9, 0.0),
    lungs={
        Side.TOTAL: change(50.0, 75.0),
        Side.RIGHT: change(50.0, 60.0),
        Side.LEFT: change(0.0, 15.0),
    },
    territories={Territory.RIGHT_LOWER_LOBE: change(40.0, 30.0)},
    lesions=(lesion(1, 0.0, 9.0), lesion(2, 0.0, 8.0), lesion(3, 9.0, 4.0)),
)


@pytest.fixture
def compared() -> ResultContext:
    context = full_context()
    course = Course(points=(), comparisons=(COMPARISON,))
    return replace(context, reading=replace(context.reading, course=course))


def test_lungs_and_lobes_say_what_changed(compared: ResultContext) -> None:
    """Lesion volume then, the change, and the growth where there was something to grow from."""
    groups = groups_of(report_of(compared))
    both, left = figures(groups["Both lungs, lesions"]), figures(groups["Left lung, lesions"])
    assert both["Lesion volume in the prior study"] == 50.0
    assert both["Change of lesion volume"] == 25.0
    assert both["Growth of lesions since the prior study"] == 50.0
    assert left["Change of lesion volume"] == 15.0
    assert "Growth of lesions since the prior study" not in left
    assert figures(groups["Right lower lobe"])["Change of lesion volume"] == -10.0
    assert "Change of lesion volume" not in figures(groups["Left lower lobe"])


def test_every_figure_of_a_change_has_its_place(compared: ResultContext) -> None:
    """OHIF shows nothing of a report with a figure that has none."""
    group = groups_of(report_of(compared))["Both lungs, lesions"]
    assert all(len(number.ContentSequence) == 1 for number in of_type(group, "NUM"))


def test_the_report_for_programs_has_them_too(compared: ResultContext) -> None:
    """By segment: the lung's own change."""
    report = encode_quantification_report(compared, fully_segmented())
    assert figures(groups_of(report)["Right lung"])["Change of lesion volume"] == 10.0


def test_the_change_is_told_in_words(compared: ResultContext) -> None:
    """Since when, how much, and what became of the lesions; in the picture's language too."""
    said = comments(report_of(compared))
    assert "Change since 2026-03-01: lesions 50.0 ml then, 75.0 ml now" in said
    assert "Change since 2026-03-01: 2 new, 1 shrunk" in said
    (shown,) = (one for one in statements(compared) if one.title.startswith("Change"))
    chinese = [worded(text, Language.CHINESE) for line in shown.lines for text in line]
    assert chinese == ["病变由 50.0 ml 变为 75.0 ml", "新发 2", "缩小 1"]
    assert worded(shown.title, Language.CHINESE) == "自 2026-03-01 以来的变化"


def test_an_earlier_study_of_unknown_date_is_named_as_such(compared: ResultContext) -> None:
    """No date is made up."""
    assert change_title(replace(COMPARISON, then_at=None)) == "Change since the earlier study"


def test_without_a_comparison_nothing_is_said_of_change() -> None:
    """No prior is not "no change"."""
    assert not any("hange" in text for text in comments(fully_encoded()["SR"]))
    assert not any(one.title.startswith("Change") for one in statements(full_context()))
