"""A running worklist page with a hospital behind it that goes on, and a running OHIF with PACS."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from settings.environment import Settings
from settings.page.sign_in import Role, SignIn
from settings.page.study_page import StudyPageSettings
from settings.page.worklist_list import WorklistList
from tests.builders.stored.readers import sign_in_browser, signed_in_reader
from tests.peers.dicom.orthanc import OrthancPeer, start_orthanc
from tests.peers.page.chromium import running_chromium
from tests.peers.page.ohif import CHROMIUM_ARGUMENTS, OhifServer, running_ohif
from tests.peers.page.ohif_page import OhifPage, opened_in_ohif
from tests.peers.page.running_page import RunningPage
from tests.peers.ports import free_port
from tests.unit.worklist.list.ordinary_day import OrdinaryDay, seed_ordinary_day
from tests.unit.worklist.seeding import SeededHospital, open_hospital
from tests.unit.worklist.study.seeded_slices import StudyWithSlices, study_with_slices
from worklist.app import create_app

READER = "reader"


def _shortly_ago() -> datetime:
    return datetime.now(UTC) - timedelta(minutes=27)


_PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"
# Set it to keep the pictures of the documentation: FIRSTREAD_TEST_KEEP_PICTURES=true.
_KEEP_PICTURES = os.environ.get("FIRSTREAD_TEST_KEEP_PICTURES") == "true"


@pytest.fixture
def hospital(tmp_path: Path) -> SeededHospital:
    """Give a hospital whose clock is shortly behind ours, without any study; `reader` may read."""
    hospital = open_hospital(tmp_path, _shortly_ago())
    signed_in_reader(hospital.engine, READER, Role.ADMINISTRATOR)
    return hospital


@pytest.fixture(scope="session")
def _seeded_day(tmp_path_factory: pytest.TempPathFactory) -> tuple[SeededHospital, OrdinaryDay]:
    hospital = open_hospital(tmp_path_factory.mktemp("ordinary-day"), _shortly_ago())
    signed_in_reader(hospital.engine, READER, Role.ADMINISTRATOR)
    day = seed_ordinary_day(hospital)
    hospital.engine.dispose()
    return hospital, day


@pytest.fixture
def ordinary_day(
    hospital: SeededHospital, _seeded_day: tuple[SeededHospital, OrdinaryDay]
) -> OrdinaryDay:
    """Give the hospital a study of every kind, the last of them just now."""
    seeded, day = _seeded_day
    hospital.take_over(seeded)
    return day


@pytest.fixture
def worklist_list() -> WorklistList:
    """Give the settings of the list; a module that needs others has a fixture of its own."""
    return WorklistList()


@pytest.fixture
def study_page() -> StudyPageSettings:
    """Give the settings of the page of a study; a module that needs others has its own."""
    return StudyPageSettings()


@pytest.fixture
def running_page(
    hospital: SeededHospital,
    tmp_path: Path,
    worklist_list: WorklistList,
    study_page: StudyPageSettings,
) -> Iterator[Callable[[], RunningPage]]:
    """Give a function that starts the page; what still runs is stopped at the end."""
    # The session was begun with the test run, and that may take its time.
    sign_in = SignIn(idle_minutes=24 * 60, longest_hours=24)
    settings = Settings(
        data_folder=tmp_path,
        worklist_port=free_port(),
        sign_in=sign_in,
        worklist_list=worklist_list,
        study_page=study_page,
    )
    started: list[RunningPage] = []

    def start() -> RunningPage:
        # An application that was stopped is not started again: its streams are closed for good.
        page = RunningPage(create_app(settings, hospital.engine), settings)
        page.start()
        started.append(page)
        return page

    yield start
    for page in started:
        page.stop()


@pytest.fixture
def address(running_page: Callable[[], RunningPage]) -> str:
    """Give the address of the running page."""
    return running_page().address


@pytest.fixture
def reader(
    browser: Browser, address: str, keep_failing_picture: Callable[..., None]
) -> Iterator[Page]:
    """Give a page of a reader's browser, signed in as an administrator.

    Anything on its console but talk is a failure.
    """
    context = browser.new_context(base_url=address, viewport={"width": 1440, "height": 900})
    sign_in_browser(context, address, READER)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: (
            complaints.append(message.text) if message.type in ("error", "warning") else None
        ),
    )
    yield page
    keep_failing_picture(page, failed=bool(complaints))
    context.close()
    assert not complaints, complaints


@pytest.fixture
def keep_picture() -> Callable[..., None]:
    """Give a function that keeps a picture of a page for the documentation, when asked to."""

    def keep(page: Page, name: str, *, whole: bool = False, light: bool = False) -> None:
        if _KEEP_PICTURES:
            page.emulate_media(color_scheme="light" if light else "dark")
            _PICTURES.mkdir(parents=True, exist_ok=True)
            if whole:  # else what stays on the screen stands in the middle of it
                page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
            page.screenshot(path=_PICTURES / f"{name}.png", full_page=whole)

    return keep


@pytest.fixture
def study(hospital: SeededHospital) -> StudyWithSlices:
    """Give an urgent study whose slices were kept."""
    return study_with_slices(
        hospital, accession_number="A1", patient_id="P1", sex="M", age="071Y", images=3
    )


# --- OHIF ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pacs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancPeer]:
    """Give one Orthanc for all studies of a module: each test looks at its own."""
    peer = start_orthanc(tmp_path_factory.mktemp("orthanc"))
    yield peer
    peer.process.stop()


@pytest.fixture(scope="module")
def viewer(pacs: OrthancPeer) -> Iterator[OhifServer]:
    """Give OHIF in front of that Orthanc."""
    with running_ohif(pacs) as server:
        yield server


@pytest.fixture(scope="module")
def viewer_browser() -> Iterator[Browser]:
    """Give a Chromium that draws in three dimensions without a graphics card."""
    with running_chromium(*CHROMIUM_ARGUMENTS) as running:
        yield running


@pytest.fixture
def open_in_viewer(
    viewer_browser: Browser, viewer: OhifServer, keep_failing_picture: Callable[..., None]
) -> Callable[..., AbstractContextManager[OhifPage]]:
    """Give a context manager that opens a study by its UID; a failing picture is kept.

    An error on the console is a failure, unless ``may_complain``.
    """

    @contextmanager
    def open_study(
        study_instance_uid: str, *, may_complain: bool = False, first: str = ""
    ) -> Iterator[OhifPage]:
        with opened_in_ohif(viewer_browser, viewer, study_instance_uid, first=first) as page:
            try:
                yield page
                assert may_complain or not page.complaints, page.complaints
            except BaseException:
                keep_failing_picture(page.page, failed=True)
                raise

    return open_study


@pytest.fixture
def keep_viewer_picture() -> Callable[[OhifPage, str], None]:
    """Give a function that keeps a picture of OHIF for the documentation, when asked to."""

    def keep(page: OhifPage, name: str) -> None:
        if _KEEP_PICTURES:
            with Image.open(io.BytesIO(page.page.screenshot())) as picture:
                few_colours = picture.convert("RGB").resize((960, 600)).quantize(64)
                few_colours.save(_PICTURES / f"{name}.png", optimize=True)

    return keep
