"""What a reader does on the slices: by mouse, by fingers and by keys, with the answers in words.

One page for each way, because starting one takes longer than everything that is done on it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from chest.values.change import (
    Change,
    LesionChange,
    LungMeasurement,
    PriorComparison,
    RegistrationQuality,
)
from chest.values.course import Course, CoursePoint
from chest.values.figures import Side
from chest.values.reading import ChestReading
from radiology.answer.lesions import Became
from tests.browser.phone import phone
from tests.browser.slice_viewer import (
    LIVE_MS,
    expect_slice,
    fitted,
    index_of,
    labels_of,
    mean_grey,
    no_serious_fault,
    open_study,
    shown_slice,
    voxels_of,
)
from tests.browser.viewer_buttons import by_its_buttons, lesion_before, outlined_left
from tests.peers.waiting import wait_until
from tests.unit.worker.encode.encoded_chest import Chest, result_context
from tests.unit.worker.encode.possible_opacity import with_possible
from tests.unit.worklist.seeding import START, SeededHospital
from tests.unit.worklist.study.full_reading import full_reading
from tests.unit.worklist.study.seeded_slices import (
    CHEST,
    StudyWithSlices,
    phantom,
    study_with_slices,
)

pytestmark = pytest.mark.browser

Point = tuple[float, float]
Button = Literal["left", "middle", "right"]
EARLIER = Chest(spacing_mm=(5.0, 3.0, 3.0), shape=(36, 88, 100))
"""Other slices than the study's: what is put beside them is found by what is outlined in both."""


@pytest.fixture
def pair(hospital: SeededHospital) -> tuple[StudyWithSlices, StudyWithSlices]:
    """Give an earlier study and one of the same patient that was compared with it."""
    earlier = study_with_slices(hospital, shown=phantom(EARLIER), accession_number="A0")
    now = study_with_slices(hospital, reading=_compared(earlier.uid), accession_number="A1")
    return earlier, now


def test_by_mouse(reader: Page, pair: tuple[StudyWithSlices, StudyWithSlices]) -> None:
    """Window, zoom and moving by dragging, HU, ruler, planes, the earlier study, full screen."""
    earlier, study = pair
    open_study(reader, study)
    facts, frame = index_of(study), reader.locator("#viewer-frame")
    at = _pointer(reader, facts)

    # HU under the pointer: of the voxel that was kept there
    voxels = voxels_of(study, facts["key"])
    for row, column in ((44, 22), (5, 50)):
        reader.mouse.move(*at(row + 0.5, column + 0.5))
        expect(reader.locator("#viewer-reading")).to_have_text(_hu(voxels[row, column]))
    expect(reader.locator("#viewer-said")).to_have_text(_hu(voxels[5, 50]))  # it rests there

    # drag for window: to the right wider, down darker
    grey = mean_grey(reader)
    _drag(reader, at(44, 50), (30, 20))
    expect(reader.locator("#viewer-window")).to_have_text("W 1560 L −560")
    assert mean_grey(reader) != pytest.approx(grey)

    # zoom with the right button, moved with the middle one, whole again by a double click
    _drag(reader, at(44, 50), (0, -60), button="right")
    expect(reader.locator("#viewer-window")).to_contain_text("× 1.8")
    reader.mouse.move(*at(44, 50))
    before = reader.locator("#viewer-reading").inner_text()
    _drag(reader, at(44, 50), (-120, 0), button="middle")
    reader.mouse.move(*at(44, 50))
    expect(reader.locator("#viewer-reading")).not_to_have_text(before)
    reader.mouse.dblclick(*at(44, 50))
    expect(reader.locator("#viewer-window")).not_to_contain_text("×")
    reader.keyboard.down("Control")
    reader.mouse.wheel(0, -100)
    reader.keyboard.up("Control")
    expect(reader.locator("#viewer-window")).to_contain_text("× 1.3")
    reader.locator("#viewer-whole").click()
    expect(reader.locator("#viewer-window")).not_to_contain_text("×")

    # a ruler over 30 columns of 3 mm and 40 rows of 3 mm
    reader.locator("#viewer-ruler").click()
    _drag_to(reader, at(20, 30), at(60, 60))
    expect(reader.locator("#viewer-said")).to_have_text(re.compile(r"^(149|150)\.\d mm$"))
    reader.locator("#viewer-ruler").click()

    # the other planes, each with its own letters
    for plane, letters in (("coronal", "HLFR"), ("sagittal", "HPFA"), ("axial", "ALPR")):
        reader.locator(f"[data-plane={plane}][aria-pressed]").click()
        expect(frame).to_have_attribute("data-plane", plane)
        expect(reader.locator("#viewer-place")).to_contain_text(
            re.compile(plane[:5] + "|Slice", re.I)
        )
        top = reader.locator("#viewer-now .letter").first
        expect(top).to_have_text(letters[0], timeout=LIVE_MS)  # all slices are fetched
        assert "".join(reader.locator("#viewer-now .letter").all_inner_texts()) == letters

    # the earlier study beside it, together by the extent of the lungs
    reader.locator("#viewer-key").click()
    expect_slice(reader, facts["key"])
    reader.locator("#viewer-earlier").click()
    then = reader.locator("#viewer-then")
    expect(then).to_contain_text("together by what is outlined in both")
    expect(then).to_contain_text("2026")
    for place in (facts["key"], facts["key"] + 3):
        expect_slice(reader, place)
        expect(frame).to_have_attribute("data-earlier-slice", str(_beside(study, earlier, place)))
        reader.locator("#viewer-now").hover()
        reader.mouse.wheel(0, 100)
        reader.mouse.wheel(0, 100)
        reader.mouse.wheel(0, 100)
    moved = _beside(study, earlier, facts["key"] + 6)
    for button, place in (("up", moved - 1), ("down", moved)):
        reader.locator(f"#viewer-earlier-{button}").click()
        expect(frame).to_have_attribute("data-earlier-slice", str(place))
    no_serious_fault(reader)
    reader.locator("#viewer-earlier").click()
    expect(then).to_be_hidden()

    by_its_buttons(reader, facts, lambda button: button.click())
    reader.locator("#viewer-full").click()
    assert reader.evaluate("document.fullscreenElement?.id") == "viewer"
    box = frame.bounding_box()
    assert box is not None
    assert box["height"] > 600
    reader.locator("#viewer-full").click()
    reader.wait_for_timeout(100)
    assert reader.evaluate("document.fullscreenElement") is None


