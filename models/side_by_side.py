"""Does the same for many slices, on several cores at once."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

_MOST_CORES: Final = 4  # beyond, memory is what they wait for


def side_by_side(step: Callable[[int], None], count: int) -> None:
    """Do a step for each index from 0.

    It pays where steps spend their time in numpy and Pillow, which let go of the interpreter's
    lock. They come in no order, and what one writes no other may touch.

    Raises
    ------
    Exception
        What the first step raises that fails.
    """
    cores = min(len(os.sched_getaffinity(0)), _MOST_CORES)
    if cores == 1:
        for index in range(count):
            step(index)
        return
    with ThreadPoolExecutor(cores) as threads:
        for _ in threads.map(step, range(count)):
            pass
