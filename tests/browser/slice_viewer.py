"""The viewer of slices as a test sees it: which slice is drawn, how bright, with what over it."""

from __future__ import annotations

import json
import re
import zipfile
from dataclasses import dataclass
from typing import Any

import numpy as np
from axe_playwright_python.sync_playwright import Axe
from numpy.typing import NDArray
from playwright.sync_api import Page, expect

from radiology.image.slice_stack import (
    INDEX,
    labels_entry,
    unpack_labels,
    unpack_voxels,
    voxels_entry,
)
from tests.unit.worklist.study.seeded_slices import StudyWithSlices

LIVE_MS = 20_000


def open_study(page: Page, study: StudyWithSlices) -> None:
    """Open the page of a study; it is live and shows a slice."""
    page.goto(f"/studies/{study.uid}")
    expect(page.locator("#live")).to_have_attribute("data-state", "live", timeout=LIVE_MS)
    expect(page.locator("#viewer-frame")).to_have_attribute("data-slice", re.compile(r"\d+"))


def index_of(study: StudyWithSlices) -> dict[str, Any]:
    """What the stack of a study says of itself."""
    with zipfile.ZipFile(study.slices) as archive:
        facts: dict[str, Any] = json.loads(archive.read(INDEX))
    return facts


def labels_of(study: StudyWithSlices, place: int) -> NDArray[np.uint8]:
    """The outlines of a slice as they were kept."""
    facts = index_of(study)
    with zipfile.ZipFile(study.slices) as archive:
        return unpack_labels(archive.read(labels_entry(place)), (facts["rows"], facts["columns"]))


def voxels_of(study: StudyWithSlices, place: int) -> NDArray[np.float32]:
    """The HU of a slice as they were kept."""
    facts = index_of(study)
    with zipfile.ZipFile(study.slices) as archive:
        return unpack_voxels(archive.read(voxels_entry(place)), (facts["rows"], facts["columns"]))


def expect_slice(page: Page, place: int) -> None:
    """Wait until this slice is drawn."""
    expect(page.locator("#viewer-frame")).to_have_attribute("data-slice", str(place))


def shown_slice(page: Page) -> int:
    """Which slice is drawn; -1 for none."""
    return int(page.locator("#viewer-frame").get_attribute("data-slice") or "-1")


def mean_grey(page: Page) -> float:
    """The mean of the picture's own pixels, without what lies over it."""
    return float(
        page.evaluate(
            """() => {
              const canvas = document.querySelector("#viewer-now-slice canvas");
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


def drawn_box(
    page: Page, colour: tuple[int, int, int] | None = None, *, over: str = "viewer-now-over"
) -> list[float] | None:
    """The box of what lies over the picture, in pixels of its canvas: top, left, bottom, right."""
    return page.evaluate(  # type: ignore[no-any-return]
        """([over, colour]) => {
          const canvas = document.getElementById(over);
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
          return box[2] < 0 ? null : box;
        }""",
        [over, list(colour) if colour else None],
    )


@dataclass(frozen=True)
class Fitted:
    """A picture that is shown whole in the middle of its canvas, as large as fits.

    Attributes
    ----------
    left, top : of the picture's corner, in pixels of the canvas
    across, down : the canvas's pixels for one of the picture's
    """

    left: float
    top: float
    across: float
    down: float

    def box(self, mask: NDArray[np.bool_]) -> list[float]:
        """Where the box around a mask lies on the canvas: top, left, bottom, right."""
        rows, columns = np.nonzero(mask)
        return [
            self.top + rows.min() * self.down,
            self.left + columns.min() * self.across,
            self.top + (rows.max() + 1) * self.down,
            self.left + (columns.max() + 1) * self.across,
        ]


def fitted(page: Page, shape: tuple[int, int], spacing_mm: tuple[float, float]) -> Fitted:
    """Where a picture of rows and columns lies, from its size in mm and the canvas's."""
    width, height = page.evaluate(
        "(({ width, height }) => [width, height])(document.getElementById('viewer-now-over'))"
    )
    (rows, columns), (row_mm, column_mm) = shape, spacing_mm
    each = min(width / (columns * column_mm), height / (rows * row_mm))  # pixels for a mm
    return Fitted(
        left=(width - columns * column_mm * each) / 2,
        top=(height - rows * row_mm * each) / 2,
        across=column_mm * each,
        down=row_mm * each,
    )


def no_serious_fault(page: Page) -> None:
    """Axe finds nothing on the page that keeps people out."""
    found = Axe().run(page).response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    told = [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in serious]
    assert not told, told
