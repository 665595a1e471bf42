"""The upload page in a browser, with a worker behind it that answers."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from settings.environment import Settings
from tests.builders.chest.small_chest import bundles, grey, phantom
from tests.builders.dicom.study_folder import by_position
from tests.builders.stored.readers import sign_in_browser
from tests.unit.worklist.seeding import SeededHospital
from worker.equipment import Equipment
from worker.upload.analyse_upload import analyse_upload

__all__ = ["bundles", "grey", "phantom"]  # fixtures

pytestmark = pytest.mark.browser
ANSWER_MS = 60_000


@pytest.fixture
def worker(hospital: SeededHospital, tmp_path: Path, bundles: Path) -> Iterator[None]:
    """Let a worker with a small bundle take what is uploaded."""
    settings = Settings(data_folder=tmp_path, bundles_folder=bundles, inference_threads=1)
    with working(hospital, settings):
        yield


@pytest.fixture
def released_worker(hospital: SeededHospital, tmp_path: Path) -> Iterator[None]:
    """Let a worker with the released bundle take what is uploaded."""
    with working(hospital, Settings(data_folder=tmp_path)):
        yield


@contextmanager
def working(hospital: SeededHospital, settings: Settings) -> Iterator[None]:
    own = Equipment(settings, hospital.engine, "worker", lambda: datetime.now(UTC))
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(0.1):
            analyse_upload(own)

    thread = threading.Thread(target=work)
    thread.start()
    yield
    ended.set()
    thread.join()


@pytest.fixture
def slice_png(tmp_path: Path, grey: NDArray[np.uint8]) -> Path:
    """A slice of the phantom under the name of a patient."""
    path = tmp_path / "ROE^RICHARD.png"
    written = io.BytesIO()
    Image.fromarray(grey[16]).resize((512, 512)).save(written, "PNG")
    path.write_bytes(written.getvalue())
    return path


def serious(page: Page) -> list[str]:
    """What axe-core finds that hinders people, as "rule: element"."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html']}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.timeout(420)
def test_a_study_by_the_keyboard_alone(
    reader: Page,
    released_worker: None,
    shared_ct: Path,
    keep_picture: Callable[..., None],
) -> None:
    """A folder is chosen, sent with Enter, followed without reload, and answered with a picture."""
    reader.goto("/upload")
    assert serious(reader) == []
    reader.locator("#folder").set_input_files(shared_ct / "covid-P001")
    reader.locator("#send").focus()
    reader.keyboard.press("Enter")
    expect(reader).to_have_url(re.compile("/uploads/[A-Za-z0-9_-]{32}$"), timeout=ANSWER_MS)
    expect(reader.locator(".head .lead")).to_contain_text("Lesion", timeout=4 * ANSWER_MS)
    expect(reader.locator("#picture-large img")).to_have_js_property("complete", True)
    assert reader.locator("#picture-large img").evaluate("image => image.naturalWidth") > 0
    expect(reader.locator(".figures").first).to_be_visible()
    expect(reader.locator(".qr-code svg")).to_be_visible()
    assert serious(reader) == []
    keep_picture(reader, "upload-answer", whole=True)
    reader.goto("/")
    expect(reader.locator("[data-rows] > tr")).to_have_count(0)


def test_a_slice_on_a_phone(
    browser: Browser,
    address: str,
    released_worker: None,
    shared_ct: Path,
    keep_picture: Callable[..., None],
) -> None:
    """At phone width nothing sticks out, and the page says how little one slice can tell."""
    context = browser.new_context(
        base_url=address,
        viewport={"width": 375, "height": 812},
        device_scale_factor=2,
        is_mobile=True,
        has_touch=True,
    )
    sign_in_browser(context, address)
    page = context.new_page()
    page.goto("/upload")
    slices = by_position(shared_ct / "covid-P001")
    page.locator("#files").set_input_files(slices[len(slices) // 3])
    page.locator("#send").tap()
    expect(page.locator(".head .lead")).to_contain_text("in this slice", timeout=ANSWER_MS)
    expect(page.locator(".head .note")).to_contain_text("A single slice can tell little")
    areas = page.locator("[data-part=slice] .figures").first.bounding_box()
    assert areas is not None
    assert areas["x"] + areas["width"] <= 375  # three columns need no scrolling
    for path in (page.url, "/upload"):
        page.goto(path)
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{path} is {wide} px too wide"
        if path != "/upload":
            keep_picture(page, "upload-phone")
            assert serious(page) == []
    context.close()


def test_names_stay_in_the_browser(reader: Page, worker: None, tmp_path: Path) -> None:
    """Beside its number a refused file has its name, in the tab that sent it and nowhere else."""
    wrong = tmp_path / "ROE^RICHARD.dcm"
    wrong.write_text("I am a CT, believe me.")
    reader.goto("/upload")
    reader.locator("#files").set_input_files([wrong])
    with reader.expect_request("**/uploads") as sent:
        reader.locator("#send").click()
    assert "ROE" not in (sent.value.post_data_buffer or b"").decode(errors="replace")
    expect(reader.locator(".refusals th[data-number]")).to_have_text(
        "1 – ROE^RICHARD.dcm", timeout=ANSWER_MS
    )
    expect(reader.locator(".refusals .reason")).to_contain_text("The file is text")
    other = reader.context.new_page()
    other.goto(reader.url)
    expect(other.locator(".refusals th[data-number]")).to_have_text("1")


def test_what_is_dropped_is_sent(reader: Page, worker: None, slice_png: Path) -> None:
    """A file dropped anywhere on the page goes the same way."""
    reader.goto("/upload")
    content = list(slice_png.read_bytes())
    transfer = reader.evaluate_handle(
        """content => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(content)], "slice.png"));
            return transfer;
        }""",
        content,
    )
    reader.dispatch_event("#drop", "drop", {"dataTransfer": transfer})
    expect(reader.locator(".head .lead")).to_contain_text("in this slice", timeout=ANSWER_MS)


def test_nothing_chosen_is_said(reader: Page) -> None:
    """The button without a file says what to do, to a screen reader too."""
    reader.goto("/upload")
    reader.locator("#send").click()
    expect(reader.locator("#refusal")).to_have_text("Choose files first.")
    assert reader.locator("#refusal").get_attribute("role") == "alert"


def test_without_script(browser: Browser, address: str, worker: None, slice_png: Path) -> None:
    """The form works as it is, and the answer's page renews itself."""
    context = browser.new_context(base_url=address, java_script_enabled=False)
    sign_in_browser(context, address)
    page = context.new_page()
    page.goto("/upload")
    page.locator("#files").set_input_files(slice_png)
    page.locator("#send").click()
    expect(page.locator(".head .lead")).to_contain_text("in this slice", timeout=ANSWER_MS)
    context.close()
