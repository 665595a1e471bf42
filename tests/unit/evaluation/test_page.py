"""A report stands alone, says in words what its pictures show, and repeats nothing as HTML."""

from __future__ import annotations

import re
from base64 import b64decode
from html.parser import HTMLParser
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from evaluation.report.kinds import (
    NamedAgreement,
    ShownSlice,
    classification_page,
    segmentation_page,
)
from evaluation.report.overlay import BOTH_COLOUR, FOUND_COLOUR, REFERENCE_COLOUR, overlay
from evaluation.report.page import Page, render_page
from evaluation.report.studies import ShownStudy, studies_page
from evaluation.statistics.classification import score_classification
from evaluation.statistics.mask_scores import score_masks
from evaluation.statistics.masks import agreement
from evaluation.statistics.study_scores import StudyEvidence, score_studies
from evaluation.statistics.subgroups import compare_classification

_HOSTILE = '<script>alert("x")</script>.png'
_FACTS = [("Bundle", "test 1.0.0")]


def _classification() -> Page:
    random = np.random.default_rng(0)
    truth = random.random(60) < 0.5
    probability = np.clip(0.5 + 0.3 * (truth - 0.5) + random.normal(0, 0.2, 60), 0, 1)
    names = [_HOSTILE, *(f"{number}.png" for number in range(59))]
    groups = compare_classification(truth, probability, 0.5, {"sex": ["F", "M"] * 30})
    scores = score_classification(truth, probability, 0.5)
    return classification_page(_FACTS, scores, truth, probability, names, groups)


def _segmentation() -> Page:
    one, other = np.zeros((2, 40, 40), dtype=bool)
    one[5:20, 5:20], other[8:22, 5:20] = True, True
    each = agreement(one, other)
    shown = ShownSlice(_HOSTILE, np.zeros((40, 40), np.uint8), one, other, each.dice)
    scores = score_masks([each, each])
    named = [NamedAgreement(_HOSTILE, each, 14.0), NamedAgreement("2", each, 0.0)]
    return segmentation_page(_FACTS, scores, named, [shown], "mm", scores)


def _studies() -> Page:
    truth = np.arange(20) > 8
    evidence = StudyEvidence(
        "P1", truth, truth + np.arange(20) / 9, {"left upper lobe": True}, {"left upper lobe": 2.0},
        infected=True, suspected=True,
    )  # fmt: skip
    shown = [
        ShownStudy("P1", evidence, "findings, urgent", 0.9, 12.5),
        ShownStudy(_HOSTILE, None, "NoSuitableSeries", None, None),
    ]
    return studies_page(_FACTS, score_studies([evidence]), shown)


class _Reader(HTMLParser):
    """Collects what a page loads, and what its pictures and tables are called."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.unnamed: list[str] = []
        self.tables = self.captions = self.headings = 0
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.add(tag)
        self.addresses += [str(values[key]) for key in ("src", "href") if key in values]
        if tag == "img" and not values.get("alt"):
            self.unnamed.append(str(values.get("src"))[:40])
        self.tables += tag == "table"
        self.captions += tag == "caption"
        self.headings += tag == "th" and values.get("scope") == "col"


@pytest.mark.parametrize("page", [_classification(), _segmentation(), _studies()])
def test_a_page_stands_alone_and_can_be_read_without_eyes(page: Page) -> None:
    written = render_page(page)
    reader = _Reader()
    reader.feed(written)
    assert reader.addresses
    assert all(address.startswith("data:image/") for address in reader.addresses)
    assert not reader.unnamed
    assert reader.tables == reader.captions >= 2
    assert reader.headings >= 2 * reader.tables
    assert "script" not in reader.tags
    assert "&lt;script&gt;" in written
    assert not re.search(r"https?://", re.sub(r"data:image/[^\"]+", "", written))


def test_the_same_figures_give_the_same_page() -> None:
    assert render_page(_classification()) == render_page(_classification())


def test_figures_that_are_not_defined_are_a_dash() -> None:
    truth = np.zeros(6, dtype=bool)
    probability = np.linspace(0, 0.4, 6)
    scores = score_classification(truth, probability, 0.5)
    page = classification_page(_FACTS, scores, truth, probability, list("abcdef"))
    written = render_page(page)
    assert "Sensitivity (recall)</th><td>–</td><td>–</td><td></td><td>0</td>" in written
    assert "nan" not in written.lower().replace("nanum", "")


def test_outlines_tell_what_was_found_from_the_reference() -> None:
    found, reference = np.zeros((2, 400, 400), dtype=bool)
    found[50:200, 50:200], reference[50:200, 100:300] = True, True
    address = overlay(np.full((400, 400), 90, np.uint8), found, reference)
    picture = np.asarray(Image.open(BytesIO(b64decode(address.split(",")[1]))).convert("RGB"))
    assert tuple(picture[120, 50]) == FOUND_COLOUR
    assert tuple(picture[120, 299]) == REFERENCE_COLOUR
    assert tuple(picture[50, 150]) == BOTH_COLOUR
    assert tuple(picture[300, 300]) == (90, 90, 90)
