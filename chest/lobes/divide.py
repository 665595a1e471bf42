"""Paint territories: every lung voxel belongs to the lobe, or the zone, that it lies in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chest.lobes.reduced_lung import ReducedLung
from chest.lobes.surface import Surface
from chest.values.regions import LungLabel
from radiology.region import LabelMap

_STRAY_SHARE = 0.002  # of a lung's voxels: a few of them must not stretch its height


def paint_lobes(
    labels: LabelMap,
    lungs: LabelMap,
    side: LungLabel,
    lung: ReducedLung,
    surfaces: Sequence[Surface],
    values: Sequence[int],
) -> None:
    """Divide a lung by fissures, in place.

    Parameters
    ----------
    labels, lungs : on the volume's grid
    lung : that the surfaces were found in
    surfaces : each counts only above the previous surface
    values : one more than surfaces: below the first, between them, and above the last
    """
    rows, columns = _extent(lungs, side)
    over = tuple(np.arange(part.start, part.stop, dtype=np.float64) for part in (rows, columns))
    heights = [surface.slice_heights(lung, *over) for surface in surfaces]
    for index in range(lungs.shape[0]):
        here = lungs[index, rows, columns] == side
        if not here.any():
            continue
        value = np.full(here.shape, values[0], dtype=np.uint8)
        above = np.ones(here.shape, dtype=bool)
        for height, upper in zip(heights, values[1:], strict=True):
            above &= index > height
            value[above] = upper
        np.copyto(labels[index, rows, columns], value, where=here)


def paint_zones(
    labels: LabelMap, lungs: LabelMap, side: LungLabel, values: tuple[int, int, int]
) -> None:
    """Divide a lung into thirds of its height, in place.

    Parameters
    ----------
    labels, lungs : on the volume's grid, canonical
    values : of the lower, the middle and the upper zone
    """
    area = np.array([np.count_nonzero(one == side) for one in lungs], dtype=np.int64)
    total = int(area.sum())
    if total == 0:
        return
    part = np.cumsum(area) / total
    lowest = int(np.searchsorted(part, _STRAY_SHARE))
    highest = int(np.searchsorted(part, 1.0 - _STRAY_SHARE)) + 1
    third = (highest - lowest) / 3.0
    for index in np.flatnonzero(area):
        zone = int(np.clip((index + 0.5 - lowest) // third, 0, 2))
        labels[index][lungs[index] == side] = values[zone]


def _extent(lungs: LabelMap, side: LungLabel) -> tuple[slice, slice]:
    """Rows and columns that a lung reaches."""
    footprint = (np.bitwise_or.reduce(lungs, axis=0) & int(side)) > 0
    rows, columns = (np.flatnonzero(footprint.any(axis=axis)) for axis in (1, 0))
    if rows.size == 0:
        return slice(0, 0), slice(0, 0)
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
