"""A day of a hospital in one browser: scanners send by C-STORE, and everything else is real too."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from phantom import EXTENSIVE_LESIONS, make_phantom, phantom_grid
from phantom.identity import StudyIdentity
from phantom.study import write_phantom_study
from settings.page.sign_in import Role
from tests.browser.accessibility import grave_faults
from tests.builders.dicom.study_folder import by_position, study_uid
from tests.builders.stored.readers import PASSWORD, add_reader
from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.dicom.orthanc import OrthancPeer
from tests.peers.firstreads.firstread import RunningFirstread, running_firstread
from tests.peers.page.ohif import DIST
from tests.peers.page.ohif_page import LIMIT_MS, OhifPage
from tests.peers.programs import absent

pytestmark = [pytest.mark.browser, pytest.mark.timeout(480)]

LIVE_MS = 120_000  # models run on cores that other tests share
DESK = {"width": 1440, "height": 900}


@pytest.fixture
def firstread(tmp_path: Path, orthanc: OrthancPeer, dcmtk: Dcmtk) -> Iterator[RunningFirstread]:
    """Firstread as one command starts it, with an administrator's account, and OHIF unpacked."""
    if not (DIST / "index.html").is_file():
        absent("OHIF is not installed (make viewer; it needs npm)")

    def no_servers() -> tuple[str, str]:
        raise AssertionError("the embedded size needs no server")

    with running_firstread(
        "embedded",
        tmp_path,
        pacs=orthanc,
        dcmtk=dcmtk,
        servers=no_servers,
        variables={"STUDY_PAGE": json.dumps({"ohif_folder": str(DIST)})},
    ) as running:
        add_reader(running.engine, "anna", Role.ADMINISTRATOR)
        yield running


@pytest.fixture
def page(
    viewer_browser: Browser, firstread: RunningFirstread, keep_failing_picture: Callable[..., None]
) -> Iterator[Page]:
    """A browser at its page, in which nobody has signed in; its console stays quiet."""
    context = viewer_browser.new_context(base_url=firstread.size.worklist_url, viewport=DESK)  # type: ignore[arg-type]
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    keep_failing_picture(opened, failed=bool(complaints))
    context.close()
    assert not complaints, complaints


def extensive_phantom(folder: Path) -> list[Path]:
    """A phantom with lesions all over, as a scanner would send it."""
    grid = phantom_grid((60, 256, 256), (5.0, 1.4, 1.4))
    phantom = make_phantom(grid=grid, lesions=EXTENSIVE_LESIONS)
    identity = StudyIdentity.of(phantom, salt="hospital day")
    return list(write_phantom_study(phantom, folder, identity=identity))


def test_a_day(
    page: Page,
    firstread: RunningFirstread,
    shared_ct: Path,
    tmp_path: Path,
    keep_picture: Callable[..., None],
) -> None:
    """Signed in by the keyboard, the list fills without reload, the urgent study on top; it is
    opened, looked through, acknowledged and judged by keys; then upload and administration."""
    page.goto("/")
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type("anna")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#live")).to_have_attribute("data-state", "live", timeout=LIVE_MS)
    page.evaluate("window.neverReloaded = true")

    covid, normal = shared_ct / "covid-P001", shared_ct / "normal-001"
    firstread.send(by_position(normal))
    rows = page.locator("[data-rows] > tr")
    expect(rows.first).to_contain_text("Routine", timeout=LIVE_MS)
    firstread.send(by_position(covid))
    expect(rows.first).to_contain_text("Suspected", timeout=LIVE_MS)
    firstread.send(extensive_phantom(tmp_path / "phantom"))
    expect(rows.first).to_contain_text("Urgent", timeout=LIVE_MS)
    expect(rows).to_have_count(3)
    assert [_word(row) for row in rows.all_inner_texts()] == ["Urgent", "Suspected", "Routine"]
    assert page.evaluate("window.neverReloaded")
    assert page.title().startswith(("(1)", "● (1)"))
    assert grave_faults(page) == []
    keep_picture(page, "worklist")

    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("Urgent")
    frame = page.locator("#viewer-frame")
    expect(frame).to_have_attribute("data-slice", re.compile(r"\d+"), timeout=LIVE_MS)
    before = frame.get_attribute("data-slice")
    frame.focus()
    page.keyboard.press("ArrowDown")
    expect(frame).not_to_have_attribute("data-slice", before or "")
    assert grave_faults(page) == []
    keep_picture(page, "worklist-study")
    _press(page, "#acknowledge")
    expect(page.locator(".flag-bar")).to_contain_text("by anna", timeout=LIVE_MS)
    _press(page, "#agree")
    expect(page.get_by_text("anna agrees")).to_be_visible(timeout=LIVE_MS)

    page.goto(f"/studies/{study_uid(covid)}#h-flags")
    expect(page.locator("h1")).to_contain_text("Suspected")
    expect(page.get_by_text("Why not flagged")).to_be_visible()
    _press(page, "#fold-why > summary")
    expect(page.get_by_text("suspected, and 25 % or more")).to_be_visible()  # why it is not urgent
    _opens_in_ohif(page, firstread, study_uid(covid))

    page.goto("/upload")
    page.locator("#files").set_input_files(by_position(covid)[60])
    _press(page, "#send")
    expect(page.locator(".head .lead")).to_contain_text("in this slice", timeout=LIVE_MS)
    assert grave_faults(page) == []
    page.goto("/")
    expect(rows).to_have_count(3)  # an upload is no study

    page.goto("/administration")
    expect(page.locator("h1")).to_have_text("Administration")
    _press(page, "#echo-pacs")
    expect(page.get_by_text("answered")).to_be_visible(timeout=LIVE_MS)
    assert grave_faults(page) == []
    page.goto("/scorecard")
    expect(page.get_by_text("Studies whose last image came in these days: 3.")).to_be_visible()


def _opens_in_ohif(page: Page, firstread: RunningFirstread, uid: str) -> None:
    """By one click, from our own DICOMweb: the CT, and every result; SR and SEG are opened."""
    firstread.wait_for(uid)
    sent = firstread.results(uid)
    described = {kind: str(one.SeriesDescription) for kind, (one, *_) in sent.items()}
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Open in OHIF").click()
    ohif = OhifPage(opened.value)
    labels = ohif.page.locator("[data-cy=series-modality-label]")
    expect(labels).to_have_count(1 + len(sent), timeout=LIMIT_MS)
    assert {modality for modality, _ in ohif.series()} == {"CT", *sent} == {"CT", "SR", "SEG", "OT"}
    ohif.open_report(described["SR"])
    segments = ohif.load_segmentation(described["SEG"])
    assert segments
    assert all(one.voxels > 0 for one in segments)
    ohif.page.close()


def _press(page: Page, selector: str) -> None:
    page.locator(selector).focus()
    page.keyboard.press("Enter")


def _word(row: str) -> str:
    found = re.search(r"Urgent|Suspected|Routine", row)
    return found[0] if found else row
