"""The page of a study that a bundle of no chest has read: its values, in its words."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from sqlalchemy import select

from database.session import query, transaction
from database.tables.study.analysis import Result
from database.views.worklist.worklist_facts import WorklistRow
from database.views.worklist.worklist_rows import study_page
from radiology import codes
from radiology.answer.measurement import Measurement
from radiology.answer.stored_reading import to_facts
from radiology.answer.table import Table, TableColumn, TableRow
from radiology.urgency import Urgency
from settings.environment import Settings
from tests.unit.worklist.access.visitor import Visitor, readable, row_text
from tests.unit.worklist.seeded_values import ALGORITHM
from tests.unit.worklist.seeding import SeededHospital
from tests.unit.worklist.study.head_reading import head_reading, stored_head
from worklist.study.clinical_asked import asks_for_clinical_values

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


def test_row_and_head_name_the_finding_before_its_figures(
    hospital: SeededHospital, visitor: Visitor, uid: str
) -> None:
    """Of a reading as a declared bundle makes it: a row of the table has the finding's name."""
    made = head_reading()
    volume = Measurement(codes.VOLUME, 31.4, codes.MILLILITRE, decimals=1)
    mean = Measurement(codes.MEAN_ATTENUATION, 61.0, codes.HOUNSFIELD_UNIT, decimals=0)
    name = "Intracranial hemorrhage"
    first = replace(made.findings[0], groups=(name,))
    reading = replace(
        made,
        findings=(first, *made.findings[1:]),
        summary=(volume, mean),
        table=Table((TableColumn("Volume", "ml"),), (TableRow(name, (31.4,)),)),
    )
    with transaction(hospital.engine) as session:
        session.scalars(select(Result)).one().reading = json.loads(json.dumps(to_facts(reading)))
    said = "Intracranial hemorrhage: Volume 31.4 ml Mean Attenuation Coefficient 61 HU"
    assert said in row_text(visitor.get("/").text, uid)
    assert said in readable(_sections(visitor, uid)["head"])


def test_nothing_is_said_of_a_chest(visitor: Visitor, uid: str) -> None:
    """Neither by the sections of the study nor by its line in the list."""
    sections = _sections(visitor, uid)
    said = {key: readable(sections[key]).replace("chest-ct-pneumonia", "") for key in _SAID}
    assert [
        (key, _OF_CHESTS.findall(text)) for key, text in said.items() if _OF_CHESTS.search(text)
    ] == []
    row = row_text(visitor.get("/").text, uid).replace("chest-ct-pneumonia", "")
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


@pytest.mark.parametrize("entry_point", [False, True])
def test_a_study_that_waits_for_another_body_region_is_not_asked_for_them(
    hospital: SeededHospital, worklist_settings: Settings, tmp_path: Path, *, entry_point: bool
) -> None:
    """Schema 3 uses clinical values through an entry point alone, as its declaration says."""
    folder = tmp_path / "bundles" / ALGORITHM.name / "1.0.0"
    folder.mkdir(parents=True)
    reading = '[reading]\nentry_point = "more"\n' if entry_point else ""
    (folder / "bundle.toml").write_text(f"schema = 3\n{reading}")
    settings = worklist_settings.model_copy(update={"bundles_folder": tmp_path / "bundles"})
    uid, _ = hospital.claimed()
    row = study_row(hospital, uid)
    assert asks_for_clinical_values(settings, row) is entry_point
    newly = study_row(hospital, hospital.receive())
    assert asks_for_clinical_values(settings, newly) is entry_point


def test_the_viewer_offers_the_window_that_the_bundle_declares(
    hospital: SeededHospital, visitor: Visitor, uid: str
) -> None:
    """That of brain and blood by its usual name, beside soft tissue and bone."""
    with transaction(hospital.engine) as session:
        result = session.scalars(select(Result)).one()
        result.reading = {
            **result.reading,
            "report": {**result.reading["report"], "window_hu": [40.0, 80.0]},
        }
    page = visitor.get(f"/studies/{uid}").text
    (stated,) = re.findall(r'data-windows="([^"]*)"', page)
    assert json.loads(unescape(stated)) == [{"title": "Brain", "centre_hu": 40.0, "width_hu": 80.0}]
    assert re.findall(r'data-preset="([^"]*)"', page) == ["soft-tissue", "bone"]
    assert not _OF_CHESTS.search(readable(page.split('id="viewer-windows"')[1].split("</div>")[0]))


def study_row(hospital: SeededHospital, uid: str) -> WorklistRow:
    """The study as its page reads it."""
    with query(hospital.engine) as session:
        page = study_page(session, uid)
    assert page is not None
    return page.row


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
