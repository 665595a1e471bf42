"""A stack of frames: which frame is which slice, and where in the patient.

PS3.3 C.7.6.2.1.1 (Image Position and Image Orientation). Frames are ordered by their position
along the normal of the image plane and by nothing else: Instance Number and the order of
arrival say nothing about place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radiology.errors import GeometryMissing, SliceMissing, SpacingUneven
from radiology.image.series import FrameHeader, InstanceHeader, SeriesHeader
from radiology.image.volume import Affine

Points = NDArray[np.float64]

SAME_POSITION_MM = 0.01
"""Frames nearer to each other than this are one slice stored twice."""

ROUNDING_MM = 0.1
"""Scanners write positions with as few as one decimal, so a step is known to 0.1 mm."""

UNEVEN_SHARE = 0.05
"""How far, as a share of the spacing, a slice may lie from its place in an even stack."""

DIRECTION_TOLERANCE = 0.002
"""Difference of direction cosines that is still the same plane: 0.7 mm across 350 mm."""

SPACING_TOLERANCE = 0.001
"""Difference of Pixel Spacing in mm that is still the same grid: 0.5 mm across 512 columns."""

GAPS_SHARE = 0.2
"""If more of the steps than this are too long, slices are not missing: the spacing differs."""


@dataclass(frozen=True, slots=True)
class PlacedFrame:
    """A frame and the instance that holds it."""

    instance: InstanceHeader
    frame: FrameHeader


@dataclass(frozen=True, slots=True)
class StackedSlice:
    """The frame that gives a slice, and others at the very same position."""

    source: PlacedFrame
    twins: tuple[PlacedFrame, ...] = ()


@dataclass(frozen=True)
class FrameStack:
    """Slices in the order of their position, on an even grid.

    Attributes
    ----------
    slices : in the order of position along the normal
    affine : float64, shape (4, 4), mm, LPS
        Takes (slice, row, column, 1) to the voxel's centre. Its first column is the step from
        the first position to the last, so a stack sheared by gantry tilt is placed exactly.
    rows, columns : of each slice
    slice_spacing_mm : mean distance of neighbours along the normal
    longest_step_mm, shortest_step_mm : of all distances of neighbours along the normal
    tilt_degrees : angle between the step from slice to slice and the normal, 0 to 90
    """

    slices: tuple[StackedSlice, ...]
    affine: Affine
    rows: int
    columns: int
    slice_spacing_mm: float
    longest_step_mm: float
    shortest_step_mm: float
    tilt_degrees: float

    @property
    def shape(self) -> tuple[int, int, int]:
        """Slices, rows, columns."""
        return len(self.slices), self.rows, self.columns

    @property
    def duplicate_count(self) -> int:
        """How many frames lie where another one does."""
        return sum(len(stacked.twins) for stacked in self.slices)


@dataclass(frozen=True)
class _Plane:
    """What all frames of a stack have in common."""

    row_direction: Points  # the direction in which the column index grows
    column_direction: Points  # the direction in which the row index grows
    row_spacing_mm: float
    column_spacing_mm: float
    rows: int
    columns: int

    @property
    def normal(self) -> Points:
        return np.cross(self.row_direction, self.column_direction)


def stack_frames(series: SeriesHeader) -> FrameStack:
    """Order the frames of a series by position and check that they form an even grid.

    Raises
    ------
    GeometryMissing
        A frame has no position, orientation or spacing; they differ within the series; or there
        are fewer than two slices.
    SliceMissing
        The stack has gaps of whole slices.
    SpacingUneven
        The distances of the slices differ in another way.
    """
    placed = [PlacedFrame(instance, frame) for instance, frame in series.frames]
    plane = _common_plane(placed)
    positions = np.array([_position(one) for one in placed])
    order = np.lexsort((np.arange(len(placed)), positions @ plane.normal))
    slices = _merge_twins([placed[i] for i in order], positions[order], plane.normal)
    if len(slices) < 2:
        raise GeometryMissing("A volume needs two slices or more", slices=len(slices))
    places = np.array([_position(stacked.source) for stacked in slices])
    steps = np.diff(places @ plane.normal)
    _refuse_uneven_steps(steps, first_mm=float(places[0] @ plane.normal))
    _refuse_bent_stack(places)
    return _even_stack(slices, places, steps, plane)


def _even_stack(
    slices: list[StackedSlice], places: Points, steps: Points, plane: _Plane
) -> FrameStack:
    step = (places[-1] - places[0]) / (len(slices) - 1)
    affine = np.eye(4)
    affine[:3, 0] = step
    affine[:3, 1] = plane.column_direction * plane.row_spacing_mm
    affine[:3, 2] = plane.row_direction * plane.column_spacing_mm
    affine[:3, 3] = places[0]
    along = float(step @ plane.normal) / float(np.linalg.norm(step))
    return FrameStack(
        slices=tuple(slices),
        affine=affine,
        rows=plane.rows,
        columns=plane.columns,
        slice_spacing_mm=float(step @ plane.normal),
        longest_step_mm=float(steps.max()),
        shortest_step_mm=float(steps.min()),
        tilt_degrees=float(np.degrees(np.arccos(np.clip(along, -1.0, 1.0)))),
    )


def _position(placed: PlacedFrame) -> tuple[float, float, float]:
    position = placed.frame.image_position_patient
    if position is None:
        raise GeometryMissing(keyword="ImagePositionPatient")
    return position


def _common_plane(placed: list[PlacedFrame]) -> _Plane:
    """The plane and grid that every frame has; refuses a series of several."""
    if not placed:
        raise GeometryMissing("The series has no frames", slices=0)
    _refuse_frames_of_reference(placed)
    _refuse_several("Rows", {one.instance.rows for one in placed})
    _refuse_several("Columns", {one.instance.columns for one in placed})
    cosines = _same("ImageOrientationPatient", placed, DIRECTION_TOLERANCE)
    spacing = _same("PixelSpacing", placed, SPACING_TOLERANCE)
    row, column = cosines[:3], cosines[3:]
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    if max(abs(length - 1.0) for length in lengths) > 0.01 or abs(row @ column) > 0.01:
        raise GeometryMissing("The direction cosines are not at right angles")
    if spacing.min() <= 0:
        raise GeometryMissing(keyword="PixelSpacing")
    return _Plane(
        row_direction=row / lengths[0],
        column_direction=column / lengths[1],
        row_spacing_mm=float(spacing[0]),
        column_spacing_mm=float(spacing[1]),
        rows=placed[0].instance.rows,
        columns=placed[0].instance.columns,
    )


def _refuse_frames_of_reference(placed: list[PlacedFrame]) -> None:
    """Positions of two frames of reference cannot be compared (PS3.3 C.7.4.1.1.1).

    No scanner gives each slice one of its own; software that takes identities away does, and the
    positions are those of one scan as before. So that is no reason to refuse; nor is one that is
    not stated.
    """
    stated = [
        one.instance.frame_of_reference_uid for one in placed if one.instance.frame_of_reference_uid
    ]
    each_slice_has_its_own = len(set(stated)) == len(stated)
    if not each_slice_has_its_own:
        _refuse_several("FrameOfReferenceUID", set(stated))


def _refuse_several(keyword: str, values: set[str] | set[int]) -> None:
    if len(values) > 1:
        raise GeometryMissing(
            f"{keyword} differs within the series", keyword=keyword, values=len(values)
        )


def _same(keyword: str, placed: list[PlacedFrame], tolerance: float) -> Points:
    """The value that all frames share within `tolerance`."""
    name = {
        "ImageOrientationPatient": "image_orientation_patient",
        "PixelSpacing": "pixel_spacing",
    }[keyword]
    values = [getattr(one.frame, name) for one in placed]
    if None in values:
        raise GeometryMissing(keyword=keyword)
    table = np.array(values, dtype=np.float64)
    differing = int(np.count_nonzero(np.abs(table - table[0]).max(axis=1) > tolerance))
    if differing:
        raise GeometryMissing(
            f"{keyword} differs within the series", keyword=keyword, frames=differing
        )
    first: Points = table[0]
    return first


def _merge_twins(placed: list[PlacedFrame], places: Points, normal: Points) -> list[StackedSlice]:
    """Frames at the same position become one slice with twins."""
    slices: list[StackedSlice] = []
    start = 0
    heights = places @ normal
    for index in range(1, len(placed) + 1):
        if index < len(placed) and heights[index] - heights[start] < SAME_POSITION_MM:
            if np.linalg.norm(places[index] - places[start]) > ROUNDING_MM:
                raise GeometryMissing("Two frames lie beside each other in one plane")
            continue
        slices.append(StackedSlice(placed[start], tuple(placed[start + 1 : index])))
        start = index
    return slices


def _refuse_uneven_steps(steps: Points, first_mm: float) -> None:
    """Refuse gaps of whole slices, and steps that differ in another way."""
    typical = float(np.median(steps))
    tolerance = ROUNDING_MM + UNEVEN_SHARE * typical
    ratios = steps / typical
    gaps = ratios > 1.5
    others = np.abs(steps[~gaps] - typical) <= tolerance
    whole = np.abs(steps[gaps] - np.round(ratios[gaps]) * typical) <= 0.25 * typical
    if not gaps.any() and others.all():
        return
    if gaps.mean() <= GAPS_SHARE and others.all() and whole.all():
        first = int(np.flatnonzero(gaps)[0])
        before = first_mm + float(steps[:first].sum())
        raise SliceMissing(
            missing=int(np.round(ratios[gaps] - 1).sum()),
            gaps=int(gaps.sum()),
            largest_gap_mm=round(float(steps.max()), 2),
            first_gap_from_mm=round(before, 2),
            first_gap_to_mm=round(before + float(steps[first]), 2),
        )
    raise SpacingUneven(
        shortest_mm=round(float(steps.min()), 2),
        longest_mm=round(float(steps.max()), 2),
        typical_mm=round(typical, 2),
        tolerance_mm=round(tolerance, 2),
    )


def _refuse_bent_stack(places: Points) -> None:
    """Every slice must lie on the straight, even line from the first to the last."""
    count = len(places)
    step = (places[-1] - places[0]) / (count - 1)
    expected = places[0] + np.arange(count)[:, None] * step
    tolerance = ROUNDING_MM + UNEVEN_SHARE * float(np.linalg.norm(step))
    largest = float(np.linalg.norm(places - expected, axis=1).max())
    if largest > tolerance:
        raise SpacingUneven(
            "A slice lies beside the line through the others",
            off_mm=round(largest, 2),
            tolerance_mm=round(tolerance, 2),
        )
