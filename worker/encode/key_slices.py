"""Chooses the slices of a reading to show, by how much lies on each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


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
