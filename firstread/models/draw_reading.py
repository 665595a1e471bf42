"""Draw a reading of any bundle: its key slices with the outlines of all regions, and a legend."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from radiology.answer.reading import Reading
from radiology.image.volume import Volume
from radiology.region import Mask, Region
from worker.encode.outline import OutlineLimits, outlines
from worker.encode.picture.heat_colours import blended
from worker.encode.picture.lettering import font

_PANEL_PX = 360
_COLUMNS = 3
_MOST = 6
_LINE_PX = 18
_TWICE = 2  # lines are drawn at twice the size and reduced, which smooths them
_LIMITS = OutlineLimits(tolerance_px=0.6, most_points=10_000, most_outlines=60, least_area_px=1)
_SHOWN_PERCENT = (1.0, 99.0)  # of the HU of the slices: grey from the darkest to the brightest


def draw_reading(reading: Reading, volume: Volume) -> Image.Image:
    """The picture, RGB.

    Parameters
    ----------
    volume : that was read; slices are drawn in its own rows and columns
    """
    slices = sorted(reading.key_slices[:_MOST]) or _spread(volume.shape[0])
    low, high = np.percentile(volume.hounsfield[slices], _SHOWN_PERCENT)
    panels = [_panel(reading, volume, index, (float(low), float(high))) for index in slices]
    legend = [region for region in reading.regions if region.labels is not None]
    rows = -(-len(panels) // _COLUMNS)
    height = rows * _PANEL_PX + (len(legend) + 2) * _LINE_PX
    page = Image.new("RGB", (min(len(panels), _COLUMNS) * _PANEL_PX, height))
    for place, panel in enumerate(panels):
        row, column = divmod(place, _COLUMNS)
        page.paste(panel, (column * _PANEL_PX, row * _PANEL_PX))
    _write_legend(page, reading, legend, rows * _PANEL_PX)
    return page


def _spread(count: int) -> list[int]:
    """A few slices evenly through the volume, where none is a key slice."""
    return sorted({round(at) for at in np.linspace(0, count - 1, _MOST + 2)[1:-1]})


def _panel(
    reading: Reading, volume: Volume, index: int, window_hu: tuple[float, float]
) -> Image.Image:
    _, row_mm, column_mm = volume.spacing_mm
    grey = Image.fromarray(_grey(volume.hounsfield[index], window_hu))
    tall, wide = grey.height * row_mm, grey.width * column_mm
    scale = _TWICE * _PANEL_PX / max(tall, wide)
    size = (max(1, round(wide * scale)), max(1, round(tall * scale)))
    shown = grey.resize(size, Image.Resampling.BICUBIC).convert("RGB")
    if index in reading.heat_maps:
        levels = Image.fromarray(reading.heat_maps[index].on_slice((grey.height, grey.width)))
        shown = blended(shown, np.asarray(levels.resize(size, Image.Resampling.BILINEAR)))
    pen = ImageDraw.Draw(shown)
    for region in reading.regions:
        if region.labels is not None:
            _outline(pen, region.mask(index), region, (size[0] / grey.width, size[1] / grey.height))
    panel = Image.new("RGB", (_PANEL_PX, _PANEL_PX))
    small = shown.resize(
        (max(1, size[0] // _TWICE), max(1, size[1] // _TWICE)), Image.Resampling.LANCZOS
    )
    panel.paste(small, ((_PANEL_PX - small.width) // 2, (_PANEL_PX - small.height) // 2))
    words = f"slice {index + 1} of {volume.shape[0]}"
    ImageDraw.Draw(panel).text((6, _PANEL_PX - 6), words, font=font(13), anchor="lb")
    return panel


def _grey(hounsfield: NDArray[np.float32], window_hu: tuple[float, float]) -> NDArray[np.uint8]:
    low, high = window_hu
    share = (hounsfield - low) / max(high - low, 1.0)
    grey: NDArray[np.uint8] = np.clip(np.rint(share * 255.0), 0, 255).astype(np.uint8)
    return grey


def _outline(
    pen: ImageDraw.ImageDraw, mask: Mask, region: Region, scale: tuple[float, float]
) -> None:
    for points in outlines(mask, _LIMITS):
        pen.line([tuple(point) for point in points * scale], region.colour, 2 * _TWICE)


def _write_legend(page: Image.Image, reading: Reading, legend: list[Region], top: int) -> None:
    pen = ImageDraw.Draw(page)
    pen.text((8, top + 4), f"{reading.algorithm.label}: {reading.outcome}", font=font(14))
    for place, region in enumerate(legend, start=1):
        middle = top + place * _LINE_PX + _LINE_PX // 2 + 6
        pen.line([(8, middle), (32, middle)], region.colour, 3)
        pen.text((40, middle), region.name, font=font(13), anchor="lm")
