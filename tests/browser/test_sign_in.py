"""Signing in with a real browser: by keyboard, by an identity provider, and out again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from settings.environment import Settings
from settings.page.sign_in import IdentityProvider, Role, SignIn
from tests.browser.conftest import READER, RunningPage
from tests.builders.stored.readers import PASSWORD, add_reader
from tests.peers.page.identity_provider import CLIENT_ID, CLIENT_SECRET, running_identity_provider
from tests.peers.ports import free_port
from tests.unit.worklist.list.ordinary_day import OrdinaryDay
from tests.unit.worklist.seeding import SeededHospital
from worklist.app import create_app

pytestmark = pytest.mark.browser
LIVE_MS = 20_000


@pytest.fixture
def stranger(
    browser: Browser, address: str, keep_failing_picture: Callable[..., None]
) -> Iterator[Page]:
    """Give a page of a browser in which nobody has signed in."""
    context = browser.new_context(base_url=address, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    yield page
    keep_failing_picture(page)
    context.close()


def _faults(page: Page) -> list[str]:
    """What a screen reader or a keyboard would stumble over, by axe."""
    found = Axe().run(page).response["violations"]
    return [one["id"] for one in found if one["impact"] in ("serious", "critical")]


def test_signing_in_with_the_keyboard_alone(
    stranger: Page, ordinary_day: OrdinaryDay, keep_picture: Callable[..., None]
) -> None:
    """Name, Tab, password, Enter: then the reader stands where they wanted to go."""
    stranger.goto(f"/studies/{ordinary_day.urgent}")
    expect(stranger.locator("h1")).to_have_text("Sign in")
    keep_picture(stranger, "sign-in")
    stranger.keyboard.type(READER)
    stranger.keyboard.press("Tab")
    stranger.keyboard.type(PASSWORD)
    stranger.keyboard.press("Enter")
    expect(stranger.locator("h1")).to_contain_text("Urgent")
    expect(stranger.locator(".signed-in a")).to_contain_text(READER)
    expect(stranger.locator("#live")).to_have_attribute("data-state", "live", timeout=LIVE_MS)


def test_a_wrong_password_is_said_aloud(stranger: Page, ordinary_day: OrdinaryDay) -> None:
    """The reason is an alert, the name stays, and the focus is where one goes on."""
    stranger.goto("/")
    stranger.get_by_label("Name").fill(READER)
    stranger.get_by_label("Password").fill("not the password")
    stranger.get_by_role("button", name="Sign in").click()
    problem = stranger.locator("#problem")
    expect(problem).to_have_text("The name or the password is not right.")
    expect(problem).to_have_attribute("role", "alert")
    expect(stranger.get_by_label("Name")).to_have_value(READER)
    expect(stranger.get_by_label("Password")).to_be_focused()
    assert _faults(stranger) == []


def test_nothing_to_stumble_over(
    stranger: Page, reader: Page, hospital: SeededHospital, ordinary_day: OrdinaryDay
) -> None:
    """Sign-in page, account page and a refusal have no serious fault by axe."""
    stranger.goto("/sign-in")
    assert _faults(stranger) == []
    reader.goto("/account")
    assert _faults(reader) == []
    reader.get_by_role("link", name=re.compile("Administration")).click()
    expect(reader.locator("h1")).to_have_text("Administration")


def test_without_script(browser: Browser, address: str, ordinary_day: OrdinaryDay) -> None:
    """Signing in, a button of a study and signing out are plain forms."""
    context = browser.new_context(base_url=address, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"/studies/{ordinary_day.failed}")
    page.get_by_label("Name").fill(READER)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.locator("#retry").click()
    expect(page.locator("h1")).not_to_have_text("Failed")
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("h1")).to_have_text("Sign in")
    page.goto("/")
    expect(page.locator("h1")).to_have_text("Sign in")
    context.close()


def test_a_button_in_a_part_that_came_live(
    reader: Page, hospital: SeededHospital, ordinary_day: OrdinaryDay
) -> None:
    """A form that a live update brought carries the reader's own token."""
    reader.goto(f"/studies/{ordinary_day.failed}")
    expect(reader.locator("#live")).to_have_attribute("data-state", "live", timeout=LIVE_MS)
    expect(reader.locator(".head[data-part]")).to_be_visible()
    reader.locator("#retry").click()
    expect(reader.locator("h1")).not_to_contain_text("Failed", timeout=LIVE_MS)


def test_signing_out_empties_the_other_tabs(reader: Page, ordinary_day: OrdinaryDay) -> None:
    """Where the list is open elsewhere in the session it gives way to the sign-in page."""
    reader.goto("/")
    expect(reader.locator("#live")).to_have_attribute("data-state", "live", timeout=LIVE_MS)
    other = reader.context.new_page()
    other.goto("/account")
    other.get_by_role("button", name="Sign out").click()
    expect(other.locator("h1")).to_have_text("Sign in")
    expect(reader.locator("h1")).to_have_text("Sign in", timeout=LIVE_MS)
    assert "/sign-in?next=" in reader.url


@pytest.mark.parametrize("path", ["/sign-in", "/account", "/"])
def test_phone(
    browser: Browser, address: str, hospital: SeededHospital, ordinary_day: OrdinaryDay, path: str
) -> None:
    """At 375 pixels nothing sticks out, however long the reader's name is."""
    name = "a-very-long-name-of-a-reader.with-a-hospital@clinic.example"
    add_reader(hospital.engine, name, Role.ADMINISTRATOR)
    context = browser.new_context(base_url=address, viewport={"width": 375, "height": 812})
    page = context.new_page()
    if path != "/sign-in":
        page.goto("/sign-in")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator(".signed-in")).to_be_visible()
    page.goto(path)
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    assert _faults(page) == []
    context.close()


def test_an_identity_provider(
    browser: Browser, hospital: SeededHospital, ordinary_day: OrdinaryDay, tmp_path: Path
) -> None:
    """By the button to the provider, and back to the study that was asked for."""
    port = free_port()
    people = {"wu": {"sub": "17", "preferred_username": "dr.wu", "groups": ["radiology"]}}
    callback = f"http://127.0.0.1:{port}/sign-in/callback"
    with running_identity_provider(people, redirect_uris=[callback], folder=tmp_path) as idp:
        provider = IdentityProvider.model_validate(
            {
                "issuer": idp.issuer,
                "client_id": CLIENT_ID,
                "secret": CLIENT_SECRET,
                "ca_file": idp.certificate,
                "roles": {"radiology": "reader"},
            }
        )
        settings = Settings(
            data_folder=tmp_path, worklist_port=port, sign_in=SignIn(provider=provider)
        )
        served = RunningPage(create_app(settings, hospital.engine, sign_in_always=True), settings)
        served.start()
        context = browser.new_context(base_url=served.address, ignore_https_errors=True)
        page = context.new_page()
        page.goto(f"/studies/{ordinary_day.urgent}")
        assert _faults(page) == []
        page.get_by_role("link", name="Sign in with the hospital's account").click()
        page.get_by_role("link", name="wu").click()
        expect(page.locator("h1")).to_contain_text("Urgent")
        expect(page.locator(".signed-in a")).to_contain_text("dr.wu")
        expect(page.get_by_role("link", name="Administration")).to_have_count(0)
        context.close()
        served.stop()
