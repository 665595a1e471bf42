"""The flag on the study's page in a real browser: by keyboard, live, and for screen readers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from database.flag_states import NoticeState
from database.flags.notices import claim_notice, end_notice
from database.flags.raised import acknowledge_flag, flag_result
from database.flags.rules import FlagRules
from database.session import transaction
from database.tables.readers.flag import Flag
from database.tables.study.analysis import Result
from radiology.urgency import Urgency
from settings.flags import Flagging
from tests.builders.stored.flags import mail, webhook
from tests.unit.worklist.seeding import SeededHospital

pytestmark = pytest.mark.browser


@pytest.fixture
def flagged(hospital: SeededHospital) -> str:
    """An urgent study: one channel has refused, another one is told later; gives its UID."""
    uid, claim = hospital.claimed(accession_number="A-1")
    result_id = hospital.answer(claim, Urgency.URGENT)
    rules = FlagRules([webhook(), mail(escalation=1)], Flagging())
    with transaction(hospital.engine) as session:
        result = session.get_one(Result, result_id)
        flag_result(session, result, rules, hospital.now, token="t" * 30, seen={"suspicion": 0.9})
        notice = claim_notice(session, "pager", lease_s=5, now=hospital.now)
        assert notice is not None
        end_notice(
            session,
            notice,
            NoticeState.REFUSED,
            hospital.now + timedelta(seconds=0.2),
            error_kind="PeerRefused",
            error_message="The receiver has no such address: correct url (http_status=404)",
        )
    return uid


def test_acknowledged_with_the_keyboard_alone(flagged: str, reader: Page) -> None:
    """Tab to the button, Enter, and the page says who has seen it."""
    reader.goto(f"/studies/{flagged}")
    button = reader.get_by_role("button", name="Acknowledge")
    for _ in range(60):
        if button.evaluate("one => one === document.activeElement"):
            break
        reader.keyboard.press("Tab")
    expect(button).to_be_focused()
    reader.keyboard.press("Enter")
    expect(reader.locator("#h-flags ~ p.flag")).to_contain_text("acknowledged by reader")
    expect(button).to_have_count(0)


def test_an_acknowledgement_elsewhere_appears_without_reload(
    flagged: str, reader: Page, hospital: SeededHospital
) -> None:
    """Whoever looks at the study sees that somebody else has seen it."""
    reader.goto(f"/studies/{flagged}")
    with transaction(hospital.engine) as session:
        flag = session.query(Flag).one()
        acknowledge_flag(session, flag.flag_uid, by="duty", through="pager", now=hospital.now)
    expect(reader.locator("#h-flags ~ p.flag")).to_contain_text("by duty through pager")


@pytest.mark.parametrize("width", [1440, 375])
def test_a_screen_reader_stumbles_over_nothing(flagged: str, reader: Page, width: int) -> None:
    """axe-core finds nothing serious in the section, at a desk and on a phone; it fits there."""
    reader.set_viewport_size({"width": width, "height": 900})
    reader.goto(f"/studies/{flagged}#h-flags")
    expect(reader.locator("section[aria-labelledby=h-flags]")).to_be_in_viewport()
    found = Axe().run(reader, context="section[aria-labelledby=h-flags]").response["violations"]
    grave = [one["id"] for one in found if one["impact"] in ("serious", "critical")]
    assert grave == []
    section = reader.locator("section[aria-labelledby=h-flags]").bounding_box()
    assert section is not None
    assert section["x"] >= 0
    assert section["x"] + section["width"] <= width
