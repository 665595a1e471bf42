"""Filters, search, paging, who has a study open, and what age does to its place."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from chest import chest_codes
from chest.values.case_answer import PneumoniaType, ViralAnswer
from chest.values.reading import ChestReading
from database.session import query, transaction
from database.tables.analysis import Study
from database.views.opened import HEARTBEAT_S, OPEN_FOR_S, note_open, open_by, study_id_of
from radiology import codes
from radiology.answer.brief import ReadingInBrief
from radiology.answer.measurement import Measurement
from radiology.answer.reading import Comparison, ReportWords, TimePoint
from radiology.outcome import Outcome
from radiology.urgency import Urgency
from tests.unit.worklist.access.visitor import Visitor, row_text, rows_of
from tests.unit.worklist.list.ordinary_day import CLEAR, MILD, SEVERE, OrdinaryDay
from tests.unit.worklist.seeded_values import reading_of
from tests.unit.worklist.seeding import START, SeededHospital
from tests.unit.worklist.study.full_reading import full_reading
from worklist.list.screen import change_line

DAY_S = 24 * 3600


def _answered(
    hospital: SeededHospital,
    urgency: Urgency | None,
    *,
    reading: ChestReading | None = None,
    **study: str,
) -> str:
    uid, claim = hospital.claimed(**study)
    lesions = None if urgency is None else SEVERE
    hospital.answer(claim, urgency, lesions, picture=False, reading=reading)
    return uid


def _typed(kind: PneumoniaType) -> ChestReading:
    plain = reading_of(Urgency.SUSPECTED, MILD, "")
    return replace(plain, viral=ViralAnswer(kind, 0.83, 0.04, 0.35, 0.65, 0.25, 9))


def _open(hospital: SeededHospital, uid: str, reader: str = "dr-a") -> None:
    with transaction(hospital.engine) as session:
        study_id = study_id_of(session, uid)
        assert study_id is not None
        note_open(session, study_id, reader, hospital.now)


def _rows(visitor: Visitor, address: str) -> list[str]:
    answer = visitor.get(address)
    assert answer.status_code == 200, answer.text
    return rows_of(answer.text)


# --- filters ------------------------------------------------------------------------------------


def test_each_filter_shows_what_it_says(hospital: SeededHospital, visitor: Visitor) -> None:
    """Sex, age, type, state and dates each pick their studies, and nothing else."""
    girl = _answered(hospital, Urgency.ROUTINE, sex="F", age="011M")
    woman = _answered(
        hospital,
        Urgency.SUSPECTED,
        reading=_typed(PneumoniaType.VIRAL_SUSPECTED),
        sex="F",
        age="067Y",
    )
    man = _answered(
        hospital, Urgency.URGENT, reading=_typed(PneumoniaType.UNDETERMINED), sex="M", age="040Y"
    )
    hospital.later(2 * DAY_S)
    today = hospital.receive()
    assert _rows(visitor, "/?sex=F") == [woman, girl]
    assert _rows(visitor, "/?age=0-17") == [girl]
    assert _rows(visitor, "/?age=40-64") == [man]
    assert _rows(visitor, "/?age=65%2B&sex=F") == [woman]
    assert _rows(visitor, "/?label=viral_suspected") == [woman]
    assert _rows(visitor, "/?label=undetermined&sex=F") == []
    assert _rows(visitor, "/?state=received") == [today]
    assert _rows(visitor, "/?came=today") == [today]
    assert set(_rows(visitor, "/?came=ever")) == {girl, woman, man, today}
    assert set(_rows(visitor, "/?came=2026-11-21")) == {girl, woman, man}
    assert _rows(visitor, "/?scanner=CT1&show=urgent") == [man]
    assert _rows(visitor, "/?scanner=CT9") == []


def test_the_form_shows_what_is_chosen(ordinary_day: OrdinaryDay, visitor: Visitor) -> None:
    """The filters that are on stand in the form, and tabs keep them."""
    html = visitor.get("/?sex=F&came=2026-11-21&show=urgent").text
    assert '<option value="F" selected>female</option>' in html
    assert '<option value="2026-11-21" selected>2026-11-21</option>' in html
    assert 'name="show" value="urgent"' in html
    tab = re.search(r'href="/([^"]*)" id="tab-suspected"', html)
    assert tab is not None
    assert unescape(tab[1]) == "?show=suspected&sex=F&came=2026-11-21"


def test_studies_leave_the_list_after_some_days(hospital: SeededHospital, visitor: Visitor) -> None:
    """What came long ago is not listed by itself; filter and search still find it."""
    old = _answered(hospital, Urgency.URGENT, accession_number="OLD1")
    hospital.later(8 * DAY_S)
    new = hospital.receive()
    assert _rows(visitor, "/") == [new]
    assert "Urgent 0" in visitor.text("/")
    assert _rows(visitor, "/?came=ever") == [old, new]
    assert _rows(visitor, "/?q=OLD1") == [old]


def test_a_withdrawn_type_is_not_found(hospital: SeededHospital, visitor: Visitor) -> None:
    """The filter follows the result in force: a newer one without a type takes it away."""
    uid = _answered(hospital, Urgency.SUSPECTED, reading=_typed(PneumoniaType.VIRAL_SUSPECTED))
    hospital.receive(into=uid)
    hospital.queue(uid)
    hospital.answer(hospital.claim(), Urgency.ROUTINE, CLEAR, picture=False)
    assert _rows(visitor, "/?label=viral_suspected") == []


@pytest.mark.parametrize(
    "address",
    [
        "/?sex=X",
        "/?age=12",
        "/?label=%00",
        "/?state=lost",
        "/?opened=maybe",
        "/?came=2026-13-01",
        "/?came=0001-01-01",
        "/?came=9999-12-31",
        "/?scanner=%00",
        f"/?q={'A' * 65}",
        "/?q=%00",
        "/?after=99999999999999999999.1",
    ],
)
def test_what_no_form_of_ours_sends_is_refused(visitor: Visitor, address: str) -> None:
    """A filter that does not exist is answered with a page that says so."""
    assert visitor.get(address).status_code == 400


# --- search -------------------------------------------------------------------------------------


def test_search_finds_exact_first_then_what_begins_so(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    """An accession number or patient ID is found whole or by its beginning, of any urgency."""
    longer = hospital.receive(accession_number="A1001")
    other = hospital.receive(accession_number="B1", patient_id="A100")
    exact = hospital.receive(accession_number="A100")
    hospital.receive(accession_number="XA100")
    assert _rows(visitor, "/?q=A100") == [exact, other, longer]
    assert _rows(visitor, "/?q=A1001") == [longer]
    assert _rows(visitor, "/?q=%20A1001%20") == [longer]
    assert _rows(visitor, "/?q=a1001") == []


@pytest.mark.parametrize("hostile", ["%", "_", "A%", "' OR 1=1 --", "\\", "*", "[A-Z]"])
def test_a_search_has_no_wildcards(
    hospital: SeededHospital, visitor: Visitor, hostile: str
) -> None:
    """What is typed is looked for as it is typed."""
    hospital.receive(accession_number="A1")
    answer = visitor.get("/?q=" + hostile.replace("%", "%25").replace(" ", "%20"))
    assert answer.status_code == 200
    assert rows_of(answer.text) == []
    assert "No study has an accession number or patient ID that begins like this." in answer.text


def test_a_search_that_finds_too_many_says_so(hospital: SeededHospital, visitor: Visitor) -> None:
    """A short beginning shows some, and asks for more of the number."""
    for number in range(55):
        hospital.receive(accession_number=f"A{number:03}", images=1)
    text = visitor.text("/?q=A")
    assert "These are the first 50; type more of the number to see fewer." in text


# --- order --------------------------------------------------------------------------------------


def test_age_raises_a_routine_study(hospital: SeededHospital, visitor: Visitor) -> None:
    """After the limit a routine study stands before newer suspected ones, and says why."""
    routine = _answered(hospital, Urgency.ROUTINE)
    hospital.later(DAY_S + 60)
    suspected = _answered(hospital, Urgency.SUSPECTED)
    urgent = _answered(hospital, Urgency.URGENT)
    html = visitor.get("/").text
    assert rows_of(html) == [urgent, routine, suspected]
    assert "raised: waiting since 2026-11-21" in row_text(html, routine)
    assert "raised" not in row_text(html, suspected)


def test_what_was_opened_waits_no_longer(hospital: SeededHospital, visitor: Visitor) -> None:
    """An opened routine study goes behind those that wait; an urgent one keeps its place."""
    opened = _answered(hospital, Urgency.ROUTINE)
    waiting = _answered(hospital, Urgency.ROUTINE)
    first = _answered(hospital, Urgency.URGENT)
    second = _answered(hospital, Urgency.URGENT)
    _open(hospital, opened)
    _open(hospital, first)
    assert _rows(visitor, "/") == [first, second, waiting, opened]
    assert _rows(visitor, "/?opened=no") == [second, waiting]
    assert _rows(visitor, "/?opened=yes") == [first, opened]
    hospital.receive(into=opened)  # whoever has seen it has not seen these
    assert set(_rows(visitor, "/?opened=no")) == {second, waiting, opened}


def test_pages_follow_each_other_over_all_lanes(hospital: SeededHospital, visitor: Visitor) -> None:
    """Every study stands on exactly one page, also where lanes interleave and moments are equal."""
    expected = set()
    for number in range(130):
        uid = hospital.receive(images=1)
        expected.add(uid)
        if number % 3 == 0:
            hospital.queue(uid)
            urgency = list(Urgency)[number // 3 % 3]
            hospital.answer(hospital.claim(), urgency, SEVERE, picture=False)
        if number % 5 == 0:
            _open(hospital, uid)
        hospital.now -= timedelta(seconds=5 if number % 7 else 8)
    hospital.later(3600)
    seen: list[str] = []
    address: str | None = "/"
    while address:
        html = visitor.get(address).text
        seen += rows_of(html)
        link = re.search(r'rel="next" href="([^"]+)"', html)
        address = unescape(link[1]) if link else None
    assert len(seen) == len(set(seen)) == 130
    assert set(seen) == expected


# --- who has it open ------------------------------------------------------------------------------


def test_the_row_says_who_has_it_open(hospital: SeededHospital, visitor: Visitor) -> None:
    """Readers are named while their pages say that they are open, and no longer."""
    uid = hospital.receive()
    _open(hospital, uid, "dr-a")
    _open(hospital, uid, "dr-b")
    assert "open: dr-a open: dr-b" in row_text(visitor.get("/").text, uid)
    hospital.later(OPEN_FOR_S - HEARTBEAT_S)
    _open(hospital, uid, "dr-b")
    hospital.later(HEARTBEAT_S + 1)
    text = row_text(visitor.get("/").text, uid)
    assert "open: dr-b" in text
    assert "dr-a" not in text


def test_an_opening_keeps_its_beginning(hospital: SeededHospital) -> None:
    """A heartbeat renews an opening; one after a pause begins another."""
    uid = hospital.receive()
    began = hospital.now
    for _ in range(4):
        _open(hospital, uid)
        hospital.later(HEARTBEAT_S)
    with query(hospital.engine) as session:
        study_id = session.query(Study.id).scalar()
        assert study_id is not None
        (one,) = open_by(session, [study_id], hospital.now)[study_id]
        assert (one.reader, one.since) == ("dr-a", began)
    hospital.later(OPEN_FOR_S + 1)
    _open(hospital, uid)
    with query(hospital.engine) as session:
        (one,) = open_by(session, [study_id], hospital.now)[study_id]
        assert one.since == hospital.now


# --- what a row says ------------------------------------------------------------------------------


def test_a_row_says_the_leading_figure_and_the_coded_answers(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    """What the summary of the reading tells stands in columns of its own."""
    uid = _answered(hospital, Urgency.URGENT, reading=full_reading())
    text = row_text(visitor.get("/").text, uid)
    assert "Lesion share of lung 11.9 %" in text
    assert "Confidence in the answer Moderate" in text
    assert "MosMed CT grade (0 to 4) 1" in text


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
