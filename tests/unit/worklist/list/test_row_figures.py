"""A row says the leading figure, the coded answers, and the change since the earlier study."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chest import chest_codes
from radiology import codes
from radiology.answer.brief import ReadingInBrief
from radiology.answer.measurement import Measurement
from radiology.answer.reading import Comparison, ReportWords, TimePoint
from radiology.outcome import Outcome
from radiology.urgency import Urgency
from tests.unit.worklist.access.visitor import Visitor, row_text
from tests.unit.worklist.list.asked_list import answered
from tests.unit.worklist.seeding import START, SeededHospital
from tests.unit.worklist.study.full_reading import full_reading
from worklist.list.list_line import change_line


def test_a_row_says_the_leading_figure_and_the_coded_answers(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    """What the summary of the reading tells stands in columns of its own."""
    uid = answered(hospital, Urgency.URGENT, reading=full_reading())
    text = row_text(visitor.get("/").text, uid)
    assert "Lesion share of lung 11.9 %" in text
    assert "Confidence in the answer Moderate" in text
    assert "MosMed CT grade (0 to 4) 1" in text


def test_a_row_marks_a_figure_that_it_has_said(hospital: SeededHospital, visitor: Visitor) -> None:
    """Where it has no column of its own, it would stand beneath itself; not so beneath words."""
    found = answered(hospital, Urgency.URGENT, reading=full_reading())
    clear = answered(hospital, Urgency.ROUTINE)
    html = visitor.get("/?show=all").text
    for uid, marked in ((found, True), (clear, False)):
        start = html.index(f'data-part="{uid}"')
        row = html[start : html.index("</tr>", start)]
        assert ('class="share said-before"' in row) is marked, row


@pytest.mark.parametrize(
    ("then_ml", "now_ml", "more", "percent"),
    [
        (100.0, 150.0, True, "+50\u00a0%"),
        (100.0, 40.0, False, "−60\u00a0%"),
        (100.0, 104.0, True, "+4\u00a0%"),
        (0.0, 12.0, True, ""),
        (12.0, 0.0, False, "−100\u00a0%"),
        (0.0, 0.0, False, ""),
    ],
)
def test_change_against_the_prior(then_ml: float, now_ml: float, more: bool, percent: str) -> None:
    """The row says what became of the first amount since the latest earlier study, since when."""
    then_at = datetime(2026, 10, 2, 9, 30, tzinfo=UTC)
    course = tuple(
        TimePoint("", at, order, (Measurement(chest_codes.LESION_VOLUME, ml, codes.MILLILITRE),))
        for order, (at, ml) in enumerate(((then_at, then_ml), (START, now_ml)), start=1)
    )
    said = ReadingInBrief(
        Outcome.FINDINGS,
        ReportWords("head CT", codes.DIAGNOSTIC_IMAGING_STUDY, "bleeding"),
        comparison=Comparison(course[0], course[1]),
        summary=(
            Measurement(chest_codes.LESION_SHARE, 3.0, codes.PERCENT),
            Measurement(chest_codes.LESION_VOLUME, now_ml, codes.MILLILITRE),
        ),
        course=course,
    )
    line = change_line(said)
    assert line is not None
    assert (line.title, line.more, line.percent) == ("Lesion volume", more, percent)
    assert line.since == then_at
    assert change_line(replace(said, comparison=None)) is change_line(None) is None
