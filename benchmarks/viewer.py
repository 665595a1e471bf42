"""The viewer of the study page beside OHIF: the same study, the same browser, on the same machine.

*First picture* is from the request of the page to the first slice on the screen. *Scrolling* turns
the wheel by one slice for each frame of the screen, and counts the slices that were drawn. Beside
what passed stands the processor time of the page's own thread: on a machine that does other work
too, it is the figure that says something about the viewer. WebGL, which OHIF draws with, is
SwiftShader's here: a PC with a graphics card does that part elsewhere.
"""

from __future__ import annotations

import shutil
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from playwright.sync_api import Browser, CDPSession, Page, ViewportSize
from pydicom import dcmread
from rich.console import Console
from rich.table import Table

from database.session import Engine
from settings.environment import Settings
from settings.page.sign_in import Role, SignIn
from tests.builders.chest.analysed_phantom import AnalysedStudy, analysed_phantom
from tests.builders.stored.readers import sign_in_browser, signed_in_reader
from tests.peers.dicom.orthanc import start_orthanc
from tests.peers.page.chromium import running_chromium
from tests.peers.page.ohif import CHROMIUM_ARGUMENTS, running_ohif
from tests.peers.ports import free_port
from tests.peers.waiting import wait_until
from tests.unit.worklist.seeding import START, open_hospital
from tests.unit.worklist.study.seeded_slices import study_with_slices
from worklist.app import create_app
from worklist.server import StreamEndingServer, open_socket

_READER = "reader"
_LIMIT_S = 300.0
_SIZE: ViewportSize = {"width": 1440, "height": 900}
_OURS = """() => performance.getEntriesByName("firstread:first-picture")[0]?.startTime"""
_VIEWPORT = (
    "window.services?.cornerstoneViewportService?.getCornerstoneViewport("
    "window.services.viewportGridService.getActiveViewportId())"
)
_THEIRS = f"""() => {{
  try {{
    return {_VIEWPORT}?.viewportStatus === "rendered" ? performance.now() : undefined;
  }} catch {{
    return undefined;  // its services are not all there yet
  }}
}}"""
_SCROLL = """async ([selector, slices]) => {
  const pane = document.querySelector(selector);
  const drawn = new Set();
  const ours = pane.closest("[data-slice]");
  const shown = () => ours ? ours.dataset.slice : VIEWPORT.getCurrentImageIdIndex();
  const from = performance.now();
  for (let one = 0; one < slices; one += 1) {
    pane.dispatchEvent(new WheelEvent("wheel", { deltaY: 100, bubbles: true, cancelable: true }));
    await new Promise(requestAnimationFrame);
    drawn.add(shown());
  }
  return [drawn.size, performance.now() - from];
}""".replace("VIEWPORT", _VIEWPORT)


