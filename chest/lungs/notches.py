"""Closes notches in the outline of a lung: airless lung at its wall leaves one.

Towards the ribs a lung is convex, so that whatever lies within its convex hull there is a notch.
Towards heart, aorta and spine it is concave, and a hull would take them in; there only what a small
disc does not reach into is a notch.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.connected import Masks

_DISC_MM = 20.0  # radius

_Profile = NDArray[np.float64]


def close_notches(lung: Masks, wanted: Masks, pixel_mm: float) -> Masks:
    """Lungs with their notches closed, on slices where something is wanted of them.

    Parameters
    ----------
    lung, wanted : shape (slices, rows, columns); rows to the back, columns to the patient's left
    """
    closed = lung.copy()
    if not wanted.any():
        return closed
    middle = _middle(lung)
    for index in np.flatnonzero(wanted.any(axis=(1, 2))):
        one = lung[index]
        closed[index] |= _closed_by_disc(one, round(_DISC_MM / pixel_mm))
        if (wanted[index] & ~closed[index]).any():
            # Both as if the patient's left: the ribs at higher columns.
            closed[index, :, middle:] |= _towards_ribs(one[:, middle:])
            closed[index, :, :middle] |= _towards_ribs(one[:, :middle][:, ::-1])[:, ::-1]
    return closed


def _closed_by_disc(lung: Masks, pixels: int) -> Masks:
    padded = np.pad(lung, pixels)
    away = ndimage.distance_transform_edt(~padded)
    grown = ndimage.distance_transform_edt(away <= pixels)
    inner: Masks = (grown > pixels)[pixels:-pixels, pixels:-pixels]
    return inner


def _middle(lung: Masks) -> int:
    """The column that has as much lung on either side."""
    columns = np.cumsum(lung.sum(axis=0, dtype=np.int64).sum(axis=0))
    return int(np.searchsorted(columns, columns[-1] / 2.0))


def _towards_ribs(lung: Masks) -> Masks:
    """What the hull of one lung takes in beside it and behind it, from its middle outwards.

    No lung lies further out in the row, or further back in the column, of what is taken; a dome of
    the diaphragm has lung around it.
    """
    taken = np.zeros_like(lung)
    if lung.any():
        outward = np.arange(lung.shape[1]) > np.nonzero(lung)[1].mean()
        taken = (_below_hull(lung) | _below_hull(lung.T).T) & outward
    return taken


def _below_hull(lung: Masks) -> Masks:
    """In each row what lies beyond the last of a mask, and within its convex hull."""
    rows = np.flatnonzero(lung.any(axis=1))
    last = lung.shape[1] - 1 - np.argmax(lung[rows, ::-1], axis=1)
    hull = _least_concave(rows.astype(np.float64), last.astype(np.float64))
    columns = np.arange(lung.shape[1])
    within = np.zeros_like(lung)
    every = np.arange(rows[0], rows[-1] + 1)
    within[every] = columns <= np.interp(every, *hull)[:, None]
    beyond = np.zeros_like(lung)
    beyond[every] = ~np.logical_or.accumulate(lung[every, ::-1], axis=1)[:, ::-1]
    return within & beyond


def _least_concave(places: _Profile, heights: _Profile) -> tuple[_Profile, _Profile]:
    """Corners of the least concave line above a profile (Andrew 1979, Inf Process Lett 9:216)."""
    corners: list[tuple[float, float]] = []
    for x, y in zip(places.tolist(), heights.tolist(), strict=True):
        while len(corners) > 1 and _is_below(corners[-1], corners[-2], (x, y)):
            corners.pop()
        corners.append((x, y))
    across, up = np.array(corners).T
    return across, up


def _is_below(
    corner: tuple[float, float], before: tuple[float, float], after: tuple[float, float]
) -> bool:
    """Whether a corner lies on or below the line between the two beside it."""
    (x, y), (x0, y0), (x1, y1) = corner, before, after
    return (x - x0) * (y1 - y0) >= (y - y0) * (x1 - x0)
