"""The encapsulated PDF: a page that says the answer, in a valid object, the same each time."""

from __future__ import annotations

import re
import zlib
from base64 import a85decode
from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom import Dataset

from tests.peers.dicom.dicom3tools import ConformanceReport
from tests.unit.worker.encode.encoded_chest import (
    KINDS,
    Chest,
    ChestContext,
    result_context,
)
from tests.unit.worker.encode.test_encode_segments import with_lobes
from worker.encode import render_key_picture
from worker.encode.report.summary_document import encode_summary

Checker = Callable[[Path | Dataset], ConformanceReport]


def summary_of(context: ChestContext) -> Dataset:
    return encode_summary(context, render_key_picture(context))


def page_of(made: Dataset) -> bytes:
    page: bytes = made.EncapsulatedDocument[: made.EncapsulatedDocumentLength]
    return page


def text_of(page: bytes) -> str:
    """The strings that the page draws, in order; PDF 1.7 (ISO 32000-1) Sections 7.4 and 9.4.3."""
    drawn = []
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", page, re.DOTALL):
        try:
            content = zlib.decompress(a85decode(stream.strip(), adobe=not stream.startswith(b"<~")))
        except (ValueError, zlib.error):
            continue
        drawn += re.findall(rb"\(((?:[^()\\]|\\.)*)\) Tj", content)
    return "\n".join(re.sub(rb"\\(.)", rb"\1", one).decode("latin-1") for one in drawn)


@pytest.mark.parametrize("enhanced", [False, True], ids=["CT", "Enhanced CT"])
@pytest.mark.parametrize("kind", KINDS)
def test_dciodvfy_finds_nothing(kind: str, enhanced: bool, dciodvfy: Checker) -> None:
    """The object keeps to the Encapsulated PDF IOD (PS3.3 A.45.1)."""
    report = dciodvfy(summary_of(result_context(kind, Chest(enhanced=enhanced))))
    assert (report.errors, report.warnings) == ((), ())


def test_the_page_is_a_pdf_of_its_stated_length_and_the_same_each_time() -> None:
    """No date and no random identifier: sent twice, PACS has the same instance."""
    once, again = summary_of(result_context()), summary_of(result_context())
    page = page_of(once)
    assert page.startswith(b"%PDF-")
    assert page.rstrip().endswith(b"%%EOF")
    assert len(once.EncapsulatedDocument) % 2 == 0
    assert once == again


def test_the_page_says_the_answer_and_the_figures() -> None:
    """As text, which can be searched and read aloud, under the picture."""
    context = with_lobes(result_context())
    said = text_of(page_of(summary_of(context)))
    assert "AI result - not for primary diagnosis" in said
    assert "Urgency: urgent" in said
    assert "probability 93.4 %, threshold 50.0 %" in said.replace("\n", " ")
    assert "Right lung" in said
    assert context.algorithm.bundle_digest in said


def test_every_column_has_its_whole_head() -> None:
    """A head that is cut off can be read as another one."""
    context = with_lobes(result_context())
    said = text_of(page_of(summary_of(context))).splitlines()
    heads = [column.title for column in context.reading.table.columns]
    assert "Consolidation" in heads
    assert said[said.index(heads[0]) :][: len(heads)] == heads


def test_a_page_that_is_not_assessable_shows_no_figure() -> None:
    """It says so, and why; figures beside it would be read."""
    said = text_of(page_of(summary_of(result_context("not assessable"))))
    assert "NOT ASSESSABLE" in said
    assert "A slice is missing in the middle of the lungs" in said
    assert " ml" not in said


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_of_the_patient_is_on_the_page(kind: str) -> None:
    """Who it is stands in the header, where a PACS can correct it."""
    made = summary_of(result_context(kind))
    page = page_of(made)
    for secret in ("Jürgen", "J\xfcrgen", "P-17", "19600102", "1960", "A-1"):
        assert secret not in text_of(page)
    assert made.BurnedInAnnotation == "NO"
    assert made.PatientID == "P-17"