def test_by_keys_alone(reader: Page, pair: tuple[StudyWithSlices, StudyWithSlices]) -> None:
    """Whatever the mouse does, the keyboard does too, and a screen reader is told the answers."""
    _, study = pair
    open_study(reader, study)
    facts, frame, said = (
        index_of(study),
        reader.locator("#viewer-frame"),
        reader.locator("#viewer-said"),
    )
    press = reader.keyboard.press
    press("v")
    expect(frame).to_be_focused()

    press("z")
    press("z")
    expect(reader.locator("#viewer-window")).to_contain_text("× 1.6")
    press("Z")
    expect(reader.locator("#viewer-window")).to_contain_text("× 1.3")
    left = outlined_left(reader)
    press("Shift+ArrowRight")
    wait_until(lambda: outlined_left(reader) < left - 20, what="the picture to move")
    press("i")
    expect(reader.locator("#viewer-window")).not_to_contain_text("×")

    # the cross begins in the middle, and tells HU where it goes
    voxels = voxels_of(study, facts["key"])
    press("u")
    expect(said).to_have_text(_hu(voxels[44, 50]))
    for _ in range(3):
        press("Shift+ArrowLeft")
    expect(said).to_have_text(_hu(voxels[44, 20]))
    expect_slice(reader, facts["key"])  # the arrows move the cross and not through the slices

    # a ruler of ten columns of 3 mm
    press("r")
    press("Enter")
    expect(said).to_have_text("The ruler begins here.")
    press("Shift+ArrowRight")
    press("Enter")
    expect(said).to_have_text("30.0 mm")
    press("Escape")
    press("Escape")
    expect(reader.locator("#viewer-ruler")).to_have_attribute("aria-pressed", "false")
    press("ArrowDown")
    expect_slice(reader, facts["key"] + 1)
    press("b")
    expect_slice(reader, lesion_before(facts, facts["key"] + 1))
    press("PageUp")
    expect_slice(reader, lesion_before(facts, facts["key"] + 1) - 10)

    # windows: by their places, wider and narrower, higher and lower
    for key, window in (
        ("3", "W 1800 L 400"),
        ("+", "W 1900 L 400"),
        ("-", "W 1800 L 400"),
        (".", "W 1800 L 450"),
        ("1", "W 1500 L −600"),
    ):
        press(key)
        expect(reader.locator("#viewer-window")).to_have_text(window)
    for key, button in (("o", "outlines"), ("h", "heat")):
        pressed = reader.locator(f"#viewer-{button}").get_attribute("aria-pressed")
        press(key)
        expect(reader.locator(f"#viewer-{button}")).not_to_have_attribute(
            "aria-pressed", pressed or ""
        )
        press(key)

    # stops in another plane are the lesions' own
    press("8")
    expect(frame).to_have_attribute("data-plane", "coronal")
    press("Home")
    press("n")
    (lesion,) = facts["lesions"]
    row = str(int(lesion["row"]))
    expect(frame).to_have_attribute("data-slice", row, timeout=LIVE_MS)  # all slices are fetched
    press("9")
    expect(frame).to_have_attribute("data-plane", "sagittal")
    press("7")
    press("k")
    expect_slice(reader, facts["key"])

    press("e")
    expect(reader.locator("#viewer-then")).to_be_visible()
    expect(frame).to_have_attribute("data-earlier-slice", re.compile(r"\d+"))
    before = int(frame.get_attribute("data-earlier-slice") or "-1")
    press("]")
    expect(frame).to_have_attribute("data-earlier-slice", str(before + 1))
    press("[")
    expect(frame).to_have_attribute("data-earlier-slice", str(before))
    press("e")
    press("f")
    expect(reader.locator("#viewer-full")).to_have_attribute("aria-pressed", "true")
    press("f")
    expect(reader.locator("#viewer-full")).to_have_attribute("aria-pressed", "false")


