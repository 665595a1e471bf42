"""The picture of a single slice: outlines on the left, where the classifier looked on the right.

Drawn like the key picture of a study (`worker.encode.picture.key_picture`). There are no letters
for the patient's sides and no scale: a picture of unknown origin does not state them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PIL import Image, ImageDraw

from chest.answer.make import LUNG_WINDOW_HU
from chest.answer.regions import drawn_regions
from chest.case_level import viral_type
from chest.read_slice import SliceReading
from chest.values.case_answer import PneumoniaType, SignAnswer
from chest.values.regions import ChestRegions
from models.bundle import Bundle
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
_HEADLINE_PX, _LEGEND_PX, _SIGNS_PX, _BANNER_PX = 84, 34, 66, 74
_PANEL_PX = (WIDTH_PX - 3 * _GAP_PX) // 2
_LOWEST_PANEL_PX, _HIGHEST_PANEL_PX = 240, 640
_DARK, _WHITE, _SLATE = (0, 0, 0), (255, 255, 255), (74, 88, 108)
_MEASURED: Badge = ("MEASURED", _SLATE, _WHITE)
_BADGES: Mapping[PneumoniaType, Badge] = {
    PneumoniaType.VIRAL_SUSPECTED: ("SUSPECTED", (230, 159, 0), _DARK),
    PneumoniaType.UNDETERMINED: ("UNDETERMINED", (204, 121, 167), _DARK),
    PneumoniaType.NOT_SUSPECTED: ("NOT SUSPECTED", _SLATE, _WHITE),
}


def render_slice_picture(
    shown: Volume,
    reading: SliceReading,
    signs: tuple[SignAnswer, ...],
    bundle: Bundle,
    software_version: str,
) -> Image.Image:
    """Draw the picture of one slice, RGB, as wide as a key picture.

    Parameters
    ----------
    shown : one slice on canonical axes
    reading : its masks have the shape of the slice; where there is no lung nothing is outlined
    """
    stack = _stack(shown, reading)
    _, rows, columns = shown.shape
    row_mm, column_mm = stack.row_and_column_mm
    frame = Frame((rows / 2, columns / 2), columns * column_mm, rows * row_mm)
    ratio = frame.height_mm / frame.width_mm
    size = (_PANEL_PX, int(np.clip(_PANEL_PX * ratio, _LOWEST_PANEL_PX, _HIGHEST_PANEL_PX)))
    assessable = bool(reading.lungs.any())
    outlined = (*stack.anatomy, *stack.findings) if assessable else ()
    heat = assessable and bool(stack.heat_maps)
    heights = [_HEADLINE_PX, size[1], _LEGEND_PX, _SIGNS_PX if signs else 0, _BANNER_PX]
    panels, legend, below, banner, bottom = np.cumsum(heights).tolist()
    picture = Image.new("RGB", (WIDTH_PX, bottom), BACKGROUND)
    answer, details, badge = _headline(reading, bundle)
    draw_headline(picture, answer, details, badge, (0, 0, WIDTH_PX, panels))
    drawn = draw_panel(stack, 0, frame, size, outlined, lettered=False)
    beside = draw_panel(stack, 0, frame, size, (), heat=heat, lettered=False)
    picture.paste(drawn, (_GAP_PX, panels))
    picture.paste(beside, (2 * _GAP_PX + _PANEL_PX, panels))
    lines = legend_lines(outlined, line_styles(outlined))
    listed = Legend.of(lines, WIDTH_PX, heat=heat, paired=False, language=Language.ENGLISH)
    listed.draw(picture, (0, legend, WIDTH_PX, below))
    _draw_signs(picture, signs, (below, banner))
    draw_disclaimer(picture, bundle.algorithm, software_version, (0, banner, WIDTH_PX, bottom))
    return picture


def slice_type(reading: SliceReading, bundle: Bundle) -> PneumoniaType | None:
    """Whether a slice shows the viral pattern; None without a classifier, and without lungs."""
    if reading.viral is None or bundle.case.viral is None or not reading.lungs.any():
        return None
    return viral_type(reading.viral, reading.spread, bundle.case.viral)


def _stack(shown: Volume, reading: SliceReading) -> AxialStack:
    _, rows, columns = shown.shape
    heat_maps = {}
    if reading.heat is not None:
        levels = np.rint(255.0 * np.clip(reading.heat, 0.0, 1.0)).astype(np.uint8)
        heat_maps[0] = HeatMap(levels, 0.0, 0.0, float(rows), float(columns))
    drawn = drawn_regions(ChestRegions(reading.lungs[None], reading.lesions[None]))
    return AxialStack(
        volume=shown,
        anatomy=tuple(one for one in drawn if not one.is_finding),
        findings=tuple(one for one in drawn if one.is_finding),
        names=("",),
        key=0,
        others=(),
        heat_maps=heat_maps,
        window_hu=LUNG_WINDOW_HU,
    )


def _headline(reading: SliceReading, bundle: Bundle) -> tuple[str, str, Badge]:
    if not reading.lungs.any():
        return "No answer for this slice", "No lungs were found", NOT_ASSESSABLE
    lesions = f"Lesions cover {reading.lesion_share_percent:.1f} % of the lung"
    found, limits = slice_type(reading, bundle), bundle.case.viral
    if found is None or limits is None:
        return lesions, "This bundle has no classifier", _MEASURED
    words = "viral pattern undetermined" if found is PneumoniaType.UNDETERMINED else found.words
    between = f"undetermined from {limits.low:.2f} to {limits.high:.2f}"
    details = f"Probability {reading.viral:.2f}, {between}  |  {lesions}"
    return words.capitalize(), details, _BADGES[found]


def _draw_signs(picture: Image.Image, signs: tuple[SignAnswer, ...], rows: tuple[int, int]) -> None:
    """The probability of each sign; those that are said to be there in bold."""
    pen, (top, bottom) = ImageDraw.Draw(picture), rows
    step = (WIDTH_PX - 2 * MARGIN) / max(len(signs), 1)
    for number, one in enumerate(signs):
        left = MARGIN + number * step
        name = one.sign.words.removeprefix("interlobular ")  # as much as a column has room for
        pen.text((left, top + 18), name, fill=QUIET, font=font(16), anchor="lm")
        value, place = f"{one.probability:.2f}", (left, bottom - 20)
        if one.present:
            bold(pen, place, f"{value}  present", 20, TEXT, "lm")
        else:
            pen.text(place, value, fill=TEXT, font=font(20), anchor="lm")
