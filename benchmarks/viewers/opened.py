"""Opens a study in a viewer, in a browser of its own, and measures what a reader waits for."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import CDPSession, Page, ViewportSize

from benchmarks.viewers.served import READER
from tests.builders.stored.readers import sign_in_browser
from tests.peers.page.chromium import running_chromium
from tests.peers.page.ohif import CHROMIUM_ARGUMENTS

_FIRST_PICTURE_S = 60.0
_ALL_SLICES_S = 120.0
_QUIET_S = 5.0
_SCROLLING_S = 60.0
_SIZE: Final[ViewportSize] = {"width": 1440, "height": 900}
_FRAME_MS = 1000.0 / 60.0  # of the screen that Chromium has without one
_SMOOTH_MS = 50.0  # a frame that lasts longer is seen
_WATCH = Path(__file__).with_name("watch.js")
_ON_THE_PROCESSOR = "&viewportRendering=cpu"


class ViewerTooSlow(RuntimeError):
    """A viewer did not get as far as it must within its limit."""


@dataclass(frozen=True)
class Viewer:
    """How a viewer is opened and scrolled.

    Attributes
    ----------
    name : for the table
    address : from the root of the server
    pane : selector of what the wheel turns over
    slice_request : what the address of a request for a slice has in it
    """

    name: str
    address: str
    pane: str
    slice_request: str


def viewers(ours: str, ohif: str) -> tuple[Viewer, ...]:
    """Ours first; OHIF as it comes, by WebGL, and on the processor, as ours draws."""
    pane, request = ".cornerstone-viewport-element", "/frames/"
    return (
        Viewer("Firstread", ours, "#viewer-now", "/voxels"),
        Viewer("OHIF", ohif, pane, request),
        Viewer("OHIF on the processor", ohif + _ON_THE_PROCESSOR, pane, request),
    )


def measure_opening(viewer: Viewer, address: str, slices: int) -> dict[str, float]:
    """Open a study, wait until its slices are there, and scroll through all of them.

    Returns
    -------
    Times in ms, but those that say otherwise.

    Raises
    ------
    ViewerTooSlow
        With what was waited for, and what had come until then.
    """
    with running_chromium(*CHROMIUM_ARGUMENTS) as browser:
        context = browser.new_context(base_url=address, viewport=_SIZE)
        sign_in_browser(context, address, READER)
        page = context.new_page()
        page.add_init_script(_WATCH.read_text())
        session = context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.goto(viewer.address, wait_until="commit", timeout=1000 * _FIRST_PICTURE_S)
        first = _first_picture(viewer, page, session)
        answer = _answer_to_the_wheel(viewer, page, session)
        fetched = _all_slices(viewer, page, slices)
        _to_the_first_slice(viewer, page, slices)
        page.wait_for_timeout(1000)
        return {**first, **answer, **fetched, **_scrolling(viewer, page, session, slices)}


def _first_picture(viewer: Viewer, page: Page, session: CDPSession) -> dict[str, float]:
    """From the request of the page to the first slice on the screen."""
    first_ms = page.evaluate("(ms) => watched.firstMs(ms)", 1000 * _FIRST_PICTURE_S)
    if first_ms is None:
        requests = page.evaluate("performance.getEntriesByType('resource').length")
        raise ViewerTooSlow(
            f"{viewer.name} drew nothing within {_FIRST_PICTURE_S:g} s; it had fetched {requests} "
            f"files, {_fetched(viewer, page)} of them slices. Look at {page.url} in a browser."
        )
    return {
        "first_picture_ms": float(first_ms),
        "first_picture_processor_ms": _processor_ms(session),
    }


def _answer_to_the_wheel(viewer: Viewer, page: Page, session: CDPSession) -> dict[str, float]:
    """From the request of the page until the wheel has brought another slice.

    The wheel is turned from the first picture on, a little slower than the screen has frames: a
    viewer that does not answer yet takes no turn.
    """
    began = time.monotonic()
    page.evaluate("watched.listen()")
    while (answered_ms := page.evaluate("watched.answeredMs")) is None:
        if time.monotonic() - began > _FIRST_PICTURE_S:
            raise ViewerTooSlow(
                f"{viewer.name} did not answer to the wheel within {_FIRST_PICTURE_S:g} s"
            )
        if page.get_by_role("dialog").count():  # a reader has to put it away, too
            page.keyboard.press("Escape")
        if box := page.locator(viewer.pane).bounding_box():
            page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            page.mouse.wheel(0, 100)
        page.wait_for_timeout(_FRAME_MS)
    return {
        "wheel_answered_ms": float(answered_ms),
        "wheel_answered_processor_ms": _processor_ms(session),
    }


def _to_the_first_slice(viewer: Viewer, page: Page, slices: int) -> None:
    """Both are scrolled from there; a wheel of three frames a slice is not measured."""
    if page.locator("#viewer-frame").count():
        page.locator("#viewer-frame").press("Home")
    _over_the_picture(viewer, page)
    for _ in range(2 * slices):
        if page.evaluate("watched.shown()") == 0:
            return
        page.mouse.wheel(0, -100)
        page.wait_for_timeout(3 * _FRAME_MS)
    raise ViewerTooSlow(f"{viewer.name} did not come back to the first slice")


def _all_slices(viewer: Viewer, page: Page, slices: int) -> dict[str, float]:
    """Wait until all slices are in the browser, or the viewer fetches no more by itself."""
    began = quiet_since = time.monotonic()
    fetched = -1
    while fetched < slices and time.monotonic() - quiet_since < _QUIET_S:
        if time.monotonic() - began > _ALL_SLICES_S:
            raise ViewerTooSlow(
                f"{viewer.name} fetched {fetched} of {slices} slices within {_ALL_SLICES_S:g} s"
            )
        page.wait_for_timeout(250)
        now = _fetched(viewer, page)
        if now != fetched:
            fetched, quiet_since = now, time.monotonic()
    if not fetched:
        raise ViewerTooSlow(
            f"{viewer.name} fetched no slice under an address with {viewer.slice_request}"
        )
    return {"slices_fetched_before": float(min(fetched, slices))}


def _scrolling(viewer: Viewer, page: Page, session: CDPSession, slices: int) -> dict[str, float]:
    """Turn the wheel by a slice for each frame of the screen, until the last one is shown.

    A viewer answers real turns alone. Where a browser hands over several as one, a viewer may go on
    by one slice for them; then the wheel is turned on.
    """
    _over_the_picture(viewer, page)
    before = _processor_ms(session)
    page.evaluate("watched.begin()")
    began, turns = time.monotonic(), 0
    while time.monotonic() - began < _SCROLLING_S:
        page.mouse.wheel(0, 100)  # is back when the page has taken it
        turns += 1
        # A turn for each frame of the screen: the pace is what is tried, and nothing tells of it.
        time.sleep(max(began + turns * _FRAME_MS / 1000 - time.monotonic(), 0))
        if turns >= slices - 1 and page.evaluate("watched.shown()") == slices - 1:
            break
    turned: dict[str, Any] = page.evaluate("watched.end()")
    processor_ms = _processor_ms(session) - before
    drawn = min(turned["places"], turned["drawings"] + 1)
    if drawn < 2:
        raise ViewerTooSlow(f"{viewer.name} drew no other slice when the wheel was turned")
    frames_ms = turned["framesMs"]
    return {
        "scrolled_slices": float(drawn),
        "scrolling_ms": sum(frames_ms) * slices / drawn,  # of all, where the time was over before
        "scrolling_processor_ms_a_slice": processor_ms / drawn,
        "median_frame_ms": statistics.median(frames_ms),
        "longest_frame_ms": max(frames_ms),
        "dropped_frames": float(sum(max(round(one / _FRAME_MS) - 1, 0) for one in frames_ms)),
        "frames_over_50_ms": float(sum(one > _SMOOTH_MS for one in frames_ms)),
    }


def _over_the_picture(viewer: Viewer, page: Page) -> None:
    """Put away what lies over it (OHIF says that it draws on the processor), and point at it."""
    if page.get_by_role("dialog").count():
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="hidden", timeout=1000 * _QUIET_S)
    box = page.locator(viewer.pane).bounding_box()
    assert box is not None, viewer.pane
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_timeout(500)


def _fetched(viewer: Viewer, page: Page) -> int:
    return int(page.evaluate("(part) => watched.fetched(part)", viewer.slice_request))


def _processor_ms(session: CDPSession) -> float:
    """Processor time of the page's own thread since the browser began."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return 1000 * next(float(one["value"]) for one in metrics if one["name"] == "TaskDuration")
