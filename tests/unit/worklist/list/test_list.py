"""The list: order, words, reasons, and identifiers that anybody may have written."""

from __future__ import annotations

import re
from html import unescape

import pytest

from radiology.urgency import Urgency
from settings.peers import RequestPriority
from tests.unit.worklist.access.visitor import Visitor, row_text, rows_of
from tests.unit.worklist.list.ordinary_day import CLEAR, MILD, SEVERE, OrdinaryDay
from tests.unit.worklist.seeding import SeededHospital


def _answered(hospital: SeededHospital, urgency: Urgency | None, **study: str) -> str:
    uid, claim = hospital.claimed(**study)
    hospital.answer(claim, urgency, SEVERE if urgency else None, picture=False)
    return uid


def test_urgent_first_then_longest_waiting(hospital: SeededHospital, visitor: Visitor) -> None:
    """Studies stand by urgency, and within an urgency the one that came first stands first."""
    routine = _answered(hospital, Urgency.ROUTINE)
    suspected = _answered(hospital, Urgency.SUSPECTED)
    urgent = _answered(hospital, Urgency.URGENT)
    unanswered = _answered(hospital, None)
    urgent_later = _answered(hospital, Urgency.URGENT)
    waiting = hospital.receive()
    expected = [urgent, urgent_later, suspected, unanswered, waiting, routine]
    assert rows_of(visitor.get("/").text) == expected


def test_found_stands_in_one_line(ordinary_day: OrdinaryDay, visitor: Visitor) -> None:
    """A row says what was found, per lung, and how the suspicion stands to its threshold."""
    text = row_text(visitor.get("/").text, ordinary_day.urgent)
    assert "Lesion share of lung 11.9 %" in text
    assert "Right lung 7.4 % · Left lung 17.3 % · Lesion volume 515.0 ml" in text
    assert "suspicion 0.97, threshold 0.50" in text


def test_patient_and_request_are_shown(ordinary_day: OrdinaryDay, visitor: Visitor) -> None:
    """A row names the study as the reading room does, and how soon it was asked for."""
    text = row_text(visitor.get("/").text, ordinary_day.urgent)
    assert "A2611210849" in text
    assert "20941175 male, 63 y" in text
    assert "STAT" in text


@pytest.mark.parametrize(
    ("study", "kind", "words"),
    [
        ("urgent", "urgent", "Urgent"),
        ("suspected", "suspected", "Suspected"),
        ("routine", "routine", "No lung opacities suspected"),
        ("not_assessable", "not-assessable", "Not assessable: 12 slices; at least 40 are needed"),
        ("refused", "refused", "Refused: No series of the study can be analysed."),
        ("failed", "failed", "Failed: The worker stopped 3 times while it had this job"),
        ("running", "pending", "decoded images decoded 62 %"),
        ("queued", "pending", "queued waits for a worker"),
        ("receiving", "pending", "received images are arriving"),
        ("superseding", "suspected", "Supersedes an earlier result."),
    ],
)
def test_each_kind_has_its_words(
    ordinary_day: OrdinaryDay, visitor: Visitor, study: str, kind: str, words: str
) -> None:
    """Every study shows an answer that a person can read, under its own kind."""
    uid = getattr(ordinary_day, study)
    html = visitor.get("/").text
    assert words in row_text(html, uid)
    assert re.search(rf'data-part="{re.escape(uid)}"[^>]* data-kind="{kind}"', html)


@pytest.mark.parametrize("study", ["not_assessable", "refused", "failed"])
def test_no_answer_never_looks_normal(
    ordinary_day: OrdinaryDay, visitor: Visitor, study: str
) -> None:
    """A study without an answer says so, tells what to do, and has no word of a normal one."""
    text = row_text(visitor.get("/").text, getattr(ordinary_day, study))
    assert "Read the study as usual" in text
    assert "Routine" not in text
    assert "No lesion" not in text


def test_deliveries_are_shown(ordinary_day: OrdinaryDay, visitor: Visitor) -> None:
    """A row says whether PACS has the results, when the next try is, or why PACS refused."""
    html = visitor.get("/").text
    assert "pacs: stored" in row_text(html, ordinary_day.suspected)
    assert "pacs: waiting, next try" in row_text(html, ordinary_day.urgent_later)
    refused = row_text(html, ordinary_day.urgent)
    assert "pacs: refused" in refused
    assert "The peer does not accept Segmentation Storage" in refused


def test_job_that_waits_for_something(hospital: SeededHospital, visitor: Visitor) -> None:
    """A job that was given back says what it waits for, and apart from that when it goes on."""
    uid, claim = hospital.claimed()
    hospital.give_back(claim, "SpoolFull", "There is no room left.", seconds=60)
    for address in ("/", f"/studies/{uid}"):
        assert '<span class="again">Next try' in visitor.get(address).text
    text = row_text(visitor.get("/").text, uid)
    assert "waits for something unavailable" in text
    assert "There is no room left. Next try" in text


def test_newer_images_are_announced(hospital: SeededHospital, visitor: Visitor) -> None:
    """A result that is about fewer images than the study has by now says so."""
    uid, claim = hospital.claimed()
    hospital.answer(claim, Urgency.SUSPECTED, MILD, picture=False)
    hospital.receive(into=uid)
    hospital.queue(uid)
    text = row_text(visitor.get("/").text, uid)
    assert "The result is from before the newest images came." in text


