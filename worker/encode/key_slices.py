"""Which slices of a reading are worth showing, and what lies on them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radiology.chest.figures import LungFigures, Side
from radiology.chest.regions import LungLabel
from radiology.region import Mask
from worker.encode.shown_reading import ShownReading


def key_slice(shown: ShownReading) -> int:
    """The slice to show first: that of the reading if it holds lung, or else the fullest one."""
    areas = shown.areas[:, 1:, 1:] if shown.has_findings else shown.areas[:, 1:, :]
    per_slice = areas.sum(axis=(1, 2))
    if not per_slice.any():
        per_slice = shown.areas[:, 1:, :].sum(axis=(1, 2))
    return fullest(per_slice, shown.reading.key_slice)


def figures_by_side(shown: ShownReading) -> list[LungFigures]:
    """The figures that the reading has: of both lungs, of the right one, of the left one."""
    figures = shown.reading.figures
    return [figures[side] for side in (Side.TOTAL, Side.RIGHT, Side.LEFT) if side in figures]


def _lung_labels(side: Side) -> list[int]:
    return {
        Side.RIGHT: [int(LungLabel.RIGHT)],
        Side.LEFT: [int(LungLabel.LEFT)],
        Side.TOTAL: [int(LungLabel.RIGHT), int(LungLabel.LEFT)],
    }[side]


def lung_mask(shown: ShownReading, side: Side, index: int) -> Mask:
    """The pixels of a lung, or of both, on a slice."""
    return np.isin(shown.regions.lungs[index], _lung_labels(side))


def lung_areas(shown: ShownReading, side: Side) -> NDArray[np.int64]:
    """Number of lung pixels on each slice."""
    areas: NDArray[np.int64] = shown.areas[:, _lung_labels(side), :].sum(axis=(1, 2))
    return areas


def lesion_areas(shown: ShownReading, side: Side) -> NDArray[np.int64]:
    """Number of lesion pixels on each slice."""
    areas: NDArray[np.int64] = shown.areas[:, _lung_labels(side), 1:].sum(axis=(1, 2))
    return areas


def fullest(areas: NDArray[np.int64], preferred: int | None) -> int:
    """The preferred slice if it holds anything, or else the one that holds most."""
    if preferred is not None and 0 <= preferred < len(areas) and areas[preferred]:
        return preferred
    return int(np.argmax(areas))


def fullest_beside(areas: NDArray[np.int64], avoided: int) -> int:
    """The slice that holds most, the avoided one only where nothing else holds anything."""
    beside = areas.copy()
    beside[avoided] = 0
    return int(np.argmax(beside if beside.any() else areas))


def spread(areas: NDArray[np.int64], first: int, count: int) -> list[int]:
    """`first`, and others that divide what is there into equal parts from end to end."""
    filled = np.cumsum(areas) / areas.sum()
    steps = (np.arange(count - 1) + 0.5) / (count - 1)
    others = [int(np.searchsorted(filled, step)) for step in steps]
    return list(dict.fromkeys([first, *others]))
