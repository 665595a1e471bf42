"""Draws the earlier CT, registered with the key slice, beside the key slice.

Of an earlier study blocks of about 3 mm are kept (`chest.values.chest_map`), so its panel is
coarse, and says so.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from radiology.earlier import EarlierImages
from radiology.region import Region
from worker.encode.outline import outlines
from worker.encode.picture.axial_stack import AxialStack
from worker.encode.picture.lettering import Colour
from worker.encode.picture.lines import LineStyle
from worker.encode.picture.panels import (
    FINE,
    OVERSAMPLING,
    Frame,
    Placement,
    draw_outline,
    draw_panel,
    orient,
    windowed,
    write,
)
from worker.encode.picture.wording import worded
from worker.encode.shown_reading import ShownReading

PAIR_PX = (500, 300)
"""Width and height of each of the two panels."""

# Of the palette of Okabe and Ito, seldom a finding's: blocks do not tell the classes apart.
LESIONS_THEN: Colour = (204, 121, 167)
THEN_STYLE = LineStyle(LESIONS_THEN, 2, 0, 0)
_MOST_OF_A_BLOCK = 0.5
_SAMPLED_MM = 3.0  # about as fine as an earlier chest is kept


def draw_pair(
    shown: ShownReading,
    earlier: EarlierImages,
    stack: AxialStack,
    outlined: tuple[Region, ...],
) -> tuple[Image.Image, Image.Image]:
    """Draw both panels: the earlier one with its lesions, and the key slice with today's."""
    frame = Frame.of(stack, outlined)
    then = _draw_earlier(stack, earlier, frame)
    now = draw_panel(stack, stack.key, frame, PAIR_PX, outlined)
    _describe(then, shown, earlier)
    language = shown.language
    write(ImageDraw.Draw(now), (now.width - 8, 8), worded("Now", language), 15, "rt", language)
    return then, now


def _draw_earlier(stack: AxialStack, earlier: EarlierImages, frame: Frame) -> Image.Image:
    """What lay on the plane of the key slice, sampled as finely as it was kept."""
    large = (PAIR_PX[0] * OVERSAMPLING, PAIR_PX[1] * OVERSAMPLING)
    row_mm, column_mm = stack.row_and_column_mm
    steps = (max(1, round(_SAMPLED_MM / row_mm)), max(1, round(_SAMPLED_MM / column_mm)))
    rows, columns = (
        np.arange(size // step) * step + (step - 1) / 2
        for size, step in zip(stack.volume.shape[1:], steps, strict=True)
    )
    places = np.stack(np.broadcast_arrays(stack.key, rows[:, None], columns), axis=-1)
    shape = (len(rows), len(columns))
    hounsfield, lesions = earlier.seen_from(stack.volume.positions_mm(places.reshape(-1, 3)))
    placement = Placement.fitted(stack, frame, large).coarser(steps)
    panel = (
        Image.fromarray(windowed(hounsfield.reshape(shape), stack.window_hu))
        .transform(large, Image.Transform.AFFINE, placement.affine(), Image.Resampling.BILINEAR)
        .convert("RGB")
    )
    pen = ImageDraw.Draw(panel)
    for outline in outlines(lesions.reshape(shape) >= _MOST_OF_A_BLOCK, FINE):
        draw_outline(pen, placement.to_panel(outline), THEN_STYLE)
    panel = panel.resize(PAIR_PX, Image.Resampling.LANCZOS)
    orient(panel, placement.pixels_per_mm / OVERSAMPLING)
    return panel


def _describe(panel: Image.Image, shown: ShownReading, earlier: EarlierImages) -> None:
    """Which study it is, and how coarse."""
    pen, language = ImageDraw.Draw(panel), shown.language
    comparison = shown.reading.comparison
    at = None if comparison is None else comparison.earlier.acquired_at
    named = ("Earlier CT",) if at is None else ("Earlier CT", f"{at:%Y-%m-%d}")
    name = ", ".join(worded(text, language) for text in named)
    write(pen, (8, 8), name, 15, "lt", language)
    blocks = worded(f"blocks of {earlier.block_mm:.0f} mm", language)
    write(pen, (8, panel.height - 8), blocks, 14, "lb", language)
