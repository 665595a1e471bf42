"""The key slice is on the screen before any script, and the viewer takes its place unseen."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.slice_viewer import (
    LIVE_MS,
    expect_slice,
    index_of,
    labels_of,
    no_serious_fault,
    voxels_of,
)
from tests.builders.stored.readers import sign_in_browser
from tests.peers.page.running_page import RunningPage
from tests.unit.worklist.seeding import SeededHospital
from tests.unit.worklist.study.seeded_slices import StudyWithSlices, study_with_slices

pytestmark = pytest.mark.browser

# What moves within the viewer: beside it the page has words that change by themselves.
_SHIFTS = """
  window.shifts = [];
  new PerformanceObserver((list) => {
    for (const { sources } of list.getEntries()) {
      window.shifts.push(...sources.map(({ node }) => node)
        .map((node) => (node?.nodeType === Node.TEXT_NODE ? node.parentElement : node))
        .filter((node) => node?.closest("#viewer")).map((node) => node.outerHTML.slice(0, 200)));
    }
  }).observe({ type: "layout-shift", buffered: true });
"""
_PLACES = """() => Object.fromEntries(
  ["viewer-frame", "viewer-place", "viewer-window", "viewer-windows", "viewer-index", "viewer-full"]
    .map((id) => [id, (({ x, y, width, height }) => [x, y, width, height])(
      document.getElementById(id).getBoundingClientRect())]))"""


def test_the_viewer_takes_the_place_of_the_first_picture(
    reader: Page, study: StudyWithSlices
) -> None:
    """While scripts are held back the key slice is there, with its outlines and words; when they
    come, the viewer shows the same pixels in the same place, and nothing on the page moves."""
    held: list[Route] = []
    reader.route("**/viewer/viewer.js*", lambda route: held.append(route))
    reader.add_init_script(_SHIFTS)
    reader.goto(f"/studies/{study.uid}", wait_until="commit")
    first = reader.locator("#viewer-first")
    expect(first).to_be_visible()
    reader.evaluate("document.querySelector('#viewer-first image').decode()")
    facts = index_of(study)
    said = f"Slice {facts['key'] + 1} of {facts['slices']}"
    expect(reader.get_by_role("img", name=said)).to_have_id("viewer-first")
    expect(reader.locator("#viewer")).to_have_attribute("aria-busy", "true")
    no_serious_fault(reader)
    reader.evaluate("document.fonts.ready")
    before, places = _picture(reader), reader.evaluate(_PLACES)
    _is_the_key_slice(before, study)
    reader.evaluate("window.shifts.length = 0")
    for route in held:
        route.continue_()
    expect_slice(reader, facts["key"])
    expect(first).to_have_count(0)
    expect(reader.locator("#viewer")).not_to_have_attribute("aria-busy", "true")
    assert reader.evaluate(_PLACES) == places
    assert reader.evaluate("window.shifts") == []
    after = _picture(reader)
    # The same slice, window and outlines; a browser scales a picture and a canvas not quite alike.
    difference = np.abs(after.astype(int) - before.astype(int)).max(axis=2)
    assert (difference > 48).mean() < 0.002
    assert difference.mean() < 1.5
    assert reader.locator("#viewer-place").inner_text().startswith(said)


def test_a_newer_result_is_never_seen_under_the_first_picture(
    browser: Browser, address: str, study: StudyWithSlices, hospital: SeededHospital
) -> None:
    """Another result came before the viewer was there: it takes the first picture away, with its
    words, and shows the newer one."""
    # Not the fixture's: the browser complains, rightly, of what came ahead for the older result.
    context = browser.new_context(base_url=address, viewport={"width": 1440, "height": 900})
    sign_in_browser(context, address)
    page = context.new_page()
    held: list[Route] = []
    page.route("**/viewer/shown.js*", lambda route: held.append(route))
    page.route(re.compile("/results/2/slices$"), lambda route: held.append(route))
    page.goto(f"/studies/{study.uid}", wait_until="commit")
    expect(page.locator("#viewer-first")).to_have_attribute("data-result", str(study.result_id))
    expect(page.locator("#live")).to_have_attribute("data-state", "live", timeout=LIVE_MS)
    newer = study_with_slices(hospital, into=study.uid)
    assert newer.result_id == 2
    state = page.locator("#slices-state")
    expect(state).to_have_attribute("data-result", "2", timeout=LIVE_MS)
    held.pop(0).continue_()
    expect(page.locator("#viewer-first")).to_have_count(0)
    expect(page.locator("#viewer-place")).to_be_empty()
    page.unroute(re.compile("/results/2/slices$"))
    for route in held:
        route.continue_()
    expect_slice(page, index_of(newer)["key"])
    context.close()


def test_without_scripts_the_key_slice_is_there(
    browser: Browser, running_page: Callable[[], RunningPage], study: StudyWithSlices
) -> None:
    """A browser that runs no script shows it, and offers nothing that would do nothing."""
    address = running_page().address
    context = browser.new_context(
        base_url=address, viewport={"width": 1440, "height": 900}, java_script_enabled=False
    )
    sign_in_browser(context, address)
    page = context.new_page()
    page.goto(f"/studies/{study.uid}", timeout=3 * LIVE_MS)  # until its pictures are there
    expect(page.locator("#viewer-first")).to_be_visible()
    _is_the_key_slice(_picture(page), study)
    expect(page.locator("#viewer-full")).to_be_hidden()
    picture = page.locator("#viewer-first image").get_attribute("href")
    assert picture is not None
    context.close()
    unknown = browser.new_context(base_url=address)
    seen = unknown.request.get(picture, max_redirects=0)
    assert seen.status in (303, 401, 403), "whoever is not signed in sees no slice"
    unknown.close()


def _picture(page: Page) -> NDArray[np.uint8]:
    """What is on the screen where the slice is."""
    shot = page.locator("#viewer-now").screenshot()
    with Image.open(io.BytesIO(shot)) as picture:
        return np.asarray(picture.convert("RGB"))


def _is_the_key_slice(picture: NDArray[np.uint8], study: StudyWithSlices) -> None:
    """The greys are those of the kept voxels in the first window; what was found is outlined."""
    facts: dict[str, Any] = index_of(study)
    level, width = facts["window_hu"]
    voxels = voxels_of(study, facts["key"])
    grey = (((voxels - (level - 0.5)) / (width - 1) + 0.5) * 255).clip(0, 255)
    high, wide = picture.shape[:2]
    rows, columns = grey.shape
    each = min(wide / (columns * facts["column_mm"]), high / (rows * facts["row_mm"]))
    left = (wide - columns * facts["column_mm"] * each) / 2
    top = (high - rows * facts["row_mm"] * each) / 2
    row, column = np.mgrid[0:rows, 0:columns]
    at = (
        (top + (row + 0.5) * facts["row_mm"] * each).astype(int),
        (left + (column + 0.5) * facts["column_mm"] * each).astype(int),
    )
    seen = picture[at].astype(float)
    plain = np.ptp(seen, axis=2) == 0  # where no line and no word lies over it
    assert plain.mean() > 0.7
    assert np.median(np.abs(seen[..., 0] - grey)[plain]) <= 2.0
    for region in facts["regions"]:
        if region["is_finding"] and (labels_of(study, facts["key"]) == region["label"]).sum() > 40:
            colour = [int(region["colour"][at : at + 2], 16) for at in (1, 3, 5)]
            lines = np.abs(picture.astype(int) - colour).max(axis=2) < 24
            assert lines.sum() > 100, f"{region['name']} is not outlined"
