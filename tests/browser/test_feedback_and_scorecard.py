"""Feedback and the scorecard in the browser: with the keyboard, a screen reader, and a phone."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from database.events import record_event
from database.feedback.given import give_feedback
from database.session import transaction
from database.tables.study.analysis import Result, Study
from radiology.feedback import Fault, Judgement, Opinion
from tests.browser.accessibility import grave_faults
from tests.builders.stored.readers import sign_in_browser
from tests.unit.worklist.list.ordinary_day import OrdinaryDay
from tests.unit.worklist.seeding import SeededHospital

pytestmark = pytest.mark.browser
PHONE = {"width": 375, "height": 812}


def _grave_faults(page: Page) -> list[str]:
    """What axe finds that keeps people out."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {[node['html'] for node in one['nodes']][:3]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


@pytest.fixture
def busy_day(hospital: SeededHospital, ordinary_day: OrdinaryDay) -> OrdinaryDay:
    """The ordinary day with what readers and flags did."""
    with transaction(hospital.engine) as session:
        for number, study in enumerate(session.query(Study).order_by(Study.id)):
            opened = study.last_instance_at + timedelta(minutes=4 + 23 * number % 60)
            record_event(session, "study_opened", opened, study_id=study.id, reader="reader")
            if study.study_instance_uid in (ordinary_day.urgent, ordinary_day.urgent_later):
                sent = study.last_instance_at + timedelta(seconds=9)
                record_event(session, "flag_sent", sent, study_id=study.id)
                record_event(session, "flag_acknowledged", opened, study_id=study.id)
    return ordinary_day


def test_feedback_with_the_keyboard_alone(
    reader: Page, ordinary_day: OrdinaryDay, keep_picture: Callable[..., None]
) -> None:
    """Ticked with the space bar, written, sent; and it stands on the page afterwards."""
    reader.goto(f"/studies/{ordinary_day.urgent}")
    form, said = (reader.locator(f'[data-part="{key}"]') for key in ("feedback_form", "feedback"))
    form.locator("#disagreement > summary").press("Enter")
    form.get_by_label("Wrong region").focus()
    reader.keyboard.press("Space")
    form.get_by_label("Comment").focus()
    reader.keyboard.type("lies in the other lobe")
    reader.keyboard.press("Tab")
    reader.keyboard.press("Enter")
    expect(said.locator(".opinion.disagree")).to_contain_text("disagrees: wrong region")
    expect(said).to_contain_text("lies in the other lobe")
    form.get_by_role("button", name="Agree", exact=True).press("Enter")
    expect(said.locator(".opinion.agree")).to_contain_text("agrees")
    expect(said.get_by_text("Earlier feedback")).to_be_visible()
    assert not _grave_faults(reader)
    form.locator("#disagreement > summary").click()
    reader.locator("#disagree").scroll_into_view_if_needed()
    keep_picture(reader, "feedback")


def test_the_scorecard_keeps_nobody_out(
    reader: Page, busy_day: OrdinaryDay, keep_picture: Callable[..., None]
) -> None:
    """Axe finds no serious fault; a filter is set and the figures are there."""
    reader.goto("/scorecard")
    expect(reader.get_by_role("heading", name="Scorecard")).to_be_visible()
    assert not _grave_faults(reader)
    reader.locator("select[name=scanner]").select_option("CT1")
    reader.locator("input[name=readers]").fill("2")
    reader.get_by_role("button", name="Show").click()
    expect(reader.locator("input[name=readers]")).to_have_value("2")
    expect(reader.locator("select[name=scanner]")).to_have_value("CT1")
    keep_picture(reader, "scorecard", whole=True)


def test_the_scorecard_on_a_phone(
    browser: Browser,
    address: str,
    busy_day: OrdinaryDay,
) -> None:
    """At 375 px nothing sticks out, and without script everything is there."""
    context = browser.new_context(
        base_url=address, viewport=PHONE, is_mobile=True, java_script_enabled=False
    )
    sign_in_browser(context, address)
    page = context.new_page()
    for path in ("/scorecard", f"/studies/{busy_day.urgent}"):
        page.goto(path)
        box = page.locator("main").bounding_box()
        assert box is not None
        assert box["width"] <= PHONE["width"], path
    page.goto("/scorecard")
    expect(page.locator(".chart svg").first).to_be_visible()
    expect(page.locator("table.times").first).to_be_visible()
    context.close()
    wide = browser.new_context(base_url=address, viewport=PHONE, is_mobile=True)
    sign_in_browser(wide, address)
    page = wide.new_page()
    for path in ("/scorecard", f"/studies/{busy_day.urgent}"):
        page.goto(path)
        sticks_out = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert sticks_out <= 0, f"{path} is {sticks_out} px too wide"
    wide.close()


def test_typing_outlives_what_another_reader_says(
    reader: Page, ordinary_day: OrdinaryDay, hospital: SeededHospital
) -> None:
    """The page is live: another opinion appears, and the half-written comment stays."""
    reader.goto(f"/studies/{ordinary_day.urgent}")
    expect(reader.locator("#live")).to_have_attribute("data-state", "live", timeout=20_000)
    reader.locator("#disagreement > summary").click()
    reader.get_by_label("Comment").fill("half a sen")
    with transaction(hospital.engine) as session:
        study = session.query(Study).filter_by(study_instance_uid=ordinary_day.urgent).one()
        result = session.query(Result).filter_by(study_id=study.id).one()
        agrees = Opinion(Judgement.AGREE)
        give_feedback(session, result.id, agrees, reader="somebody", now=hospital.now)
    expect(reader.locator(".opinion")).to_contain_text("somebody agrees", timeout=20_000)
    expect(reader.get_by_label("Comment")).to_have_value("half a sen")


def test_a_disagreement_is_marked_in_the_list_and_found(
    reader: Page, ordinary_day: OrdinaryDay, hospital: SeededHospital
) -> None:
    """From the scorecard to the studies that somebody disagrees with, live, read out, axe-clean."""
    reader.goto("/scorecard")
    reader.locator("#disagreed").press("Enter")
    expect(reader).to_have_url(re.compile(r"/\?feedback=disagreed&came=ever$"))
    expect(reader.locator("#live")).to_have_attribute("data-state", "live", timeout=20_000)
    expect(reader.locator("[data-rows] > tr")).to_have_count(0)
    with transaction(hospital.engine) as session:
        study = session.query(Study).filter_by(study_instance_uid=ordinary_day.urgent).one()
        result = session.query(Result).filter_by(study_id=study.id).one()
        wrong = Opinion(Judgement.DISAGREE, frozenset({Fault.MISSED}))
        give_feedback(session, result.id, wrong, reader="somebody", now=hospital.now)
    row = reader.locator("[data-rows] > tr")
    expect(row).to_have_attribute("data-part", ordinary_day.urgent, timeout=20_000)
    cell = row.get_by_role("cell").filter(has_text="reader disagrees: missed")
    expect(cell).to_be_visible()
    expect(reader.get_by_label("Feedback")).to_have_value("disagreed")
    assert not grave_faults(reader)
    reader.get_by_label("Feedback").select_option("agreed")
    reader.get_by_role("button", name="Apply").press("Enter")
    expect(reader).to_have_url(re.compile(r"feedback=agreed"))
    expect(row).to_have_count(0)
