"""The page of a study: slices, form, and what arrives while somebody works on it."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, expect

from database.clinical_values import record_clinical_values
from database.result_facts import study_id_of
from database.session import transaction
from database.states import RejectionReason
from database.withdrawals import mark_withdrawn
from radiology.region import LesionLabel
from radiology.slice_stack import INDEX, OutlineLabel, labels_entry, unpack_labels
from tests.builders.analysed_phantom import analysed_phantom
from tests.builders.readers import sign_in_browser
from tests.unit.worklist.seeded_slices import StudyWithSlices, study_with_slices
from tests.unit.worklist.seeding import SeededHospital

pytestmark = pytest.mark.browser
LIVE_MS = 20_000


@pytest.fixture
def study(hospital: SeededHospital) -> StudyWithSlices:
    """Give an urgent study whose slices were kept."""
    return study_with_slices(
        hospital, accession_number="A1", patient_id="P1", sex="M", age="071Y", images=3
    )


def _open(page: Page, study: StudyWithSlices) -> None:
    page.goto(f"/studies/{study.uid}")
    expect(page.locator("#live")).to_have_attribute("data-state", "live", timeout=LIVE_MS)
    expect(page.locator("#viewer-frame")).to_have_attribute("data-slice", re.compile(r"\d+"))


def _index(study: StudyWithSlices) -> dict[str, Any]:
    with zipfile.ZipFile(study.slices) as archive:
        facts: dict[str, Any] = json.loads(archive.read(INDEX))
    return facts


def _labels(study: StudyWithSlices, place: int) -> NDArray[np.uint8]:
    facts = _index(study)
    with zipfile.ZipFile(study.slices) as archive:
        return unpack_labels(archive.read(labels_entry(place)), (facts["rows"], facts["columns"]))


def _expect_slice(page: Page, place: int) -> None:
    expect(page.locator("#viewer-frame")).to_have_attribute("data-slice", str(place))


def _slice(page: Page) -> int:
    return int(page.locator("#viewer-frame").get_attribute("data-slice") or "-1")


def _mean_grey(page: Page) -> float:
    """The mean of the slice's own pixels, without what lies over it."""
    return float(
        page.evaluate(
            """() => {
              const canvas = document.getElementById("viewer-slice");
              const copy = new OffscreenCanvas(canvas.width, canvas.height)
                .getContext("2d", { willReadFrequently: true });
              copy.drawImage(canvas, 0, 0);
              const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
              let sum = 0;
              for (let one = 0; one < data.length; one += 4) sum += data[one];
              return sum / (data.length / 4);
            }"""
        )
    )


def _drawn(page: Page, colour: tuple[int, int, int] | None = None) -> list[float] | None:
    """The box of what lies over the slice, as shares: top, left, bottom, right."""
    return page.evaluate(  # type: ignore[no-any-return]
        """(colour) => {
          const canvas = document.getElementById("viewer-over");
          const { width, height } = canvas;
          const copy = new OffscreenCanvas(width, height)
            .getContext("2d", { willReadFrequently: true });
          copy.drawImage(canvas, 0, 0);
          const { data } = copy.getImageData(0, 0, width, height);
          const box = [height, width, -1, -1];
          for (let row = 0; row < height; row += 1) {
            for (let column = 0; column < width; column += 1) {
              const at = (row * width + column) * 4;
              if (data[at + 3] < 200) continue;
              if (colour && colour.some((value, one) => Math.abs(value - data[at + one]) > 12)) {
                continue;
              }
              box[0] = Math.min(box[0], row); box[1] = Math.min(box[1], column);
              box[2] = Math.max(box[2], row + 1); box[3] = Math.max(box[3], column + 1);
            }
          }
          if (box[2] < 0) return null;
          return [box[0] / height, box[1] / width, box[2] / height, box[3] / width];
        }""",
        list(colour) if colour else None,
    )


