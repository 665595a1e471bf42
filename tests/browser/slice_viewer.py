"""The viewer of slices as a test sees it: which slice is drawn, how bright, with what over it."""

from __future__ import annotations

import json
import re
import zipfile
from typing import Any

import numpy as np
from axe_playwright_python.sync_playwright import Axe
from numpy.typing import NDArray
from playwright.sync_api import Page, expect

from radiology.image.slice_stack import INDEX, labels_entry, unpack_labels
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


def expect_slice(page: Page, place: int) -> None:
    """Wait until this slice is drawn."""
    expect(page.locator("#viewer-frame")).to_have_attribute("data-slice", str(place))


def shown_slice(page: Page) -> int:
    """Which slice is drawn; -1 for none."""
    return int(page.locator("#viewer-frame").get_attribute("data-slice") or "-1")


def mean_grey(page: Page) -> float:
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


def drawn_box(page: Page, colour: tuple[int, int, int] | None = None) -> list[float] | None:
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


def no_serious_fault(page: Page) -> None:
    """Axe finds nothing on the page that keeps people out."""
    found = Axe().run(page).response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    told = [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in serious]
    assert not told, told