def test_by_fingers(
    browser: Browser,
    address: str,
    hospital: SeededHospital,
    pair: tuple[StudyWithSlices, StudyWithSlices],
) -> None:
    """One finger goes through the slices, two enlarge and move, a tap tells HU; on a phone. And
    every button by a tap, as by a click."""
    _, study = pair
    with phone(browser, address) as (page, touch, tap):
        open_study(page, study)
        facts = index_of(study)
        page.locator("#viewer-frame").scroll_into_view_if_needed()
        at = _pointer(page, facts)
        x, y = at(44, 50)

        touch([(x, y)], [(x, y - 60)])
        expect(page.locator("#viewer-frame")).not_to_have_attribute("data-slice", str(facts["key"]))
        place = shown_slice(page)
        assert place > facts["key"]

        touch([(x - 30, y), (x + 30, y)], [(x - 60, y), (x + 60, y)])
        expect(page.locator("#viewer-window")).to_contain_text(re.compile("× [12].[0-9]"))
        assert shown_slice(page) == place  # two fingers do not go through the slices
        tap(page.locator("#viewer-whole"))
        expect(page.locator("#viewer-window")).not_to_contain_text("×")
        page.locator("#viewer-now").scroll_into_view_if_needed()
        x, y = _pointer(page, facts)(44, 50)
        touch([(x - 30, y), (x + 30, y)], [(x - 38, y), (x + 38, y)])
        expect(page.locator("#viewer-window")).to_contain_text("× 1.3")
        left = outlined_left(page)
        touch([(x - 30, y), (x + 30, y)], [(x, y), (x + 60, y)])
        wait_until(lambda: outlined_left(page) > left + 20, what="the picture to move")
        tap(page.locator("#viewer-whole"))
        expect(page.locator("#viewer-window")).not_to_contain_text("×")

        page.locator("#viewer-now").scroll_into_view_if_needed()
        touch([_pointer(page, facts)(44.5, 22.5)], [])
        expect(page.locator("#viewer-said")).to_have_text(_hu(voxels_of(study, place)[44, 22]))

        tap(page.locator("#viewer-ruler"))
        page.locator("#viewer-now").scroll_into_view_if_needed()
        at = _pointer(page, facts)
        touch([at(44, 30)], [at(44, 60)])
        expect(page.locator("#viewer-said")).to_have_text(re.compile(r"^(89|90)\.\d mm$"))
        tap(page.locator("#viewer-ruler"))
        by_its_buttons(page, facts, tap)
        frame = page.locator("#viewer-frame")
        tap(page.locator("#viewer-earlier"))
        expect(frame).to_have_attribute("data-earlier-slice", re.compile(r"\d+"))
        place = int(frame.get_attribute("data-earlier-slice") or "-1")
        for button, then in (("up", place - 1), ("down", place)):
            tap(page.locator(f"#viewer-earlier-{button}"))
            expect(frame).to_have_attribute("data-earlier-slice", str(then))
        tap(page.locator("#viewer-earlier"))
        tap(page.locator("#viewer-full"))
        expect(page.locator("#viewer-full")).to_have_attribute("aria-pressed", "true")
        tap(page.locator("#viewer-full"))
        expect(page.locator("#viewer-full")).to_have_attribute("aria-pressed", "false")
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0

        seen = with_possible(result_context("negative", CHEST))
        open_study(page, study_with_slices(hospital, shown=seen))
        for pressed in ("false", "true"):
            tap(page.locator("#viewer-possible"))
            expect(page.locator("#viewer-possible")).to_have_attribute("aria-pressed", pressed)