def measure_viewer(console: Console, folder: Path, *, slices: int, runs: int) -> dict[str, Any]:
    """First picture and scrolling of both; medians of `runs`, each in a fresh browser."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    console.print(f"Making a study of {slices} slices with findings")
    study = analysed_phantom("positive", folder / "source", shape=(slices, 512, 512))
    console.print("Opening it in the page, then in OHIF")
    measured = {
        "Firstread": [_ours(study, folder / f"ours-{run}", slices) for run in range(runs)],
        "OHIF": _theirs(study, folder / "orthanc", slices, runs),
    }
    medians = {
        name: {key: statistics.median(one[key] for one in all_runs) for key in all_runs[0]}
        for name, all_runs in measured.items()
    }
    console.print(_table(medians))
    return medians


def _ours(study: AnalysedStudy, folder: Path, slices: int) -> dict[str, float]:
    folder.mkdir()
    hospital = open_hospital(folder, START)
    signed_in_reader(hospital.engine, _READER, Role.READER)
    kept = study_with_slices(hospital, shown=study.context)
    settings = Settings(
        data_folder=folder,
        worklist_port=free_port(),
        sign_in=SignIn(idle_minutes=60, longest_hours=24),
    )
    with (
        _served(settings, hospital.engine) as address,
        running_chromium(*CHROMIUM_ARGUMENTS) as browser,
    ):
        context = browser.new_context(base_url=address, viewport=_SIZE)
        sign_in_browser(context, address, _READER)
        page = context.new_page()
        return _measured(page, f"/studies/{kept.uid}", _OURS, "#viewer-now", slices)


def _theirs(study: AnalysedStudy, folder: Path, slices: int, runs: int) -> list[dict[str, float]]:
    folder.mkdir()
    pacs = start_orthanc(folder)
    try:
        uid = dcmread(study.files[0], stop_before_pixels=True).StudyInstanceUID
        for path in study.files:
            pacs.upload(path)
        found = []
        with running_ohif(pacs) as server:
            for _ in range(runs):
                with running_chromium(*CHROMIUM_ARGUMENTS) as browser:
                    page = _untoured(browser)
                    address = server.viewer(uid)
                    pane = ".viewport-element"
                    found.append(_measured(page, address, _THEIRS, pane, slices))
        return found
    finally:
        pacs.process.stop()


def _measured(page: Page, address: str, first: str, pane: str, slices: int) -> dict[str, float]:
    """Open a study, wait until its slices are there, and scroll through all of them."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto(address, wait_until="commit", timeout=1000 * _LIMIT_S)
    first_ms = _when(page, first)
    first_processor_ms = _processor_ms(session)
    _until_quiet(page)
    if page.locator("#viewer-frame").count():
        page.locator("#viewer-frame").press("Home")  # OHIF begins with the first slice
        page.wait_for_timeout(1000)
    before = _processor_ms(session)
    drawn, took_ms = page.evaluate(_SCROLL, [pane, slices])
    return {
        "first_picture_ms": first_ms,
        "first_picture_processor_ms": first_processor_ms,
        "slices_a_second": 1000 * drawn / took_ms,
        "processor_ms_a_slice": (_processor_ms(session) - before) / max(drawn, 1),
    }


def _when(page: Page, first: str) -> float:
    """When the first picture was there, ms after the page was asked for."""
    until = time.monotonic() + _LIMIT_S
    while time.monotonic() < until:
        found = page.evaluate(first)
        if found:
            return float(found)
        page.wait_for_timeout(5)
    raise TimeoutError("no picture")


def _until_quiet(page: Page) -> None:
    """Wait until nothing more was fetched for five seconds: all slices are in the browser."""
    page.evaluate("performance.setResourceTimingBufferSize(100000)")
    until, before = time.monotonic() + _LIMIT_S, -1
    while time.monotonic() < until:
        now = page.evaluate("performance.getEntriesByType('resource').length")
        if now == before:
            return
        before = now
        page.wait_for_timeout(5000)
    raise TimeoutError("slices are still being fetched")


def _processor_ms(session: CDPSession) -> float:
    """Processor time of the page's own thread since the browser began."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return 1000 * next(float(one["value"]) for one in metrics if one["name"] == "TaskDuration")


def _untoured(browser: Browser) -> Page:
    page = browser.new_context(viewport=_SIZE).new_page()
    page.add_init_script("localStorage.setItem('shownTours', JSON.stringify(['basicViewerTour']));")
    return page


@contextmanager
def _served(settings: Settings, engine: Engine) -> Iterator[str]:
    """The page of a hospital, served in a thread."""
    config = uvicorn.Config(create_app(settings, engine), log_level="warning", access_log=False)
    server = StreamEndingServer(config)
    listener = open_socket(settings, anybody_has_an_account=True)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    wait_until(lambda: server.started, what="the page to be served")
    try:
        yield f"http://127.0.0.1:{settings.worklist_port}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)


def _table(medians: dict[str, dict[str, float]]) -> Table:
    table = Table("", *medians)
    for key in next(iter(medians.values())):
        table.add_row(key.replace("_", " "), *(f"{one[key]:.1f}" for one in medians.values()))
    return table
