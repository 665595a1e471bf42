"""The buttons and sliders of the viewer of slices: what each does, by a click or by a tap."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.slice_viewer import drawn_box, expect_slice


def by_its_buttons(page: Page, facts: dict[str, Any], press: Callable[[Locator], None]) -> None:
    """What each button does, and each slider, in whichever way it is pressed."""
    frame, window = page.locator("#viewer-frame"), page.locator("#viewer-window")
    for name, wanted in (
        ("key", facts["key"]),
        ("next", min(one for one in facts["lesion_slices"] if one > facts["key"])),
        ("previous", facts["key"]),
        ("previous", lesion_before(facts, facts["key"])),
    ):
        press(page.locator(f"#viewer-{name}"))
        expect_slice(page, wanted)
    press(page.locator("#viewer-index"))  # in the middle
    half = facts["slices"] // 2
    expect(frame).to_have_attribute("data-slice", re.compile(rf"^({half - 1}|{half})$"))
    press(page.locator("[data-preset=bone]"))
    expect(window).to_have_text("W 1800 L 400")
    press(page.locator(".viewer-more summary"))
    press(page.locator("#viewer-level"))  # it goes from -1000 to 2000
    expect(window).to_have_text(re.compile(r"^W 1800 L (4[89]|5[01])\d$"))
    press(page.locator("#viewer-width"))  # from 20 to 4000
    expect(window).to_have_text(re.compile(r"^W (19[89]|20[0-3])\d L"))
    press(page.locator("[data-preset=declared-0]"))
    for name in ("outlines", "heat"):
        button = page.locator(f"#viewer-{name}")
        before = button.get_attribute("aria-pressed") or ""
        press(button)
        expect(button).not_to_have_attribute("aria-pressed", before)
        press(button)
        expect(button).to_have_attribute("aria-pressed", before)
    for plane in ("coronal", "sagittal", "axial"):
        press(page.locator(f"[data-plane={plane}][aria-pressed]"))
        expect(frame).to_have_attribute("data-plane", plane)
    press(page.locator("#viewer-larger"))
    expect(window).to_contain_text("× 1.3")
    press(page.locator("#viewer-smaller"))
    expect(window).not_to_contain_text("×")
    press(page.locator("#viewer-cross"))
    expect(page.locator("#viewer-said")).to_have_text(re.compile(r"HU$"))
    press(page.locator("#viewer-cross"))
    press(page.locator("#lesion-course > summary"))
    press(page.locator("#lesion-course button.go-to"))
    expect_slice(page, facts["lesions"][0]["slice"])


def lesion_before(facts: dict[str, Any], place: int) -> int:
    """The slice with a lesion that lies before a slice."""
    return max(one for one in facts["lesion_slices"] if one < place)


def outlined_left(page: Page) -> float:
    """Where on its canvas the outermost outline on the left lies."""
    box = drawn_box(page)
    assert box is not None
    return box[1]
