"""Every screen on a phone, on a small laptop, and enlarged to 200 %: what belongs together, stays.

One browser looks at all of them: what is looked at is where things lie, not what they do.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from database.doctor.runs import begin_run, end_run
from database.session import transaction
from radiology.urgency import Urgency
from settings.page.study_page import StudyPageSettings, ViewerLink
from tests.browser.test_administration import _DOCTOR_SAYS
from tests.builders.stored.readers import sign_in_browser
from tests.unit.worklist.list.ordinary_day import CLEAR, MILD
from tests.unit.worklist.seeding import SeededHospital
from tests.unit.worklist.study.seeded_slices import StudyWithSlices
from tests.unit.worklist.words.rich_readings import full_study
from worklist.words.language_choice import COOKIE as LANGUAGE

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PHONE, ENLARGED, SMALL, DESKTOP = (390, 844), (720, 450), (1024, 768), (1440, 900)
_UNFOLD = """() => document.querySelectorAll("main details:not(#disagreement)")
    .forEach(one => { one.open = true; })"""
_SIDEWAYS_OF = """selector => {
    const one = document.querySelector(selector);
    return one.scrollWidth - one.clientWidth;
}"""
_LINES = """selector => {
    document.querySelectorAll("main details").forEach(one => { one.open = true; });
    return [...document.querySelectorAll(selector)].map(one => {
        const words = document.createRange();
        words.selectNodeContents(one);
        return new Set([...words.getClientRects()].map(line => line.top)).size;
    });
}"""
_SHOW = """([state, words]) => {
    const live = document.querySelector("#live");
    live.dataset.state = state;
    live.querySelector(".words").textContent = words;
}"""
_NARROWEST = "all => Math.min(...all.map(one => one.getBoundingClientRect().width))"
# A time, or a cell with a size and nothing else, that goes on in a second line.
_TORN = """() => [...document.querySelectorAll("main time, main td")]
    .filter(one => one.checkVisibility())
    .filter(one => one.matches("time") || /^[0-9.]+[ \\u00a0][kMG]B$/.test(one.textContent.trim()))
    .filter(one => {
        const words = document.createRange();
        words.selectNodeContents(one);
        return new Set([...words.getClientRects()].map(line => line.top)).size > 1;
    })
    .map(one => one.textContent)"""
_SIDEWAYS = "document.documentElement.scrollWidth - window.innerWidth"
# Tables of up to four columns, and those whose rows become cards, that a telephone shows in part
# only: the last column is the answer, or a button.
_IN_PART = """() => {
    document.querySelectorAll("main details").forEach(one => { one.open = true; });
    return [...document.querySelectorAll(".sections .wide")]
        .filter(one => one.matches(":has(.stacked), :not(:has(thead th:nth-child(5)))"))
        .filter(one => one.checkVisibility() && one.scrollWidth > one.clientWidth)
        .map(one => one.getAttribute("aria-label"));
}"""
_SMALL = """() => [...document.querySelectorAll("summary")]
    .filter(one => one.checkVisibility() && one.getBoundingClientRect().height < 24)
    .map(one => one.textContent)"""
_SMALLEST_LETTER = """() => Math.min(...[...document.querySelectorAll("svg text")]
    .filter(one => one.checkVisibility())
    .map(one => parseFloat(getComputedStyle(one).fontSize) * one.getScreenCTM().a))"""
_MIDDLE_OF_TEXT = """button => {
    const words = document.createRange();
    words.selectNodeContents(button.firstChild);
    const { top, bottom } = words.getBoundingClientRect();
    return (top + bottom) / 2;
}"""


@pytest.fixture
def study_page() -> StudyPageSettings:
    """Give a viewer of the site: its button stands beside the verdict."""
    viewer = ViewerLink(name="Weasis", url="https://viewer.example/{study_instance_uid}")
    return StudyPageSettings(viewers=(viewer,))


@pytest.fixture
def page(
    browser: Browser, address: str, study: StudyWithSlices, hospital: SeededHospital
) -> Iterator[Page]:
    """Give a signed-in administrator's page: a study with slices, one that is called by its UID
    alone and waits for its delivery, and one that failed."""
    _, claim = hospital.claimed(accession_number="", patient_id="")
    hospital.answer(claim, Urgency.SUSPECTED, MILD, destinations=["pacs"], picture=False)
    _, claim = hospital.claimed()
    hospital.fail(claim, "WorkerLost", "The worker stopped 3 times while it had this job")
    context = browser.new_context(base_url=address)
    sign_in_browser(context, address, "reader")
    yield context.new_page()
    context.close()


def _open(page: Page, size: tuple[int, int], path: str) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(path)
    page.evaluate("document.fonts.ready")


def _box(page: Page, selector: str) -> dict[str, float]:
    found = page.locator(selector).bounding_box()
    assert found is not None, selector
    return {**found, "bottom": found["y"] + found["height"]}


@pytest.mark.parametrize(("language", "connecting"), [("en", "Connecting"), ("zh", "正在连接")])
def test_the_top_never_scrolls_sideways(
    page: Page, address: str, language: str, connecting: str
) -> None:
    """Whatever is said of the list, in windows of many widths."""
    page.context.add_cookies([{"name": LANGUAGE, "value": language, "url": address}])
    _open(page, DESKTOP, "/administration")
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    told = page.locator("#words")
    for state, words in (
        ("connecting", connecting),
        ("lost", told.get_attribute("data-unavailable")),
        ("live", told.get_attribute("data-live")),
    ):
        page.evaluate(_SHOW, [state, words])
        for width in (390, 720, 897, 960, 1024, 1100, 1121, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate(_SIDEWAYS) <= 0, (state, width)


def test_nothing_is_pushed_together_or_sideways(page: Page, study: StudyWithSlices) -> None:
    """No screen scrolls sideways; tables do within themselves. Buttons stand apart and in line."""
    of_study, card = f"/studies/{study.uid}", f"/results/{study.result_id}/model-card"
    beside = ("/scorecard", "/administration", "/upload", "/help", "/account", card, "/nowhere")
    for size in (PHONE, ENLARGED, SMALL):
        for path in ("/?show=all", of_study, *beside):
            _open(page, size, path)
            assert page.evaluate(_SIDEWAYS) <= 0, (size, path)
        _open(page, size, "/?show=all")
        expect(page.locator("#live")).to_have_attribute("data-state", "live")
        one_line, three_lines = 64, 120
        assert _box(page, ".top")["height"] < (one_line if size == SMALL else three_lines), size
        expect(page.locator("#show-keys")).to_be_visible()
        assert _box(page, "#search")["y"] - _box(page, "#show-keys")["bottom"] >= 8, size
        page.locator("#show-keys").click()  # the first press of the page, which allows its sound
        expect(page.locator("#keys")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("td.said-before").first).to_be_hidden()
    _open(page, PHONE, of_study)
    middles = [
        page.locator(one).evaluate(_MIDDLE_OF_TEXT)
        for one in ("#agree", "#disagreement > summary", "#next")
    ]
    assert max(middles) - min(middles) < 1
    _open(page, DESKTOP, of_study)
    strip = page.locator(".key-picture img")
    assert str(strip.evaluate("image => image.currentSrc")).endswith("/thumbnail")
    _open(page, DESKTOP, "/?show=all")
    assert _box(page, "tr.urgent >> nth=0 >> td.judged")["width"] >= 190
    expect(page.locator("td.said-before").first).to_be_visible()


def test_the_desk_of_a_small_laptop(page: Page, hospital: SeededHospital) -> None:
    """Beside the slices the sections scroll downwards alone; what happened is read there. No time
    and no size is torn apart."""
    full = full_study(hospital)
    _, claim = hospital.claimed()
    hospital.answer(claim, Urgency.ROUTINE, CLEAR, picture=False)
    hospital.quarantine("StudyInstanceUID is missing", kind="AttributeMissing")
    _open(page, SMALL, f"/studies/{full}")
    page.evaluate(_UNFOLD)
    assert page.evaluate(_SIDEWAYS_OF, ".sections") <= 0
    narrowest = page.locator(".steps .facts:has(span)").evaluate_all(_NARROWEST)
    assert narrowest >= 160
    assert page.evaluate(_TORN) == []
    _open(page, SMALL, "/administration")
    assert page.evaluate(_TORN) == []
    _open(page, SMALL, "/?show=routine")
    label = page.locator("td.share .unseen").first
    assert label.evaluate("one => one.getClientRects().length") == 1


def test_a_chinese_word_does_not_stand_upright(page: Page, hospital: SeededHospital) -> None:
    """A narrow column is as wide as the word in it, which could break at each sign."""
    with transaction(hospital.engine) as session:
        run = begin_run(session, hospital.now, asked_by="reader", machine="ct-ai")
        assert run is not None
        end_run(session, run.run_id, hospital.now, lines=_DOCTOR_SAYS)
    _open(page, PHONE, "/help")
    page.context.add_cookies([{"name": "firstread_language", "value": "zh", "url": page.url}])
    _open(page, PHONE, "/administration")
    assert page.evaluate(_LINES, '[data-part="doctor"] tbody td:first-child') == [1, 1]
    assert page.evaluate(_SIDEWAYS) <= 0


def test_a_telephone_shows_answers_whole(page: Page, hospital: SeededHospital) -> None:
    """What a table says is not beyond its edge; what unfolds is large enough for a finger; the
    letters of drawings can be read."""
    full = full_study(hospital)
    unread, claim = hospital.claimed()
    hospital.answer(claim, None, reason="Too few slices show lung.", picture=False)
    _open(page, PHONE, f"/studies/{unread}")
    head, beside = _box(page, ".head"), _box(page, ".head .viewers")
    assert beside["x"] + beside["width"] <= head["x"] + head["width"] - 8, "the longest verdict"
    for path in (f"/studies/{full}", "/administration", "/scorecard"):
        _open(page, PHONE, path)
        assert page.evaluate(_IN_PART) == [], path
        assert page.evaluate(_SMALL) == [], path
        assert page.evaluate(_SMALLEST_LETTER) >= 8.9, path
        assert page.evaluate(_SIDEWAYS) <= 0, path
