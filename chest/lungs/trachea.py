"""Finds the trachea: gas as wide as a finger between the two lungs, in slice above slice.

Whatever looks like lungs and has no trachea between them is no chest, or not the whole of one.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from chest.values.regions import LungLabel
from models.connected import Labels, Masks, parts_by_slice
from radiology.region import pixels_by_slice

Box = tuple[slice, slice]  # rows and columns

_GAS_BELOW_HU = -900.0  # inflated lung has −860; a narrow trachea holds some of its wall
_AREA_MM2 = (25.0, 900.0)  # a child's, and a wide one of emphysema
_FROM_MIDDLE_MM = 35.0  # a goitre or a scarred lobe moves it
_COMPACT = 0.5  # of its bounding box; a disc has 0.79
_WALL_ABOVE_HU = -600.0  # mean around it; a bulla lies in lung
_MOVES_MM = 12.0  # from one slice to the next, for slices of 5 mm


def trachea_mm(
    hounsfield: NDArray[np.float32], lungs: NDArray[np.uint8], spacing_mm: tuple[float, float]
) -> float:
    """Length of the longest piece of trachea that lies between the lungs.

    Parameters
    ----------
    hounsfield : shape (slices, rows, columns), HU; slices to the head
    lungs : same shape, values of `LungLabel`
    spacing_mm : of slices, and of pixels
    """
    slice_mm, pixel_mm = spacing_mm
    areas = pixels_by_slice(lungs)
    if not areas.any():
        return 0.0
    fullest, last = int(areas.argmax()), int(np.flatnonzero(areas)[-1])
    part = slice(fullest, last + 1)
    places = _places(hounsfield[part], _middle_column(lungs), pixel_mm)
    may_move = _MOVES_MM * max(slice_mm / 5.0, 1.0) / pixel_mm
    longest, run, before = 0, 0, np.empty((0, 2))
    for here in places:
        apart = np.linalg.norm(here[:, None] - before[None], axis=2)
        follows = apart.size > 0 and float(apart.min()) <= may_move
        run = (run + 1 if follows else 1) if len(here) else 0
        longest, before = max(longest, run), here
    return longest * slice_mm


def _middle_column(lungs: NDArray[np.uint8]) -> float:
    columns = np.arange(lungs.shape[2])
    centres = []
    for side in (LungLabel.RIGHT, LungLabel.LEFT):
        weight = np.count_nonzero(lungs == side, axis=(0, 1))
        if not weight.any():
            return (columns.size - 1) / 2.0
        centres.append(float((columns * weight).sum() / weight.sum()))
    return sum(centres) / 2.0


def _places(
    hounsfield: NDArray[np.float32], middle: float, pixel_mm: float
) -> list[NDArray[np.float64]]:
    """By slice: row and column of each thing that may be the trachea, shape (n, 2)."""
    labels, areas = parts_by_slice(hounsfield < _GAS_BELOW_HU)
    areas_mm2 = areas * pixel_mm**2
    found: list[list[tuple[float, float]]] = [[] for _ in hounsfield]
    for value, index, box in _boxes(
        labels, (areas_mm2 >= _AREA_MM2[0]) & (areas_mm2 <= _AREA_MM2[1])
    ):
        rows, columns = box
        column = (columns.start + columns.stop - 1) / 2.0
        cells = (rows.stop - rows.start) * (columns.stop - columns.start)
        if (
            abs(column - middle) * pixel_mm <= _FROM_MIDDLE_MM
            and areas[value] >= _COMPACT * cells
            and _wall_hu(hounsfield[index], labels[index] == value, box) > _WALL_ABOVE_HU
        ):
            found[index].append(((rows.start + rows.stop - 1) / 2.0, column))
    return [np.array(one, dtype=np.float64).reshape(-1, 2) for one in found]


def _boxes(labels: Labels, wanted: NDArray[np.bool_]) -> Iterator[tuple[int, int, Box]]:
    """Of the wanted labels, each of one slice: the label, its slice, its rows and columns."""
    wanted[0] = False
    at = np.nonzero(wanted[labels])
    found = labels[at].astype(np.int64)
    order = np.argsort(found, kind="stable")
    names = found[order]
    slices, rows, columns = (one[order] for one in at)
    starts = np.flatnonzero(np.diff(names, prepend=0))
    if not starts.size:
        return
    ends = [
        (np.minimum.reduceat(one, starts), np.maximum.reduceat(one, starts) + 1)
        for one in (rows, columns)
    ]
    for place, start in enumerate(starts.tolist()):
        down, across = (slice(int(low[place]), int(high[place])) for low, high in ends)
        yield int(names[start]), int(slices[start]), (down, across)


def _wall_hu(image: NDArray[np.float32], thing: Masks, box: Box) -> float:
    """Mean of what lies two to three pixels around a thing of a slice."""
    rows, columns = (slice(max(one.start - 4, 0), one.stop + 4) for one in box)
    inside = thing[rows, columns]
    near = ndimage.binary_dilation(inside, iterations=1)
    ring = ndimage.binary_dilation(near, iterations=2) & ~near
    return float(image[rows, columns][ring].mean()) if ring.any() else -1000.0
