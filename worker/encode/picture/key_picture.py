"""The key picture: slices with outlines, figures and the answer, as an image.

PS3.3 A.8.1 (Secondary Capture Image IOD), C.8.6 (SC Equipment and SC Image). What every PACS
shows, and the picture of the worklist page.

No text of the patient is drawn: who it is stands in the header, where a PACS can correct it. So
Burned In Annotation (0028,0301) is NO: PS3.3 C.7.6.1 asks whether there is enough annotation in
the pixels to identify the patient.
"""

from __future__ import annotations

from copy import deepcopy

import numpy as np
from highdicom.sc import SCImage
from PIL import Image
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from radiology import codes
from radiology.image.key_picture import KEYWORD, panel_entry
from radiology.language import Language
from radiology.outcome import Outcome
from radiology.region import Region
from worker.encode.coded_concepts import coded
from worker.encode.derived_object import (
    DISCLAIMER,
    MARKED,
    EncodedKind,
    ResultContext,
    series_and_equipment,
    settle,
)
from worker.encode.picture.axial_stack import AxialStack
from worker.encode.picture.figures import FigureTable
from worker.encode.picture.lines import legend_lines, line_styles
from worker.encode.picture.pair import PAIR_PX, draw_pair
from worker.encode.picture.panels import Frame, draw_panel
from worker.encode.picture.statements import draw_reasons, draw_statements, statements_height
from worker.encode.picture.text import BACKGROUND, Legend, draw_answer, draw_disclaimer
from worker.encode.shown_reading import ShownReading

