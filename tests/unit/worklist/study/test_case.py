"""What a reading says beyond its figures arrives on the page as it was stored."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from radiology.chest.case_answer import PneumoniaType
from radiology.chest.reading import ChestReading
from radiology.chest.severity import NOTICE
from radiology.chest.sign import Sign
from radiology.urgency import Urgency
from tests.unit.worklist.access.visitor import Visitor, readable
from tests.unit.worklist.seeding import SeededHospital
from tests.unit.worklist.study.full_reading import (
    NOISY,
    UNSEEN,
    full_reading,
    reading_without_lobes,
)
from worklist.page.templates import STATIC_FOLDERS
from worklist.reading.case_lines import case_lines, has_heat
from worklist.reading.severity_lines import severity_lines


def _stored(reading: ChestReading) -> dict[str, Any]:
    """The facts as they come back from the database."""
    facts: dict[str, Any] = json.loads(json.dumps(reading.facts()))
    return facts


def _section(hospital: SeededHospital, visitor: Visitor, reading: ChestReading) -> str:
    """The markup of findings and severity, of a study with this reading."""
    uid, claim = hospital.claimed()
    hospital.answer(claim, Urgency.URGENT, picture=False, reading=reading)
    html = visitor.get(f"/studies/{uid}").text
    found = re.findall(r'<section [^>]*data-part="(?:case|severity)".*?</section>', html, re.DOTALL)
    assert len(found) == 2
    return "".join(found)


def test_every_stored_fact_has_its_line() -> None:
    lines = case_lines(_stored(full_reading()))
    assert lines.any
    assert lines.type_words == "viral pattern suspected"
    assert (lines.viral_probability, lines.viral_spread) == (0.83, 0.04)
    assert lines.confidence == ("moderate", 0.62)
    assert [one.words for one in lines.signs] == [sign.words for sign in Sign]
    assert [one.present for one in lines.signs] == [True, True, False, True, False]
    assert [(one.suspected, one.chosen) for one in lines.rules] == [
        (True, True),
        (False, False),
        (True, False),
        (True, False),
    ]
    assert [one.name for one in lines.territories][2] == "right lower lobe"
    assert lines.territories[2].lesion_share_percent == pytest.approx(12.4)
    assert [one.confidence for one in lines.boundaries] == [0.71, 0.34, 0.66]
    assert lines.warnings == (NOISY,)
    assert severity_lines(_stored(full_reading())).notice == NOTICE
    assert has_heat(_stored(full_reading()))


def test_severity_is_read_under_the_very_names_that_it_is_stored_under() -> None:
    """Nothing but the rules that images can answer has an answer; none is lost."""
    reading = full_reading()
    assert reading.severity is not None
    lines = severity_lines(_stored(reading))
    by_name = {one.name: one for one in (*lines.scores, *lines.unanswered)}
    assert {one.name for one in reading.severity.scores} == set(by_name)
    for score in reading.severity.scores:
        line = by_name[score.name]
        assert (line.label, line.note, line.source) == (score.label, score.note, score.source)
    assert {one.name for one in lines.scores} == {"MosMed CT grade", "CT severity score"}
    assert by_name["CT severity score"].label == "8 points"


@pytest.mark.parametrize("kind", list(PneumoniaType))
def test_type_is_given_in_words(kind: PneumoniaType) -> None:
    reading = full_reading()
    assert reading.viral is not None
    lines = case_lines(_stored(replace(reading, viral=replace(reading.viral, type=kind))))
    assert lines.type_words == kind.words


@pytest.mark.parametrize(
    "reading",
    [{}, {"outcome": "not_assessable", "refused_by": "SliceMissing"}, {"severity": None}],
)
def test_what_an_older_version_did_not_write_is_left_out(reading: dict[str, Any]) -> None:
    lines = case_lines(reading)
    assert not lines.any
    assert not severity_lines(reading).any
    assert not has_heat(reading)


def test_section_reads_as_a_radiologist_needs_it(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    html = _section(hospital, visitor, full_reading())
    text = readable(html)
    assert f"Reservation {NOISY}" in text
    assert "Confidence moderate 0.62 of 1" in text
    assert "Type viral pattern suspected probability 0.83, spread 0.04" in text
    assert "Crazy paving 0.44 no" in text
    assert "Air bronchogram 0.52 yes" in text
    assert "Left lower lobe 26.6 226 850" in text
    assert "Right oblique fissure seen confidence 0.71" in text
    assert "MosMed CT grade" in text
    assert "8 points" in text
    assert "Lesion share of the lungs (decides) 11.9 1.0 % of the lungs suspected" in text
    assert "Neighbouring slices with lesion in one quadrant 2.0 3.0 slices not suspected" in text
    assert NOTICE in text


def test_where_no_fissure_was_seen_zones_are_shown_and_no_ct_score(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    """And the page says why: which fissure, and which lobes the score lacks."""
    text = readable(_section(hospital, visitor, reading_without_lobes()))
    assert "Right upper and middle lobe 2.0" in text
    assert "Left lower zone 29.9" in text
    assert f"Right horizontal fissure not seen {UNSEEN}" in text
    assert (
        "not computed Not computed: share missing of right upper lobe, right middle lobe, "
        "left upper lobe, left lower lobe; zones do not stand in for lobes." in text
    )
    assert "points" not in text.split("Severity rules that were not computed")[0]


def test_clinical_rules_say_what_is_missing_and_show_no_risk(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    text = readable(_section(hospital, visitor, full_reading()))
    unanswered = text.split("Severity rules that were not computed", 1)[1]
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
        assert len(tables) == 5
        assert all(len(found) == 1 for found in captions)
        assert len({found[0] for found in captions}) == len(tables)
        assert all(
            re.search(r'scope="(?:row|col)"', cell) for cell in re.findall(r"<th\b[^>]*>", html)
        )
        groups = re.findall(r'<div class="wide"([^>]*)>', html)
        assert all('role="group"' in one and "aria-label=" in one for one in groups)
        assert len(groups) == len(tables)
        assert re.search(r'<ul class="boundaries" aria-label="Fissures">', html)


def test_every_class_of_the_section_has_its_style(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    """A class that the style sheet does not know looks like running text."""
    style = "".join(
        path.read_text() for folder in STATIC_FOLDERS.values() for path in folder.glob("*.css")
    )
    html = _section(hospital, visitor, reading_without_lobes())
    names = {name for value in re.findall(r'class="([^"]+)"', html) for name in value.split()}
    assert {"warning", "limit", "signs", "territories", "severity", "rules", "warns"} <= names
    assert not [name for name in sorted(names) if not re.search(rf"\.{name}\b", style)]


def test_what_stands_in_a_stored_reading_is_escaped(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    reading = full_reading()
    odd = replace(reading.gates[-1], reason="<script>alert(1)</script>")
    html = _section(hospital, visitor, replace(reading, gates=(odd,)))
    assert "<script>" not in html
