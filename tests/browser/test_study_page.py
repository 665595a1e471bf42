"""The page of a study: form, keys, what is withdrawn, and what arrives while somebody works."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from database.results.facts import study_id_of
from database.results.withdrawals import mark_withdrawn
from database.session import transaction
from database.states import RejectionReason
from database.studies.clinical_values import record_clinical_values
from tests.browser.slice_viewer import (
    LIVE_MS,
    drawn_box,
    expect_slice,
    no_serious_fault,
    open_study,
)
from tests.builders.stored.flags import NOBODY
from tests.builders.stored.readers import sign_in_browser
from tests.unit.worklist.seeding import SeededHospital
from tests.unit.worklist.study.seeded_slices import StudyWithSlices

pytestmark = pytest.mark.browser


def test_form_computes_severity_again(reader: Page, study: StudyWithSlices) -> None:
    """What is saved changes the rules at once; the page, and the slice in it, stay."""
    open_study(reader, study)
    reader.locator("#viewer-frame").focus()
    reader.keyboard.press("Home")
    expect_slice(reader, 0)
    severity = reader.locator("[data-part=severity]")
    expect(severity).not_to_contain_text("severe (")
    reader.keyboard.press("c")
    assert reader.evaluate("document.activeElement.id") == "value-age_years"
    reader.locator("#value-respiratory_rate_per_min").fill("34")
    reader.locator("#value-spo2_percent").fill("90,5")
    reader.locator("#value-on_oxygen").select_option("no")
    reader.locator("#clinical-save").click()
    expect(severity).to_contain_text("respiratory rate: 34 /min")
    expect(severity).to_contain_text("reader")
    expect_slice(reader, 0)
    expect(reader.locator("#value-spo2_percent")).to_have_value("90.5")
    expect(reader.locator("#about-spo2_percent")).to_contain_text("reader, page")


def test_a_refused_value_says_why_beside_its_field(
    browser: Browser, address: str, study: StudyWithSlices
) -> None:
    """Nothing is saved, everything that was typed stays, and the reason stands at the field."""
    context = browser.new_context(base_url=address)  # its console tells of the status 422
    sign_in_browser(context, address)
    page = context.new_page()
    open_study(page, study)
    page.keyboard.press("c")
    page.locator("#value-spo2_percent").fill("0.93")
    page.locator("#value-gcs").fill("15")
    page.locator("#clinical-save").click()
    expect(page.locator("#about-spo2_percent")).to_contain_text("a number from 30 to 100 %")
    expect(page.locator("#value-spo2_percent")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#value-spo2_percent")).to_have_value("0.93")
    expect(page.locator("#value-gcs")).to_have_value("15")
    expect(page.locator("#value-spo2_percent")).to_be_focused()
    no_serious_fault(page)
    context.close()


def test_form_without_script(browser: Browser, address: str, study: StudyWithSlices) -> None:
    """A browser that runs no script sends the same form, and gets the page with the answer."""
    context = browser.new_context(base_url=address, java_script_enabled=False)
    sign_in_browser(context, address)
    page = context.new_page()
    page.goto(f"/studies/{study.uid}")
    page.locator("#clinical summary").click()
    page.locator("#value-gcs").fill("2")
    page.locator("#clinical-save").click()
    expect(page.locator("#about-gcs")).to_contain_text("a whole number from 3 to 15")
    page.locator("#value-gcs").fill("12")
    page.locator("#clinical-save").click()
    expect(page.locator("[data-part=severity]")).to_contain_text("Glasgow Coma Scale")
    context.close()


def test_a_half_filled_form_survives_a_live_update(
    reader: Page, study: StudyWithSlices, hospital: SeededHospital
) -> None:
    """What is being typed stays while values arrive from elsewhere, and the reader is told."""
    open_study(reader, study)
    reader.keyboard.press("c")
    reader.locator("#value-gcs").fill("13")
    reader.locator("#value-urea_mmol_l").focus()
    reader.keyboard.type("7.")
    with transaction(hospital.engine) as session:
        study_id = study_id_of(session, study.uid)
        assert study_id is not None
        record_clinical_values(
            session, study_id, {"respiratory_rate_per_min": 28.0}, "LAB", "hl7", hospital.now
        )
    expect(reader.locator("[data-part=severity]")).to_contain_text("28 /min", timeout=LIVE_MS)
    expect(reader.locator("#clinical-newer")).to_be_visible()
    expect(reader.locator("#value-gcs")).to_have_value("13")
    expect(reader.locator("#value-urea_mmol_l")).to_be_focused()
    reader.keyboard.type("5")
    expect(reader.locator("#value-urea_mmol_l")).to_have_value("7.5")
    reader.locator("#clinical-save").click()
    expect(reader.locator("#value-respiratory_rate_per_min")).to_have_value("28")
    expect(reader.locator("#about-respiratory_rate_per_min")).to_contain_text("LAB, hl7")
    expect(reader.locator("#about-urea_mmol_l")).to_contain_text("reader, page")


def test_a_withdrawn_result_is_struck_everywhere(
    reader: Page, study: StudyWithSlices, hospital: SeededHospital
) -> None:
    """While the page is open: every section of the result is struck, and nothing is outlined."""
    open_study(reader, study)
    assert drawn_box(reader) is not None
    with transaction(hospital.engine) as session:
        mark_withdrawn(session, study.result_id, RejectionReason.QUALITY, NOBODY, hospital.now)
    expect(reader.locator("h1")).to_contain_text("Withdrawn", timeout=LIVE_MS)
    for part in ("figures", "case", "severity", "why", "gates"):
        struck = reader.locator(f"[data-part={part}] del.taken-back")
        expect(struck).to_have_count(1)
        line = struck.locator("td, p, b").first
        assert "line-through" in line.evaluate("one => getComputedStyle(one).textDecorationLine")
    badge, word = (
        reader.locator(f".key-picture {one}").bounding_box() for one in (".superseded", ".word")
    )
    assert badge is not None
    assert word is not None
    assert badge["height"] < 1.5 * word["height"], "the word has fallen out of its badge"
    expect(reader.locator("#viewer-trouble")).to_contain_text("Withdrawn result")
    reader.keyboard.press("o")  # nor by its key
    expect(reader.locator("#viewer-outlines")).to_have_attribute("aria-pressed", "false")
    assert drawn_box(reader) is None
    no_serious_fault(reader)


def test_slices_that_are_gone(
    reader: Page, study: StudyWithSlices, hospital: SeededHospital
) -> None:
    """After the file was removed the page says so, and shows the rest."""
    study.slices.unlink()
    reader.goto(f"/studies/{study.uid}")
    expect(reader.locator(".no-slices")).to_contain_text("kept no longer")
    expect(reader.locator("#viewer")).to_be_hidden()
    expect(reader.locator(".key-picture img")).to_be_visible()


def test_keys_are_listed(reader: Page, study: StudyWithSlices) -> None:
    """A question mark opens the list, Escape closes it, and focus comes back."""
    open_study(reader, study)
    reader.locator("#viewer-frame").focus()
    reader.keyboard.press("?")
    expect(reader.locator("#keys")).to_be_visible()
    expect(reader.locator("#keys")).to_contain_text("next and previous slice with a lesion")
    no_serious_fault(reader)
    reader.keyboard.press("Escape")
    expect(reader.locator("#keys")).to_be_hidden()
    expect(reader.locator("#viewer-frame")).to_be_focused()