def test_a_little_is_not_nothing(hospital: SeededHospital, visitor: Visitor) -> None:
    """A share too small for one decimal is not rounded to zero."""
    uid, claim = hospital.claimed()
    hospital.answer(claim, Urgency.ROUTINE, type(MILD)(left=(0.9, 0.0)), picture=False)
    text = row_text(visitor.get("/").text, uid)
    assert "Lesion share of lung < 0.1 %" in text
    assert "Right lung 0.0 % · Left lung < 0.1 %" in text


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "'; DROP TABLE study; --",
        "{{ 7 * 7 }}{% raw %}",
        "</td></tr></table>",
        "\u202e\u0000&amp;",
    ],
)
def test_hostile_identifiers_are_only_text(
    hospital: SeededHospital, visitor: Visitor, hostile: str
) -> None:
    """What a sender writes into an identifier is shown as written, never executed."""
    uid = hospital.receive(patient_id=hostile, accession_number=hostile[:16], age=hostile[:4])
    hospital.queue(uid)
    hospital.fail(hospital.claim(), hostile[:64], hostile)
    for address in ("/", f"/studies/{uid}", "/administration"):
        html = visitor.get(address).text
        assert "<script>alert" not in html
        assert "<img src=x" not in html
        assert (
            "</td></tr></table>" not in html.split("<main")[1].split("<tbody")[1].split("</tr>")[0]
        )
        assert "49" not in re.findall(r'class="patient">([^<]*)', html)
    assert hostile.replace("\u0000", "�") in unescape(visitor.get("/").text).replace("\u0000", "�")


def test_pages_follow_each_other(hospital: SeededHospital, visitor: Visitor) -> None:
    """Every study stands on exactly one page, in the order of the list."""
    uids = [hospital.receive(images=1) for _ in range(120)]
    seen: list[str] = []
    address: str | None = "/"
    lengths = []
    while address:
        html = visitor.get(address).text
        lengths.append(len(rows_of(html)))
        seen += rows_of(html)
        link = re.search(r'rel="next" href="([^"]+)"', html)
        address = unescape(link[1]) if link else None
    assert seen == uids
    assert lengths == [50, 50, 20]


def test_filter_shows_one_urgency(ordinary_day: OrdinaryDay, visitor: Visitor) -> None:
    """A tab shows the studies of one urgency, and how many there are of each."""
    html = visitor.get("/?show=unanswered").text
    assert rows_of(html) == [ordinary_day.not_assessable, ordinary_day.refused, ordinary_day.failed]
    assert "Urgent 2" in visitor.text("/")


@pytest.mark.parametrize(
    "address",
    [
        "/?show=everything",
        "/?sort=size",
        "/?sort=-",
        "/?sort=last&after=9.1",
        "/?found=x",
        "/?after=1",
        "/?after=9-nothing.1.1",
        "/?after=0-urgent.1.1%00",
    ],
)
def test_wrong_address_is_explained(visitor: Visitor, address: str) -> None:
    """An address that nobody could have got from us is answered with a page, not with a trace."""
    answer = visitor.get(address)
    assert answer.status_code == 400
    assert "Go back to the worklist" in answer.text


def test_empty_list_says_how_to_fill_it(visitor: Visitor) -> None:
    """Without a study the page says where to send one."""
    text = visitor.text("/")
    assert "No study has come yet." in text
    assert "Send a CT study by C-STORE to FIRSTREAD, port 11112" in text


def test_missing_identifiers_have_words(hospital: SeededHospital, visitor: Visitor) -> None:
    """A study without identifiers can still be recognised and opened."""
    uid = hospital.receive()
    text = row_text(visitor.get("/").text, uid)
    assert "No accession number" in text
    assert "no patient ID" in text


def test_disclaimer_on_every_page(ordinary_day: OrdinaryDay, visitor: Visitor) -> None:
    """Each page says that this is not a diagnosis, error pages too."""
    for address in ("/", f"/studies/{ordinary_day.urgent}", "/administration", "/nowhere"):
        assert "AI result – not for primary diagnosis" in visitor.get(address).text


def test_tables_are_semantic(ordinary_day: OrdinaryDay, visitor: Visitor) -> None:
    """A screen reader finds a table with headed columns, also at phone width."""
    html = visitor.get("/").text
    assert html.count('role="columnheader"') == 9
    assert html.count("<tr ") == html.count('role="row"')
    assert '<a class="skip" href="#main">' in html


def test_urgent_count_stands_in_the_title(ordinary_day: OrdinaryDay, visitor: Visitor) -> None:
    """The browser's tab tells how many are urgent."""
    assert "<title>(2) Worklist – Firstread</title>" in visitor.get("/").text


def test_priority_is_shown_when_it_is_not_the_usual(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    """A request of ordinary priority says nothing about it."""
    usual = hospital.receive()
    high = hospital.receive(priority=RequestPriority.HIGH)
    html = visitor.get("/").text
    assert "HIGH" in row_text(html, high)
    assert "ROUTINE" not in row_text(html, usual)


def test_clear_study(hospital: SeededHospital, visitor: Visitor) -> None:
    """A study without findings says so, beside its suspicion."""
    uid, claim = hospital.claimed()
    hospital.answer(claim, Urgency.ROUTINE, CLEAR, picture=False)
    text = row_text(visitor.get("/").text, uid)
    assert "Routine" in text
    assert "No lung opacities suspected" in text
    assert "suspicion 0.03" in text
