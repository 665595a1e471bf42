"""The list in a real browser: it follows what happens, and keeps the reader's place."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from radiology.urgency import Urgency
from tests.unit.worklist.list.ordinary_day import MILD, SEVERE, OrdinaryDay
from tests.unit.worklist.seeding import SeededHospital

pytestmark = pytest.mark.browser
LIVE_MS = 20_000


def _open(reader: Page, path: str = "/") -> None:
    reader.goto(path)
    expect(reader.locator("#live")).to_have_attribute("data-state", "live", timeout=LIVE_MS)


def _first_row(reader: Page) -> str | None:
    return reader.locator("[data-rows] > tr").first.get_attribute("data-part")


def test_new_urgent_study_appears_at_the_top(
    reader: Page, hospital: SeededHospital, ordinary_day: OrdinaryDay
) -> None:
    """An urgent study comes to the top without reload, and is announced."""
    _open(reader)
    reader.evaluate("window.thisPage = 'not reloaded'")
    claim = hospital.claim()  # of the study of high priority that waits
    hospital.answer(claim, Urgency.URGENT, SEVERE)
    row = reader.locator(f"[data-part='{ordinary_day.queued}']")
    expect(row.locator(".verdict")).to_have_text("Urgent", timeout=LIVE_MS)
    expect(reader.locator("#announcement")).to_have_text(
        re.compile(r"Urgent: .*A2611210852, Lesion share of lung 11.9\s%\.")
    )
    assert (
        reader.locator("[data-rows] > tr").nth(2).get_attribute("data-part") == ordinary_day.queued
    )
    assert reader.title() == "● (3) Worklist – Firstread"
    assert reader.evaluate("window.thisPage") == "not reloaded"


def test_first_study_of_all(reader: Page, hospital: SeededHospital) -> None:
    """The empty page fills itself."""
    _open(reader)
    expect(reader.locator(".empty")).to_contain_text("No study has come yet.")
    uid = hospital.receive(accession_number="A1")
    expect(reader.locator("[data-rows] > tr")).to_have_count(1, timeout=LIVE_MS)
    expect(reader.locator(".empty")).to_have_count(0)
    assert _first_row(reader) == uid


def test_progress_is_followed(
    reader: Page, hospital: SeededHospital, ordinary_day: OrdinaryDay
) -> None:
    """A study goes through its states before the reader's eyes, on both pages."""
    _open(reader, f"/studies/{ordinary_day.queued}")
    claim = hospital.claim()
    hospital.progress(claim, 30)
    expect(reader.locator(".identity progress")).to_have_attribute("value", "30", timeout=LIVE_MS)
    hospital.answer(claim, Urgency.SUSPECTED, MILD)
    expect(reader.locator("h1")).to_have_text("Suspected", timeout=LIVE_MS)
    expect(reader.locator("#h-figures")).to_be_visible()
    expect(reader.locator(".key-picture img")).to_be_visible()


def test_focus_and_place_are_kept(reader: Page, hospital: SeededHospital) -> None:
    """What the reader has focused stays focused and stays where it is on the screen."""
    uids = [hospital.receive(accession_number=f"A{number}", images=1) for number in range(40)]
    _open(reader)
    link = reader.locator(f"[id='open-{uids[30]}']")
    link.focus()
    reader.evaluate("window.scrollBy(0, 240)")
    neighbour = reader.locator(f"[id='open-{uids[29]}']")
    before = neighbour.bounding_box()
    for uid in (uids[30], uids[35]):
        hospital.queue(uid)
    for _ in range(2):
        hospital.answer(hospital.claim(), Urgency.URGENT, SEVERE, picture=False)
    expect(reader.locator("[data-rows] > tr.urgent")).to_have_count(2, timeout=LIVE_MS)
    assert reader.evaluate("document.activeElement.id") == f"open-{uids[30]}"
    after = neighbour.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(after["y"] - before["y"]) <= 1


def test_place_is_kept_when_rows_come_above(reader: Page, hospital: SeededHospital) -> None:
    """A study that arrives at the top does not push away what the reader looks at."""
    uids = [hospital.receive(accession_number=f"A{number}", images=1) for number in range(45)]
    _open(reader)
    reader.evaluate("window.scrollTo(0, 1500)")
    watched = reader.evaluate(
        "[...document.querySelectorAll('[data-rows] > tr')]"
        ".find(row => row.getBoundingClientRect().top > 100).dataset.part"
    )
    row = reader.locator(f"[data-part='{watched}']")
    before = row.bounding_box()
    hospital.queue(uids[44])
    hospital.answer(hospital.claim(), Urgency.URGENT, SEVERE, picture=False)
    expect(reader.locator("[data-rows] > tr.urgent")).to_have_count(1, timeout=LIVE_MS)
    after = row.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(after["y"] - before["y"]) <= 1


def test_only_changed_rows_are_touched(
    reader: Page, hospital: SeededHospital, ordinary_day: OrdinaryDay
) -> None:
    """A row that nothing happened to is the same element as before."""
    _open(reader)
    reader.evaluate("document.querySelectorAll('[data-rows] > tr').forEach(row => row.mark = 1)")
    hospital.progress(hospital.claim(), 10)
    expect(reader.locator(f"[data-part='{ordinary_day.queued}'] progress")).to_be_visible(
        timeout=LIVE_MS
    )
    fresh = reader.evaluate(
        "[...document.querySelectorAll('[data-rows] > tr')].filter(row => !row.mark)"
        ".map(row => row.dataset.part)"
    )
    assert fresh == [ordinary_day.queued]


def test_urgent_study_beyond_the_filter(
    reader: Page, hospital: SeededHospital, ordinary_day: OrdinaryDay
) -> None:
    """A reader who looks at another part of the list hears of a new urgent study too."""
    _open(reader, "/?show=routine")
    expect(reader.locator("#tab-urgent")).to_contain_text("2")
    hospital.answer(hospital.claim(), Urgency.URGENT, SEVERE, picture=False)
    expect(reader.locator("#tab-urgent")).to_contain_text("3", timeout=LIVE_MS)
    expect(reader.locator("#announcement")).to_have_text(
        "There is a new urgent study at the top of the list."
    )
