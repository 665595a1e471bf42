"""Summary: the key picture, the figures and the report in words, for a person without a viewer.

PS3.3 A.45.1 (Encapsulated PDF IOD), C.24.1 (Encapsulated Document Series), C.24.2 (Encapsulated
Document). As in the key picture, no text of the patient is on the page: who it is stands in the
header, where a PACS can correct it.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

from highdicom.base import SOPClass
from PIL import Image
from pydicom import Dataset
from pydicom.uid import EncapsulatedPDFStorage, ExplicitVRLittleEndian
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader, simpleSplit
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from radiology import codes
from radiology.answer.table import Table
from radiology.outcome import Outcome
from worker.encode.coded_concepts import coded, plain_text
from worker.encode.derived_object import (
    EncodedKind,
    ResultContext,
    series_and_equipment,
    settle,
)
from worker.encode.picture.figures import cell_text, shown_table
from worker.encode.report.text import report_lines

_MARGIN = 36.0  # points of 1/72 inch, as all lengths here
_FONT, _BOLD, _SIZE, _LEADING = "Helvetica", "Helvetica-Bold", 9.5, 13.0
_BETWEEN = 3.0  # statements
_TITLES = 165.0  # of rows; the columns divide what is left
_INDENT = 8.0
_GAP = 4.0  # between the heads of two columns


def encode_summary(context: ResultContext, picture: Image.Image) -> Dataset:
    """Encode the summary of a reading as an instance of the study.

    Parameters
    ----------
    picture : as `render_key_picture` drew it, RGB
    """
    arguments = series_and_equipment(context, EncodedKind.PDF)
    content_date, content_time = arguments.pop("content_date"), arguments.pop("content_time")
    made = SOPClass(
        study_instance_uid=context.source.study_instance_uid,
        sop_class_uid=EncapsulatedPDFStorage,
        modality="DOC",
        transfer_syntax_uid=ExplicitVRLittleEndian,
        **arguments,
    )
    pages = summary_pages(context, picture)
    made.ContentDate, made.ContentTime, made.AcquisitionDateTime = content_date, content_time, ""
    made.ConversionType = "WSD"  # PS3.3 C.8.6.1: Workstation
    made.BurnedInAnnotation = "NO"
    made.RecognizableVisualFeatures = "NO"
    made.DocumentTitle = title_of(context)
    made.ConceptNameCodeSequence = [coded(codes.IMAGING_MEASUREMENT_REPORT)]
    made.SourceInstanceSequence = [
        _reference(instance.sop_class_uid, instance.sop_instance_uid)
        for instance in context.source.instances
    ]
    made.MIMETypeOfEncapsulatedDocument = "application/pdf"
    made.EncapsulatedDocument = pages + b"\0" * (len(pages) % 2)
    made.EncapsulatedDocumentLength = len(pages)  # without the byte that makes it even
    return settle(made, context)


def title_of(context: ResultContext) -> str:
    """What the document is called."""
    return f"Firstread: AI summary of {context.reading.report.title}"


def _reference(sop_class_uid: str, sop_instance_uid: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class_uid, sop_instance_uid
    return item


def summary_pages(context: ResultContext, picture: Image.Image) -> bytes:
    """The key picture on a page of A4, and on the next the figures and what the report says.

    The same reading gives the same bytes: no date, no random identifier.
    """
    written = BytesIO()
    canvas = Canvas(written, pagesize=A4, invariant=1)
    canvas.setTitle(title_of(context))
    canvas.setAuthor(plain_text(f"{context.algorithm.label}, Firstread {context.software_version}"))
    _draw_picture(canvas, picture)
    top = _next_page(canvas)
    if context.reading.outcome is not Outcome.NOT_ASSESSABLE:
        top = _draw_table(canvas, top, shown_table(context.reading)) - 0.5 * _LEADING
    for _, text in report_lines(context):
        top = _draw_text(canvas, top, text)
    canvas.showPage()
    canvas.save()
    return written.getvalue()


def _draw_picture(canvas: Canvas, picture: Image.Image) -> None:
    """As large as the page lets it be, at the top."""
    width, height = A4[0] - 2 * _MARGIN, A4[1] - 2 * _MARGIN
    scale = min(width / picture.width, height / picture.height)
    drawn = (scale * picture.width, scale * picture.height)
    canvas.drawImage(ImageReader(picture), _MARGIN, A4[1] - _MARGIN - drawn[1], *drawn)


def _next_page(canvas: Canvas) -> float:
    """Begin a page; returns where its first line stands."""
    canvas.showPage()
    height: float = A4[1]
    return height - _MARGIN - _LEADING


def _draw_text(canvas: Canvas, top: float, text: str) -> float:
    """Write a statement, on as many lines as it takes; returns where the next one stands."""
    lines = simpleSplit(plain_text(text), _FONT, _SIZE, A4[0] - 2 * _MARGIN)
    if top - len(lines) * _LEADING < _MARGIN:
        top = _next_page(canvas)
    canvas.setFont(_FONT, _SIZE)
    for line in lines:
        canvas.drawString(_MARGIN, top, line)
        top -= _LEADING
    return top - _BETWEEN


def _draw_table(canvas: Canvas, top: float, table: Table) -> float:
    """Write a row for each organ, part or lesion; returns where the next line stands."""
    if not table.rows:
        return top
    step = min((A4[0] - 2 * _MARGIN - _TITLES) / len(table.columns), 90.0)
    heads = [[plain_text(one.title) for one in table.columns], [one.unit for one in table.columns]]
    canvas.setFont(_BOLD, _size_for(heads[0], step - _GAP))
    for values in heads:
        for number, head in enumerate(values, start=1):
            canvas.drawRightString(_MARGIN + _TITLES + number * step, top, head)
        top -= _LEADING
    canvas.setFont(_FONT, _SIZE)
    for row in table.rows:
        if top < _MARGIN:
            top = _next_page(canvas)
            canvas.setFont(_FONT, _SIZE)
        indent = _INDENT if row.is_part else 0.0
        canvas.drawString(_MARGIN + indent, top, _cut(row.title, _FONT, _TITLES - indent))
        for number, (value, column) in enumerate(
            zip(row.cells, table.columns, strict=True), start=1
        ):
            right = _MARGIN + _TITLES + number * step
            canvas.drawRightString(right, top, cell_text(value, column))
        top -= _LEADING
    return top


def _size_for(heads: Sequence[str], width: float) -> float:
    """The size of letters in which the widest head of a column fits into it, in points."""
    widest = max(stringWidth(head, _BOLD, _SIZE) for head in heads)
    return _SIZE if widest <= width else _SIZE * width / widest


def _cut(text: str, letters: str, width: float) -> str:
    """A text, shortened if it is wider than the room for it."""
    text = plain_text(text)
    while len(text) > 1 and stringWidth(text, letters, _SIZE) > width:
        text = text[:-1]
    return text
