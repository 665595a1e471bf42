"""The reading desk: image, answer and verdict on one screen, a list read by three keys a study."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from database.flags.raised import flag_result
from database.flags.rules import FlagRules
from database.session import transaction
from database.tables.study.analysis import Result
from database.views.worklist.opened import note_open, study_id_of
from settings.flags import Flagging
from settings.page.sign_in import Role
from tests.browser.accessibility import grave_faults
from tests.browser.slice_viewer import LIVE_MS, open_study
from tests.builders.chest.analysed_phantom import analysed_phantom
from tests.builders.stored.flags import mail, webhook
from tests.builders.stored.readers import sign_in_browser, signed_in_reader
from tests.peers.page.chromium import require_font
from tests.unit.worklist.list.ordinary_day import OrdinaryDay
from tests.unit.worklist.seeding import SeededHospital
from tests.unit.worklist.study.seeded_slices import StudyWithSlices, study_with_slices

pytestmark = pytest.mark.browser

_SCREENS = (  # width, height, language, theme
    (1440, 900, "en", "dark"),
    (1440, 900, "zh", "light"),
    (1024, 768, "en", "light"),
    (1024, 768, "zh", "dark"),
    (390, 844, "en", "dark"),
    (390, 844, "zh", "light"),
    (720, 450, "en", "light"),  # 1440 x 900 at 200 %
)
_LIGHT, _DARK = "rgb(245, 246, 248)", "rgb(12, 15, 19)"
_INK = "rgb(20, 24, 29)"
_SCROLLS_WITHIN = """() => [...document.querySelectorAll("main *")]
    .filter(one => getComputedStyle(one).overflowY === "auto")
    .filter(one => one.scrollHeight > one.clientHeight + 1)
    .map(one => one.className)"""
_FOLD = 'document.querySelector("#fold-{name}").open'


@pytest.fixture
def flagged(hospital: SeededHospital, study: StudyWithSlices) -> StudyWithSlices:
    """An urgent study with slices, whose flag nobody has acknowledged."""
    _flag(hospital, study)
    return study


def _flag(hospital: SeededHospital, study: StudyWithSlices) -> None:
    rules = FlagRules([webhook(), mail(escalation=1)], Flagging())
    with transaction(hospital.engine) as session:
        result = session.get_one(Result, study.result_id)
        flag_result(session, result, rules, hospital.now, token="t" * 30, seen={"suspicion": 0.9})


def test_from_the_list_to_a_verdict_and_on_in_three_keys(
    reader: Page, ordinary_day: OrdinaryDay
) -> None:
    """Enter, a, j; and again to the end of the filtered list, which the page says."""
    reader.goto("/?show=urgent")
    expect(reader.locator("#live")).to_have_attribute("data-state", "live", timeout=LIVE_MS)
    kept = re.escape("?list=show%3Durgent")
    reader.keyboard.press("Enter")
    expect(reader).to_have_url(re.compile(f"/studies/{re.escape(ordinary_day.urgent)}{kept}$"))
    expect(reader.locator("#verdict-bar")).to_be_visible()
    expect(reader.locator("#desk")).to_have_attribute("data-ready", "")
    reader.evaluate("window.neverReloaded = true")
    reader.keyboard.press("a")
    expect(reader.locator(".opinion.agree")).to_contain_text("reader agrees")
    assert reader.evaluate("window.neverReloaded"), "the verdict took the page away"
    reader.keyboard.press("j")
    expect(reader).to_have_url(
        re.compile(f"/studies/{re.escape(ordinary_day.urgent_later)}{kept}$")
    )
    expect(reader.locator("#desk")).to_have_attribute("data-ready", "")

    # A disagreement by keys alone: the first choice has the focus, and letters there are letters.
    reader.keyboard.press("d")
    assert reader.evaluate("document.activeElement.id") == "fault-false-positive"
    reader.keyboard.press("j")
    reader.keyboard.press("Tab")
    reader.keyboard.press("Tab")
    reader.keyboard.press("Space")
    reader.locator("#feedback-comment").focus()
    reader.keyboard.type("dga? left lung")
    expect(reader.locator("#feedback-comment")).to_have_value("dga? left lung")
    expect(reader.locator("#keys")).to_be_hidden()
    reader.keyboard.press("Tab")
    reader.keyboard.press("Enter")
    expect(reader.locator(".opinion.disagree")).to_contain_text("disagrees: wrong region")
    expect(reader.locator("#next")).to_be_focused()
    reader.keyboard.press("a")  # taken back as ever: by another verdict
    expect(reader.locator(".opinion.agree").first).to_be_visible()
    reader.keyboard.press("j")
    expect(reader.locator("#none-left")).to_be_visible()
    expect(reader.locator("#none-left")).to_be_focused()
    assert not grave_faults(reader)
    reader.keyboard.press("l")
    expect(reader).to_have_url(re.compile(r"/\?show=urgent$"))


def test_image_answer_and_verdict_are_on_one_screen(
    browser: Browser,
    address: str,
    hospital: SeededHospital,
    tmp_path: Path,
    keep_picture: Callable[..., None],
) -> None:
    """At each width, in both languages and themes: above the fold, axe-clean, no wider."""
    require_font("zh", package="fonts-wqy-microhei")
    made = analysed_phantom("positive", tmp_path / "source", shape=(48, 256, 256))
    study = study_with_slices(
        hospital,
        shown=made.context,
        accession_number="A2611210849",
        patient_id="20941175",
        sex="M",
        age="063Y",
    )
    _flag(hospital, study)
    for width, height, language, theme in _SCREENS:
        told = f"{width} {language} {theme}"
        context = browser.new_context(
            base_url=address,
            viewport={"width": width, "height": height},
            color_scheme=theme,
            has_touch=width == 390,
            is_mobile=width == 390,
        )
        sign_in_browser(context, address)
        chosen = {"name": "firstread_language", "value": language, "url": address}
        context.add_cookies([chosen])
        page = context.new_page()
        open_study(page, study)
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{told}: {wide} px too wide"
        for seen in (".head h1", "#acknowledge", "#agree", "#disagreement", "#next"):
            _is_above_the_fold(page, seen, height, told)
        if width >= 1024:  # the whole of it, and the page does not scroll
            for seen in ("#viewer-frame", ".head .found", ".flag-bar.open", "#verdict-bar"):
                _is_above_the_fold(page, seen, height, told)
            assert page.evaluate("document.documentElement.scrollHeight") <= height, told
        assert not grave_faults(page), told
        expect(page.locator(".legend")).to_contain_text("左肺" if language == "zh" else "Left lung")
        ground = _LIGHT if theme == "light" else _DARK
        expect(page.locator("body")).to_have_css("background-color", ground)
        frame = page.locator("#viewer-frame").evaluate(
            "one => getComputedStyle(one).backgroundColor"
        )
        assert frame == "rgb(0, 0, 0)", told
        if (language, theme) == ("en", "dark"):
            keep_picture(page, {1440: "study", 390: "study-phone"}[width])
        elif width == 1440:
            keep_picture(page, "study-light", light=True)
        if width == 1440:
            page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
            assert not grave_faults(page), f"{told}, unfolded"
        context.close()


def _is_above_the_fold(page: Page, selector: str, height: int, told: str) -> None:
    box = page.locator(selector).bounding_box()
    assert box is not None, f"{told}: {selector} is not shown"
    assert box["height"] > 10, f"{told}: {selector} has no height"
    assert box["y"] >= 0, f"{told}: {selector} begins above the screen"
    assert box["y"] + box["height"] <= height, f"{told}: {selector} ends below the fold: {box}"


def test_flag_folds_keys_and_others(
    reader: Page, flagged: StudyWithSlices, hospital: SeededHospital
) -> None:
    """The flag by its key; folds that stay open; keys switched off; who else has it open."""
    open_study(reader, flagged)
    expect(reader.locator(".open-now [data-reader]:visible")).to_have_count(0)
    reader.keyboard.press("g")
    expect(reader.locator(".flag-bar")).to_contain_text("acknowledged by reader")
    expect(reader.locator("#acknowledge")).to_have_count(0)
    expect(reader.locator("#verdict-said")).to_contain_text("Sent: Acknowledge")
    reader.keyboard.press("g")
    expect(reader.locator("#verdict-said")).to_have_text("There is no open flag.")

    # What is unfolded stays so: when something arrives, and on the next study.
    assert not reader.evaluate(_FOLD.format(name="steps"))
    reader.locator("#fold-steps > summary").click()
    reader.evaluate("window.neverReloaded = true")
    with transaction(hospital.engine) as session:
        study_id = study_id_of(session, flagged.uid)
        assert study_id is not None
        note_open(session, study_id, "colleague", datetime.now(UTC))  # the page's clock is ours
    expect(reader.get_by_text("being read by colleague")).to_be_visible(timeout=LIVE_MS)
    expect(reader.get_by_text("being read by reader")).to_be_hidden()
    hospital.receive(into=flagged.uid)
    expect(reader.locator("[data-part=head]")).to_contain_text("6 in", timeout=LIVE_MS)
    assert reader.evaluate("window.neverReloaded")
    assert reader.evaluate(_FOLD.format(name="steps"))
    expect(reader.locator("ol.steps")).to_be_visible()
    other = study_with_slices(hospital)
    open_study(reader, other)
    assert reader.evaluate(_FOLD.format(name="steps"))
    assert not reader.evaluate(_FOLD.format(name="why"))
    reader.goto(f"/studies/{other.uid}#h-why")
    expect(reader.locator("[data-part=why]")).to_be_in_viewport()

    # A verdict is about what is looked at: not about a newer result behind it.
    reader.keyboard.press("k")
    study_with_slices(hospital, into=other.uid)
    expect(reader.locator("#viewer-newer")).to_be_visible(timeout=LIVE_MS)
    reader.keyboard.press("a")
    expect(reader.locator("#verdict-said")).to_contain_text("look at its slices first")
    expect(reader.locator("#viewer-renew")).to_be_focused()
    expect(reader.locator(".opinion")).to_have_count(0)

    # Switched off in this browser: letters do nothing, here and on the list.
    reader.locator("#show-keys").click()
    reader.locator("#single-keys").uncheck()
    reader.keyboard.press("Escape")
    reader.locator("#viewer-frame").focus()
    place = reader.locator("#viewer-frame").get_attribute("data-slice")
    for key in ("a", "d", "k", "b", "?"):
        reader.keyboard.press(key)
    expect(reader.locator(".opinion")).to_have_count(0)
    expect(reader.locator("#keys")).to_be_hidden()
    expect(reader.locator("#viewer-frame")).to_have_attribute("data-slice", place or "")
    reader.keyboard.press("End")  # no character: it stays
    expect(reader.locator("#viewer-frame")).not_to_have_attribute("data-slice", place or "")
    reader.goto("/")
    reader.keyboard.press("j")
    assert reader.evaluate("document.activeElement === document.body")
    reader.locator("#show-keys").click()
    expect(reader.locator("#single-keys")).not_to_be_checked()
    reader.locator("#single-keys").check()
    reader.keyboard.press("Escape")
    reader.locator("body").press("j")
    expect(reader.locator("a.open").first).to_be_focused()


def test_light_and_dark_on_every_screen(
    browser: Browser, address: str, hospital: SeededHospital, ordinary_day: OrdinaryDay
) -> None:
    """What the system says holds until the reader chooses; every screen is axe-clean in light."""
    signed_in_reader(hospital.engine, "bright", Role.ADMINISTRATOR)
    context = browser.new_context(
        base_url=address, color_scheme="dark", viewport={"width": 1440, "height": 900}
    )
    sign_in_browser(context, address, "bright")
    page = context.new_page()
    page.goto("/")
    ground = page.locator("body")
    expect(ground).to_have_css("background-color", _DARK)
    expect(page.get_by_role("button", name="Dark")).to_be_hidden()
    page.get_by_role("button", name="Light").click()
    expect(ground).to_have_css("background-color", _LIGHT)
    for path in (
        *("/", "/scorecard", "/upload", "/administration", "/account", "/help", "/nowhere"),
        *("/results/1/model-card", f"/studies/{ordinary_day.urgent}"),
        f"/studies/{ordinary_day.not_assessable}",
        f"/studies/{ordinary_day.failed}",
    ):
        page.goto(path)
        expect(ground).to_have_css("background-color", _LIGHT)
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        assert not grave_faults(page), path
    page.get_by_role("button", name="As the system").click()
    expect(ground).to_have_css("background-color", _DARK)

    # On paper: dark on white, and no part of the page scrolls within itself.
    page.get_by_role("button", name="Light").click()
    page.get_by_role("button", name="Dark").click()
    for path in ("/", f"/studies/{ordinary_day.urgent}"):
        page.goto(path)
        page.emulate_media(media="print")
        expect(ground).to_have_css("color", _INK)
        assert page.evaluate(_SCROLLS_WITHIN) == [], path
        page.emulate_media(media="screen")
    context.close()
