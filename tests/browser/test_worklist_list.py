"""The list in a real browser: sound, mark in the tab, search, filters, keys, language, axe."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from database.session import query
from database.tables.study.analysis import Study
from database.views.worklist.opened import study_id_of
from radiology.urgency import Urgency
from tests.browser.accessibility import grave_faults
from tests.builders.stored.readers import sign_in_browser
from tests.unit.worklist.list.ordinary_day import SEVERE, OrdinaryDay
from tests.unit.worklist.seeding import SeededHospital
from tests.unit.worklist.study.full_reading import full_reading

pytestmark = pytest.mark.browser
LIVE_MS = 20_000
PHONE = {"width": 375, "height": 812}
# Counts the tones in place of playing them: what is tested is when the page sounds.
_COUNT_TONES = """
  window.tones = 0;
  window.AudioContext = class {
    state = "suspended"; currentTime = 0; destination = {};
    async resume() { this.state = "running"; }
    createOscillator() {
      window.tones += 1;
      return { frequency: {}, connect: (next) => next, start() {}, stop() {} };
    }
    createGain() {
      const gain = { setValueAtTime() {}, exponentialRampToValueAtTime() {} };
      return { gain, connect: (next) => next };
    }
  };
"""


def _open(reader: Page, path: str = "/") -> None:
    reader.goto(path)
    expect(reader.locator("#live")).to_have_attribute("data-state", "live", timeout=LIVE_MS)


def _rows(reader: Page) -> list[str]:
    return [
        row.get_attribute("data-part") or "" for row in reader.locator("[data-rows] > tr").all()
    ]


def _new_urgent(reader: Page, hospital: SeededHospital) -> None:
    count = reader.locator("[data-rows] > tr.urgent").count()
    _, claim = hospital.claimed(accession_number="URGENT")
    hospital.answer(claim, Urgency.URGENT, SEVERE, picture=False)
    expect(reader.locator("[data-rows] > tr.urgent")).to_have_count(count + 1, timeout=LIVE_MS)


def test_a_new_urgent_study_sounds_and_marks_the_tab(
    reader: Page, hospital: SeededHospital, ordinary_day: OrdinaryDay
) -> None:
    """Two tones and a mark in the title, which goes when somebody is at the page."""
    reader.add_init_script(_COUNT_TONES)
    _open(reader)
    expect(reader.locator("#sound")).to_have_text("Click once for sound")
    reader.locator("#sound").click()
    expect(reader.locator("#sound")).to_have_text("Sound on")
    assert reader.evaluate("window.tones") == 0
    _new_urgent(reader, hospital)
    assert reader.evaluate("window.tones") == 2
    assert reader.title() == "● (3) Worklist – Firstread"
    reader.mouse.move(40, 40)
    expect(reader).to_have_title("(3) Worklist – Firstread")


def test_muted_stays_muted(
    reader: Page, hospital: SeededHospital, ordinary_day: OrdinaryDay
) -> None:
    """Sound that was switched off stays off in this browser, also after a reload."""
    reader.add_init_script(_COUNT_TONES)
    _open(reader)
    reader.locator("body").press("m")
    expect(reader.locator("#sound")).to_have_text("Sound off")
    expect(reader.locator("#sound")).to_have_attribute("aria-pressed", "false")
    reader.reload()
    expect(reader.locator("#sound")).to_have_text("Sound off")
    _new_urgent(reader, hospital)
    assert reader.evaluate("window.tones") == 0
    reader.locator("#sound").click()
    expect(reader.locator("#sound")).to_have_text("Sound on")


def test_search_by_keyboard(
    reader: Page, hospital: SeededHospital, ordinary_day: OrdinaryDay
) -> None:
    """`/`, a part of a number, Enter: the study, and nothing typed is taken for a key."""
    jk = hospital.receive(accession_number="JK/nm?1", images=1)
    _open(reader)
    reader.keyboard.press("/")
    expect(reader.locator("#search")).to_be_focused()
    reader.keyboard.type("JK/nm?")
    expect(reader.locator("#search")).to_have_value("JK/nm?")
    reader.keyboard.press("Enter")
    expect(reader.locator("[data-rows] > tr")).to_have_count(1)
    assert _rows(reader) == [jk]
    assert parse_qs(urlsplit(reader.url).query).keys() == {"found"}, "no address says what"
    expect(reader.locator("#search")).to_have_value("JK/nm?")


def test_filters_stand_in_the_address(
    reader: Page, hospital: SeededHospital, ordinary_day: OrdinaryDay
) -> None:
    """What is chosen is listed, stays chosen, follows live, and is removed at once."""
    _open(reader)
    reader.locator("#choices summary").click()
    reader.locator("#filter-sex").select_option("F")
    reader.locator("#filter-age").select_option("65+")
    reader.get_by_role("button", name="Apply").click()
    expect(reader).to_have_url(re.compile(r"/\?sex=F&age=65%2B$"))
    expect(reader.locator("[data-rows] > tr")).to_have_count(3)
    expect(reader.locator("#filter-sex")).to_have_value("F")
    expect(reader.locator("#live")).to_have_attribute("data-state", "live", timeout=LIVE_MS)
    hospital.receive(sex="M", age="070Y")
    wanted = hospital.receive(sex="F", age="070Y")
    expect(reader.locator(f"[data-part='{wanted}']")).to_be_visible(timeout=LIVE_MS)
    expect(reader.locator("[data-rows] > tr")).to_have_count(4)
    reader.locator("#no-filter").click()
    expect(reader.locator("[data-rows] > tr")).to_have_count(14)


def test_a_label_that_studies_have_can_be_chosen(reader: Page, hospital: SeededHospital) -> None:
    """It is a choice with its words, in either language, and finds the study that has it."""
    hospital.receive()
    uid, claim = hospital.claimed()
    hospital.answer(claim, Urgency.URGENT, picture=False, reading=full_reading())
    _open(reader)
    reader.locator("#choices summary").click()
    choice = reader.locator("#filter-label")
    expect(choice.locator("option")).to_have_count(2)
    choice.select_option("viral_suspected")
    reader.get_by_role("button", name="Apply").click()
    expect(reader).to_have_url(re.compile(r"/\?label=viral_suspected$"))
    expect(choice.locator("option:checked")).to_have_text("viral pattern suspected")
    assert _rows(reader) == [uid]
    reader.get_by_role("button", name="中文").click()
    expect(choice.locator("option:checked")).to_have_text("疑似病毒性肺炎表现")


def test_what_is_being_typed_stays(
    reader: Page, hospital: SeededHospital, ordinary_day: OrdinaryDay
) -> None:
    """Rows come and go while somebody types; the field keeps its text and its focus."""
    _open(reader)
    reader.locator("#search").click()
    reader.keyboard.type("A26")
    _new_urgent(reader, hospital)
    expect(reader.locator("#search")).to_be_focused()
    reader.keyboard.type("112")
    expect(reader.locator("#search")).to_have_value("A26112")


def test_keys_are_listed(reader: Page, ordinary_day: OrdinaryDay) -> None:
    """`?` lists the keys in a dialogue, Escape closes it, and the keys rest meanwhile."""
    _open(reader)
    reader.keyboard.press("?")
    keys = reader.locator("#keys")
    expect(keys).to_be_visible()
    expect(keys).to_contain_text("next study")
    reader.keyboard.press("/")
    expect(reader.locator("#search")).not_to_be_focused()
    assert grave_faults(reader) == []
    reader.keyboard.press("Escape")
    expect(keys).to_be_hidden()


def test_next_page_by_keyboard(reader: Page, hospital: SeededHospital) -> None:
    """`n` turns the page; the last study of all is there."""
    uids = [hospital.receive(images=1) for _ in range(60)]
    _open(reader)
    expect(reader.locator("[data-rows] > tr")).to_have_count(50)
    reader.keyboard.press("n")
    expect(reader.locator("[data-rows] > tr")).to_have_count(10)
    assert _rows(reader)[-1] == uids[-1]


def test_language_is_switched_on_the_page(reader: Page, ordinary_day: OrdinaryDay) -> None:
    """One button changes every word, the script's too, and leads back to the same list."""
    _open(reader, "/?show=urgent")
    reader.get_by_role("button", name="中文").click()
    expect(reader).to_have_url(re.compile(r"/\?show=urgent$"))
    expect(reader.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(reader.locator("#live .words")).to_have_text("实时", timeout=LIVE_MS)
    first = reader.locator("[data-rows] > tr").first
    expect(first.locator(".verdict")).to_have_text("紧急")
    expect(first.locator("td.last time")).to_have_text(re.compile(r"^\d+ 分钟前$"))
    expect(reader).to_have_title("(2) 工作列表 – Firstread")
    expect(reader.locator("time[data-due]")).to_have_text("马上")  # what is due is to come
    reader.get_by_role("button", name="English").click()
    expect(reader.locator("html")).to_have_attribute("lang", "en-GB")


def test_who_has_a_study_open(
    reader: Page,
    browser: Browser,
    address: str,
    hospital: SeededHospital,
    ordinary_day: OrdinaryDay,
) -> None:
    """The list names who has a study open, by the study page's own stream."""
    _open(reader)
    context = browser.new_context(base_url=address)
    sign_in_browser(context, address)
    other = context.new_page()
    _open(other, f"/studies/{ordinary_day.urgent}")
    row = reader.locator(f"[data-part='{ordinary_day.urgent}']")
    expect(row.locator(".open-by")).to_have_text("being read by reader", timeout=LIVE_MS)
    context.close()
    with query(hospital.engine) as session:
        study_id = study_id_of(session, ordinary_day.urgent)
        assert session.query(Study.opened).filter_by(id=study_id).scalar()


def test_time_goes_on_without_a_flicker(reader: Page, ordinary_day: OrdinaryDay) -> None:
    """The time since the last image ticks within the same row and the same element."""
    _open(reader)
    last = reader.locator(f"[data-part='{ordinary_day.receiving}'] td.last time")
    last.evaluate("time => { time.mark = 1; time.dateTime = new Date().toISOString(); }")
    expect(last).to_have_text(re.compile(r"^1\d s ago$"), timeout=LIVE_MS)
    assert last.evaluate("time => time.mark") == 1


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", ["desk", "phone"])
def test_axe_finds_nothing_grave(
    browser: Browser,
    address: str,
    hospital: SeededHospital,
    ordinary_day: OrdinaryDay,
    keep_picture: Callable[..., None],
    language: str,
    width: str,
) -> None:
    """No serious fault in either language, at a desk and at phone width, with filters open."""
    hospital.answer(hospital.claim(), Urgency.SUSPECTED, reading=full_reading(), picture=False)
    size = PHONE if width == "phone" else {"width": 1440, "height": 900}
    context = browser.new_context(base_url=address, viewport=size)
    sign_in_browser(context, address)
    context.add_cookies([{"name": "firstread_language", "value": language, "url": address}])
    page = context.new_page()
    _open(page, "/?sex=M")
    judged = page.locator(f"[data-part='{ordinary_day.queued}'] td.judged")
    expect(judged).to_contain_text("MosMed")
    assert grave_faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    if language == "en":  # a machine of tests has no Chinese font
        keep_picture(page, f"worklist-list-{width}")
    context.close()
