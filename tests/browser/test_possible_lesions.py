"""What a bundle saw and did not count: shown with the slices, gone through, and switched off."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.slice_viewer import (
    drawn_box,
    expect_slice,
    index_of,
    no_serious_fault,
    open_study,
)
from tests.unit.worker.encode.encoded_chest import result_context
from tests.unit.worker.encode.possible_opacity import with_possible
from tests.unit.worklist.seeding import SeededHospital
from tests.unit.worklist.study.seeded_slices import CHEST, StudyWithSlices, study_with_slices

pytestmark = pytest.mark.browser

GREY = (0xCC, 0xCC, 0xCC)


@pytest.fixture
def possible(hospital: SeededHospital) -> StudyWithSlices:
    """Give a study in which nothing is claimed and something is possible."""
    return study_with_slices(hospital, shown=with_possible(result_context("negative", CHEST)))


def test_it_is_outlined_named_and_stepped_through(reader: Page, possible: StudyWithSlices) -> None:
    open_study(reader, possible)
    places = index_of(possible)["possible_slices"]
    assert len(places) == 4
    button = reader.locator("#viewer-possible")
    expect(button).to_be_visible()
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(reader.locator(".legend")).to_contain_text("Possible opacity")
    reader.locator("#viewer-frame").focus()
    reader.keyboard.press("Home")
    for place in places:
        reader.keyboard.press("n")
        expect_slice(reader, place)
        expect(reader.locator("#viewer-frame")).to_contain_text("holds what may be a lesion")
    assert drawn_box(reader, GREY) is not None
    no_serious_fault(reader)


def test_one_key_switches_it_off(reader: Page, possible: StudyWithSlices) -> None:
    """Then nothing is outlined but the lungs, and there is nothing to step to; a click shows it."""
    open_study(reader, possible)
    place = index_of(possible)["possible_slices"][0]
    reader.locator("#viewer-index").fill(str(place + 1))
    expect_slice(reader, place)
    reader.keyboard.press("p")
    expect(reader.locator("#viewer-possible")).to_have_attribute("aria-pressed", "false")
    expect(reader.locator("#viewer-frame")).not_to_contain_text("holds what may be a lesion")
    expect(reader.locator("#viewer-next")).to_be_disabled()
    reader.locator("#viewer-possible").click()
    expect(reader.locator("#viewer-next")).to_be_enabled()


def test_a_study_without_any_has_no_such_button(reader: Page, study: StudyWithSlices) -> None:
    open_study(reader, study)
    expect(reader.locator("#viewer-possible")).to_be_hidden()
