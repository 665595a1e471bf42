"""Words that explain themselves, as WCAG 2.2 asks in 1.4.13: by mouse, by keyboard and by touch."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import READER
from tests.builders.stored.readers import sign_in_browser
from tests.unit.worklist.seeding import SeededHospital
from tests.unit.worklist.words.rich_readings import full_study
from worklist.words.explained import EXPLAINED

pytestmark = pytest.mark.browser
_SUSPICION = EXPLAINED["suspicion"].sentence
_DRAWN = """text => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 40;
  const pen = canvas.getContext("2d");
  pen.font = `32px ${getComputedStyle(document.body).fontFamily}`;
  pen.fillText(text, 2, 34);
  return canvas.toDataURL();
}"""


@pytest.fixture
def uid(hospital: SeededHospital) -> str:
    """Give a study about which everything is said."""
    return full_study(hospital)


def test_by_mouse_and_by_keyboard(
    reader: Page, uid: str, keep_picture: Callable[..., None]
) -> None:
    """Shown on hover and focus; it can be hovered, stays, and Escape dismisses it."""
    reader.goto(f"/studies/{uid}")
    said, word = reader.locator("#explanation"), reader.locator("#word-figures-suspicion")
    expect(said).to_be_hidden()
    word.hover()
    expect(said).to_have_text(_SUSPICION)
    box = said.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 1440
    keep_picture(reader, "explained-word")
    said.hover()
    reader.wait_for_timeout(600)  # longer than it takes to hide
    expect(said).to_be_visible()
    reader.keyboard.press("Escape")
    expect(said).to_be_hidden()
    word.hover()
    expect(said).to_be_visible()
    reader.mouse.move(2, 2)
    expect(said).to_be_hidden()

    before = reader.locator("#word-figures-suspicion").evaluate(
        "word => [...document.querySelectorAll('a, button, [tabindex=\"0\"]')]"
        ".filter(one => one.checkVisibility()"
        " && one.compareDocumentPosition(word) & Node.DOCUMENT_POSITION_FOLLOWING)"
        ".at(-1).focus()"
    )
    assert before is None
    reader.keyboard.press("Tab")
    expect(word).to_be_focused()
    expect(said).to_have_text(_SUSPICION)
    reader.wait_for_timeout(600)
    expect(said).to_be_visible()
    reader.keyboard.press("Escape")
    expect(said).to_be_hidden()
    expect(word).to_be_focused()
    reader.keyboard.press("Enter")
    expect(reader).to_have_url(re.compile(r"/help#suspicion$"))
    expect(reader.locator("#about-suspicion")).to_be_in_viewport()
    found = Axe().run(reader).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
    keep_picture(reader, "help")


def test_by_touch_and_in_chinese(
    browser: Browser, address: str, uid: str, tmp_path: Path, keep_picture: Callable[..., None]
) -> None:
    """The first touch explains and the second leads to the help page; a phone has room for it."""
    context = browser.new_context(
        base_url=address, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    sign_in_browser(context, address, READER)
    context.add_cookies([{"name": "firstread_language", "value": "zh", "url": address}])
    page = context.new_page()
    page.goto(f"/studies/{uid}")
    said, word = page.locator("#explanation"), page.locator("#word-figures-suspicion")
    word.scroll_into_view_if_needed()
    word.tap()
    expect(said).to_contain_text("不是患病概率")
    assert page.url.endswith(uid)
    box = said.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    keep_picture(page, "explained-word-phone")
    page.locator("h1").first.tap()
    expect(said).to_be_hidden()
    word.tap()
    word.tap()
    expect(page).to_have_url(re.compile(r"/help#suspicion$"))
    # Without a font for them all characters are drawn as the same box.
    assert page.evaluate(_DRAWN, "检") != page.evaluate(_DRAWN, "查")
    context.close()
