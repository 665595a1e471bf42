"""Summary: the key picture and the figures on a page, for a PACS or a person without a viewer.

PS3.3 A.45.1 (Encapsulated PDF IOD), C.24.1 (Encapsulated Document Series), C.24.2 (Encapsulated
Document). As in the key picture, no text of the patient is on the page: who it is stands in the
header, where a PACS can correct it.
"""

from __future__ import annotations

from io import BytesIO

from highdicom.base import SOPClass
from PIL import Image
from pydicom import Dataset
from pydicom.uid import EncapsulatedPDFStorage, ExplicitVRLittleEndian
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from radiology import codes
from radiology.finding import Outcome, Side
from worker.encode.coded_concepts import coded, plain_text
from worker.encode.derived_object import (
    ObjectKind,
    ResultContext,
    series_and_equipment,
    settle,
)
from worker.encode.measurement_report import comment_lines

TITLE = "Firstread: AI summary of chest CT"
_MARGIN = 36.0  # points of 1/72 inch, as all lengths here
_FONT, _BOLD, _SIZE, _LEADING = "Helvetica", "Helvetica-Bold", 9.5, 13.0
_COLUMNS = (0.0, 150.0, 225.0, 300.0, 370.0)
_SIDES = {Side.TOTAL: "Both lungs", Side.RIGHT: "Right lung", Side.LEFT: "Left lung"}


def encode_summary(context: ResultContext, picture: Image.Image) -> Dataset:
    """Encode the summary of a reading as an instance of the study.

    Parameters
    ----------
    picture : as `render_key_picture` drew it, RGB
    """
    arguments = series_and_equipment(context, ObjectKind.PDF)
    content_date, content_time = arguments.pop("content_date"), arguments.pop("content_time")
    made = SOPClass(
        study_instance_uid=context.source.study_instance_uid,
        sop_class_uid=EncapsulatedPDFStorage,
        modality="DOC",
        transfer_syntax_uid=ExplicitVRLittleEndian,
        **arguments,
    )
    page = summary_page(context, picture)
    made.ContentDate, made.ContentTime, made.AcquisitionDateTime = content_date, content_time, ""
    made.ConversionType = "WSD"  # PS3.3 C.8.6.1: Workstation
    made.BurnedInAnnotation = "NO"
    made.RecognizableVisualFeatures = "NO"
    made.DocumentTitle = TITLE
    made.ConceptNameCodeSequence = [coded(codes.IMAGING_MEASUREMENT_REPORT)]
    made.SourceInstanceSequence = [
        _reference(one.sop_class_uid, one.sop_instance_uid) for one in context.source.instances
    ]
    made.MIMETypeOfEncapsulatedDocument = "application/pdf"
    made.EncapsulatedDocument = page + b"\0" * (len(page) % 2)
    made.EncapsulatedDocumentLength = len(page)  # without the byte that makes it even
    return settle(made, context)


def _reference(sop_class_uid: str, sop_instance_uid: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class_uid, sop_instance_uid
    return item


def summary_page(context: ResultContext, picture: Image.Image) -> bytes:
    """One page of A4: the key picture and below it the answer and the figures as text.

    The same reading gives the same bytes: no date, no random identifier.
    """
    written = BytesIO()
    canvas = Canvas(written, pagesize=A4, invariant=1)
    canvas.setTitle(TITLE)
    canvas.setAuthor(plain_text(f"{context.algorithm.label}, Firstread {context.software_version}"))
    width = A4[0] - 2 * _MARGIN
    height = width * picture.height / picture.width
    top = A4[1] - _MARGIN - height
    canvas.drawImage(ImageReader(picture), _MARGIN, top, width, height)
    top = _draw_lines(canvas, top - 1.5 * _LEADING, [*comment_lines(context), *_answer(context)])
    if context.reading.outcome is not Outcome.NOT_ASSESSABLE:
        _draw_table(canvas, top - 0.5 * _LEADING, context)
    _draw_lines(canvas, _MARGIN + _LEADING, _footer(context))
    canvas.showPage()
    canvas.save()
    return written.getvalue()


def _answer(context: ResultContext) -> list[str]:
    reading = context.reading
    if reading.suspicion is None:
        return []
    return [
        f"Probability of pneumonia: {100 * reading.suspicion:.1f} % "
        f"(threshold {100 * reading.suspicion_threshold:.1f} %)"
    ]


def _footer(context: ResultContext) -> list[str]:
    return [
        f"{context.algorithm.label}, Firstread {context.software_version}",
        f"sha256 {context.algorithm.bundle_digest}",
    ]


def _draw_lines(canvas: Canvas, top: float, lines: list[str]) -> float:
    """Draw lines from `top` down; returns where the next one would stand."""
    canvas.setFont(_FONT, _SIZE)
    for line in lines:
        canvas.drawString(_MARGIN, top, plain_text(line))
        top -= _LEADING
    return top


def _draw_table(canvas: Canvas, top: float, context: ResultContext) -> None:
    head = ("", "Volume", "Lesions", "Share", "Mean attenuation of lesions")
    rows = [
        (
            name,
            f"{figures.lung_volume_ml:.0f} ml",
            f"{figures.lesion_volume_ml:.1f} ml",
            f"{figures.lesion_share_percent:.1f} %",
            "-" if figures.lesion_mean_hu is None else f"{figures.lesion_mean_hu:.0f} HU",
        )
        for side, name in _SIDES.items()
        if (figures := context.reading.figures.get(side)) is not None
    ]
    rows += [
        (
            one.territory.value.capitalize(),
            f"{one.volume_ml:.0f} ml",
            f"{one.lesion_volume_ml:.1f} ml",
            f"{one.lesion_share_percent:.1f} %",
            "-" if one.lesion_mean_hu is None else f"{one.lesion_mean_hu:.0f} HU",
        )
        for one in context.reading.territories
    ]
    for number, row in enumerate((head, *rows)):
        canvas.setFont(_FONT if number else _BOLD, _SIZE)
        for left, text in zip(_COLUMNS, row, strict=True):
            canvas.drawString(_MARGIN + left, top - number * _LEADING, text)
