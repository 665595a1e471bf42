"""The slices on the page of a study: gone through, windowed, outlined."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from chest.values.regions import LesionLabel
from tests.browser.slice_viewer import (
    LIVE_MS,
    Fitted,
    drawn_box,
    expect_slice,
    fitted,
    index_of,
    labels_of,
    mean_grey,
    no_serious_fault,
    open_study,
    shown_slice,
)
from tests.builders.chest.analysed_phantom import analysed_phantom
from tests.builders.chest.outline_label import OutlineLabel
from tests.builders.stored.readers import sign_in_browser
from tests.unit.worklist.seeding import SeededHospital
from tests.unit.worklist.study.seeded_slices import StudyWithSlices, study_with_slices

pytestmark = pytest.mark.browser


def test_key_slice_comes_first(reader: Page, study: StudyWithSlices) -> None:
    """The slice that says most is shown at once, and the frame says which one it is. It is fetched
    once, before the scripts are there."""
    asked: list[str] = []
    reader.on("request", lambda request: asked.append(request.url))
    open_study(reader, study)
    facts = index_of(study)
    expect_slice(reader, facts["key"])
    first = [f"/slices/{facts['key']}/{what}" for what in ("voxels", "labels")]
    for ending in ("/slices", *first):
        assert sum(url.endswith(ending) for url in asked) == 1, ending
    frame = reader.locator("#viewer-frame")
    expect(frame).to_contain_text(f"Slice {facts['key'] + 1} of {facts['slices']}")
    expect(frame).to_contain_text("key slice")
    expect(frame).to_contain_text("Not for diagnosis")
    assert _letters(reader) == ["A", "L", "P", "R"]


def test_wheel_keys_and_slider_go_through_the_slices(reader: Page, study: StudyWithSlices) -> None:
    """Each way of scrolling ends at the slice that it should."""
    open_study(reader, study)
    facts = index_of(study)
    key, last = facts["key"], facts["slices"] - 1
    for pressed, place in (("ArrowDown", key + 1), ("ArrowUp", key)):
        reader.keyboard.press(pressed)  # as the study was opened: nothing else moves on one screen
        expect_slice(reader, place)
    reader.locator(".sections h2:visible").first.click()  # now they scroll the sections
    reader.keyboard.press("ArrowDown")
    reader.locator("#viewer-frame").hover()
    expect_slice(reader, key)
    scrolled = reader.evaluate("window.scrollY")
    reader.mouse.wheel(0, 100)
    expect_slice(reader, key + 1)
    reader.mouse.wheel(0, -100)
    expect_slice(reader, key)
    assert reader.evaluate("window.scrollY") == scrolled
    reader.locator("#viewer-frame").focus()
    for pressed, place in (
        ("ArrowDown", key + 1),
        ("ArrowUp", key),
        ("PageDown", min(key + 10, last)),
        ("Home", 0),
        ("ArrowUp", 0),
        ("End", last),
        ("k", key),
    ):
        reader.keyboard.press(pressed)
        expect_slice(reader, place)
    assert _ringed(reader), "the picture has the focus, and nothing shows it"
    reader.locator("#viewer-index").fill("3")
    expect_slice(reader, 2)
    expect(reader.locator("#viewer-index")).to_have_attribute(
        "aria-valuetext", re.compile(rf"Slice 3 of {last + 1}")
    )


def test_from_lesion_to_lesion(reader: Page, study: StudyWithSlices) -> None:
    """The jump goes to the next slice that holds a lesion, and says so."""
    open_study(reader, study)
    places = index_of(study)["lesion_slices"]
    reader.locator("#viewer-frame").focus()
    reader.keyboard.press("Home")
    expect_slice(reader, 0)
    reader.keyboard.press("n")
    expect_slice(reader, places[0])
    expect(reader.locator("#viewer-place")).to_contain_text("holds a lesion")
    reader.locator("#viewer-next").click()
    expect_slice(reader, places[1])
    reader.keyboard.press("b")
    expect_slice(reader, places[0])


def test_swipe_on_a_phone(browser: Browser, address: str, study: StudyWithSlices) -> None:
    """A finger sideways goes through the slices; the page is not wider than the phone."""
    context = browser.new_context(
        base_url=address, viewport={"width": 375, "height": 812}, is_mobile=True, has_touch=True
    )
    sign_in_browser(context, address)
    page = context.new_page()
    open_study(page, study)
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, f"{wide} px too wide"
    before = shown_slice(page)
    page.locator("#viewer-frame").scroll_into_view_if_needed()
    box = page.locator("#viewer-frame").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] * 0.8, box["y"] + box["height"] / 2
    touch = context.new_cdp_session(page)
    touch.send(
        "Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]}
    )
    for step in range(1, 9):
        point = {"x": x - step * box["width"] * 0.05, "y": y}
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(page.locator("#viewer-frame")).not_to_have_attribute("data-slice", str(before))
    assert shown_slice(page) > before
    no_serious_fault(page)
    context.close()


def test_window_presets_change_the_picture(reader: Page, study: StudyWithSlices) -> None:
    """The bundle's own, soft tissue and bone differ in pixels; sliders and keys change them."""
    open_study(reader, study)
    seen = [mean_grey(reader)]
    said = reader.locator("#viewer-window")  # it changes when the picture was drawn
    for preset, words in (("soft-tissue", "W 400 L 40"), ("bone", "W 1800 L 400")):
        reader.locator(f"[data-preset={preset}]").click()
        expect(said).to_have_text(words)
        seen.append(mean_grey(reader))
    assert len({round(one) for one in seen}) == 3
    assert seen[0] > seen[1]  # air and lung are black in the window of soft tissue
    reader.keyboard.press("1")
    expect(reader.locator("[data-preset=declared-0]")).to_have_text("Lung")
    expect(reader.locator("[data-preset=declared-0]")).to_have_attribute("aria-pressed", "true")
    expect(said).to_have_text("W 1500 L −600")
    assert mean_grey(reader) == pytest.approx(seen[0])
    reader.keyboard.press(",")
    expect(said).to_have_text("W 1500 L −650")
    assert mean_grey(reader) > seen[0]
    reader.locator(".viewer-more summary").click()
    reader.locator("#viewer-width").fill("800")
    expect(said).to_have_text("W 800 L −650")
    expect(reader.locator("[data-preset=declared-0]")).to_have_attribute("aria-pressed", "false")