def test_how_slices_of_two_studies_go_together(reader: Page) -> None:
    """By what is outlined in both; else by height where they overlap; else by the middle.

    Slices that were kept before the index said where the organ reaches go by height.
    """
    reader.goto("/")
    organ, height, apart, own = reader.evaluate(
        """async () => {
          const { Earlier } = await import("/static/viewer/earlier.js");
          const stack = (top, step, count, organ_slices) => {
            const heights_mm = Array.from({ length: count }, (_, one) => top - step * one);
            return { facts: { heights_mm, organ_slices } };
          };
          const found = (now, then, index, own = 0) => {
            const earlier = new Earlier(null);
            const plane = { count: then.facts.heights_mm.length };
            Object.assign(earlier, { stack: then, plane, own });
            return [earlier.indexFor({ name: "axial", stack: now }, index), earlier.by];
          };
          return [
            found(stack(0, 2, 100, [20, 80]), stack(900, 5, 40, [10, 30]), 50),
            found(stack(0, 2, 100), stack(-20, 4, 50, [10, 30]), 50),
            found(stack(0, 2, 101), stack(900, 4, 51), 50),
            found(stack(0, 2, 100, [20, 80]), stack(900, 5, 40, [10, 30]), 50, -3),
          ];
        }"""
    )
    assert organ == [20, "organ"]  # in the middle of both organs
    assert height == [20, "position"]  # 100 mm below the first
    assert apart == [25, "middle"]
    assert own == [17, "organ"]  # three slices up, as the reader moved it


# --- helpers --------------------------------------------------------------------------------------


def _compared(earlier_uid: str) -> ChestReading:
    """A reading whose course names the earlier study, and follows a lesion from there."""
    points = (
        CoursePoint(earlier_uid, START - timedelta(days=9), 4300.0, 400.0, 9.3, None),
        CoursePoint("", START, 4330.0, 515.0, 11.9, None),
    )
    lung = LungMeasurement(4300.0, 200.0, -800.0, -600.0)
    compared = PriorComparison(
        earlier_uid,
        points[0].acquired_at,
        START,
        RegistrationQuality(0.9, 0.8, 0.0, ""),
        {Side.TOTAL: Change(lung, lung)},
        {},
        (LesionChange(Became.GROWN, Side.LEFT, "1.2.9.1", (1,), (1,), 10.0, 31.0, None, None),),
    )
    return replace(full_reading(), course=Course(points, (compared,)))


def _hu(value: float) -> str:
    return f"{value:.0f} HU".replace("-", "−")


def _beside(study: StudyWithSlices, earlier: StudyWithSlices, place: int) -> int:
    """The earlier slice at the same share of the lungs' height, from the labels themselves."""
    heights = []
    for one in (study, earlier):
        facts = index_of(one)
        held = [place for place in range(facts["slices"]) if _has_lung(one, place)]
        heights.append(
            (facts["heights_mm"], facts["heights_mm"][held[0]], facts["heights_mm"][held[-1]])
        )
    (now, top, bottom), (then, top_then, bottom_then) = heights
    share = (now[place] - top) / (bottom - top)
    wanted = top_then + share * (bottom_then - top_then)
    return int(np.argmin(np.abs(np.array(then) - wanted)))


def _has_lung(study: StudyWithSlices, place: int) -> bool:
    return bool(labels_of(study, place).any())


def _pointer(page: Page, facts: dict[str, Any]) -> Callable[[float, float], Point]:
    """Where a row and a column of the axial picture lie on the screen while it is shown whole."""
    box = page.locator("#viewer-now").bounding_box()
    assert box is not None
    ratio = page.evaluate("window.devicePixelRatio")
    place = fitted(page, (facts["rows"], facts["columns"]), (facts["row_mm"], facts["column_mm"]))
    return lambda row, column: (
        box["x"] + (place.left + column * place.across) / ratio,
        box["y"] + (place.top + row * place.down) / ratio,
    )


def _drag(
    page: Page, start: tuple[float, float], by: tuple[float, float], button: str = "left"
) -> None:
    _drag_to(page, start, (start[0] + by[0], start[1] + by[1]), button)


def _drag_to(
    page: Page, start: tuple[float, float], end: tuple[float, float], button: str = "left"
) -> None:
    page.mouse.move(*start)
    page.mouse.down(button=button)
    page.mouse.move(*end, steps=6)
    page.mouse.up(button=button)
