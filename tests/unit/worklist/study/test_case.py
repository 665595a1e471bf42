"""What a reading says beyond its figures arrives on the page as it was stored."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from chest.values.case_answer import PneumoniaType
from chest.values.reading import ChestReading
from chest.values.severity import NOTICE
from models.older_readings import reading_if_readable, stored_reading
from models.schema_2.sign import Sign
from radiology.answer.reading import Reading
from radiology.urgency import Urgency
from tests.unit.worklist.access.visitor import Visitor, readable
from tests.unit.worklist.seeded_values import stored_chest
from tests.unit.worklist.seeding import SeededHospital
from tests.unit.worklist.study.full_reading import (
    NOISY,
    UNSEEN,
    full_reading,
    reading_without_lobes,
)
from worklist.page.templates import STATIC_FOLDERS
from worklist.reading.case_lines import case_lines
from worklist.reading.clinical_scores import scores_of_study
from worklist.reading.figures import table_lines
from worklist.reading.score_lines import topic_lines


def _read(reading: ChestReading) -> Reading:
    """The reading as it comes back from the database."""
    return stored_reading(json.loads(json.dumps(stored_chest(reading, Urgency.URGENT))))


def _section(hospital: SeededHospital, visitor: Visitor, reading: ChestReading) -> str:
    """The markup of figures, findings and severity, of a study with this reading."""
    uid, claim = hospital.claimed()
    hospital.answer(claim, Urgency.URGENT, picture=False, reading=reading)
    html = visitor.get(f"/studies/{uid}").text
    found = re.findall(
        r'<section [^>]*data-part="(?:figures|case|severity)".*?</section>', html, re.DOTALL
    )
    assert len(found) == 3
    return "".join(found)


def test_every_value_of_the_reading_has_its_line() -> None:
    lines = case_lines(_read(full_reading()))
    assert lines.any
    assert ("Confidence in the answer", "Moderate", "62.0\u00a0%") in [
        (one.words, one.answer, one.figure) for one in lines.coded
    ]
    assert "Viral pattern suspected" in [one.answer for one in lines.coded]
    assert [one.words for one in lines.findings][1:] == [sign.words for sign in Sign]
    assert [one.presence for one in lines.findings] == [
        "suspected",
        "present",
        "present",
        "not found",
        "present",
        "not found",
    ]
    assert "Rule lesion share, decides: 11.90 % of the lungs, limit 1 (suspected)" in (
        lines.sentences
    )
    assert lines.warnings == (NOISY,)


def test_every_severity_rule_is_told_with_what_it_lacks() -> None:
    """Nothing but the rules that images can answer has an answer; none is lost."""
    reading = full_reading()
    assert reading.severity is not None
    (topic,) = topic_lines(_read(reading).statements)
    assert topic.title == "Severity"
    by_name = {one.name: one for one in (*topic.scores, *topic.unanswered)}
    assert {one.name for one in reading.severity.scores} == set(by_name)
    for score in reading.severity.scores:
        line = by_name[score.name]
        assert (line.label, line.note, line.source) == (score.label, score.note, score.source)
    assert {one.name for one in topic.scores} == {"MosMed CT grade", "CT severity score"}
    assert by_name["CT severity score"].label == "8 points"


@pytest.mark.parametrize("kind", list(PneumoniaType))
def test_type_is_given_in_words(kind: PneumoniaType) -> None:
    reading = full_reading()
    assert reading.viral is not None
    lines = case_lines(_read(replace(reading, viral=replace(reading.viral, type=kind))))
    assert kind.words in [one.answer.lower() for one in lines.coded]


@pytest.mark.parametrize(
    "stored",
    [{}, {"outcome": "not_assessable", "refused_by": "SliceMissing"}, {"severity": None}],
)
def test_what_holds_no_reading_has_no_lines(stored: dict[str, Any]) -> None:
    reading = reading_if_readable(stored)
    assert reading is None
    assert not case_lines(reading).any
    assert not scores_of_study(reading).any
    assert not table_lines(reading).rows


def test_a_reading_that_cannot_be_read_says_so(hospital: SeededHospital, visitor: Visitor) -> None:
    """The study keeps its urgency and its rule; nobody takes the rest for an answer."""
    uid, claim = hospital.claimed()
    hospital.answer(
        claim, Urgency.URGENT, picture=False, reading=full_reading(), more={"version": 99}
    )
    text = visitor.text(f"/studies/{uid}")
    assert "What was stored of this answer cannot be read here" in text
    assert "Urgent" in text


def test_section_reads_as_a_radiologist_needs_it(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    html = _section(hospital, visitor, full_reading())
    text = readable(html)
    assert f"Reservation {NOISY}" in text
    assert "Confidence in the answer Moderate 62.0 %" in text
    assert "Pneumonia type (hint, no diagnosis) Viral pattern suspected" in text
    assert "(probability 83.0 %, mean of 9 slices; suspected from 65.0 %" in text
    assert "Crazy paving 0.44 0.50 not found" in text
    assert "Air bronchogram 0.52 0.50 present" in text
    assert "Left lower lobe 850 226.1 26.6" in text
    assert "MosMed CT grade" in text
    assert "8 points" in text
    assert "Rule lesion share, decides: 11.90 % of the lungs, limit 1 (suspected)" in text
    assert "Rule consecutive slices: 2.00 slices, limit 3 (not suspected)" in text
    assert NOTICE in text


def test_where_no_fissure_was_seen_zones_are_shown_and_no_ct_score(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    """And the page says why: which fissure, and which lobes the score lacks."""
    text = readable(_section(hospital, visitor, reading_without_lobes()))
    assert "Right upper and middle lobe 850 17.0 2.0" in text
    assert re.search(r"Left lower zone 850 254\.\d 29\.9", text)
    assert f"The right horizontal fissure was not seen: {UNSEEN}" in text
    assert (
        "not computed Not computed: share missing of right upper lobe, right middle lobe, "
        "left upper lobe, left lower lobe; zones do not stand in for lobes." in text
    )
    assert "points" not in text.split("Severity: rules that were not computed")[0]


def test_clinical_rules_say_what_is_missing_and_show_no_risk(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    text = readable(_section(hospital, visitor, full_reading()))
    unanswered = text.split("Severity: rules that were not computed", 1)[1]
    for name in ("4C Mortality Score", "CURB-65", "qCSI", "Guideline class", "Lesion progress"):
        assert name in unanswered
    assert "urea" in unanswered
    assert "died" not in text


def test_reading_that_is_not_assessable_has_no_section(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    uid, claim = hospital.claimed()
    hospital.answer(claim, None, reason="Too few slices.", picture=False)
    assert 'aria-labelledby="h-case" hidden' in visitor.get(f"/studies/{uid}").text


def test_a_screen_reader_hears_what_each_table_and_group_is(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    """A caption for each table, headers with a scope, a name for each part that scrolls."""
    for reading in (full_reading(), reading_without_lobes()):
        html = _section(hospital, visitor, reading)
        tables = re.findall(r"<table.*?</table>", html, re.DOTALL)
        captions = [re.findall(r"<caption[^>]*>([^<]+)</caption>", table) for table in tables]
        assert len(tables) == 4
        assert all(len(found) == 1 for found in captions)
        assert len({found[0] for found in captions}) == len(tables)
        assert all(
            re.search(r'scope="(?:row|col)"', cell) for cell in re.findall(r"<th\b[^>]*>", html)
        )
        groups = re.findall(r'<div class="wide"([^>]*)>', html)
        assert all('role="group"' in one and "aria-label=" in one for one in groups)
        assert len(groups) == len(tables)


def test_every_class_of_the_section_has_its_style(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    """A class that the style sheet does not know looks like running text."""
    style = "".join(
        path.read_text() for folder in STATIC_FOLDERS.values() for path in folder.glob("*.css")
    )
    html = _section(hospital, visitor, reading_without_lobes())
    names = {name for value in re.findall(r'class="([^"]+)"', html) for name in value.split()}
    assert {"warning", "limit", "signs", "severity", "part", "whole"} <= names
    assert not [name for name in sorted(names) if not re.search(rf"\.{name}\b", style)]


def test_what_stands_in_a_stored_reading_is_escaped(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    reading = full_reading()
    odd = replace(reading.gates[-1], reason="<script>alert(1)</script>")
    html = _section(hospital, visitor, replace(reading, gates=(odd,)))
    assert "<script>" not in html