def test_outline_lies_where_the_lesion_is(reader: Page, study: StudyWithSlices) -> None:
    """The line around the consolidation has the box of its voxels, to a voxel."""
    open_study(reader, study)
    consolidation = labels_of(study, shown_slice(reader)) == OutlineLabel.CONSOLIDATION
    assert consolidation.any(), "the key slice of the phantom holds a consolidation"
    place = _fitted(reader, index_of(study))
    drawn = drawn_box(reader, (0xE6, 0x9F, 0x00))
    assert drawn == pytest.approx(place.box(consolidation), abs=1.2 * place.across)
    reader.keyboard.press("o")
    expect(reader.locator("#viewer-outlines")).to_have_attribute("aria-pressed", "false")
    assert drawn_box(reader) is None


def test_heat_map_on_request(reader: Page, study: StudyWithSlices) -> None:
    """Where the classifier looked is fetched and drawn only when it is asked for."""
    asked: list[str] = []
    reader.on("request", lambda request: asked.append(request.url))
    open_study(reader, study)
    assert not [one for one in asked if one.endswith("/heat")]
    reader.keyboard.press("o")
    assert drawn_box(reader) is None
    with reader.expect_response(re.compile("/heat$")):
        reader.locator("#viewer-heat").click()
    reader.wait_for_function(
        """() => {
          const canvas = document.getElementById("viewer-now-over");
          const copy = new OffscreenCanvas(canvas.width, canvas.height)
            .getContext("2d", { willReadFrequently: true });
          copy.drawImage(canvas, 0, 0);
          const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
          return data.some((value, one) => one % 4 === 3 && value > 60);
        }"""
    )


def test_a_live_update_leaves_the_viewer_alone(
    reader: Page, study: StudyWithSlices, hospital: SeededHospital
) -> None:
    """A newer result does not take the slice away that is looked at: it is offered."""
    open_study(reader, study)
    reader.locator("#viewer-frame").focus()
    reader.keyboard.press("Home")
    reader.keyboard.press("2")
    expect_slice(reader, 0)
    newer = study_with_slices(hospital, into=study.uid)
    expect(reader.locator("#slices-state")).to_have_attribute(
        "data-result", str(newer.result_id), timeout=LIVE_MS
    )
    expect(reader.locator("#viewer-newer")).to_be_visible()
    expect_slice(reader, 0)
    expect(reader.locator("[data-preset=soft-tissue]")).to_have_attribute("aria-pressed", "true")
    assert reader.evaluate("document.activeElement.id") == "viewer-frame"
    reader.locator("#viewer-renew").click()
    expect(reader.locator("#viewer-newer")).to_be_hidden()
    expect_slice(reader, index_of(newer)["key"])


@pytest.mark.parametrize("enhanced", [False, True], ids=["CT", "Enhanced CT"])
def test_outline_lies_where_the_lesion_of_a_decoded_study_is(
    reader: Page, hospital: SeededHospital, tmp_path: Path, enhanced: bool
) -> None:
    """Written as DICOM, decoded, kept, sent and drawn: the line is still around the lesion."""
    made = analysed_phantom("positive", tmp_path / "source", enhanced=enhanced)
    study = study_with_slices(hospital, shown=made.context)
    open_study(reader, study)
    facts = index_of(study)
    place = next(
        one
        for one in facts["lesion_slices"]
        if (labels_of(study, one) == OutlineLabel.GROUND_GLASS).sum() > 40
    )
    # From the truth itself: slices of the phantom go to the head, those of the page to the feet.
    truth = made.phantom.lesions[facts["slices"] - 1 - place] == LesionLabel.GROUND_GLASS
    reader.locator("#viewer-index").fill(str(place + 1))
    expect_slice(reader, place)
    assert truth.any()
    shown = _fitted(reader, facts)
    drawn = drawn_box(reader, (0x56, 0xB4, 0xE9))
    assert drawn == pytest.approx(shown.box(truth), abs=1.2 * shown.across)


def _ringed(page: Page) -> bool:
    """Whether the ring of the focus lies over the whole upper edge of the picture."""
    with Image.open(io.BytesIO(page.locator("#viewer-frame").screenshot())) as shot:
        edge = np.asarray(shot.convert("RGB"))[1, 20:-20].astype(int)
    return bool((np.abs(edge - (255, 211, 107)).max(axis=1) < 24).mean() > 0.95)


def _fitted(page: Page, facts: dict[str, Any]) -> Fitted:
    shape = (facts["rows"], facts["columns"])
    return fitted(page, shape, (facts["row_mm"], facts["column_mm"]))


def _letters(page: Page) -> list[str]:
    """The directions in the patient: on top, on the right, below, on the left."""
    return page.locator("#viewer-now .letter").all_inner_texts()
