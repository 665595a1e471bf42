"""The page of a study that a bundle of no chest has read: its values, in its words."""

from __future__ import annotations

import re

import pytest

from database.session import transaction
from database.tables.analysis import Result
from radiology.urgency import Urgency
from tests.unit.worklist.access.visitor import Visitor, readable, row_text
from tests.unit.worklist.seeding import SeededHospital
from tests.unit.worklist.study.head_reading import stored_head

_OF_CHESTS = re.compile(r"lung|lobe|chest|pneumon|consolidation|ground glass|opacit|viral", re.I)
# The viewer of slices and its keys have windows and outlines of their own.
_SAID = ("head", "answers", "figures", "case", "severity", "course", "why", "gates", "earlier")


@pytest.fixture
def uid(hospital: SeededHospital) -> str:
    """Give a study that a bundle of the head has read."""
    uid, claim = hospital.claimed()
    result_id = hospital.answer(claim, Urgency.URGENT, picture=False)
    with transaction(hospital.engine) as session:
        result = session.get_one(Result, result_id)
        result.reading, result.suspicion = stored_head(), 0.91
        result.urgency_rule = "blood of 30 ml or more"
    return uid


def _sections(visitor: Visitor, uid: str) -> dict[str, str]:
    html = visitor.get(f"/studies/{uid}").text
    found = re.findall(r'<section [^>]*data-part="(\w+)".*?</section>', html, re.DOTALL)
    assert set(_SAID) <= set(found)
    return {
        match[1]: match[0]
        for match in re.finditer(r'<section [^>]*data-part="(\w+)".*?</section>', html, re.DOTALL)
    }


def test_every_section_shows_the_values_of_the_reading(visitor: Visitor, uid: str) -> None:
    """Title, table, gates, findings, scores, course and rules are those of the bundle."""
    text = {key: readable(html) for key, html in _sections(visitor, uid).items()}
    assert "Read as head CT, for intracranial bleeding" in text["head"]
    assert "Volume of blood 31.4 ml" in text["head"]
    assert "Measured Blood ml Brain ml" in text["figures"]
    assert "Left half 31.4 604" in text["figures"]
    assert "Thalamus – 8" in text["figures"]
    assert "at or above the threshold of 0.40" in text["figures"]
    assert "Reservation It is tilted." in text["case"]
    assert "Intracranial hemorrhage 0.91 0.40 suspected" in text["case"]
    assert "Fracture of skull – – not found" in text["case"]
    assert "Where left: deep" in text["case"]
    assert "Bleeding lies on the left side" in text["case"]
    assert "Bleeding scores" in text["severity"]
    assert "ICH score Hemphill 2001 2 points" in text["severity"]
    assert "volume of blood: 31.4 ml 1 point" in text["severity"]
    assert "Missing: age" in text["severity"]
    assert "tilt 21 degrees at most 15 warning It is tilted." in text["gates"]
    assert "Acquired Volume of blood ml" in text["course"]
    assert "1, left" in text["course"]
    assert "grown 12.0 31.4 162" in text["course"]
    assert "2.25.9 not of the head" in text["course"]


def test_a_limit_of_the_site_is_told_as_such(visitor: Visitor, uid: str) -> None:
    """The rule that decided stands with what it saw; whose limit it is stands beside it."""
    why = readable(_sections(visitor, uid)["why"])
    assert "blood of 30 ml or more 31.4 ml 30 ml or more (limit of the site) urgent: decides" in why
    assert "bleeding 0.91 0.4 suspected, but a rule above decides" in why


def test_nothing_is_said_of_a_chest(visitor: Visitor, uid: str) -> None:
    """Neither by the sections of the study nor by its line in the list."""
    sections = _sections(visitor, uid)
    said = {key: readable(sections[key]).replace("chest-ct-pneumonia", "") for key in _SAID}
    assert [
        (key, _OF_CHESTS.findall(text)) for key, text in said.items() if _OF_CHESTS.search(text)
    ] == []
    row = row_text(visitor.get("/").text, uid)
    assert not _OF_CHESTS.search(row)
    assert "Volume of blood 31.4 ml" in row
    assert "Volume of blood +162 %" in row


def test_clinical_values_are_asked_for_only_where_an_answer_uses_them(
    hospital: SeededHospital, visitor: Visitor, uid: str
) -> None:
    """The form of the chest's rules is not shown beside a head."""
    assert "data-no-clinical" in _sections(visitor, uid)["severity"]
    waiting = hospital.receive()
    assert "data-no-clinical" not in visitor.get(f"/studies/{waiting}").text


_CHINESE = {"Cookie": "firstread_language=zh"}


def test_a_chinese_page_marks_what_stays_english(visitor: Visitor, uid: str) -> None:
    """A title that nobody translates says to a screen reader which language it is in."""
    page = visitor.get(f"/studies/{uid}", _CHINESE).text
    for title in ("Intracranial hemorrhage", "Volume of blood", "Left half", "Midline shift"):
        assert f'<span lang="en-GB">{title}</span>' in page, title
    assert 'lang="en-GB">Blood<' in page
    english = visitor.get(f"/studies/{uid}").text
    assert '<span lang="en-GB">' not in english


def test_a_bundle_says_what_its_titles_are_called(
    visitor: Visitor, uid: str, hospital: SeededHospital
) -> None:
    """Findings, measurements, rules and what was read, in its own words on the Chinese page."""
    called = {
        "head CT": "头部 CT",
        "intracranial bleeding": "颅内出血",
        "Intracranial hemorrhage": "颅内出血灶",
        "Volume of blood": "出血量",
        "blood of 30 ml or more": "出血 30 ml 以上",
        "It is tilted.": "头位倾斜。",
        "ICH score": "脑出血评分",
    }
    facts = stored_head()
    facts["report"]["translated"] = [
        {"language": "zh", "title": title, "words": words} for title, words in called.items()
    ]
    with transaction(hospital.engine) as session:
        for result in session.query(Result):
            result.reading = facts
    chinese = "".join(
        match[0]
        for match in re.finditer(
            r'<section [^>]*data-part="(\w+)".*?</section>',
            visitor.get(f"/studies/{uid}", _CHINESE).text,
            re.DOTALL,
        )
        if match[1] in _SAID
    )
    for title, words in called.items():
        assert words in chinese, title
        assert title not in readable(chinese), title
    english = visitor.get(f"/studies/{uid}").text
    assert "头部" not in english
    assert "Intracranial hemorrhage" in english