def _no_serious_fault(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    told = [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in serious]
    assert not told, told


def test_key_slice_comes_first(reader: Page, study: StudyWithSlices) -> None:
    """The slice that says most is shown at once, and the frame says which one it is."""
    _open(reader, study)
    facts = _index(study)
    _expect_slice(reader, facts["key"])
    frame = reader.locator("#viewer-frame")
    expect(frame).to_contain_text(f"Slice {facts['key'] + 1} of {facts['slices']}")
    expect(frame).to_contain_text("key slice")
    expect(frame).to_contain_text("Not for diagnosis")
    for letter in "APRL":
        expect(reader.locator(f".letter-{letter.lower()}")).to_have_text(letter)


def test_wheel_keys_and_slider_go_through_the_slices(reader: Page, study: StudyWithSlices) -> None:
    """Each way of scrolling ends at the slice that it should."""
    _open(reader, study)
    facts = _index(study)
    key, last = facts["key"], facts["slices"] - 1
    reader.locator("#viewer-frame").hover()
    scrolled = reader.evaluate("window.scrollY")
    reader.mouse.wheel(0, 100)
    _expect_slice(reader, key + 1)
    reader.mouse.wheel(0, -100)
    _expect_slice(reader, key)
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
        _expect_slice(reader, place)
    reader.locator("#viewer-index").fill("3")
    _expect_slice(reader, 2)
    expect(reader.locator("#viewer-index")).to_have_attribute(
        "aria-valuetext", re.compile(rf"Slice 3 of {last + 1}")
    )


def test_from_lesion_to_lesion(reader: Page, study: StudyWithSlices) -> None:
    """The jump goes to the next slice that holds a lesion, and says so."""
    _open(reader, study)
    places = _index(study)["lesion_slices"]
    reader.locator("#viewer-frame").focus()
    reader.keyboard.press("Home")
    _expect_slice(reader, 0)
    reader.keyboard.press("n")
    _expect_slice(reader, places[0])
    expect(reader.locator("#viewer-place")).to_contain_text("holds a lesion")
    reader.locator("#viewer-next").click()
    _expect_slice(reader, places[1])
    reader.keyboard.press("b")
    _expect_slice(reader, places[0])


def test_swipe_on_a_phone(browser: Browser, address: str, study: StudyWithSlices) -> None:
    """A finger sideways goes through the slices; the page is not wider than the phone."""
    context = browser.new_context(
        base_url=address, viewport={"width": 375, "height": 812}, is_mobile=True, has_touch=True
    )
    sign_in_browser(context, address)
    page = context.new_page()
    _open(page, study)
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, f"{wide} px too wide"
    before = _slice(page)
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
    assert _slice(page) > before
    _no_serious_fault(page)
    context.close()


def test_window_presets_change_the_picture(reader: Page, study: StudyWithSlices) -> None:
    """Lung, mediastinum and bone differ in their pixels; sliders and keys change them further."""
    _open(reader, study)
    seen = [_mean_grey(reader)]
    for preset in ("mediastinum", "bone"):
        reader.locator(f"[data-preset={preset}]").click()
        seen.append(_mean_grey(reader))
    assert len({round(one) for one in seen}) == 3
    assert seen[0] > seen[1]  # air and lung are black in the mediastinal window
    reader.keyboard.press("1")
    expect(reader.locator("[data-preset=lung]")).to_have_attribute("aria-pressed", "true")
    assert _mean_grey(reader) == pytest.approx(seen[0])
    reader.keyboard.press(",")
    expect(reader.locator("#viewer-window")).to_have_text("W 1500 L −650")
    assert _mean_grey(reader) > seen[0]
    reader.locator("#viewer-width").fill("800")
    expect(reader.locator("#viewer-window")).to_have_text("W 800 L −650")
    expect(reader.locator("[data-preset=lung]")).to_have_attribute("aria-pressed", "false")


def test_outline_lies_where_the_lesion_is(reader: Page, study: StudyWithSlices) -> None:
    """The line around the consolidation has the box of its voxels, to a voxel."""
    _open(reader, study)
    labels = _labels(study, _slice(reader))
    rows, columns = np.nonzero(labels == OutlineLabel.CONSOLIDATION)
    assert rows.size, "the key slice of the phantom holds a consolidation"
    expected = [
        rows.min() / labels.shape[0],
        columns.min() / labels.shape[1],
        (rows.max() + 1) / labels.shape[0],
        (columns.max() + 1) / labels.shape[1],
    ]
    drawn = _drawn(reader, (0xE6, 0x9F, 0x00))
    assert drawn == pytest.approx(expected, abs=1.2 / min(labels.shape))
    reader.keyboard.press("o")
    expect(reader.locator("#viewer-outlines")).to_have_attribute("aria-pressed", "false")
    assert _drawn(reader) is None


def test_heat_map_on_request(reader: Page, study: StudyWithSlices) -> None:
    """Where the classifier looked is fetched and drawn only when it is asked for."""
    asked: list[str] = []
    reader.on("request", lambda request: asked.append(request.url))
    _open(reader, study)
    assert not [one for one in asked if one.endswith("/heat")]
    reader.keyboard.press("o")
    assert _drawn(reader) is None
    with reader.expect_response(re.compile("/heat$")):
        reader.locator("#viewer-heat").click()
    reader.wait_for_function(
        """() => {
          const canvas = document.getElementById("viewer-over");
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
    _open(reader, study)
    reader.locator("#viewer-frame").focus()
    reader.keyboard.press("Home")
    reader.keyboard.press("2")
    _expect_slice(reader, 0)
    newer = study_with_slices(hospital, into=study.uid)
    expect(reader.locator("#slices-state")).to_have_attribute(
        "data-result", str(newer.result_id), timeout=LIVE_MS
    )
    expect(reader.locator("#viewer-newer")).to_be_visible()
    _expect_slice(reader, 0)
    expect(reader.locator("[data-preset=mediastinum]")).to_have_attribute("aria-pressed", "true")
    assert reader.evaluate("document.activeElement.id") == "viewer-frame"
    reader.locator("#viewer-renew").click()
    expect(reader.locator("#viewer-newer")).to_be_hidden()
    _expect_slice(reader, _index(newer)["key"])


def test_form_computes_severity_again(reader: Page, study: StudyWithSlices) -> None:
    """What is saved changes the rules at once; the page, and the slice in it, stay."""
    _open(reader, study)
    reader.locator("#viewer-frame").focus()
    reader.keyboard.press("Home")
    _expect_slice(reader, 0)
    severity = reader.locator("[data-part=severity]")
    expect(severity).not_to_contain_text("severe (")
    reader.keyboard.press("c")
    assert reader.evaluate("document.activeElement.id") == "value-age_years"
    reader.locator("#value-respiratory_rate_per_min").fill("34")
    reader.locator("#value-spo2_percent").fill("90,5")
    reader.locator("#value-on_oxygen").select_option("no")
    reader.locator("#clinical-save").click()
    expect(severity).to_contain_text("respiratory rate: 34 /min")
    expect(severity).to_contain_text("reader")
    _expect_slice(reader, 0)
    expect(reader.locator("#value-spo2_percent")).to_have_value("90.5")
    expect(reader.locator("#about-spo2_percent")).to_contain_text("reader, page")


def test_a_refused_value_says_why_beside_its_field(
    browser: Browser, address: str, study: StudyWithSlices
) -> None:
    """Nothing is saved, everything that was typed stays, and the reason stands at the field."""
    context = browser.new_context(base_url=address)  # its console tells of the status 422
    sign_in_browser(context, address)
    page = context.new_page()
    _open(page, study)
    page.keyboard.press("c")
    page.locator("#value-spo2_percent").fill("0.93")
    page.locator("#value-gcs").fill("15")
    page.locator("#clinical-save").click()
    expect(page.locator("#about-spo2_percent")).to_contain_text("a number from 30 to 100 %")
    expect(page.locator("#value-spo2_percent")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#value-spo2_percent")).to_have_value("0.93")
    expect(page.locator("#value-gcs")).to_have_value("15")
    expect(page.locator("#value-spo2_percent")).to_be_focused()
    _no_serious_fault(page)
    context.close()


def test_form_without_script(browser: Browser, address: str, study: StudyWithSlices) -> None:
    """A browser that runs no script sends the same form, and gets the page with the answer."""
    context = browser.new_context(base_url=address, java_script_enabled=False)
    sign_in_browser(context, address)
    page = context.new_page()
    page.goto(f"/studies/{study.uid}")
    page.locator("#clinical summary").click()
    page.locator("#value-gcs").fill("2")
    page.locator("#clinical-save").click()
    expect(page.locator("#about-gcs")).to_contain_text("a whole number from 3 to 15")
    page.locator("#value-gcs").fill("12")
    page.locator("#clinical-save").click()
    expect(page.locator("[data-part=severity]")).to_contain_text("Glasgow Coma Scale")
    context.close()


def test_a_half_filled_form_survives_a_live_update(
    reader: Page, study: StudyWithSlices, hospital: SeededHospital
) -> None:
    """What is being typed stays while values arrive from elsewhere, and the reader is told."""
    _open(reader, study)
    reader.keyboard.press("c")
    reader.locator("#value-gcs").fill("13")
    reader.locator("#value-urea_mmol_l").focus()
    reader.keyboard.type("7.")
    with transaction(hospital.engine) as session:
        study_id = study_id_of(session, study.uid)
        assert study_id is not None
        record_clinical_values(
            session, study_id, {"respiratory_rate_per_min": 28.0}, "LAB", "hl7", hospital.now
        )
    expect(reader.locator("[data-part=severity]")).to_contain_text("28 /min", timeout=LIVE_MS)
    expect(reader.locator("#clinical-newer")).to_be_visible()
    expect(reader.locator("#value-gcs")).to_have_value("13")
    expect(reader.locator("#value-urea_mmol_l")).to_be_focused()
    reader.keyboard.type("5")
    expect(reader.locator("#value-urea_mmol_l")).to_have_value("7.5")
    reader.locator("#clinical-save").click()
    expect(reader.locator("#value-respiratory_rate_per_min")).to_have_value("28")
    expect(reader.locator("#about-respiratory_rate_per_min")).to_contain_text("LAB, hl7")
    expect(reader.locator("#about-urea_mmol_l")).to_contain_text("reader, page")


def test_a_withdrawn_result_is_struck_everywhere(
    reader: Page, study: StudyWithSlices, hospital: SeededHospital
) -> None:
    """While the page is open: every section of the result is struck, and nothing is outlined."""
    _open(reader, study)
    assert _drawn(reader) is not None
    with transaction(hospital.engine) as session:
        mark_withdrawn(session, study.result_id, RejectionReason.QUALITY, hospital.now)
    expect(reader.locator("h1")).to_contain_text("Withdrawn", timeout=LIVE_MS)
    for part in ("figures", "case", "severity", "why", "gates"):
        struck = reader.locator(f"[data-part={part}] del.taken-back")
        expect(struck).to_have_count(1)
        line = struck.locator("td, p, b").first
        assert "line-through" in line.evaluate("one => getComputedStyle(one).textDecorationLine")
    expect(reader.locator("#viewer-trouble")).to_contain_text("Withdrawn result")
    assert _drawn(reader) is None
    _no_serious_fault(reader)


def test_slices_that_are_gone(
    reader: Page, study: StudyWithSlices, hospital: SeededHospital
) -> None:
    """After the file was removed the page says so, and shows the rest."""
    study.slices.unlink()
    reader.goto(f"/studies/{study.uid}")
    expect(reader.locator(".no-slices")).to_contain_text("kept no longer")
    expect(reader.locator("#viewer")).to_be_hidden()
    expect(reader.locator(".key-picture img")).to_be_visible()


def test_keys_are_listed(reader: Page, study: StudyWithSlices) -> None:
    """A question mark opens the list, Escape closes it, and focus comes back."""
    _open(reader, study)
    reader.locator("#viewer-frame").focus()
    reader.keyboard.press("?")
    expect(reader.locator("#keys")).to_be_visible()
    expect(reader.locator("#keys")).to_contain_text("next and previous slice with a lesion")
    _no_serious_fault(reader)
    reader.keyboard.press("Escape")
    expect(reader.locator("#keys")).to_be_hidden()
    expect(reader.locator("#viewer-frame")).to_be_focused()


@pytest.mark.parametrize("enhanced", [False, True], ids=["CT", "Enhanced CT"])
def test_outline_lies_where_the_lesion_of_a_decoded_study_is(
    reader: Page, hospital: SeededHospital, tmp_path: Path, enhanced: bool
) -> None:
    """Written as DICOM, decoded, kept, sent and drawn: the line is still around the lesion."""
    made = analysed_phantom("positive", tmp_path / "source", enhanced=enhanced)
    study = study_with_slices(hospital, shown=made.context)
    _open(reader, study)
    facts = _index(study)
    place = next(
        one
        for one in facts["lesion_slices"]
        if (_labels(study, one) == OutlineLabel.GROUND_GLASS).sum() > 40
    )
    # From the truth itself: slices of the phantom go to the head, those of the page to the feet.
    truth = made.phantom.lesions[facts["slices"] - 1 - place] == LesionLabel.GROUND_GLASS
    reader.locator("#viewer-index").fill(str(place + 1))
    _expect_slice(reader, place)
    rows, columns = np.nonzero(truth)
    assert rows.size
    expected = [
        rows.min() / truth.shape[0],
        columns.min() / truth.shape[1],
        (rows.max() + 1) / truth.shape[0],
        (columns.max() + 1) / truth.shape[1],
    ]
    drawn = _drawn(reader, (0x56, 0xB4, 0xE9))
    assert drawn == pytest.approx(expected, abs=1.2 / min(truth.shape))


def test_screen_reader_finds_no_serious_fault(
    reader: Page,
    browser: Browser,
    address: str,
    hospital: SeededHospital,
    tmp_path: Path,
    keep_picture: Callable[..., None],
) -> None:
    """With everything opened; when asked, pictures of the page are kept."""
    made = analysed_phantom("positive", tmp_path / "source", shape=(48, 256, 256))
    study = study_with_slices(
        hospital,
        shown=made.context,
        accession_number="A2611210849",
        patient_id="20941175",
        sex="M",
        age="063Y",
    )
    _open(reader, study)
    reader.locator("#viewer").evaluate("one => one.scrollIntoView({block: 'start'})")
    keep_picture(reader, "study")
    for details in reader.locator("details").all():
        details.evaluate("one => { one.open = true; }")
    _no_serious_fault(reader)
    context = browser.new_context(
        base_url=address, viewport={"width": 390, "height": 844}, device_scale_factor=2
    )
    sign_in_browser(context, address)
    phone = context.new_page()
    _open(phone, study)
    phone.locator("#viewer").scroll_into_view_if_needed()
    keep_picture(phone, "study-phone")
    context.close()