WIDTH_PX = 1024
_GAP_PX = 8
ANSWER_PX = 84
_LARGE_PX = (640, 484)
_SMALL_PX = (WIDTH_PX - 640 - 3 * _GAP_PX, 238)
_BELOW_PX = ((WIDTH_PX - 4 * _GAP_PX) // 3, 238)
PANELS_PX = _LARGE_PX[1] + _GAP_PX + _BELOW_PX[1]
LEGEND_PX = 34
_FIGURES_PX = (660, 268)  # width, and least height: statements may need more
_DISCLAIMER_PX = 74


def render_key_picture(shown: ShownReading, *, heat: bool = False) -> Image.Image:
    """Draw the key picture of a reading that can be shown, RGB, `WIDTH_PX` wide.

    With `heat` it also shows where a network looked, on the slices that have a heat map. Its
    `info` says where the key slice is (`radiology.image.key_picture`).
    """
    stack = AxialStack.of(shown)
    outlined = _outlined(shown, stack)
    table, legend = FigureTable.of(shown), _legend(shown, stack, outlined, heat=heat)
    statements = _statements_left(table)
    room = max(_FIGURES_PX[1], statements_height(shown, WIDTH_PX - statements), table.least_height)
    pair_px = 0 if shown.earlier is None else PAIR_PX[1] + _GAP_PX
    heights = [ANSWER_PX, PANELS_PX + pair_px, LEGEND_PX * len(legend.rows), room, _DISCLAIMER_PX]
    picture = Image.new("RGB", (WIDTH_PX, sum(heights)), BACKGROUND)
    answer, panels, below, figures, disclaimer = np.cumsum([0, *heights[:-1]]).tolist()
    draw_answer(picture, shown, (0, answer, WIDTH_PX, panels))
    _draw_panels(picture, stack, outlined, panels, heat=heat)
    if shown.earlier is not None:
        pair = draw_pair(shown, shown.earlier, stack, outlined)
        for left, panel in zip((_GAP_PX, WIDTH_PX - _GAP_PX - PAIR_PX[0]), pair, strict=True):
            picture.paste(panel, (left, panels + PANELS_PX + _GAP_PX))
    if shown.reading.outcome is Outcome.NOT_ASSESSABLE:
        draw_reasons(picture, shown, (0, below, WIDTH_PX, disclaimer))
    else:
        legend.draw(picture, (0, below, WIDTH_PX, figures))
        table.draw(picture, (0, figures, _FIGURES_PX[0], disclaimer))
        draw_statements(picture, shown, (statements, figures, WIDTH_PX, disclaimer))
    banner = (0, disclaimer, WIDTH_PX, picture.height)
    draw_disclaimer(
        picture, shown.algorithm, shown.software_version, banner, language=shown.language
    )
    return picture


def _statements_left(table: FigureTable) -> int:
    """Where the statements begin: beside a whole table, one of a single column, or none."""
    return round(table.share * _FIGURES_PX[0]) + (3 if table.share else 2) * _GAP_PX


def _outlined(shown: ShownReading, stack: AxialStack) -> tuple[Region, ...]:
    """The regions of the stack that may be outlined."""
    names = {one.name for one in shown.outlined}
    return tuple(one for one in (*stack.anatomy, *stack.findings) if one.name in names)


def _legend(
    shown: ShownReading, stack: AxialStack, outlined: tuple[Region, ...], *, heat: bool
) -> Legend:
    styles = line_styles((*stack.anatomy, *stack.findings))
    lines = legend_lines(outlined, styles)
    paired = shown.earlier is not None
    return Legend.of(lines, WIDTH_PX, heat=heat, paired=paired, language=shown.language)


def _draw_panels(
    picture: Image.Image,
    stack: AxialStack,
    outlined: tuple[Region, ...],
    top: int,
    *,
    heat: bool,
) -> None:
    """The key slice large on the left, others on its right and below, from head to feet."""
    frame = Frame.of(stack, outlined)
    large = draw_panel(stack, stack.key, frame, _LARGE_PX, outlined, heat=heat)
    picture.paste(large, (_GAP_PX, top))
    picture.info[KEYWORD] = panel_entry((_GAP_PX, top, _GAP_PX + large.width, top + large.height))
    for index, (left, down, size) in zip(stack.others, _places(), strict=False):
        panel = draw_panel(stack, index, frame, size, outlined, heat=heat)
        picture.paste(panel, (left, top + down))


def _places() -> list[tuple[int, int, tuple[int, int]]]:
    """Left, top and size of the panels beside the large one: two on its right, three below."""
    right, below = 2 * _GAP_PX + _LARGE_PX[0], _LARGE_PX[1] + _GAP_PX
    beside = [(right, 0, _SMALL_PX), (right, _LARGE_PX[1] - _SMALL_PX[1], _SMALL_PX)]
    step = _BELOW_PX[0] + _GAP_PX
    return beside + [(_GAP_PX + number * step, below, _BELOW_PX) for number in range(3)]


def encode_secondary_capture(
    context: ResultContext, picture: Image.Image, *, marked: bool = False
) -> Dataset:
    """Encode the key picture as an instance of the study.

    Parameters
    ----------
    picture : as `render_key_picture` drew it, RGB
    marked : whether its series sorts to the top of the study, and says that it is urgent
    """
    variant = (MARKED,) if marked else ()
    arguments = series_and_equipment(context, EncodedKind.SC, *variant)
    if context.language is not Language.ENGLISH:
        # Another picture than that of a site that later changes its language.
        arguments["sop_instance_uid"] = context.uid(
            "instance", EncodedKind.SC, *variant, context.language
        )
    image = SCImage(
        pixel_array=np.asarray(picture, dtype=np.uint8),
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=("L", "P"),
        study_instance_uid=context.source.study_instance_uid,
        transfer_syntax_uid=ExplicitVRLittleEndian,
        **arguments,
    )
    image.ConversionType = "WSD"  # PS3.3 C.8.6.1: Workstation
    image.DateOfSecondaryCapture = arguments["content_date"]
    image.TimeOfSecondaryCapture = arguments["content_time"]
    body_part = context.reading.report.body_part or context.source.body_part
    if body_part:
        image.BodyPartExamined = body_part
    image.BurnedInAnnotation = "NO"
    image.RecognizableVisualFeatures = "NO"
    image.DerivationDescription = DISCLAIMER
    image.ImageComments = DISCLAIMER
    image.LossyImageCompression = "00"
    for element in context.source.lossy:
        image.add(deepcopy(element))
    image.SourceImageSequence = [_key_image(context)]
    return settle(image, context)


def _key_image(context: ResultContext) -> Dataset:
    """The source of the large panel (PS3.3 C.7.6.1.1.4)."""
    source_slice = context.source.slices[context.masks.key_slice]
    item = Dataset()
    item.ReferencedSOPClassUID = source_slice.sop_class_uid
    item.ReferencedSOPInstanceUID = source_slice.sop_instance_uid
    if source_slice.frame_number is not None:
        item.ReferencedFrameNumber = source_slice.frame_number
    item.PurposeOfReferenceCodeSequence = [coded(codes.SOURCE_IMAGE)]
    return item
