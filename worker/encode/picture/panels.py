"""Slices drawn for the key picture: window, outlines, orientation, scale."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from radiology.image.heat_map import HeatMap
from radiology.language import Language
from radiology.region import Region, box_around
from worker.encode.outline import OutlineLimits, Points, outlines
from worker.encode.picture.axial_stack import AxialStack, lookups
from worker.encode.picture.body import Box, body_box
from worker.encode.picture.heat_colours import blended
from worker.encode.picture.lettering import font
from worker.encode.picture.lines import LineStyle, line_styles
from worker.encode.picture.wording import worded

_MARGIN_MM = 14.0  # of what lies around
_AROUND_FINDINGS_MM = 80.0  # as much of what lies around them as half a head
_SCALE_BAR_MM = 50.0
OVERSAMPLING = 2  # lines are drawn at twice the size and reduced, which smooths them

FINE = OutlineLimits(tolerance_px=0.6, most_points=10_000, most_outlines=60, least_area_px=3)


@dataclass(frozen=True)
class Frame:
    """What part of the slices is shown: the same for all panels.

    `middle` is row and column, counted from the outer edge of the first pixel.
    """

    middle: tuple[float, float]
    width_mm: float
    height_mm: float

    @classmethod
    def of(cls, stack: AxialStack, outlined: tuple[Region, ...] = ()) -> Frame:
        """The box around anatomy and what is outlined on all slices, and a margin.

        Without anatomy it is what lies around the findings that are outlined, or the whole body.
        """
        anatomy, found = _extent(stack.anatomy), _extent(outlined)
        if anatomy is None:
            rows, columns = _around(stack, found)
        else:
            rows, columns = _united(anatomy, found or anatomy)
        row_mm, column_mm = stack.row_and_column_mm
        return cls(
            middle=((rows.start + rows.stop) / 2, (columns.start + columns.stop) / 2),
            width_mm=(columns.stop - columns.start) * column_mm + 2 * _MARGIN_MM,
            height_mm=(rows.stop - rows.start) * row_mm + 2 * _MARGIN_MM,
        )


def _extent(regions: Sequence[Region]) -> Box | None:
    """Rows and columns between which regions lie on all slices; None where there are no voxels."""
    found: Box | None = None
    for labels, values in lookups(regions):
        box = box_around(labels)
        if box is None:
            continue
        if not values[1 : int(labels[box].max()) + 1].all():  # some of what lies there alone
            box = box_around(values[labels])
        if box is not None:
            found = box[1:] if found is None else _united(found, box[1:])
    return found


def _united(box: Box, other: Box) -> Box:
    rows, columns = (
        slice(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(box, other, strict=True)
    )
    return rows, columns


def _around(stack: AxialStack, findings: Box | None) -> Box:
    """What lies around findings, within the body; the whole body where there are none."""
    body = body_box(stack.volume)
    if findings is None:
        return body
    rows, columns = (
        slice(
            min(max(of_body.start, found.start - room), found.start),
            max(min(of_body.stop, found.stop + room), found.stop),
        )
        for of_body, found, room in zip(
            body,
            findings,
            (round(_AROUND_FINDINGS_MM / mm) for mm in stack.row_and_column_mm),
            strict=True,
        )
    )
    return rows, columns


@dataclass(frozen=True)
class Placement:
    """Takes slice coordinates to panel coordinates, with square millimetres."""

    pixels_per_mm: float
    origin_mm: tuple[float, float]  # column and row of the panel's upper left corner
    pixel_mm: tuple[float, float]  # column and row spacing

    @classmethod
    def fitted(cls, stack: AxialStack, frame: Frame, size: tuple[int, int]) -> Placement:
        """Show all of the frame in a panel of `size`, width and height."""
        row_mm, column_mm = stack.row_and_column_mm
        scale = min(size[0] / frame.width_mm, size[1] / frame.height_mm)
        left = frame.middle[1] * column_mm - size[0] / scale / 2
        top = frame.middle[0] * row_mm - size[1] / scale / 2
        return cls(scale, (left, top), (column_mm, row_mm))

    def to_panel(self, points: Points) -> Points:
        """Column and row from the outer edge of the first pixel, to x and y of the panel."""
        placed: Points = (points * self.pixel_mm - self.origin_mm) * self.pixels_per_mm
        return placed

    def coarser(self, steps: tuple[int, int]) -> Placement:
        """The same for pixels that are each so many rows high and columns wide."""
        column_mm, row_mm = self.pixel_mm
        return replace(self, pixel_mm=(column_mm * steps[1], row_mm * steps[0]))

    def affine(self) -> tuple[float, float, float, float, float, float]:
        """Panel coordinates to slice coordinates, in the form that Pillow takes."""
        (column_mm, row_mm), (left, top) = self.pixel_mm, self.origin_mm
        step = 1 / self.pixels_per_mm
        return (step / column_mm, 0.0, left / column_mm, 0.0, step / row_mm, top / row_mm)


def draw_panel(
    stack: AxialStack,
    index: int,
    frame: Frame,
    size: tuple[int, int],
    outlined: tuple[Region, ...],
    *,
    heat: bool = False,
    lettered: bool = True,
) -> Image.Image:
    """One axial slice with the outlines of some regions of the stack, RGB.

    Parameters
    ----------
    outlined : of `stack.anatomy` and `stack.findings`
    size : width and height of the panel, in pixels
    heat : where there is a heat map of the slice, lay it under the outlines
    lettered : add orientation, the slice's name and a scale
    """
    large = (size[0] * OVERSAMPLING, size[1] * OVERSAMPLING)
    placement = Placement.fitted(stack, frame, large)
    grey = Image.fromarray(windowed(stack.volume.hounsfield[index], stack.window_hu))
    panel = grey.transform(
        large, Image.Transform.AFFINE, placement.affine(), Image.Resampling.BICUBIC
    ).convert("RGB")
    if heat and index in stack.heat_maps:
        panel = with_heat(panel, stack.heat_maps[index], stack.volume.shape[1:], placement)
    pen, styles = ImageDraw.Draw(panel), line_styles((*stack.anatomy, *stack.findings))
    for region in outlined:
        for outline in outlines(region.mask(index), FINE):
            draw_outline(pen, placement.to_panel(outline), styles[region.name])
    panel = panel.resize(size, Image.Resampling.LANCZOS)
    if lettered:
        _annotate(panel, stack, index, placement.pixels_per_mm / OVERSAMPLING)
    return panel


def with_heat(
    panel: Image.Image, heat: HeatMap, shape: tuple[int, int], placement: Placement
) -> Image.Image:
    """Lay a heat map over a panel: the warmer, the less of the slice shines through."""
    levels = Image.fromarray(heat.on_slice(shape)).transform(
        panel.size, Image.Transform.AFFINE, placement.affine(), Image.Resampling.BILINEAR
    )
    return blended(panel, np.asarray(levels))


def windowed(hounsfield: NDArray[np.float32], window_hu: tuple[float, float]) -> NDArray[np.uint8]:
    """Eight-bit grey values (PS3.3 C.11.2.1.2, linear) of a window's centre and width."""
    centre, width = window_hu
    grey = (hounsfield - (centre - width / 2)) * (255.0 / width)
    windowed: NDArray[np.uint8] = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
    return windowed


