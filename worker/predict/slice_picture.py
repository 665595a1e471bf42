"""The picture of a single slice: outlines on the left, where the classifier looked on the right.

Drawn like the key picture of a study (`worker.encode.picture.key_picture`). There are no letters
for the patient's sides and no scale: a picture of unknown origin does not state them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PIL import Image, ImageDraw

from models.readers.slice_reader import SliceRead, SliceVerdict
from radiology.algorithm import AlgorithmIdentity
from radiology.answer.slice_in_words import NamedProbability
from radiology.image.heat_map import HeatMap
from radiology.image.volume import Volume
from radiology.language import Language
from worker.encode.picture.axial_stack import AxialStack
from worker.encode.picture.key_picture import WIDTH_PX
from worker.encode.picture.lettering import font
from worker.encode.picture.lines import legend_lines, line_styles
from worker.encode.picture.panels import Frame, draw_panel
from worker.encode.picture.text import (
    BACKGROUND,
    MARGIN,
    NOT_ASSESSABLE,
    QUIET,
    TEXT,
    Badge,
    Legend,
    bold,
    draw_disclaimer,
    draw_headline,
)

_GAP_PX = 8
_HEADLINE_PX, _LEGEND_PX, _LINES_PX, _BANNER_PX = 84, 34, 66, 74
_PANEL_PX = (WIDTH_PX - 3 * _GAP_PX) // 2
_LOWEST_PANEL_PX, _HIGHEST_PANEL_PX = 240, 640
_DARK, _WHITE, _SLATE = (0, 0, 0), (255, 255, 255), (74, 88, 108)
_BADGES: Mapping[SliceVerdict, Badge] = {
    SliceVerdict.NOT_ASSESSABLE: NOT_ASSESSABLE,
    SliceVerdict.MEASURED: ("MEASURED", _SLATE, _WHITE),
    SliceVerdict.SUSPECTED: ("SUSPECTED", (230, 159, 0), _DARK),
    SliceVerdict.UNDETERMINED: ("UNDETERMINED", (204, 121, 167), _DARK),
    SliceVerdict.NOT_SUSPECTED: ("NOT SUSPECTED", _SLATE, _WHITE),
}


def render_slice_picture(
    shown: Volume, read: SliceRead, algorithm: AlgorithmIdentity, *, software_version: str
) -> Image.Image:
    """Draw the picture of one slice, RGB, as wide as a key picture.

    Parameters
    ----------
    shown : one slice on canonical axes
    read : its regions have the shape of `shown`; nothing is outlined where it is not assessable
    algorithm : that read it
    """
    stack = _stack(shown, read)
    _, rows, columns = shown.shape
    row_mm, column_mm = stack.row_and_column_mm
    frame = Frame((rows / 2, columns / 2), columns * column_mm, rows * row_mm)
    ratio = frame.height_mm / frame.width_mm
    size = (_PANEL_PX, int(np.clip(_PANEL_PX * ratio, _LOWEST_PANEL_PX, _HIGHEST_PANEL_PX)))
    outlined = (*stack.anatomy, *stack.findings) if read.assessable else ()
    heat = read.assessable and bool(stack.heat_maps)
    heights = [_HEADLINE_PX, size[1], _LEGEND_PX, _LINES_PX if read.lines else 0, _BANNER_PX]
    panels, legend, below, banner, bottom = np.cumsum(heights).tolist()
    picture = Image.new("RGB", (WIDTH_PX, bottom), BACKGROUND)
    headline = (0, 0, WIDTH_PX, panels)
    draw_headline(picture, read.headline, read.details, _BADGES[read.verdict], headline)
    drawn = draw_panel(stack, 0, frame, size, outlined, lettered=False)
    beside = draw_panel(stack, 0, frame, size, (), heat=heat, lettered=False)
    picture.paste(drawn, (_GAP_PX, panels))
    picture.paste(beside, (2 * _GAP_PX + _PANEL_PX, panels))
    lines = legend_lines(outlined, line_styles(outlined))
    listed = Legend.of(lines, WIDTH_PX, heat=heat, paired=False, language=Language.ENGLISH)
    listed.draw(picture, (0, legend, WIDTH_PX, below))
    _draw_lines(picture, read.lines, (below, banner))
    draw_disclaimer(picture, algorithm, software_version, (0, banner, WIDTH_PX, bottom))
    return picture


def _stack(shown: Volume, read: SliceRead) -> AxialStack:
    _, rows, columns = shown.shape
    heat_maps = {}
    if read.heat is not None:
        levels = np.rint(255.0 * np.clip(read.heat, 0.0, 1.0)).astype(np.uint8)
        heat_maps[0] = HeatMap(levels, 0.0, 0.0, float(rows), float(columns))
    return AxialStack(
        volume=shown,
        anatomy=tuple(one for one in read.regions if not one.is_finding),
        findings=tuple(one for one in read.regions if one.is_finding),
        possible=(),
        names=("",),
        key=0,
        others=(),
        heat_maps=heat_maps,
        window_hu=read.window_hu,
    )


def _draw_lines(
    picture: Image.Image, lines: tuple[NamedProbability, ...], rows: tuple[int, int]
) -> None:
    """The probability of each line; those that are said to be there in bold."""
    pen, (top, bottom) = ImageDraw.Draw(picture), rows
    step = (WIDTH_PX - 2 * MARGIN) / max(len(lines), 1)
    for number, line in enumerate(lines):
        left = MARGIN + number * step
        pen.text((left, top + 18), line.words, fill=QUIET, font=font(16), anchor="lm")
        value, place = f"{line.probability:.2f}", (left, bottom - 20)
        if line.present:
            bold(pen, place, f"{value}  present", 20, TEXT, "lm")
        else:
            pen.text(place, value, fill=TEXT, font=font(20), anchor="lm")
