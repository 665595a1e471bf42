"""The page with a keyboard alone, on a phone, without script, and when the server goes away."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import RunningPage
from tests.builders.stored.readers import sign_in_browser
from tests.unit.worklist.list.ordinary_day import OrdinaryDay
from tests.unit.worklist.seeding import SeededHospital

pytestmark = pytest.mark.browser
LIVE_MS = 20_000


def _open(reader: Page, path: str = "/") -> None:
    reader.goto(path)
    expect(reader.locator("#live")).to_have_attribute("data-state", "live", timeout=LIVE_MS)


def _focused(reader: Page) -> str:
    return str(reader.evaluate("document.activeElement.id || document.activeElement.className"))


def test_keyboard_alone(reader: Page, ordinary_day: OrdinaryDay) -> None:
    """From the address bar to a study and back without a mouse."""
    _open(reader)
    reader.keyboard.press("Tab")
    assert _focused(reader) == "skip"
    expect(reader.locator(".skip")).to_be_in_viewport()
    reader.keyboard.press("Enter")
    assert _focused(reader) == "main"
    reader.keyboard.press("j")
    assert _focused(reader) == f"open-{ordinary_day.urgent}"
    reader.keyboard.press("ArrowDown")
    assert _focused(reader) == f"open-{ordinary_day.urgent_later}"
    reader.keyboard.press("ArrowUp")
    reader.keyboard.press("Enter")
    expect(reader).to_have_url(re.compile(f"/studies/{re.escape(ordinary_day.urgent)}$"))
    expect(reader.locator("h1")).to_have_text("Urgent")
    reader.go_back()
    expect(reader.locator("[data-rows] > tr")).to_have_count(12)


def test_every_row_is_reached_by_tab(reader: Page, ordinary_day: OrdinaryDay) -> None:
    """The tabulator goes through navigation, tabs and every study, each with a visible ring."""
    _open(reader)
    reached = []
    for _ in range(44):
        reader.keyboard.press("Tab")
        reached.append(_focused(reader))
        if reached[-1] == f"open-{ordinary_day.urgent}":
            ring = reader.evaluate(
                "getComputedStyle(document.activeElement, '::after').outlineStyle"
            )
            assert ring == "solid"
    rows = [name for name in reached if name.startswith("open-")]
    assert len(rows) == 12
    assert {"tab-all", "tab-urgent"} <= set(reached)


def test_try_again_in_the_browser(reader: Page, ordinary_day: OrdinaryDay) -> None:
    """The button works under the page's own security rules: its form counts as same-origin."""
    _open(reader, f"/studies/{ordinary_day.failed}")
    reader.locator("#retry").press("Enter")
    expect(reader).to_have_url(re.compile(f"/studies/{re.escape(ordinary_day.failed)}$"))
    expect(reader.locator("h1")).to_have_text("In progress")
    expect(reader.locator("#retry")).to_have_count(0)


def test_send_again_in_the_browser(reader: Page, ordinary_day: OrdinaryDay) -> None:
    """A refused delivery goes back to waiting."""
    _open(reader, f"/studies/{ordinary_day.urgent}#h-deliveries")
    sent = reader.get_by_role("region", name="Deliveries").locator(".what")
    expect(sent).to_contain_text("refused")
    reader.locator("#send-again").click()
    expect(sent).to_contain_text("waiting to be sent")


def test_phone(browser: Browser, address: str, ordinary_day: OrdinaryDay) -> None:
    """At phone width nothing sticks out, and the table is still one to a screen reader."""
    context = browser.new_context(
        base_url=address, viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True
    )
    sign_in_browser(context, address)
    page = context.new_page()
    for path in ("/", f"/studies/{ordinary_day.urgent}", "/administration"):
        _open(page, path)
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{path} is {wide} px too wide"
    page.goto("/")
    table = page.get_by_role("table")
    assert table.get_by_role("row").count() == 13
    page.locator("[data-rows] > tr").first.tap()
    expect(page.locator("h1")).to_have_text("Urgent")
    context.close()


def test_without_script(browser: Browser, address: str, ordinary_day: OrdinaryDay) -> None:
    """Without script the page is complete, and renews itself."""
    context = browser.new_context(base_url=address, java_script_enabled=False)
    sign_in_browser(context, address)
    page = context.new_page()
    page.goto("/")
    expect(page.locator("[data-rows] > tr")).to_have_count(12)
    assert page.locator("noscript meta[http-equiv=refresh]").count() == 1
    context.close()


def test_says_when_it_is_not_live(
    browser: Browser,
    running_page: Callable[[], RunningPage],
    hospital: SeededHospital,
    ordinary_day: OrdinaryDay,
) -> None:
    """A page that lost its server says so, and catches up by itself when it is back."""
    server = running_page()
    context = browser.new_context(base_url=server.address)
    sign_in_browser(context, server.address)
    page = context.new_page()
    _open(page)
    server.stop()
    expect(page.locator("#live")).to_have_attribute("data-state", "lost", timeout=LIVE_MS)
    expect(page.locator("#live")).to_contain_text("Not live since")
    hospital.receive(accession_number="MEANWHILE")
    running_page()
    expect(page.locator("#live")).to_have_attribute("data-state", "live", timeout=LIVE_MS)
    expect(page.locator("[data-rows] > tr")).to_have_count(13)
    context.close()


def test_times_are_told_as_people_do(reader: Page, ordinary_day: OrdinaryDay) -> None:
    """How long ago the last image came stands in words, the moment behind it."""
    _open(reader)
    last = reader.locator("[data-rows] > tr").first.locator("td.last time")
    expect(last).to_have_text(re.compile(r"\d+ min ago"))
    assert re.search(r"20\d\d", last.get_attribute("title") or "")


def test_every_key_picture_loads(
    reader: Page, browser: Browser, address: str, ordinary_day: OrdinaryDay
) -> None:
    """Small in the list, whole at the study, and on a phone as well."""
    _open(reader)
    for thumbnail in reader.locator(".list img").all():
        thumbnail.scroll_into_view_if_needed()
        expect(thumbnail).to_have_js_property("complete", True)
        assert thumbnail.evaluate("image => image.naturalWidth") == 160
    reader.evaluate("window.scrollTo(0, 0)")
    _open(reader, f"/studies/{ordinary_day.urgent}")
    assert reader.locator(".key-picture img").evaluate("image => image.naturalWidth") == 512
    context = browser.new_context(
        base_url=address, viewport={"width": 390, "height": 844}, device_scale_factor=2
    )
    sign_in_browser(context, address)
    phone = context.new_page()
    _open(phone)
    thumbnail = phone.locator(".list img").first
    expect(thumbnail).to_have_js_property("complete", True)
    assert thumbnail.evaluate("image => image.naturalWidth") == 160
    context.close()