def draw_outline(pen: ImageDraw.ImageDraw, points: Points, style: LineStyle) -> None:
    """Draw an outline of panel coordinates, on a panel that is `OVERSAMPLING` times too large."""
    width = style.width_px * OVERSAMPLING
    if style.dash_px == 0:
        pen.line([tuple(point) for point in points], style.colour, width, joint="curve")
        return
    for dash in dashes(points, style.dash_px * OVERSAMPLING, style.gap_px * OVERSAMPLING):
        pen.line([tuple(point) for point in dash], style.colour, width)


def dashes(points: Points, dash: float, gap: float) -> Iterator[Points]:
    """Cut a line into dashes, each with the corners that lie on it."""
    steps = np.hypot(*np.diff(points, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    for start in np.arange(0.0, along[-1], dash + gap):
        end = min(start + dash, along[-1])
        corners = along[(along > start) & (along < end)]
        places = np.concatenate([[start], corners, [end]])
        yield np.stack([np.interp(places, along, axis) for axis in points.T], axis=1)


_LETTERS = {
    "R": (0.0, 0.5, "lm"),
    "L": (1.0, 0.5, "rm"),
    "A": (0.5, 0.0, "mt"),
    "P": (0.5, 1.0, "mb"),
}


def _annotate(panel: Image.Image, stack: AxialStack, index: int, pixels_per_mm: float) -> None:
    """Orientation letters, the name of the slice, and a scale."""
    orient(panel, pixels_per_mm)
    pen, height = ImageDraw.Draw(panel), panel.height
    name = ", ".join(
        worded(part, stack.language)
        for part in (stack.names[index], f"z {stack.height_mm(index):.0f} mm")
        if part
    )
    write(pen, (8, height - 8), name, 14, "lb", stack.language)
    if index == stack.key:
        write(pen, (8, 8), worded("Key slice", stack.language), 15, "lt", stack.language)


def orient(panel: Image.Image, pixels_per_mm: float) -> None:
    """Orientation letters and a scale, on an axial slice."""
    pen, (width, height) = ImageDraw.Draw(panel), panel.size
    for letter, (across, down, anchor) in _LETTERS.items():
        place = (8 + across * (width - 16), 8 + down * (height - 16))
        write(pen, place, letter, 18, anchor)
    bar = _SCALE_BAR_MM * pixels_per_mm
    right, bottom = width - 10, height - 10
    pen.line([(right - bar, bottom), (right, bottom)], (255, 255, 255), 2)
    write(pen, (right - bar / 2, bottom - 4), f"{_SCALE_BAR_MM:.0f} mm", 12, "mb")


def write(
    pen: ImageDraw.ImageDraw,
    place: tuple[float, float],
    text: str,
    size: int,
    anchor: str,
    language: Language = Language.ENGLISH,
) -> None:
    """Write into a panel: white, with a dark edge."""
    pen.text(
        place,
        text,
        fill=(255, 255, 255),
        font=font(size, language),
        anchor=anchor,
        stroke_width=1,
        stroke_fill=(0, 0, 0),
    )
