"""The administrator's page in a browser: by the keyboard, on a phone, for a screen reader."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, Page, expect

from database.doctor.runs import begin_run, end_run
from database.process_signs import record_sign
from database.session import transaction
from database.views.administration_rows import count_disk_use
from dicom_node.security.handshake_fault import HandshakeFailed, HandshakeFault
from dicom_node.turned_away import TurnedAway
from firstread.doctor.line import broken, fine, say
from tests.browser.test_upload import serious
from tests.builders.stored.readers import sign_in_browser
from tests.unit.worklist.list.ordinary_day import OrdinaryDay
from tests.unit.worklist.seeding import SeededHospital

pytestmark = pytest.mark.browser
_COLOUR = "one => getComputedStyle(one).color"


_DOCTOR_SAYS = [
    {"title": title, "check_of": of, **line.as_json()}
    for title, of, line in (
        ("Database", "", fine("database.schema", say("Its schema is the one of this version"))),
        (
            "DICOM peer",
            "pacs",
            broken(
                "peer.takes",
                say("%(peer)s does not take %(kind)s", peer="pacs", kind="SEG"),
                say(
                    "Enable storage of %(name)s (%(uid)s) there.",
                    name="Segmentation Storage",
                    uid="1.2.840.10008.5.1.4.1.1.66.4",
                ),
            ),
        ),
    )
]


@pytest.fixture
def processes(hospital: SeededHospital, ordinary_day: OrdinaryDay) -> None:
    """Let processes have given signs, disk have been counted, and callers been turned away."""
    with transaction(hospital.engine) as session:
        for number, part in enumerate(("analysis", "delivery", "node", "worklist"), start=1):
            record_sign(
                session, f"ct-ai:{number}", part, started_at=hospital.now, now=datetime.now(UTC)
            )
        count_disk_use(session, hospital.now)
        run = begin_run(session, hospital.now, asked_by="reader", machine="ct-ai")
        assert run is not None
        end_run(session, run.run_id, hospital.now, lines=_DOCTOR_SAYS)
    callers = TurnedAway(hospital.engine, lambda: hospital.now)
    facts = {"calling_ae_title": "CT_ED", "address": "10.0.0.22"}
    callers.rejected(
        facts, "certificate", f"shows the certificate of peer ct2 (SHA-256 {64 * 'a'})"
    )
    callers.not_secured("10.0.0.23", HandshakeFailed(HandshakeFault.EXPIRED))


def test_all_failed_jobs_by_the_keyboard(
    reader: Page, processes: None, keep_picture: Callable[..., None]
) -> None:
    """The one button is reached and pressed without a mouse; no job has failed afterwards."""
    reader.goto("/administration")
    expect(reader.locator("#live")).to_have_attribute("data-state", "live", timeout=20_000)
    assert serious(reader) == []
    expect(reader.locator("#doctor-status")).to_contain_text("Something is broken")
    expect(reader.get_by_role("button", name="Run the doctor")).to_be_enabled()
    keep_picture(reader, "administration", whole=True)
    reader.locator("#retry-all").focus()
    reader.keyboard.press("Enter")
    expect(reader.locator('[data-part="failed"]')).to_contain_text("No job has failed.")
    quiet = reader.locator(".states .inferred dd").evaluate(_COLOUR)
    assert reader.locator(".states .failed dd").evaluate(_COLOUR) == quiet  # 0 is no alarm


def test_settings_are_opened_by_the_keyboard(reader: Page, processes: None) -> None:
    """The settings in force are a list that opens, and stays open when the page renews itself."""
    reader.goto("/administration")
    reader.locator("#settings-in-force summary").focus()
    reader.keyboard.press("Enter")
    expect(reader.get_by_role("rowheader", name="ae_title", exact=True)).to_be_visible()
    assert serious(reader) == []


def test_on_a_phone(browser: Browser, address: str, processes: None) -> None:
    """At phone width nothing sticks out."""
    context = browser.new_context(
        base_url=address, viewport={"width": 375, "height": 812}, is_mobile=True, has_touch=True
    )
    sign_in_browser(context, address)
    page = context.new_page()
    page.goto("/administration")
    page.locator("#settings-in-force summary").focus()
    page.keyboard.press("Enter")
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, f"{wide} px too wide"
    assert serious(page) == []
    context.close()
