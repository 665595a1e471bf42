"""Masks to outlines: closed polygons around the regions of one slice, and a point inside one.

Coordinates are those of SCOORD (PS3.3 C.18.6.1.2): column and row, 0 at the outer edge of the
first pixel, so that the centre of pixel (row r, column c) is (c + 0.5, r + 0.5).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from radiology.region import Mask

Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class OutlineLimits:
    """How much detail outlines keep.

    Attributes
    ----------
    tolerance_px : how far a simplified outline may lie from the edge of the mask
    most_points : an outline with more is simplified further
    most_outlines : only so many of the largest regions of a slice
    least_area_px : smaller regions are left out, unless nothing else is there
    """

    tolerance_px: float = 0.75
    most_points: int = 96
    most_outlines: int = 3
    least_area_px: int = 12


def outlines(mask: Mask, limits: OutlineLimits) -> list[Points]:
    """The outer outlines of the regions of a mask, largest first; holes are not outlined.

    Parameters
    ----------
    mask : shape (rows, columns)

    Returns
    -------
    float64, shape (n, 2), column and row; the last point repeats the first.
    """
    labels, count = ndimage.label(mask)
    if count == 0:
        return []
    areas = np.bincount(labels.ravel())[1:]
    largest = np.argsort(-areas, kind="stable")[: limits.most_outlines]
    kept = [index for index in largest if areas[index] >= limits.least_area_px] or largest[:1]
    boxes = ndimage.find_objects(labels)
    found = []
    for index in kept:
        rows, columns = boxes[index]
        edge = _edge(ndimage.binary_fill_holes(labels[rows, columns] == index + 1))
        corner = np.array([columns.start, rows.start])
        found.append(_simplified(edge + corner, limits))
    return found


def interior_point(mask: Mask, away_from: Mask | None = None) -> tuple[float, float]:
    """Column and row of the centre of the pixel that lies deepest inside a mask.

    Parameters
    ----------
    away_from : of the pixels at least half as deep as the deepest one, take the one that is
        farthest from these
    """
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    best = depth
    if away_from is not None and away_from.any():
        apart = ndimage.distance_transform_edt(~away_from)
        best = np.where(mask & (depth >= depth.max() / 2), apart, -1.0)
    row, column = np.unravel_index(int(np.argmax(best)), mask.shape)
    return float(column) + 0.5, float(row) + 0.5


def _edge(filled: Mask) -> Points:
    """The outline of one region through the middles of its pixel edges, clockwise as shown.

    Through the middles and not the corners, an oblique edge is a line and not a staircase; the
    centres of the pixels inside stay inside, and no others. The region
    is connected by pixel sides and has no holes (as `binary_fill_holes` knows them, that is,
    background connected by sides), so no corner is passed twice and each has one way on.
    """
    padded = np.pad(filled, 1)
    inside = padded[1:-1, 1:-1]
    onward: dict[tuple[int, int], tuple[int, int]] = {}
    for (up, left), start, end in (
        ((-1, 0), (0, 0), (0, 1)),  # nothing above: along the top edge, to the right
        ((0, 1), (0, 1), (1, 1)),  # nothing right of it: down
        ((1, 0), (1, 1), (1, 0)),  # nothing below: to the left
        ((0, -1), (1, 0), (0, 0)),  # nothing left of it: up
    ):
        beyond = padded[1 + up : padded.shape[0] - 1 + up, 1 + left : padded.shape[1] - 1 + left]
        rows, columns = np.nonzero(inside & ~beyond)
        starts = zip((rows + start[0]).tolist(), (columns + start[1]).tolist(), strict=True)
        ends = zip((rows + end[0]).tolist(), (columns + end[1]).tolist(), strict=True)
        onward.update(zip(starts, ends, strict=True))
    corner = first = min(onward)
    walked = [first]
    while (corner := onward[corner]) != first:
        walked.append(corner)
    corners = np.array(walked, np.float64)[:, ::-1]
    middles = (corners + np.roll(corners, -1, axis=0)) / 2
    closed: Points = np.concatenate([middles, middles[:1]])
    return closed


def _simplified(closed: Points, limits: OutlineLimits) -> Points:
    """Fewer points: no point of the edge farther than the tolerance from what is left."""
    tolerance = limits.tolerance_px
    kept = _simplified_within(closed, tolerance)
    while len(kept) > limits.most_points:
        tolerance *= 1.5
        kept = _simplified_within(closed, tolerance)
    if len(kept) < _FEWEST_POINTS:
        return _simplified_within(closed, 0.0)
    return kept


_FEWEST_POINTS = 5  # a quadrangle: fewer would be a line for the smallest regions


def _simplified_within(closed: Points, tolerance: float) -> Points:
    """Simplify by Ramer, Douglas and Peucker, in two halves since the polygon is closed."""
    halfway = int(np.argmax(((closed - closed[0]) ** 2).sum(axis=1)))
    keep = np.zeros(len(closed), bool)
    keep[[0, halfway, -1]] = True
    spans = [(0, halfway), (halfway, len(closed) - 1)]
    while spans:
        start, end = spans.pop()
        if end - start < 2:
            continue
        away = _distances(closed[start + 1 : end], closed[start], closed[end])
        farthest = int(np.argmax(away))
        if away[farthest] > tolerance:
            middle = start + 1 + farthest
            keep[middle] = True
            spans += [(start, middle), (middle, end)]
    kept: Points = closed[keep]
    return kept


def _distances(points: Points, start: Points, end: Points) -> Points:
    """Distances of points from the segment between two others."""
    along = end - start
    length = float(along @ along)
    shares = np.clip((points - start) @ along / max(length, 1e-12), 0, 1)
    away = points - (start + shares[:, np.newaxis] * along)
    return np.hypot(away[:, 0], away[:, 1])
