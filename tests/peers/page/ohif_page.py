"""A study open in OHIF: what its user does, and what the screen then shows."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from tests.builders.stored.readers import SESSION_COOKIE
from tests.peers.page.ohif import OhifServer
from tests.peers.waiting import wait_until

Picture = NDArray[np.uint8]

LIMIT_MS = 60_000.0
"""Rendering is in software, on cores that other tests share."""

_SIZE = {"width": 1280, "height": 800}
_TOUR_SEEN = "localStorage.setItem('shownTours', JSON.stringify(['basicViewerTour']));"
_TELL_REJECTIONS = """
addEventListener('unhandledrejection', event =>
    console.error('unhandled rejection: ' + (event.reason && event.reason.message)));
"""
_VIEWPORT = (
    "services.cornerstoneViewportService.getCornerstoneViewport("
    "services.viewportGridService.getActiveViewportId())"
)
_RENDERED = f"{_VIEWPORT} && {_VIEWPORT}.viewportStatus === 'rendered'"


@dataclass(frozen=True)
class ShownSegment:
    """A segment as OHIF lists it; `volume_mm3` is what it shows beside the voxel count."""

    label: str
    voxels: int
    volume_mm3: float


@dataclass
class OhifPage:
    """One study in one tab.

    Attributes
    ----------
    complaints : errors on the console, uncaught errors and unhandled rejections
    """

    page: Page
    complaints: list[str] = field(default_factory=list)

    def series(self) -> list[tuple[str, str]]:
        """Modality and description of every series in the browser of the study."""
        modalities = self.page.locator("[data-cy=series-modality-label]").all_inner_texts()
        descriptions = self.page.locator("[data-cy=series-description-label]").all_inner_texts()
        return list(zip(modalities, descriptions, strict=True))

    def open_image(self, description: str) -> None:
        """Show a series of images in the viewport."""
        self._show(self.page.locator("[data-cy=study-browser-thumbnail]"), description)
        expect(self._pane).to_contain_text(description, timeout=LIMIT_MS)
        self.page.wait_for_function(_RENDERED, timeout=LIMIT_MS)

    def load_segmentation(self, description: str) -> list[ShownSegment]:
        """Double-click on a segmentation, agree that it is opened, and wait for its segments."""
        self.double_click(description)
        return self.agree_to_load()

    def agree_to_load(self) -> list[ShownSegment]:
        """Say yes to the question whether the segmentation is to be opened."""
        self.page.get_by_text("Yes", exact=True).click(timeout=LIMIT_MS)
        found = self.page.wait_for_function(_SEGMENTS, polling=1000, timeout=LIMIT_MS)
        counted = found.json_value()
        self.page.wait_for_function(_RENDERED, timeout=LIMIT_MS)
        return [ShownSegment(*one) for one in counted]

    def open_report(self, description: str) -> None:
        """Double-click on a report, and wait until a figure stands on the picture."""
        self.double_click(description)
        self.page.wait_for_function(_FIGURES_DRAWN, polling=1000, timeout=LIMIT_MS)

    def double_click(self, description: str) -> None:
        """Ask for a series that is no image, and do not wait for what comes of it."""
        self._show(self.page.locator("[data-cy=study-browser-thumbnail-no-image]"), description)

    def figures_drawn(self) -> bool:
        """Whether figures of a report stand on the picture."""
        return bool(self.page.evaluate(_FIGURES_DRAWN))

    def asks_to_load(self) -> bool:
        """Whether OHIF asks if a segmentation is to be opened."""
        return self.page.get_by_text("Do you want to open this Segmentation?").count() > 0

    def text(self) -> str:
        """All that is written on the page."""
        return self.page.locator("body").inner_text()

    def next_measurement(self) -> None:
        """Press the arrow to the report's next measurement."""
        self._pane.locator("[data-cy=viewport-action-arrows-right]").click()

    def lines(self) -> list[str]:
        """What is written on the picture, line by line."""
        return [
            line.strip()
            for line in self._pane.locator("svg.svg-layer tspan").all_text_contents()
            if line.strip()
        ]

    def wait_for_lines(self, wanted: set[str]) -> None:
        """Press the arrow until all that is wanted has been written on some picture.

        A slice is drawn some time after the arrow was pressed, and OHIF does not say when.
        """
        missing = set(wanted)

        def all_seen() -> bool:
            missing.difference_update(self.lines())
            if missing:
                self.next_measurement()
            return not missing

        wait_until(all_seen, what=f"the lines {sorted(missing)}", limit_s=LIMIT_MS / 1000.0)

    def outlines(self) -> int:
        """How many lines, arrows and outlines are drawn."""
        return self._pane.locator(
            "svg.svg-layer path, svg.svg-layer polyline, svg.svg-layer line"
        ).count()

    def show_slice(self, image: str) -> None:
        """Go to the slice whose address in DICOMweb ends like this: …/frames/1."""
        found = self.page.evaluate(
            f"end => {_VIEWPORT}.getImageIds().findIndex(id => id.endsWith(end))", image
        )
        assert found >= 0, f"OHIF has no slice {image}"
        self.page.evaluate(f"index => {_VIEWPORT}.setImageIdIndex(index)", found)
        self.page.wait_for_function(
            f"index => {_VIEWPORT}.getCurrentImageIdIndex() === index && {_RENDERED}",
            arg=found,
            timeout=LIMIT_MS,
        )

    def shown_image(self) -> str:
        """SOP Instance UID and frame of the slice that is shown, as ``uid/frames/1``."""
        address = str(self.page.evaluate(f"{_VIEWPORT}.getCurrentImageId()"))
        found = re.search(r"/instances/([0-9.]+/frames/\d+)$", address)
        assert found, address
        return found[1]

    def places(self, positions_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where positions in the patient are on the picture of `picture`, shape (n, 2), x and y."""
        return np.array(
            self.page.evaluate(
                f"places => {{ const viewport = {_VIEWPORT};"
                " return places.map(place => viewport.worldToCanvas(place)); }",
                positions_mm.tolist(),
            ),
            dtype=np.float64,
        )

    def picture(self) -> Picture:
        """The viewport as it is on the screen, shape (rows, columns, 3)."""
        canvas = self._pane.locator("canvas").first
        with Image.open(io.BytesIO(canvas.screenshot())) as image:
            return np.asarray(image.convert("RGB"))

    @property
    def _pane(self) -> Locator:
        return self.page.locator("[data-cy=viewport-pane]").first

    def _show(self, thumbnails: Locator, description: str) -> None:
        thumbnails.filter(has_text=description).first.dblclick(timeout=LIMIT_MS)


# OHIF counts voxels when it is told that a segmentation changed. A small one is there before
# anybody listens, so it is told again, as any change by a reader does.
_SEGMENTS = """
() => {
    const [segmentation] = services.segmentationService.getSegmentations();
    if (!segmentation) return null;
    const uncounted = segment => !(segment.cachedStats && segment.cachedStats.namedStats);
    if (Object.values(segmentation.segments).some(uncounted)) {
        const { triggerSegmentationEvents } = cornerstoneTools.segmentation;
        triggerSegmentationEvents.triggerSegmentationDataModified(segmentation.segmentationId);
    }
    const shown = Object.values(segmentation.segments).filter(
        segment => segment.label !== 'Background');  // of label maps
    const found = shown.map(segment => {
        const figures = segment.cachedStats && segment.cachedStats.namedStats;
        return figures ? [segment.label, figures.count.value, figures.volume.value] : null;
    });
    return found.length && found.every(one => one) ? found : null;
}
"""

# Sometimes OHIF draws the slice before it has the figures, and the figures only when the slice is
# drawn again, as any move of a reader makes it.
_FIGURES_DRAWN = f"""
() => {{
    const viewport = {_VIEWPORT};
    if (viewport) viewport.render();
    return !!document.querySelector('svg.svg-layer text');
}}
"""


@contextmanager
def opened_in_ohif(
    browser: Browser, server: OhifServer, study_instance_uid: str, *, first: str = ""
) -> Iterator[OhifPage]:
    """Open a study and wait until its first image is shown.

    Parameters
    ----------
    first : SOP Instance UID of that image; OHIF chooses where it is ""
    """
    context = browser.new_context(viewport=_SIZE)  # type: ignore[arg-type]
    context.add_init_script(_TELL_REJECTIONS)
    if not server.session:  # OHIF as it comes; ours has no tour
        context.add_init_script(_TOUR_SEEN)
    else:
        cookie = {"name": SESSION_COOKIE, "value": server.session, "url": server.address}
        context.add_cookies([cookie])  # type: ignore[list-item]
    opened = OhifPage(context.new_page())
    page = opened.page
    page.on("pageerror", lambda error: opened.complaints.append(f"{error}\n{error.stack}"))
    page.on(
        "console",
        lambda message: opened.complaints.append(message.text) if message.type == "error" else None,
    )
    try:
        page.goto(server.viewer(study_instance_uid, first), timeout=LIMIT_MS)
        page.locator("[data-cy=series-modality-label]").first.wait_for(timeout=LIMIT_MS)
        page.wait_for_function(_RENDERED, timeout=LIMIT_MS)
        yield opened
    finally:
        context.close()
